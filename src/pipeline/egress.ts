/**
 * The only door to a model that is not on this machine. What goes out is masked here, what comes back is restored here,
 * and a request that may not leave is refused here even if a mistake elsewhere sent it.
 */

import { isBytes } from '../classify/file-text.ts'
import type { LeavingText } from '../classify/leaving.ts'
import { maskedKinds } from '../classify/long-texts.ts'
import { anonymousMessages, isAnonymous } from '../classify/privacy/anonymise.ts'
import { createUnmasker, createVault, maskText, type Vault } from '../classify/privacy/mask.ts'
import { DetectorFailure } from '../classify/privacy/with-detectors.ts'
import { unmaskedIn } from '../classify/unmasked.ts'
import type { EgressRow } from '../spec/audit.ts'
import { destinationOf } from '../spec/destination.ts'
import { RouterError } from '../spec/errors.ts'
import { mayLeave } from '../spec/features.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import { PRIVATE_KINDS, type PrivateKind } from '../spec/private-kinds.ts'
import type { ContentPart, Message } from '../spec/request.ts'
import { residencyOf } from '../spec/residency.ts'
import type { CallTexts } from '../spec/tracing.ts'
import { notingFinder } from './find-private.ts'
import { maskFields, type ReadPrivate } from './mask-fields.ts'
import { maskMessagesBody, unmaskableIn, unmaskableText } from './mask-messages-body.ts'
import { partSteps } from './parted.ts'
import { readForPrivate } from './reading-thread.ts'
import { refusePrivate } from './refuse-private.ts'
import { createMessageRestorer, restoredMessage } from './restore-messages.ts'
import { type PipelineDeps, type Run, sha256, tell, written } from './run.ts'

export interface Egress {
  readonly port: ModelPort
  readonly run: Run
  readonly deps: PipelineDeps
  readonly purpose: EgressRow['purpose']
  /** Of the model's lane that is used; undefined where the policy names none. */
  readonly baseUrl: string | undefined
  readonly lane?: number
  /** Takes what leaves and what comes back, both masked. */
  readonly texts?: CallTexts
}

/** @returns the events of the call, in the pieces they come in; the call begins when they are read */
export async function generateThroughEgress(
  egress: Egress,
  call: ModelCall,
  limits: CallLimits,
): Promise<AsyncIterable<readonly ModelEvent[]>> {
  const { run, deps, port } = egress
  if (!run.decision.frontier.includes(port.name) || !mayLeave(run.features))
    throw refusal(run, `egress to ${port.name} is not allowed`)
  const numbering = deps.placeholders.of(`${run.features.tenant ?? ''} ${run.features.conversationHash}`)
  const vault = createVault({ numbering, find: notingFinder(deps, run.plugins) })
  const masked = await maskedCall(call, egress, vault)
  await refusePrivate(masked, egress)
  await partSteps(call)
  tell(run, { type: 'egress', requestId: run.requestId, row: rowOf(egress, masked, vault) })
  await partSteps(call)
  await written(run, deps)
  egress.texts?.sent(masked)
  const answer = generateTogether(port, masked, limits)
  const events = egress.texts?.received(answer) ?? answer
  // With an empty vault events pass untouched.
  return vault.valueOf.size === 0 ? events : restore(events, vault, call.responseSchema ? 'json' : 'text')
}

/** @throws RouterError privacy_local_only: a detector that fails says nothing of the text, so the text stays */
async function maskedCall(call: ModelCall, egress: Egress, vault: Vault): Promise<ModelCall> {
  const { run } = egress
  try {
    return await (run.features.anonymised ? anonymised : redacted)(call, egress, vault)
  } catch (error) {
    if (error instanceof RouterError) throw error
    throw refusal(run, error instanceof DetectorFailure ? error.message : 'a detector failed')
  }
}

/** Secrets and what the policy lists are masked; everything else goes out as it is. */
async function redacted(call: ModelCall, egress: Egress, vault: Vault): Promise<ModelCall> {
  const { deps } = egress
  const read: ReadPrivate = (texts, wanted) => readForPrivate(texts, wanted, deps)
  await refuseUnmaskable(call, egress, { read, find: vault.find })
  await partSteps(call)
  const kinds = maskedKinds(deps.loaded.policy.privacy)
  // What the caller sent was read before; a prompt or a packet that was built around it was not.
  await read(textsOf(call.messages), kinds)
  const texts = { ...call, messages: call.messages.map((message) => maskMessage(message, kinds, vault)) }
  await partSteps(call)
  const masked = await maskFields(texts, kinds, { vault, read })
  if (masked.wire?.dialect !== 'anthropic_messages') return masked
  return { ...masked, wire: maskMessagesBody(masked.wire, kinds, vault) }
}

/**
 * Everything that detectors know is masked, and nothing leaves unless they find nothing in what is left. The caller's own
 * body stays here: its further fields may name people in ways that no detector knows.
 */
async function anonymised({ wire: _, ...call }: ModelCall, { run, deps }: Egress, vault: Vault): Promise<ModelCall> {
  await readForPrivate(textsOf(call.messages), PRIVATE_KINDS, deps)
  const masked = { ...call, messages: anonymousMessages(call.messages, vault) }
  await readForPrivate(textsOf(masked.messages), PRIVATE_KINDS, deps)
  if (!isAnonymous({ ...masked }, vault.find)) throw refusal(run, 'private data is left in it after masking')
  return masked
}

function refusal({ requestId }: Run, why: string): RouterError {
  return new RouterError('privacy_local_only', { requestId, why })
}

/** What the ledger keeps of a call that is about to leave: where to, how much, what was masked; no text. */
function rowOf({ run, deps, port, purpose, baseUrl, lane }: Egress, masked: ModelCall, vault: Vault): EgressRow {
  const { messages, tools = null, responseSchema = null, wire } = masked
  // The caller's own body goes out with the masked messages in the place of its own.
  const { messages: own, ...rest } = wire?.body ?? {}
  const fields = wire?.dialect === 'anthropic_messages' ? [own, rest] : rest
  const content = JSON.stringify([messages, tools, responseSchema, fields])
  const configured = deps.loaded.policy.models[port.name]
  const model = configured && { ...configured, baseUrl }
  return {
    at: new Date(deps.clock.epochMs()).toISOString(),
    model: port.name,
    ...(lane !== undefined && { lane }),
    destination: model ? destinationOf(model) : 'unknown',
    purpose,
    partition: run.features.partition,
    residency: model ? residencyOf(model) : null,
    ...(run.features.anonymised && { anonymised: true }),
    bytes: Buffer.byteLength(content),
    redactions: Object.fromEntries(vault.counts),
    hash: sha256(content),
  }
}

interface Looking {
  readonly read: ReadPrivate
  readonly find: Vault['find']
}

const SECRET = ['secret'] as const

/** What travels unchanged cannot be masked: a secret in it holds the request, and in a file that cannot be written anew whatever is masked. */
async function refuseUnmaskable(call: ModelCall, { run, deps }: Egress, looking: Looking): Promise<void> {
  const { json, strings, files } = unmaskedIn(call, isImage)
  // The strings by themselves, too: JSON escapes the line breaks of a key file.
  const own = [json, ...strings].join('\n')
  const blocks = call.wire?.dialect === 'anthropic_messages' ? unmaskableIn(call.wire) : null
  const texts = [own, ...files.map(({ text }) => text), ...(blocks ? [unmaskableText(blocks.fixed)] : [])]
  await refuseAny(texts, SECRET, {
    run,
    ...looking,
    where: 'a field that cannot be masked (tools, schema, a name, a file or an unknown field)',
  })
  const fixed = [
    ...files.filter(({ rewritten }) => rewritten === null).map(({ text }) => text),
    ...(blocks?.files ?? []),
  ]
  const kinds = maskedKinds(deps.loaded.policy.privacy)
  await refuseAny(fixed, kinds, { run, ...looking, where: 'a file that cannot be written anew' })
}

async function refuseAny(
  texts: readonly string[],
  kinds: readonly PrivateKind[],
  { run, read, find, where }: Looking & { readonly run: Run; readonly where: string },
): Promise<void> {
  await read(texts, kinds)
  const found = texts.flatMap((text) => find(text, kinds).slice(0, 1))[0]
  if (!found) return
  const what = found.kind === 'secret' ? 'a secret' : `private data (${found.kind})`
  throw new RouterError('held_for_human', {
    requestId: run.requestId,
    reason: `${what} stands in ${where}`,
    fix: `Take ${found.kind === 'secret' ? 'the secret' : 'it'} out of the request.`,
  })
}

function isImage(value: string): boolean {
  return value.startsWith('data:image/') && isBytes(value)
}

function textsOf(messages: readonly Message[]): readonly LeavingText[] {
  return messages.flatMap(({ content, toolCalls = [] }) => [
    ...(typeof content === 'string' ? [{ text: content, writing: 'text' as const }] : content.flatMap(textOf)),
    ...toolCalls.map(({ arguments: text, isCustom }) => ({
      text,
      writing: isCustom ? ('text' as const) : ('json' as const),
    })),
  ])
}

function textOf(part: ContentPart): readonly LeavingText[] {
  return part.type === 'text' ? [{ text: part.text, writing: 'text' }] : []
}

/** Asides leave only as part of the caller's own body. */
function maskMessage({ aside: _, ...message }: Message, kinds: readonly PrivateKind[], vault: Vault): Message {
  const mask = (text: string): string => maskText(text, kinds, vault).text
  const content =
    typeof message.content === 'string' ? mask(message.content) : message.content.map((part) => maskPart(part, mask))
  if (!message.toolCalls) return { ...message, content }
  return {
    ...message,
    content,
    toolCalls: message.toolCalls.map((call) => ({
      ...call,
      arguments: maskText(call.arguments, kinds, vault, call.isCustom ? 'text' : 'json').text,
    })),
  }
}

function maskPart(part: ContentPart, mask: (text: string) => string): ContentPart {
  return part.type === 'text' ? { ...part, text: mask(part.text) } : part
}

/** The events of a model in the pieces they come in; one by one where the adapter knows no pieces. */
export function generateTogether(
  port: ModelPort,
  call: ModelCall,
  limits: CallLimits,
): AsyncIterable<readonly ModelEvent[]> {
  return port.generateTogether?.(call, limits) ?? oneByOne(port.generate(call, limits))
}

async function* oneByOne(events: AsyncIterable<ModelEvent>): AsyncGenerator<readonly ModelEvent[]> {
  for await (const event of events) yield [event]
}

/** Raw chunks of the chat dialect are dropped and the restored text takes their place; those of the Messages dialect are restored. */
async function* restore(
  pieces: AsyncIterable<readonly ModelEvent[]>,
  vault: Vault,
  writing: 'text' | 'json',
): AsyncGenerator<readonly ModelEvent[]> {
  const text = createUnmasker(vault, writing)
  const message = createMessageRestorer(vault, writing)
  const tools = new Map<number, ReturnType<typeof createUnmasker>>()
  const restored = (event: ModelEvent): readonly ModelEvent[] => {
    if (event.type === 'raw') return event.dialect === 'anthropic_messages' ? message(event) : []
    if (event.type === 'text') return [{ type: 'text', delta: text.push(event.delta) }]
    if (event.type === 'tool_call') {
      const unmasker = tools.get(event.index) ?? createUnmasker(vault, event.isCustom ? 'text' : 'json')
      tools.set(event.index, unmasker)
      return [{ ...event, argumentsDelta: unmasker.push(event.argumentsDelta) }]
    }
    if (event.type !== 'finish') return [event]
    const rest = [...tools].map(([index, unmasker]) => ({
      type: 'tool_call' as const,
      index,
      argumentsDelta: unmasker.flush(),
    }))
    const isMessage = event.raw?.dialect === 'anthropic_messages'
    const raw = event.raw && isMessage ? restoredMessage(event.raw, vault, writing) : null
    return [{ type: 'text', delta: text.flush() }, ...rest, { ...event, raw }]
  }
  for await (const events of pieces) yield events.flatMap(restored)
}
