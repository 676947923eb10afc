/** The second look for a hard stop: a yes/no question about the request, put to a local model, beside harmless texts. */
import type { GateInput } from '../gates/gate.ts'
import { firstRejection, inOrder, isStopped, looksAgain, type NamedGate, runGates } from '../gates/gates.ts'
import type { StopOpinion } from '../gates/opinions.ts'
import { shareAtLeast } from '../learn/conformal.ts'
import { unseenTexts, whyOff } from '../learn/harmless.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { ModelIdentity, Usage, Verdict } from '../spec/decision.ts'
import type { HarmlessTexts, TaskPolicy } from '../spec/policy.ts'
import type { CallLimits, DecideResult, ModelPort } from '../spec/ports.ts'
import { inputText, type Message, messageText } from '../spec/request.ts'
import { abortedBy } from './attempt.ts'
import type { AskContext, Reader } from './exchange.ts'
import { type Asking, mayAsk, openAsking, opinionOf } from './opinion-context.ts'
import { decideCallFor } from './task-prompt.ts'

export interface Looked {
  readonly asked: Asked
  readonly input: GateInput
  /** Of the gates that ask nobody. */
  readonly own: readonly Verdict[]
  readonly gates: readonly NamedGate[]
}

/**
 * Adds the verdict of the stop check, where the task has one. It is needed although another gate may have rejected:
 * without a frontier in reach such an answer may be served degraded, and after a hard stop never. Where it cannot be
 * served any more, nobody is asked.
 *
 * @throws RouterError cancelled; that the model could not be asked is a verdict
 */
export async function withStopCheck(
  context: AskContext,
  { asked, input, own, gates }: Looked,
): Promise<readonly Verdict[]> {
  const { task, decision } = context.run
  if (!task.stopCheck || isStopped(own)) return own
  if (firstRejection(own) && !decision.mayDegrade) return own
  const stop = await stopOpinion(openAsking(context, asked), task.stopCheck)
  return inOrder([...own, ...runGates(gates.filter(looksAgain), { ...input, opinions: { score: null, stop } })])
}

async function stopOpinion(asking: Asking, rule: NonNullable<TaskPolicy['stopCheck']>): Promise<StopOpinion> {
  const { run, deps } = asking.context
  const harmless = deps.loaded.harmless.get(run.features.task) ?? NO_TEXTS
  const texts = unseenTexts(harmless, deps.heads.get(rule.task))
  const off = whyOff(rule, texts)
  if (off !== null) return { state: 'off', why: off }
  const question = questionOf(asking, rule.task)
  if (!question) return { state: 'failed', why: 'no local model that reads decisions can be asked now' }
  const { model } = question
  const own = await readRequest(asking, question)
  if (!own) return { state: 'failed', why: `${model} did not say` }
  const usual = await inTime(asking, usualScores(asking, own, { ...harmless, texts }))
  if (!usual) return { state: 'failed', why: `${model} has not read the ${texts.length} harmless texts yet` }
  const { probability } = own
  return { state: 'read', probability, share: shareAtLeast(usual, probability), harmless: usual.length }
}

const NO_TEXTS: HarmlessTexts = { texts: [], digest: '' }

interface Question {
  readonly model: string
  /** Of the task that puts it. */
  readonly name: string
  readonly task: TaskPolicy
}

/** Put to the model that answered, when the question's task may use it: it is loaded. Never to a frontier. */
function questionOf(asking: Asking, name: string): Question | null {
  const { roster, loaded } = asking.context.deps
  const task = loaded.policy.tasks[name]
  if (!task) return null
  const local = roster.states().filter(({ actor }) => actor === 'local')
  const slot = task.local || ['local_fast', 'local_quality']
  const inSlot = slot.flatMap((entry) => local.filter((state) => state.name === entry || state.tier === entry))
  const models = inSlot.map((state) => state.name)
  const first = models.filter((model) => model === asking.asked.model)
  const canRead = (model: string): boolean => roster.port(model, task.adapter).decide !== undefined
  const model = [...first, ...models].find((one) => mayAsk(asking, one) && canRead(one))
  return model === undefined ? null : { model, name, task }
}

/** What was read of the request, and how to read another text in the same way. */
interface ReadRequest extends Question {
  readonly probability: number
  readonly identity: ModelIdentity
  readonly port: ModelPort
}

async function readRequest(asking: Asking, question: Question): Promise<ReadRequest | null> {
  const { request } = asking.context.run
  const found: ReadRequest[] = []
  const read: Reader = async ({ port }, limits) => {
    const results: DecideResult[] = []
    for (const text of textsOf(request.messages))
      results.push(await decided(asking, { ...question, port }, { text, limits }))
    const surest = results.reduce((most, one) => (yesOf(one) > yesOf(most) ? one : most))
    const { signals, identity } = surest
    found.push({ ...question, probability: yesOf(surest), identity, port })
    const answer = { text: '', toolCalls: [], finishReason: 'stop', signals, raw: null } as const
    return { answer: { ...answer, usage: together(results, surest) }, option: null, identity, firstTokenMs: null }
  }
  const { model, task } = question
  await opinionOf(asking, 'stop_check', { model, request, prompt: 'own', read, adapter: task.adapter })
  return found[0] ?? null
}

/** Results of tools that are read beside what the user said; each costs a reading. */
const MOST_RESULTS = 3

/** What the model is to act on: the last user message and the latest results of tools that came after it. */
function textsOf(messages: readonly Message[]): readonly string[] {
  const last = messages.findLastIndex(({ role }) => role === 'user')
  const results = last < 0 ? [] : messages.slice(last + 1).filter(({ role }) => role === 'tool')
  return [inputText(messages), ...results.slice(-MOST_RESULTS).map(messageText)]
}

/** The policy lets only a task of kind boolean put the question. */
const OPTIONS = ['yes', 'no']

function decided(
  { context }: Asking,
  { name, task, model, port }: Question & { readonly port: ModelPort },
  { text, limits }: { readonly text: string; readonly limits: CallLimits },
): Promise<DecideResult> {
  if (!port.decide) throw new Error(`model ${port.name} cannot decide`)
  return port.decide(decideCallFor({ name, task, model, options: OPTIONS, text }, context.deps.heads), limits)
}

function yesOf({ options }: DecideResult): number {
  return options.reduce((sum, { value, probability }) => (value === 'yes' ? sum + probability : sum), 0)
}

function together(results: readonly DecideResult[], { usage }: DecideResult): Usage {
  const inputTokens = results.reduce((sum, one) => sum + one.usage.inputTokens, 0)
  return { ...usage, inputTokens }
}

/** The same reading of every harmless text; other requests go first. */
function usualScores(asking: Asking, own: ReadRequest, { texts, digest }: HarmlessTexts): Promise<readonly number[]> {
  const { heads, harmless } = asking.context.deps
  const { identity, task, name } = own
  const setup = decideCallFor({ ...own, options: OPTIONS, text: '' }, heads)
  const weights = [identity.digest, identity.servedBy, task.adapter ?? null]
  // The head's examples say which of the texts are left out.
  const parts = [VERSION, weights, setup, heads.get(name)?.digest ?? null, digest]
  const limits: CallLimits = { signal: new AbortController().signal, priority: 'background', deadlines: TEXT_DEADLINES }
  return harmless.of({ parts, texts, read: async (text) => yesOf(await decided(asking, own, { text, limits })) })
}

/** Raised when texts are read in another way. */
const VERSION = 1
/** For one text: two seconds on a slow core; the first one may wait for a head or for a load. */
const TEXT_MS = 120_000
const TEXT_DEADLINES = { connectMs: TEXT_MS, firstByteMs: TEXT_MS, idleMs: TEXT_MS, totalMs: TEXT_MS }

/**
 * Null when the time of the opinion is over before, or the reading failed; it goes on for those who come after.
 *
 * @throws RouterError cancelled, deadline_exceeded
 */
async function inTime<T>({ context, endsMs }: Asking, work: Promise<T>): Promise<T | null> {
  const { signal, deps } = context
  const over = Promise.withResolvers<null>()
  const end = (): void => over.resolve(null)
  const timer = setTimeout(end, Math.max(0, endsMs - deps.clock.monotonicMs()))
  signal.addEventListener('abort', end, { once: true })
  try {
    const done = await Promise.race([work.catch(() => null), over.promise])
    if (signal.aborted) throw abortedBy(context)
    return done
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
