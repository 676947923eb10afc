/** Where people decide on held requests, and callers learn what became of theirs. */
import { optionNamed } from '../gates/option-text.ts'
import { RouterError } from '../spec/errors.ts'
import type { HeldPlace, HeldQuery, HeldRequest, HeldRow, HeldText } from '../spec/held.ts'
import type { HeldDecision, Lift } from '../spec/held-ticket.ts'
import { DEFAULT_TASK, type TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'
import type { AnswerGiven, DecisionGiven, HeldDesk, ReleaseGiven, RequestOptions, ToldHeld } from '../spec/router.ts'
import type { Settled } from './pipeline.ts'
import { liftedBy, noteDecision, noteReading, unknownHeld } from './release.ts'
import type { PipelineDeps } from './run.ts'

/** Runs a held request with the leave that a person gave, under the key that it came with. */
export type RunReleased = (text: HeldText, lift: Lift, options: RequestOptions) => Promise<Settled>

/** How often one who waits for a decision looks. */
const LOOK_MS = 500
const MAX_ANSWER_CHARS = 1_000_000

export function createDesk(deps: PipelineDeps, run: RunReleased): HeldDesk {
  const place = (): HeldPlace => placeOf(deps)
  const rowOf = (id: string): HeldRow => {
    const row = place().book.find(id)
    if (!row) throw unknownHeld(id)
    return row
  }
  const told = (id: string): ToldHeld => {
    const row = rowOf(id)
    return { ...publicOf(row), outcome: row.state === 'answered' ? place().book.answer(row) : null }
  }
  const decide = (row: HeldRow, given: Decided): Promise<ToldHeld> =>
    claimed(row, async () => {
      // On record before its caller gets it; where that cannot be written, nothing is decided.
      await noteDecision(deps, { requestId: row.id, tried: null, decision: given.decision })
      place().book.change(row.id, ['releasing'], given)
      place().changed()
      return told(row.id)
    })
  const decisionBy = ({ by, why = '' }: DecisionGiven, action: HeldDecision['action'], to: string | null = null) => {
    const at = new Date(deps.clock.epochMs()).toISOString()
    return { action, by: named(by), why: said(why), at, to, releasedAs: null }
  }
  return {
    list: (query: HeldQuery = {}) => (deps.held?.book.list(query) ?? []).map(publicOf),
    find: (id) => (deps.held?.book.find(id) ? told(id) : null),
    async wait(id, { signal, timeoutMs = Number.POSITIVE_INFINITY } = {}) {
      const until = deps.clock.monotonicMs() + timeoutMs
      while (true) {
        const found = told(id)
        const left = until - deps.clock.monotonicMs()
        if (!UNDECIDED.has(found.state) || left <= 0) return found
        await sleepOrLeave(deps, { requestId: id, ms: Math.min(LOOK_MS, left), signal })
      }
    },
    async text(id, { by }) {
      const row = rowOf(id)
      const text = place().book.text(row)
      if (!text) throw noText(row)
      await noteReading(deps, id, named(by))
      return text.request
    },
    async answer(id, given: AnswerGiven) {
      const row = rowOf(id)
      const text = row.hasText ? place().book.text(row) : null
      const answer = answerOf(row, { given, text, task: text?.inlineTask ?? deps.loaded.policy.tasks[row.task] }, deps)
      return decide(row, { state: 'answered', decision: decisionBy(given, 'answer'), answer })
    },
    async refuse(id, given) {
      const row = rowOf(id)
      return decide(row, { state: 'refused', decision: decisionBy(needsWhy(given), 'refuse') })
    },
    async release(id, given: ReleaseGiven) {
      const row = rowOf(id)
      const { to, by, why, at } = decisionBy(needsWhy(given), 'release', given.to ?? null)
      const lift: Lift = { held: id, by, why, to }
      requireMayLeave(row, liftedBy(lift, deps).actor)
      if (!row.hasText)
        return decide(row, { state: 'released', decision: { action: 'release', by, why, at, to, releasedAs: null } })
      const text = place().book.text(row)
      if (!text) throw noText(row)
      const { outcome, run: released } = await claimed(row, () => run(text, lift, optionsFor(row, given.signal)))
      if (outcome.decision.route !== 'held') return told(id)
      const detail = rowOf(id).lastTry?.why ?? outcome.decision.reason
      throw new RouterError('held_again', { id, why: detail.replace(/\.$/, ''), releasedAs: released.requestId })
    },
  }

  /** Only one decides at a time; what comes to nothing leaves it waiting. */
  async function claimed<T>({ id }: HeldRow, work: () => Promise<T>): Promise<T> {
    const { book } = place()
    if (!book.change(id, ['waiting'], { state: 'releasing' })) throw decided(rowOf(id))
    try {
      return await work()
    } finally {
      book.change(id, ['releasing'], { state: 'waiting' })
    }
  }
}

function placeOf({ held }: PipelineDeps): HeldPlace {
  if (held) return held
  throw new RouterError('not_found', {
    subject: 'desk for held requests',
    value: 'here',
    fix: 'A trial with a folder of its own holds nothing for people.',
  })
}

interface Sleep {
  readonly requestId: string
  readonly ms: number
  readonly signal: AbortSignal | undefined
}

async function sleepOrLeave({ clock }: PipelineDeps, { requestId, ms, signal = NEVER }: Sleep): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (signal.aborted) throw new RouterError('cancelled', { requestId }, error)
    throw error
  }
}

const NEVER = new AbortController().signal
const UNDECIDED: ReadonlySet<string> = new Set(['waiting', 'releasing'])

interface Decided {
  readonly state: 'answered' | 'refused' | 'released'
  readonly decision: HeldDecision
  readonly answer?: Outcome
}

/** What only the router needs stays here. */
function publicOf({ inputHash: _i, scope: _s, maxCostUsd: _m, held: _h, ...told }: HeldRow): HeldRequest {
  return told
}

function optionsFor({ scope, maxCostUsd }: HeldRow, signal: AbortSignal | undefined): RequestOptions {
  return { ...(signal && { signal }), ...(scope && { key: scope }), ...(maxCostUsd !== null && { maxCostUsd }) }
}

/** Egress would refuse it as well; here a person learns it before anything is tried. */
function requireMayLeave({ id, partition }: HeldRow, actor: 'local' | 'frontier' | null): void {
  if (partition !== 'local_only' || actor !== 'frontier') return
  throw new RouterError('release_refused', {
    id,
    why: 'it is local_only and never leaves this machine',
    fix: 'Answer it by hand, or release it --to local.',
  })
}

interface Answering {
  readonly given: AnswerGiven
  readonly text: HeldText | null
  readonly task: TaskPolicy | undefined
}

/** In the shape that the caller's own parser takes: an option as the task renders it, JSON where it was asked for. */
function answerOf(row: HeldRow, { given, text, task = DEFAULT_TASK }: Answering, { clock }: PipelineDeps): Outcome {
  if (given.text.trim() === '') throw invalid('the answer is empty', 'Refuse the request, or write an answer.')
  if (given.text.length > MAX_ANSWER_CHARS)
    throw invalid(`the answer has more than ${MAX_ANSWER_CHARS} characters`, 'Shorten it.')
  const options = optionsOf(task)
  const option = options && optionNamed(given.text, options)
  if (options && option === null)
    throw invalid('the answer is none of the options of its task', `Use one of ${options.slice(0, 50).join(', ')}.`)
  const wantsJson = task.schema !== undefined || text?.request.responseSchema !== undefined
  if (!option && wantsJson && !isJson(given.text)) throw invalid('the answer is not JSON', 'Its caller reads JSON.')
  const { held: _, ...held } = row.held
  const outcome: Outcome = {
    ...held,
    answer: option ? (task.render?.replaceAll('{value}', () => option) ?? option) : given.text,
    finishReason: 'stop',
    decision: { ...held.decision, route: 'human', reason: 'held_for_human', model: null, tier: null },
    latencyMs: Math.max(0, clock.epochMs() - Date.parse(row.receivedAt)),
  }
  if (row.form !== 'decision') return outcome
  const decision: DecideOutcome = { ...outcome, value: option ?? given.text, options: null, reading: null }
  return decision
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function named(by: string): string {
  const name = by.trim()
  if (name === '' || name.length > 200) throw invalid('by names nobody', 'Say who decides, in at most 200 characters.')
  return name
}

function said(why: string): string {
  if (why.length <= 1000) return why.trim()
  throw invalid('why has more than 1000 characters', 'Shorten it.')
}

function needsWhy<Given extends DecisionGiven>(given: Given): Given {
  if ((given.why ?? '').trim() !== '') return given
  throw invalid('why is missing', 'Say why; it is kept with the decision.')
}

function invalid(problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path: 'the decision', problem, fix })
}

function noText({ id }: HeldRow): RouterError {
  const fix = 'Texts are kept only with review.keep: text, and until somebody has decided.'
  return new RouterError('not_found', { subject: 'text of held request', value: id, fix })
}

function decided({ id, state }: HeldRow): RouterError {
  return new RouterError('held_decided', { id, state })
}
