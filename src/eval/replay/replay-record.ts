/** One recorded request under another policy: the functions that decided then decide again, from what is on record. */
import type { GateInput } from '../../gates/gate.ts'
import { PATTERN_TABLE } from '../../patterns/patterns.ts'
import { inForce } from '../../pipeline/draft.ts'
import { withLocalTrouble } from '../../pipeline/explain.ts'
import { requireModel } from '../../pipeline/key.ts'
import { type DecidedPath, decidePath, isDrawnFrom } from '../../pipeline/plan.ts'
import { servedDecision } from '../../pipeline/respond.ts'
import { failureReason, outcomeKind } from '../../pipeline/run.ts'
import { maySolve } from '../../pipeline/solve.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { BudgetScope } from '../../spec/budget.ts'
import type { Calibration, CalibrationKey } from '../../spec/calibration.ts'
import type { Circumstances } from '../../spec/circumstances.ts'
import type { Attempt, OutcomeKind, Verdict } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { Features } from '../../spec/features.ts'
import { DEFAULT_TASK, type TaskPolicy } from '../../spec/policy.ts'
import type { RouterRequest } from '../../spec/request.ts'
import { type NotReplayable, Unrecorded } from './not-replayable.ts'
import { type PolicyChange, taskIn } from './policy-change.ts'
import { recalledFeatures } from './recalled-features.ts'
import { recalledState } from './recalled-state.ts'
import { answerAttempts, opinionAttempts, type RecordedAnswer, recordedAnswers } from './recorded-answers.ts'
import { type ReplayedCall, replayTools } from './replay-tools.ts'
import { rotatedChange } from './rotated-change.ts'

/** What became of a request, or would have. */
export interface Fate {
  readonly outcome: OutcomeKind
  readonly route: string
  readonly reason: string
  readonly model: string | null
  readonly degraded: boolean
  readonly proven: boolean
  readonly error: string | null
}

export type ReplayedRecord =
  | {
      readonly fate: Fate
      /**
       * `decided`: every step again. `unchanged`: a part that cannot be done again, and nothing that it hangs on is other. `regenerated`: from
       * its kept text, local models asked anew.
       */
      readonly how: 'decided' | 'unchanged' | 'regenerated'
      /** One after the other, for the caller. */
      readonly calls: readonly ReplayedCall[]
      /** Of a shadow: nobody waits for them. */
      readonly beside: readonly Attempt[]
      readonly verdicts: readonly Verdict[]
    }
  | { readonly fate: null; readonly why: NotReplayable; readonly what: string | null }

export interface ReplayContext {
  readonly change: PolicyChange
  /** Every fit of a key, and the one in force now. */
  readonly fits: {
    readonly all: (key: CalibrationKey) => readonly Calibration[]
    readonly now: (key: CalibrationKey) => Calibration | null
  }
  /** `recorded`: the fit of then decides. `current`: the fit of now. */
  readonly calibrator: 'recorded' | 'current'
  /** Epoch milliseconds, for the age of a fit of now. */
  readonly nowMs: number
  /** The ceiling of the policy that is reached when the request comes; null when none is. */
  readonly exhausted: (record: AuditRecord, features: Features) => BudgetScope | null
}

export async function replayRecord(record: AuditRecord, given: ReplayContext): Promise<ReplayedRecord> {
  try {
    const about = requireWhole(record)
    const context = { ...given, change: rotatedChange(given.change, record.task, about.rotated) }
    const plan = plannedAgain(record, about, context)
    if (plan === null) return decided(errorFate({ route: 'held', reason: 'unknown_task', code: 'unknown_task' }))
    try {
      return await followed(record, { about, plan, context })
    } catch (error) {
      if (error instanceof Unrecorded && isUnchanged(record, { about, plan, context })) return asRecorded(record)
      throw error
    }
  } catch (error) {
    if (error instanceof Unrecorded) return { fate: null, why: error.why, what: error.what }
    throw error
  }
}

export function recordedFate({ outcome, route, reason, decision, error }: AuditRecord): Fate {
  const { model = null, degraded = false, proven = false } = decision ?? {}
  return { outcome: outcome as OutcomeKind, route, reason, model, degraded, proven, error }
}

interface Following {
  readonly about: Circumstances
  readonly plan: DecidedPath
  readonly context: ReplayContext
}

const GONE: ReadonlySet<string | null> = new Set(['cancelled', 'deadline_exceeded'])

/** @throws Unrecorded */
function requireWhole({ circumstances, outcome, error, parent, release }: AuditRecord): Circumstances {
  if (outcome === 'open' || outcome === 'interrupted') throw new Unrecorded('unfinished')
  if (!circumstances) throw new Unrecorded('older_record')
  if (GONE.has(error)) throw new Unrecorded('caller_gone')
  if (release) throw new Unrecorded('released')
  if (circumstances.hasOwnTask || parent !== undefined) throw new Unrecorded('own_task')
  return circumstances
}

/** Null for a request that the policy refuses because of its task's name. */
function plannedAgain(record: AuditRecord, about: Circumstances, context: ReplayContext): DecidedPath | null {
  const { policy } = context.change.next
  const found = recalledFeatures(record, about, context.change)
  if (!found.taskKnown && policy.routing.unknownTask === 'error') return null
  const exhausted = context.exhausted(record, found)
  return decidePath({
    ...{ found, policy },
    state: { ...recalledState(about, policy, found.task), exhausted },
    draw: (task, { serve }) =>
      about.isSampled === true && isDrawnFrom(task) && serve.includes('local') && serve.includes('frontier'),
    prior: () => ({ opinion: record.prior, specialist: about.specialist ?? null }),
  })
}

async function followed(record: AuditRecord, { about, plan, context }: Following): Promise<ReplayedRecord> {
  const { features, task, asked: decision } = plan
  const refused = refusedByKey(about, plan)
  if (refused) return decided(refused)
  if (solves(record, { about, plan, context }))
    return decided({ ...SOLVED, route: 'solver', reason: 'solver_answered' })
  if (record.route === 'cache') throw new Unrecorded('cached')
  if (context.change.next.policy.cache.exact || context.change.next.policy.cache.semantic) requireSameCache(context)
  if (decision.route === 'held')
    return decided({ ...SOLVED, outcome: 'held', route: 'held', reason: decision.reason ?? 'held_for_human' })
  if (decision.route === 'unavailable') {
    const isUnpaid = decision.removals.some(({ rule }) => rule === 'budget')
    const code = isUnpaid ? 'budget_exhausted' : 'no_model_available'
    return decided(errorFate({ route: 'unavailable', reason: failureReason({ decision, attempts: [] }, code), code }))
  }
  const run = {
    ...{ record, change: context.change, features, task, decision, isSampled: plan.isSampled },
    answers: recordedAnswers(record),
    stoodBefore: (model: string) => oldPlan(record, about, context)?.asked.frontier.includes(model) ?? false,
    request: requestOf(record, about, task),
    calibration: (answer: RecordedAnswer) => calibrationFor(record, { answer, task, features, context }),
    attempts: [] as ReplayedCall[],
    ...{ checked: false, among: null },
  }
  try {
    const result = await PATTERN_TABLE[decision.pattern](
      { request: run.request, decision, task, depth: 0 },
      replayTools(run),
    )
    const served = servedDecision(run, result)
    const { route, reason, model, degraded, proven } = served
    const outcome = outcomeKind({ decision: served, verdicts: result.verdicts })
    const fate = { outcome, route, reason, model, degraded, proven, error: null }
    return { fate, how: 'decided', ...callsOf(record, run, decision.shadow), verdicts: result.verdicts }
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    const { code } = withLocalTrouble(run, error)
    const fate = errorFate({ route: decision.route, reason: failureReason(run, code), code })
    return { fate, how: 'decided', ...callsOf(record, run, false), verdicts: [] }
  }
}

const SOLVED: Fate = {
  outcome: 'accepted',
  route: '',
  reason: '',
  model: null,
  degraded: false,
  proven: false,
  error: null,
}

function errorFate({
  route,
  reason,
  code,
}: {
  readonly route: string
  readonly reason: string
  readonly code: string
}): Fate {
  return { ...SOLVED, outcome: 'error', route, reason, error: code }
}

function decided(fate: Fate): ReplayedRecord {
  return { fate, how: 'decided', calls: [], beside: [], verdicts: [] }
}

function refusedByKey({ models = {} }: Circumstances, { decision }: DecidedPath): Fate | null {
  if (!Object.values(models).some(({ isBarred }) => isBarred)) return null
  try {
    requireModel({ id: '', models: [] } as unknown as Parameters<typeof requireModel>[0], decision)
    return null
  } catch {
    return errorFate({ route: 'held', reason: 'policy_requires_local', code: 'key_forbids' })
  }
}

/** @throws Unrecorded solver_by_text */
function solves(record: AuditRecord, { about, plan, context }: Following): boolean {
  const isQuestion = about.form === undefined
  if (!maySolve({ ...plan.features, isQuestion }, plan.asked)) return false
  if (record.route === 'solver') return true
  const known = record.shadow?.isSolvable
  if (known !== undefined) return known
  // It was looked, and nothing was found.
  const before = taskIn(context.change.old, record.task) ?? DEFAULT_TASK
  if (maySolve({ ...plan.features, kind: before.kind, isQuestion }, { removals: record.removals })) return false
  throw new Unrecorded('solver_by_text')
}

/** What is in a cache hangs on all requests before, so a request that was not answered from one is only sure to miss one that is filled alike. */
function requireSameCache({ change }: ReplayContext): void {
  if (!change.isSame('cache', ({ policy }) => policy.cache)) throw new Unrecorded('cached')
}

/** Holds what rules and gates ask of a request beside its text. */
function requestOf(
  { features, verdicts, shadow }: AuditRecord,
  { form }: Circumstances,
  task: TaskPolicy,
): RouterRequest {
  const checked = verdicts.length > 0 ? verdicts : (shadow?.verdicts ?? [])
  const isAbout = checked.some(({ gate }) => gate === 'confidence')
  return {
    messages: [{ role: 'user', content: isAbout ? 'text\n\nquestion' : 'question' }],
    ...(features.hasTools && { tools: [{ name: 'tool' }] }),
    ...(features.hasSchema && task.kind !== 'tool' && { responseSchema: 'json' as const }),
    ...(form === 'completion' && { completion: true as const }),
  }
}

interface Judged {
  readonly answer: RecordedAnswer
  readonly task: TaskPolicy
  readonly features: Features
  readonly context: ReplayContext
}

/** @throws Unrecorded calibration_gone */
function calibrationFor(record: AuditRecord, { answer, task, features, context }: Judged): GateInput['calibration'] {
  const { accept } = task
  const { maxErrorRate } = accept
  if (maxErrorRate === undefined) return undefined
  const { draft, identity } = answer
  if (!draft) return { fit: null, why: 'the draft was stopped' }
  const { digest, quantisation, servedBy } = identity
  const key = { task: features.task, digest, quantisation, servedBy, setup: draft.setup }
  const bound = { ...accept, maxErrorRate }
  if (context.calibrator === 'current') return inForce(context.fits.now(key), bound, context.nowMs)
  const atMs = Date.parse(record.receivedAt)
  const fits = context.fits.all(key).filter(({ fittedAt }) => Date.parse(fittedAt) <= atMs)
  const named =
    draft.calibration === null ? undefined : context.fits.all(key).find(({ id }) => id === draft.calibration)
  if (draft.calibration !== null && !named) throw new Unrecorded('calibration_gone', draft.calibration)
  const isSameBound = context.change.isSame(`accept ${features.task}`, (kept) => boundOf(taskIn(kept, features.task)))
  if (!named && isSameBound) return { fit: null, why: 'none was in force' }
  const fit = named ?? fits.at(-1) ?? null
  // What closed later was open then.
  const isClosed = fit?.closed != null && Date.parse(fit.closed.at) <= atMs && !named
  return inForce(fit && { ...fit, closed: isClosed ? fit.closed : null }, bound, atMs)
}

function boundOf(task: TaskPolicy | undefined): unknown {
  if (!task) return null
  const { maxErrorRate, confidence, labelMaxAgeDays } = task.accept
  return [maxErrorRate, confidence, labelMaxAgeDays]
}

/** Opinions are part of a local answer. */
function callsOf(
  record: AuditRecord,
  { attempts, checked }: { readonly attempts: readonly ReplayedCall[]; readonly checked: boolean },
  isShadowed: boolean,
): { readonly calls: readonly ReplayedCall[]; readonly beside: readonly Attempt[] } {
  if (checked) return { calls: [...attempts, ...opinionAttempts(record)], beside: [] }
  const local = isShadowed ? answerAttempts(record).filter(({ actor }) => actor === 'local') : []
  return { calls: attempts, beside: local.length > 0 ? [...local, ...opinionAttempts(record)] : [] }
}

/** The same plan for the same task under the same settings leads to the same end, whatever happened in between. */
function isUnchanged(record: AuditRecord, { about, plan, context }: Following): boolean {
  const { change } = context
  const isSame = change.isSame(`all of ${record.task} ${plan.features.task}`, (kept) => [
    taskIn(kept, kept === change.old ? record.task : plan.features.task),
    ...[
      kept.policy.models,
      kept.policy.hardStops,
      kept.policy.cache,
      kept.policy.routing,
      kept.policy.deadlines,
      kept.files,
    ],
  ])
  if (!isSame || plan.features.task !== record.task || context.calibrator === 'current') return false
  const before = oldPlan(record, about, context)
  return before !== null && JSON.stringify(before.asked) === JSON.stringify(plan.asked)
}

/** What was planned then. */
function oldPlan(record: AuditRecord, about: Circumstances, context: ReplayContext): DecidedPath | null {
  const { old } = context.change
  const change: PolicyChange = { old, next: old, isSame: () => true }
  return plannedAgain(record, about, { ...context, change, exhausted: () => about.exhausted ?? null })
}

function asRecorded(record: AuditRecord): ReplayedRecord {
  const { attempts: calls, shadow, verdicts } = record
  const beside = shadow ? [shadow.attempt, ...(shadow.opinions ?? [])] : []
  return { fate: recordedFate(record), how: 'unchanged', calls, beside, verdicts }
}
