/** What the study puts around frontiers: their time is counted, and the document can be taken out of what they are sent. */
import type { ModelCall, ModelPort } from '../../spec/ports.ts'
import type { ContentPart, Message } from '../../spec/request.ts'
import { asking } from './asking.ts'
import { SIMULATED_MS } from './simulated-frontier.ts'

/** @param isSimulated its time is what `SIMULATED_MS` says, not what passes */
export function timed(port: ModelPort, isSimulated: boolean): ModelPort {
  return {
    name: port.name,
    ...(port.streams && { streams: port.streams.bind(port) }),
    async *generate(call, limits) {
      const asked = asking()
      const started = performance.now()
      let outputTokens = 0
      try {
        for await (const event of port.generate(call, limits)) {
          if (event.type === 'finish') outputTokens = event.usage.outputTokens
          yield event
        }
      } finally {
        const spentMs = performance.now() - started
        if (asked) {
          asked.frontierMs += isSimulated ? SIMULATED_MS.first + SIMULATED_MS.token * outputTokens : spentMs
          asked.spentMs += spentMs
        }
      }
    },
    close: () => port.close(),
  }
}

/** The ablation that was published as a baseline: whoever advises sees everything but the document. No option of a policy does this. */
export function withoutDocument(port: ModelPort): ModelPort {
  return {
    name: port.name,
    generate: (call, limits) => port.generate(cut(call, asking()?.row.context ?? null), limits),
    close: () => port.close(),
  }
}

function cut(call: ModelCall, document: string | null): ModelCall {
  if (document === null) return call
  const { wire: _, ...rest } = call
  return { ...rest, messages: call.messages.map((message) => withoutText(message, document)) }
}

function withoutText(message: Message, document: string): Message {
  const { content } = message
  if (typeof content === 'string') return { ...message, content: content.replaceAll(document, '') }
  const parts = content.map(
    (part): ContentPart => (part.type === 'text' ? { ...part, text: part.text.replaceAll(document, '') } : part),
  )
  return { ...message, content: parts.filter((part) => part.type !== 'text' || part.text.trim() !== '') }
}
