/**
 * The only door to a model that is not on this machine. What goes out is masked here, what comes back is restored here,
 * and a request that may not leave is refused here even if a mistake elsewhere sent it.
 */
import { createUnmasker, createVault, maskText, type Vault } from '../classify/privacy/mask.ts'
import { findPrivate } from '../classify/privacy/secrets.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import type { ContentPart, Message } from '../spec/request.ts'
import type { Run } from './run.ts'

export interface Egress {
  readonly port: ModelPort
  readonly run: Run
  readonly policy: Policy
}

export async function* generateThroughEgress(
  egress: Egress,
  call: ModelCall,
  limits: CallLimits,
): AsyncGenerator<ModelEvent> {
  const { run, policy, port } = egress
  const allowed = run.decision.frontier.includes(port.name) && run.features.partition !== 'local_only'
  if (!allowed)
    throw new RouterError('privacy_local_only', {
      requestId: run.requestId,
      why: `egress to ${port.name} is not allowed`,
    })
  const vault = createVault()
  refuseUnmaskable(call, run)
  const masked = { ...call, messages: call.messages.map((message) => maskMessage(message, policy, vault)) }
  yield* restore(port.generate(masked, limits), vault)
}

/** Tools and unknown fields travel unchanged, so a secret in them cannot be masked: the request is held. */
function refuseUnmaskable(call: ModelCall, run: Run): void {
  const { messages: _, ...fields } = call.wire?.body ?? {}
  const unmasked = JSON.stringify([call.tools ?? [], call.responseSchema ?? null, fields])
  if (findPrivate(unmasked, ['secret']).length === 0) return
  throw new RouterError('held_for_human', {
    requestId: run.requestId,
    reason: 'a secret stands in a field that cannot be masked (tools, schema or an unknown field)',
    fix: 'Take the secret out of the request.',
  })
}

function maskMessage(message: Message, policy: Policy, vault: Vault): Message {
  const mask = (text: string): string => maskText(text, kindsOf(policy), vault).text
  const content =
    typeof message.content === 'string' ? mask(message.content) : message.content.map((part) => maskPart(part, mask))
  if (!message.toolCalls) return { ...message, content }
  return {
    ...message,
    content,
    toolCalls: message.toolCalls.map((call) => ({ ...call, arguments: mask(call.arguments) })),
  }
}

function maskPart(part: ContentPart, mask: (text: string) => string): ContentPart {
  return part.type === 'text' ? { ...part, text: mask(part.text) } : part
}

/** Secrets are masked for every frontier, whatever the policy lists. */
function kindsOf(policy: Policy): readonly ('secret' | 'email')[] {
  return [...new Set(['secret' as const, ...policy.privacy.redact])]
}

/** With an empty vault events pass untouched; else raw wire chunks are dropped and the restored text takes their place. */
async function* restore(events: AsyncIterable<ModelEvent>, vault: Vault): AsyncGenerator<ModelEvent> {
  if (vault.valueOf.size === 0) return yield* events
  const text = createUnmasker(vault)
  const tools = new Map<number, ReturnType<typeof createUnmasker>>()
  for await (const event of events) {
    if (event.type === 'raw') continue
    if (event.type === 'text') yield { type: 'text', delta: text.push(event.delta) }
    else if (event.type === 'tool_call') {
      const unmasker = tools.get(event.index) ?? createUnmasker(vault)
      tools.set(event.index, unmasker)
      yield { ...event, argumentsDelta: unmasker.push(event.argumentsDelta) }
    } else if (event.type === 'finish') {
      yield { type: 'text', delta: text.flush() }
      for (const [index, unmasker] of tools) yield { type: 'tool_call', index, argumentsDelta: unmasker.flush() }
      yield { ...event, raw: null }
    } else yield event
  }
}
