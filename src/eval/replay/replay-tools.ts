/** What a pattern may do on a recorded request: it gets the answers and verdicts that are on record, and nobody is called. */
import type { GateInput } from '../../gates/gate.ts'
import type { Asked, PatternTools } from '../../patterns/pattern.ts'
import { mayFallBack } from '../../pipeline/attempt.ts'
import { nobodyAnswered } from '../../pipeline/explain.ts'
import { sha256 } from '../../pipeline/run.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Actor, Attempt, RouteDecision, Tier } from '../../spec/decision.ts'
import { ERRORS, type ErrorCode, RouterError } from '../../spec/errors.ts'
import type { Features } from '../../spec/features.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import { optionsOf } from '../../spec/policy-problems.ts'
import type { RouterRequest } from '../../spec/request.ts'
import { isSameAnswer, isSameModel } from './answer-shape.ts'
import { Unrecorded } from './not-replayable.ts'
import type { PolicyChange } from './policy-change.ts'
import { answerAttempts, figure, type RecordedAnswer, signalsOf } from './recorded-answers.ts'
import { replayedVerdicts } from './replayed-gates.ts'

/** One call that the other policy makes: on record, or assumed to be answered. */
export type ReplayedCall = Attempt & { readonly isAssumed?: true }

export interface ReplayRun {
  readonly record: AuditRecord
  readonly answers: readonly RecordedAnswer[]
  readonly change: PolicyChange
  readonly features: Features
  readonly task: TaskPolicy
  readonly decision: RouteDecision
  readonly isSampled: boolean
  /** As the gates and the kind of the answer need it; it holds no text. */
  readonly request: RouterRequest
  /** Whether a frontier was one that could be asked then. */
  readonly stoodBefore: (model: string) => boolean
  /** The fit that decides about an answer. */
  readonly calibration: (answer: RecordedAnswer) => GateInput['calibration']
  readonly attempts: ReplayedCall[]
  /** Whether a local answer was checked. */
  checked: boolean
  among: readonly string[] | null
}

export function replayTools(run: ReplayRun): PatternTools {
  const consults = async (): Promise<never> => {
    throw new Unrecorded('pattern_consults', run.decision.pattern)
  }
  return {
    ask: async (whom) =>
      typeof whom === 'string' ? ask(run, whom, run.decision[whom]) : ask(run, whom.actor, whom.models),
    check: async (asked) => check(run, asked),
    consult: consults,
    subtask: consults,
    note: () => undefined,
    plugin: consults,
    deliver: async (asked) => asked,
    retriever: () => {
      throw new Unrecorded('pattern_consults', run.decision.pattern)
    },
    sameAnswer: () => {
      throw new Unrecorded('pattern_consults', run.decision.pattern)
    },
    get standing(): never {
      throw new Unrecorded('pattern_consults', run.decision.pattern)
    },
    isSampled: run.isSampled,
    packet: (_asked, _rejected) => run.request,
  }
}

/** The models in order, as `pipeline/attempt.ts` goes through them. @throws RouterError as recorded; Unrecorded */
function ask(run: ReplayRun, actor: Actor, models: readonly string[]): Asked {
  const { record, change, features } = run
  run.among = models
  const failures: RouterError[] = []
  for (const model of models.slice(0, allowed(run, actor, models))) {
    const made = madeBefore(run, actor, model)
    run.attempts.push(...made)
    const answered = made.find(({ outcome }) => outcome === 'answered')
    if (answered) return askedOf(run, answered)
    const failed = made.findLast(({ outcome }) => outcome === 'failed')
    if (failed) {
      const failure = failureOf(failed, features.task)
      if (!mayFallBack(failure)) throw failure
      failures.push(failure)
    } else if (made.length > 0) {
    } else if (record.circumstances?.missed?.includes(model)) {
      failures.push(
        new RouterError('no_model_available', { task: features.task, why: `model ${model} rested`, fix: '' }),
      )
    } else if (actor === 'local') {
      throw new Unrecorded('no_answer', model)
    } else if (failures.length > 0 && run.stoodBefore(model)) {
      // It stood behind the one that failed and was not asked: tries or time were over.
      if (!change.isSame('tries', ({ policy }) => policy.routing.maxFallbackAttempts))
        throw new Unrecorded('no_answer', model)
      break
    } else {
      run.attempts.push(assumed(run, model))
      return askedOf(run, assumed(run, model))
    }
  }
  throw nobodyAnswered({ features }, actor, failures)
}

function allowed({ attempts, change }: ReplayRun, actor: Actor, models: readonly string[]): number {
  const below = attempts.filter(
    (made) => made.actor === actor && made.outcome === 'failed' && !models.includes(made.model),
  )
  return Math.max(1, 1 + change.next.policy.routing.maxFallbackAttempts - below.length)
}

function madeBefore({ record, change, features }: ReplayRun, actor: Actor, model: string): readonly Attempt[] {
  const made = answerAttempts(record).filter((one) => one.actor === actor && one.model === model)
  if (made.length === 0) return made
  // A name that stands for another model now was never asked.
  if (actor === 'frontier') return isSameModel(model, change) ? paid(made, record, change) : []
  if (!isSameAnswer({ model, was: record.task, is: features.task }, change)) throw new Unrecorded('other_answer', model)
  return made
}

/** What an old ceiling kept from being asked may be asked under another one. @throws Unrecorded where it may have been the caller's own limit */
function paid(made: readonly Attempt[], { circumstances }: AuditRecord, change: PolicyChange): readonly Attempt[] {
  const isUnpaid = made.every(({ error }) => error === 'budget_exhausted')
  if (!isUnpaid || change.isSame('budgets', ({ policy }) => policy.budgets)) return made
  if (circumstances?.hasCostLimit) throw new Unrecorded('no_answer', 'max cost')
  return []
}

function assumed({ record, change }: ReplayRun, model: string): ReplayedCall {
  const tier: Tier = change.next.policy.models[model]?.tier ?? 'frontier'
  const outputTokens = record.usage?.outputTokens ?? record.shadow?.attempt.usage?.outputTokens ?? 0
  return {
    ...{ model, actor: 'frontier', tier, purpose: 'answer', outcome: 'answered', error: null, errorMessage: null },
    usage: { inputTokens: record.features.inputTokensEstimated, outputTokens, source: 'estimated' },
    ...{ latencyMs: 0, firstTokenMs: null, costUsd: null, priceSource: null, finishReason: 'stop', isAssumed: true },
  }
}

function failureOf({ error, actor, model }: Attempt, task: string): RouterError {
  const code = error !== null && Object.hasOwn(ERRORS, error) ? (error as ErrorCode) : 'model_failed'
  const values = { model, task, why: 'as recorded', fix: '', problem: 'as recorded' }
  // Of a local model the only request that it refuses is one that its window does not hold.
  return new RouterError(
    code,
    actor === 'local' && code === 'request_invalid' ? { ...values, path: 'messages' } : values,
  )
}

function askedOf(run: ReplayRun, { model, actor, tier, finishReason, usage }: Attempt): Asked {
  const answer = answerOf(run, model)
  const draft = answer?.draft ?? null
  const text = draft === null ? '' : (optionText(run, draft.answerHash) ?? '')
  const probability = draft && figure(draft, 'probability')
  return {
    answer: {
      ...{ text, toolCalls: [], raw: null, finishReason: finishReason ?? 'stop' },
      usage: usage ?? { inputTokens: 0, outputTokens: 0, source: 'estimated' },
      signals: draft && draft.spread !== undefined ? signalsOf(draft) : null,
    },
    ...{ actor, model, tier, delivered: false },
    option: probability === null ? null : { value: text, probability, logprob: Math.log(probability) },
  }
}

function answerOf({ answers }: ReplayRun, model: string): RecordedAnswer | null {
  return answers.find((one) => one.model === model) ?? null
}

/** The option that was chosen: the hash of its text is on record, and the options stand in the policy. */
function optionText({ task }: ReplayRun, answerHash: string): string | null {
  return optionsOf(task)?.find((option) => sha256(option) === answerHash) ?? null
}

function check(run: ReplayRun, asked: Asked): ReturnType<typeof replayedVerdicts> {
  const { record, change, features, task, decision, request } = run
  const answer = answerOf(run, asked.model)
  if (!answer) throw new Unrecorded('no_answer', asked.model)
  if (answer.draft?.spread === undefined && answer.draft !== null) throw new Unrecorded('older_record')
  run.checked = true
  const calibration = run.calibration(answer)
  const input: GateInput = {
    answer: asked.answer,
    ...{ task, request, taskName: features.task, option: asked.option },
    ...(calibration && { calibration, figures: answer.draft?.figures ?? [] }),
    findHardStops: () => [],
    checkEquations: () => ({ checked: 0, wrong: 0 }),
  }
  const knowsOption = answer.draft !== null && asked.answer.text !== ''
  return replayedVerdicts({ answer, input, decision, change, was: record.task, knowsOption })
}
