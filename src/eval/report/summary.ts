/** Figures of an evaluation, for one task or for all rows. Pure. */
import { wilson } from '../../learn/interval.ts'
import { auroc, qualityOf } from '../../learn/quality.ts'
import type { ReliabilityBin } from '../../spec/calibration.ts'
import type { RowResult } from '../run/row-result.ts'
import { type CurvePoint, curveOf, type RiskPoint, riskCurve } from './curves.ts'

/** A share of rows. `share` and `interval` (95 %, Wilson) are 0 to 1, null when no row could be counted. */
export interface Share {
  readonly count: number
  readonly n: number
  readonly share: number | null
  readonly interval: readonly [number, number] | null
}

export interface Summary {
  /** Null over all tasks. */
  readonly task: string | null
  readonly n: number
  readonly failed: number
  readonly held: number
  /** Right among the answers given whose row names a right one. */
  readonly accuracy: Share
  /** Right among the local answers, served or not. */
  readonly draftAccuracy: Share
  /** Rows that the local model answered, of all. */
  readonly localShare: Share
  /** Right among the local answers that were accepted. */
  readonly acceptedAccuracy: Share
  /** Wrong local answers that were accepted. */
  readonly falseAccepts: number
  /** Right local answers that were rejected. */
  readonly falseRejects: number
  /** Rows marked hardStop that the local model answered. */
  readonly hardStopAccepts: Share
  readonly validShape: Share
  readonly expectedRoute: Share
  readonly costUsd: { readonly sum: number | null; readonly mean: number | null; readonly frontierOnly: number | null }
  /** Milliseconds until the answer; of local answers only, when the frontier was not called. */
  readonly latencyMs: { readonly p50: number | null; readonly p95: number | null; readonly n: number }
  readonly callsPerRequest: { readonly local: number; readonly frontier: number }
  /** Rows by the reason of their route. */
  readonly reasons: Readonly<Record<string, number>>
  /** How well the score tells right local answers from wrong ones. */
  readonly score: {
    readonly name: string | null
    readonly auroc: number | null
    readonly ece: number | null
    readonly reliability: readonly ReliabilityBin[]
    readonly riskCoverage: readonly RiskPoint[]
    /** Accuracy against cost for every threshold on the score. */
    readonly qualityCost: readonly CurvePoint[]
  }
}

export function summaryOf(
  task: string | null,
  rows: readonly RowResult[],
  frontier: 'assumed right' | 'called',
): Summary {
  const answered = rows.filter(({ status }) => status === 'answered')
  const local = answered.filter(isLocal)
  const drafts = rows.flatMap(({ draft }) => (draft ? [draft] : []))
  return {
    task,
    n: rows.length,
    failed: rows.filter(({ status }) => status === 'failed').length,
    held: rows.filter(({ status }) => status === 'held').length,
    accuracy: shareOf(answered.map((row) => row.isRight)),
    draftAccuracy: shareOf(drafts.map((draft) => draft.isRight)),
    localShare: shareOf(rows.map(isLocal)),
    acceptedAccuracy: shareOf(local.map((row) => row.isRight)),
    falseAccepts: rows.filter(isFalseAccept).length,
    falseRejects: rows.filter(isFalseReject).length,
    hardStopAccepts: shareOf(rows.filter(({ hardStop }) => hardStop).map(isLocal)),
    validShape: shareOf(answered.map((row) => row.hasShape)),
    expectedRoute: shareOf(rows.map(({ route, expectedRoute }) => expectedRoute && route === expectedRoute)),
    costUsd: costOf(rows),
    latencyMs: latencyOf(frontier === 'called' ? answered : local),
    callsPerRequest: {
      local: mean(rows.map(({ localCalls }) => localCalls)) ?? 0,
      frontier: mean(rows.map(({ frontierCalls }) => frontierCalls)) ?? 0,
    },
    reasons: reasonsOf(rows),
    score: scoreOf(rows),
  }
}

export function isLocal({ route }: RowResult): boolean {
  return route === 'local'
}

export function isFalseAccept(row: RowResult): boolean {
  return isLocal(row) && row.isRight === false
}

export function isFalseReject(row: RowResult): boolean {
  return !isLocal(row) && row.draft?.isRight === true
}

/** Null values are rows that cannot be counted. */
function shareOf(values: readonly (boolean | '' | null)[]): Share {
  const counted = values.filter((value) => value !== null)
  const count = counted.filter(Boolean).length
  const n = counted.length
  return { count, n, share: n === 0 ? null : count / n, interval: wilson(count, n) }
}

function costOf(rows: readonly RowResult[]): Summary['costUsd'] {
  const sum = total(rows.filter(({ status }) => status !== 'failed').map(({ costUsd }) => costUsd))
  const frontierOnly = total(rows.filter(({ status }) => status === 'answered').map((row) => row.frontierOnlyUsd))
  return { sum, mean: sum === null || rows.length === 0 ? null : sum / rows.length, frontierOnly }
}

function total(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0)
}

function latencyOf(rows: readonly RowResult[]): Summary['latencyMs'] {
  const times = rows.flatMap(({ latencyMs }) => latencyMs ?? []).toSorted((a, b) => a - b)
  const at = (share: number): number | null => times[Math.ceil(share * times.length) - 1] ?? null
  return { p50: at(0.5), p95: at(0.95), n: times.length }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

function reasonsOf(rows: readonly RowResult[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const { reason, error } of rows) {
    const name = reason ?? error ?? 'unknown'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)))
}

function scoreOf(rows: readonly RowResult[]): Summary['score'] {
  const scored = rows.flatMap(({ draft }) =>
    draft?.score != null && draft.isRight !== null
      ? [{ probability: draft.score, isCorrect: draft.isRight, passesChecks: draft.passesChecks, of: draft.scoreName }]
      : [],
  )
  const names = new Set(scored.map(({ of }) => of))
  const [name = null] = names
  const quality = qualityOf(scored)
  return {
    name: names.size > 1 ? 'mixed' : name,
    auroc: auroc(scored),
    ece: scored.length === 0 ? null : quality.ece,
    reliability: quality.reliability,
    riskCoverage: riskCurve(scored),
    qualityCost: curveOf(rows),
  }
}
