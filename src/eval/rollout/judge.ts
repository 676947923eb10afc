/** Holds evidence against the bars of a task: whether it may serve local answers, and what is missing. Pure. */
import { labelsUntilBelow } from '../../learn/sequence.ts'
import type { StagePolicy, TaskPolicy } from '../../spec/policy.ts'
import type { BarName } from '../../spec/policy-bars.ts'
import { type StageName, stageName } from '../../spec/rollout.ts'
import type { RolloutEvidence } from './evidence.ts'

export interface RolloutBar {
  /** `maxErrorRate` is the bound of `accept`, the others those of `bars`. */
  readonly bar: 'maxErrorRate' | BarName
  /** Null where the policy sets none. */
  readonly limit: number | null
  /** What is held against it, for a rate the end of its confidence sequence; null when nothing can be said yet. */
  readonly value: number | null
  /** Null: live traffic cannot tell, `spillway eval` can; it keeps nobody from going on. */
  readonly isMet: boolean | null
  /** What to do about it, as a clause; null when it is met. */
  readonly missing: string | null
}

export interface Judgement {
  readonly isMet: boolean
  readonly bars: readonly RolloutBar[]
  /** The clauses of the bars that are not met. */
  readonly missing: readonly string[]
}

/** Nothing needs to be shown for a stage in which no local answer is served. */
export function needsEvidence(to: StagePolicy): boolean {
  const name: StageName = stageName(to)
  return name === 'canary' || name === 'accept'
}

/** @param evidence since the last move of the task */
export function judgeEvidence(task: TaskPolicy, evidence: RolloutEvidence): Judgement {
  const bars = [errorBar(task, evidence), ...policyBars(task, evidence)]
  const missing = bars.flatMap(({ isMet, missing: clause }) => (isMet === false && clause !== null ? [clause] : []))
  return { isMet: bars.every(({ isMet }) => isMet !== false), bars, missing }
}

function errorBar({ accept }: TaskPolicy, evidence: RolloutEvidence): RolloutBar {
  const limit = accept.maxErrorRate ?? null
  const bar = { bar: 'maxErrorRate', limit } as const
  if (limit === null)
    return {
      ...bar,
      value: null,
      isMet: false,
      missing: 'accept.maxErrorRate is not set, and without a bound nothing can be shown (for example 0.05)',
    }
  const value = evidence.labelled === 0 ? null : evidence.errorRate.upper
  const isMet = value !== null && value < limit
  return { ...bar, value, isMet, missing: isMet ? null : whyNotBelow(evidence, { ...accept, limit }) }
}

interface Limit extends Pick<TaskPolicy['accept'], 'confidence' | 'labels'> {
  readonly limit: number
}

function whyNotBelow(evidence: RolloutEvidence, { limit, confidence, labels }: Limit): string {
  const { items, accepted, labelled, errors, reasons, ofOthers } = evidence
  const others = ofOthers > 0 ? ` (${ofOthers} of another model, prompt or threshold do not count)` : ''
  if (items === 0) return `no request was shadowed or audited since the last move${others}`
  if (accepted === 0)
    return `of ${items} requests local would have answered none, mostly for ${reasons[0]?.reason ?? 'no reason'}${others}`
  if (labelled === 0)
    return `none of ${accepted} answers that would be accepted has a label by ${labels} or a surer source (spillway feedback)`
  const wanted = labelsUntilBelow({ errors, n: labelled }, { maxErrorRate: limit, confidence })
  const found = `${errors} of ${labelled} accepted answers wrong, shown to be below ${percent(evidence.errorRate.upper)}, wanted below ${percent(limit)}`
  if (wanted === null) return `${found}: at this rate more requests will not help`
  const requests = Math.ceil((Math.max(1, wanted - labelled) * items) / labelled)
  return `${found}: needs about ${rounded(requests)} more labelled shadow requests${others}`
}

/** Two digits are all that such a forecast is worth. */
function rounded(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1)
  return Math.ceil(count / unit) * unit
}

type Measure = (limit: number, evidence: RolloutEvidence, task: TaskPolicy) => Pick<RolloutBar, 'value' | 'missing'>

/** The bars that requests of callers can speak about. */
const MEASURES: { readonly [Name in BarName]?: Measure } = {
  minAcceptedAccuracy: (limit, evidence, { accept }) => {
    const value = evidence.labelled === 0 ? null : 1 - evidence.errorRate.upper
    const isMet = value !== null && value >= limit
    if (isMet) return { value, missing: null }
    // An accuracy of 1 cannot be shown by any number of labels.
    const most = Math.min(Math.max(1 - limit, 1e-6), 0.999)
    return { value, missing: `minAcceptedAccuracy: ${whyNotBelow(evidence, { ...accept, limit: most })}` }
  },
  minLocalShare: (limit, { acceptedShare, accepted, items }) => ({
    value: items === 0 ? null : acceptedShare.lower,
    missing: `minLocalShare: local would have answered ${accepted} of ${items} requests, shown to be above ${percent(acceptedShare.lower)}, wanted ${percent(limit)}`,
  }),
  maxFalseAccepts: (limit, { errors, labelled }) => ({
    value: labelled === 0 ? null : errors,
    missing: `maxFalseAccepts: ${errors} wrong answers would have been accepted, allowed ${limit}, of ${labelled} with a label`,
  }),
  maxHardStopAccepts: (limit, { hardStopAccepts, items }) => ({
    value: items === 0 ? null : hardStopAccepts,
    missing: `maxHardStopAccepts: ${hardStopAccepts} requests with a hard stop would have been accepted, allowed ${limit}`,
  }),
  maxP95Ms: (limit, { localP95Ms }) => ({
    value: localP95Ms,
    missing: `maxP95Ms: local answers take ${localP95Ms === null ? 'an unknown time' : `${Math.round(localP95Ms)} ms`} (95 %), allowed ${limit} ms`,
  }),
  maxCostUsdPerRequest: (limit, { acceptUsd }) => ({
    value: acceptUsd,
    missing: `maxCostUsdPerRequest: a request would cost ${acceptUsd === null ? 'an unknown sum' : `$${acceptUsd.toPrecision(3)}`}, allowed $${limit}`,
  }),
}

function policyBars(task: TaskPolicy, evidence: RolloutEvidence): readonly RolloutBar[] {
  return Object.entries(task.bars ?? {}).flatMap(([name, limit]): readonly RolloutBar[] => {
    if (limit === undefined) return []
    const bar = name as BarName
    const measured = MEASURES[bar]?.(limit, evidence, task)
    if (!measured) return [{ bar, limit, value: null, isMet: null, missing: null }]
    const { value } = measured
    const isMet = value !== null && (bar.startsWith('min') ? value >= limit : value <= limit)
    return [{ bar, limit, value, isMet, missing: isMet ? null : measured.missing }]
  })
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}
