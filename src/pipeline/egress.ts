/**
 * The only door to a model that is not on this machine. What goes out is masked here, what comes back is restored here,
 * and a request that may not leave is refused here even if a mistake elsewhere sent it.
 */

import { findPrivate } from '../classify/privacy/find.ts'
import { createUnmasker, createVault, maskText, type Vault } from '../classify/privacy/mask.ts'
import type { EgressRow } from '../spec/audit.ts'
import { destinationOf } from '../spec/destination.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { CallLimits, Clock, Journal, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import type { ContentPart, Message } from '../spec/request.ts'
import { maskFields } from './mask-fields.ts'
import { type Run, sha256 } from './run.ts'

export interface Egress {
  readonly port: ModelPort
  readonly run: Run
  readonly policy: Policy
  readonly purpose: EgressRow['purpose']
  readonly journal: Journal
  readonly clock: Clock
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
  const texts = { ...call, messages: call.messages.map((message) => maskMessage(message, policy, vault)) }
  const masked = maskFields(texts, kindsOf(policy), vault)
  egress.journal.append({ type: 'egress', requestId: run.requestId, row: rowOf(egress, masked, vault) })
  await egress.journal.flushed()
  yield* restore(port.generate(masked, limits), vault)
}

/** What the ledger keeps of a call that is about to leave: where to, how much, what was masked; no text. */
function rowOf({ run, policy, port, purpose, clock }: Egress, masked: ModelCall, vault: Vault): EgressRow {
  const { messages, tools = null, responseSchema = null, wire } = masked
  // The caller's own body goes out with the masked messages in the place of its own.
  const { messages: _, ...fields } = wire?.body ?? {}
  const content = JSON.stringify([messages, tools, responseSchema, fields])
  const model = policy.models[port.name]
  return {
    at: new Date(clock.epochMs()).toISOString(),
    model: port.name,
    destination: model ? destinationOf(model) : 'unknown',
    purpose,
    partition: run.features.partition,
    bytes: Buffer.byteLength(content),
    redactions: Object.fromEntries(vault.counts),
    hash: sha256(content),
  }
}

/** What travels unchanged cannot be masked, so a secret in it holds the request. */
function refuseUnmaskable(call: ModelCall, run: Run): void {
  const { messages = [], ...fields } = call.wire?.body ?? {}
  const own = call.messages.map(({ content, ...rest }) => unmaskedParts({ ...rest, content }))
  const wire = Array.isArray(messages) ? messages.map(unmaskedParts) : messages
  const unmasked = [call.tools ?? [], call.responseSchema ?? null, fields, own, wire]
  // The strings by themselves, too: JSON escapes the line breaks of a key file.
  const text = [JSON.stringify(unmasked), ...stringsIn(unmasked)].join('\n')
  if (findPrivate(text, ['secret']).length === 0) return
  throw new RouterError('held_for_human', {
    requestId: run.requestId,
    reason: 'a secret stands in a field that cannot be masked (tools, schema, a name or an unknown field)',
    fix: 'Take the secret out of the request.',
  })
}

/** A message, ours or of the wire, without the texts that are masked and without the bytes of images and sound. */
function unmaskedParts(message: unknown): unknown {
  if (!isRecord(message)) return message
  const { content, tool_calls, toolCalls, ...rest } = message
  const parts = Array.isArray(content) ? content.map(unmaskedPart) : typeof content === 'string' ? [] : [content]
  return [rest, parts, unmaskedCalls(tool_calls), unmaskedCalls(toolCalls)]
}

function unmaskedPart(part: unknown): unknown {
  if (!isRecord(part)) return part
  const { text, image_url, input_audio, url, ...rest } = part
  const isImageData = JSON.stringify([image_url, url]).includes('"data:image/')
  return [
    rest,
    part.type === 'text' ? null : text,
    isImageData ? null : [image_url, url],
    input_audio ? null : input_audio,
  ]
}

function unmaskedCalls(calls: unknown): unknown {
  if (!Array.isArray(calls)) return calls
  return calls.map((call) => {
    if (!isRecord(call)) return call
    const { arguments: _, function: called, ...rest } = call
    if (!isRecord(called)) return [rest, called]
    const { arguments: __, ...named } = called
    return [rest, named]
  })
}

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
function kindsOf(policy: Policy): readonly PrivateKind[] {
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
