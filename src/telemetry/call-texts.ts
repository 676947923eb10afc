/** Messages as the conventions write them into a span; only where the policy says so. */
import type { Span } from '@opentelemetry/api'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { type Message, messageText } from '../spec/request.ts'
import type { CallTexts } from '../spec/tracing.ts'
import { GEN_AI } from './conventions.ts'

export function callTexts(span: Span): CallTexts {
  return {
    sent: ({ messages }: ModelCall) =>
      void span.setAttribute(GEN_AI.inputMessages, JSON.stringify(messages.map(messageParts))),
    received: (pieces) => noted(span, pieces),
  }
}

function messageParts(message: Message) {
  const calls = (message.toolCalls ?? []).map(({ id, name, arguments: text }) => ({
    type: 'tool_call',
    id,
    name,
    arguments: text,
  }))
  const said = messageText(message)
  return { role: message.role, parts: [...(said === '' ? [] : [{ type: 'text', content: said }]), ...calls] }
}

/** What came until the end, or until somebody stopped reading. */
async function* noted(span: Span, pieces: AsyncIterable<readonly ModelEvent[]>): AsyncGenerator<readonly ModelEvent[]> {
  let text = ''
  const calls = new Map<number, { type: 'tool_call'; name: string; arguments: string }>()
  let finishReason: string | undefined
  const note = (): void => {
    const parts = [...(text === '' ? [] : [{ type: 'text', content: text }]), ...calls.values()]
    const message = { role: 'assistant', parts, ...(finishReason && { finish_reason: finishReason }) }
    span.setAttribute(GEN_AI.outputMessages, JSON.stringify([message]))
  }
  try {
    for await (const events of pieces) {
      for (const event of events) {
        if (event.type === 'text') text += event.delta
        if (event.type === 'tool_call') {
          const call = calls.get(event.index) ?? { type: 'tool_call' as const, name: '', arguments: '' }
          call.name ||= event.name ?? ''
          call.arguments += event.argumentsDelta
          calls.set(event.index, call)
        }
        if (event.type === 'finish') finishReason = event.finishReason
      }
      // Whoever has the end reads no further, and the span ends with it.
      if (finishReason !== undefined) note()
      yield events
    }
  } finally {
    if (finishReason === undefined) note()
  }
}
