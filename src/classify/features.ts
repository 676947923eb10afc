/** Reads a request once, into plain data without its text. Pure. */
import type { EarlierClaim } from '../spec/conversations.ts'
import type { Complexity } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import { DEFAULT_TASK, type Policy, type TaskPolicy } from '../spec/policy.ts'
import { inputText, type Message, messageText, type RequestMetadata, type RouterRequest } from '../spec/request.ts'
import { asksForCodeChange } from './code-change.ts'
import { complexityOfText } from './complexity.ts'
import { extractFields } from './fields.ts'
import { findHardStops } from './hard-stops.ts'
import { type LeavingText, leavingTexts } from './leaving.ts'
import { type Detector, partitionOf } from './partition.ts'
import { canAnonymise } from './privacy/anonymise.ts'
import { findPrivate } from './privacy/find.ts'
import { chooseTask, type TaskChoice, taskNamed } from './task.ts'
import { readTurn } from './turn.ts'

/** What `classify` needs. */
export interface ClassifyInput {
  readonly request: RouterRequest
  readonly policy: Policy
  /** Hex sha256 of a text's UTF-8 bytes, without prefix; passed in so that this layer needs no library. */
  readonly sha256: (text: string) => string
  /** What an earlier request of the conversation was. Default: nothing is known of one. */
  readonly earlier?: EarlierClaim | null
  /** Default: the detectors of this package, without a limit of time. */
  readonly detector?: Detector
}

const PATIENT: Detector = { find: findPrivate, now: () => 0 }

/** An English token of the common vocabularies is about 4 characters long; an estimate, never a count. */
const CHARS_PER_TOKEN = 4

const IMPACTS = ['low', 'medium', 'high'] as const

/** @returns the features of a request; equal for requests that differ only in the order of object keys */
export function classify({ request, policy, sha256, earlier = null, detector = PATIENT }: ClassifyInput): Features {
  const metadata = request.metadata ?? {}
  const system = systemText(request.messages)
  const systemHash = system === '' ? null : `sha256:${sha256(system)}`
  const { turn, text: asked } = readTurn(request.messages)
  const choice = chooseTask({ request, policy, systemHash, system, asked })
  const named = taskNamed(choice.task, policy)
  const task = named ?? DEFAULT_TASK
  const texts = (): readonly LeavingText[] => leavingTexts(request)
  const claim = partitionOf({ metadata, taskName: choice.task, task: named, policy, texts, earlier, detector })
  const input = inputText(request.messages)
  return {
    ...choice,
    ...sizesOf(request, input),
    kind: task.kind,
    complexity:
      statedComplexity(task, choice, policy) ??
      complexityOfText({ text: `${system}\n${asked}`, hasTools: (request.tools?.length ?? 0) > 0 }),
    partition: claim.partition,
    partitionSource: claim.source,
    ...(claim.onlyDetected && { onlyDetected: true }),
    ...(claim.onlyDetected && task.anonymise && canAnonymise(request, detector.find) && { anonymised: true }),
    // A hard stop says who may answer, and a vector answers nothing.
    hardStops: request.embed ? [] : findHardStops(extractFields(request), policy.hardStops),
    needs: request.needs ?? [],
    ...(request.wire && { dialect: request.wire.dialect }),
    wantsCodeChange: asksForCodeChange(asked),
    ...(turn !== 'human' && { turn }),
    impact: strongerImpact(metadata.impact, task.impact),
    affectsSystemState: metadata.affectsSystemState ?? false,
    userVisibleOutput: metadata.userVisibleOutput ?? false,
    group: metadata.group ?? null,
    tenant: metadata.tenant ?? null,
    conversationHash: `sha256:${sha256(conversationKey(request.messages, metadata))}`,
    systemHash,
    inputHash: `sha256:${sha256(canonicalMessages(request.messages))}`,
  }
}

type Sizes = Pick<Features, 'inputChars' | 'inputTokensEstimated' | 'messages' | 'hasTools' | 'hasImages' | 'hasSchema'>

function sizesOf({ messages, tools, responseSchema }: RouterRequest, input: string): Sizes {
  const allChars = messages.reduce((sum, message) => sum + messageText(message).length, 0)
  return {
    inputChars: input.length,
    inputTokensEstimated: Math.ceil(allChars / CHARS_PER_TOKEN),
    messages: messages.length,
    hasTools: (tools?.length ?? 0) > 0,
    // Audio and files count too: a text model reads none of them.
    hasImages: messages.some(
      ({ content }) => typeof content !== 'string' && content.some((part) => part.type !== 'text'),
    ),
    hasSchema: responseSchema !== undefined,
  }
}

/** What the policy says of the complexity; null where the text has to be read. */
export function statedComplexity(
  task: TaskPolicy,
  choice: Pick<TaskChoice, 'task' | 'action'>,
  { routing: { actions } }: Policy,
): Complexity | null {
  const known = [choice.action, choice.task].find((name) => name !== null && Object.hasOwn(actions, name))
  return task.complexity ?? closedSetComplexity(task) ?? (known ? (actions[known] ?? null) : null)
}

/** The system prompt of a request, as `systemHash` takes it; empty when there is none. */
export function systemText(messages: readonly Message[]): string {
  return messages.filter(isInstruction).map(messageText).join('\n')
}

function isInstruction({ role }: Message): boolean {
  return role === 'system' || role === 'developer'
}

/** A caller may raise the task's impact, never lower it. */
export function strongerImpact(caller: RequestMetadata['impact'], task: Features['impact']): Features['impact'] {
  return caller !== undefined && IMPACTS.indexOf(caller) > IMPACTS.indexOf(task) ? caller : task
}

/** Names of the two kinds differ, so that no conversation id equals another one's first message. */
function conversationKey(messages: readonly Message[], { conversation }: RequestMetadata): string {
  if (conversation !== undefined) return `id:${conversation}`
  const first = messages.find(({ role }) => role === 'user')
  return `first:${first ? messageText(first) : ''}`
}

/** Messages as JSON with sorted keys: equal messages hash equal, whatever the order of keys. */
function canonicalMessages(messages: readonly Message[]): string {
  return `[${messages.map(canonicalMessage).join(',')}]`
}

function canonicalMessage(message: Message): string {
  const { role, content, ...rest } = message
  // Most messages are only this, and sorting each object's keys costs more than writing it.
  for (const _ in rest) return sortedJson(message)
  if (typeof content !== 'string') return sortedJson(message)
  return `{"content":${JSON.stringify(content)},"role":${JSON.stringify(role)}}`
}

function sortedJson(message: Message): string {
  return JSON.stringify(message, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : value,
  )
}

/** Choosing, comparing and finding names is simple work, whatever the text is about. */
function closedSetComplexity({ kind }: TaskPolicy): Complexity | null {
  const open = kind === 'answer' || kind === 'text' || kind === 'code'
  return open ? null : 'simple'
}
