/** A task's prior from its audit: what is skipped, what that saves, and whether it is worth it. Pure. */
import { betaQuantile } from '../learn/beta.ts'
import { fitPrior, openPrior, type PriorExample, shrunkShare } from '../learn/prior.ts'
import { priorFigures } from '../learn/prior-figures.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Reason } from '../spec/decision.ts'
import type { KeptExample } from '../spec/learned.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { Prior, PriorProof } from '../spec/prior.ts'
import { fractionOf } from './calibrate.ts'

export interface PriorRequest {
  readonly task: string
  readonly settings: NonNullable<TaskPolicy['prior']>
  /** Of the task. */
  readonly records: readonly AuditRecord[]
  /** Share of accepted local answers over all tasks; null when there are none. */
  readonly overall: number | null
  readonly kept: readonly KeptExample[]
  readonly version: number
  /** ISO 8601, UTC. */
  readonly now: string
}

export type PriorFit =
  | { readonly task: string; readonly prior: Prior; readonly why: string | null }
  | { readonly task: string; readonly prior: null; readonly why: string }

/** A request whose local answer was checked whatever a prior may have said. */
export interface PriorRow extends PriorExample {
  readonly model: string
  readonly localMs: number
}

/** Half of the requests fit, the other half proves; a request's part depends on its id alone and never changes. */
const FIT_SHARE = 0.5
const MIN_ROWS = 200
/** Of either outcome in the half that fits. */
const MIN_OF_EACH = 10

/** From the audit of the task. */
export function fitPriorOf({ records, kept, ...rest }: PriorRequest): PriorFit {
  return priorFrom(priorRows(records, kept), { ...rest, frontierMs: frontierMs(records) })
}

/** What is known beside the rows; `frontierMs`: mean time of a frontier's answer. */
export type PriorSetting = Omit<PriorRequest, 'records' | 'kept'> & { readonly frontierMs: number }

/**
 * Fitted on one half of the requests, where the threshold is chosen, too; proven on the other. It is used when the lower
 * end of the 90 % interval of the time it saves reaches the task's margin and it loses too few local answers.
 */
export function priorFrom(rows: readonly PriorRow[], setting: PriorSetting): PriorFit {
  const { task, settings, overall, version, now } = setting
  if (rows.length < MIN_ROWS)
    return { task, prior: null, why: `${rows.length} checked local answers, ${MIN_ROWS} are needed` }
  const fitting = rows.filter(({ id }) => fractionOf(`prior ${id}`) < FIT_SHARE)
  const proving = rows.filter(({ id }) => fractionOf(`prior ${id}`) >= FIT_SHARE)
  const accepted = fitting.filter(({ isAccepted }) => isAccepted).length
  if (Math.min(accepted, fitting.length - accepted) < MIN_OF_EACH)
    return {
      task,
      prior: null,
      why: `${accepted} of ${fitting.length} answers were accepted: there is nothing to tell apart`,
    }
  const { model, heldOut } = fitPrior(fitting, overall ?? accepted / fitting.length)
  const threshold = thresholdFor(fitting, heldOut, settings.maxLost)
  const predict = openPrior(model)
  const skips = proving.map((row) => predict(row) < threshold)
  const proof = proofOf(proving, skips, setting.frontierMs)
  const off = whyOff(proof, settings)
  const specialist = specialistIn(rows, settings.margin)
  return {
    task,
    why: off,
    prior: { task, version, fittedAt: now, fittedOn: fitting.length, model, threshold, proof, off, specialist },
  }
}

/** Rejections that say nothing about the answer. */
const NO_OPINION: ReadonlySet<Reason> = new Set(['uncalibrated', 'signal_unavailable', 'gate_error'])

/** Requests that a prior might have kept from the local model count only when they were drawn. */
export function priorRows(records: readonly AuditRecord[], kept: readonly KeptExample[]): readonly PriorRow[] {
  const texts = new Map(kept.map(({ requestId, text }) => [requestId, text]))
  return records.flatMap((record): readonly PriorRow[] => {
    const checked = checkedIn(record)
    if (!checked || (record.prior && !record.draft?.isSampled && !record.shadow)) return []
    const { verdicts, attempt } = checked
    const rejected = verdicts.find(({ accepted }) => !accepted)
    if (verdicts.length === 0 || (rejected?.reason && NO_OPINION.has(rejected.reason))) return []
    return [
      {
        id: record.requestId,
        figures: priorFigures(record.features),
        text: texts.get(record.requestId) ?? null,
        isAccepted: rejected === undefined,
        model: attempt.model,
        localMs: attempt.latencyMs,
      },
    ]
  })
}

/** Of several local tiers the last decides whether the local call was worth it. */
function checkedIn({ shadow, verdicts, attempts }: AuditRecord) {
  if (shadow) return { verdicts: shadow.verdicts, attempt: shadow.attempt }
  const attempt = attempts.findLast(
    ({ actor, purpose, outcome }) => actor === 'local' && purpose === 'answer' && outcome === 'answered',
  )
  if (!attempt) return null
  return { verdicts: verdicts.filter(({ model }) => model === undefined || model === attempt.model), attempt }
}

/** The highest below which at most the share of all requests is lost that may be; held-out opinions decide. */
function thresholdFor(rows: readonly PriorRow[], heldOut: readonly number[], maxLost: number): number {
  const sorted = rows
    .map(({ isAccepted }, at) => ({ isAccepted, probability: heldOut[at] ?? 0 }))
    .toSorted((a, b) => a.probability - b.probability)
  let [lost, threshold] = [0, 0]
  for (const [index, { isAccepted, probability }] of sorted.entries()) {
    // The interval of the proof must leave the limit, too: half of it is aimed at.
    if (lost / rows.length > maxLost / 2) break
    if (index === 0 || probability !== sorted[index - 1]?.probability) threshold = probability
    lost += isAccepted ? 1 : 0
  }
  return threshold
}

/** Both tails of a normal distribution hold 10 % beyond it. */
const Z_90 = 1.645

/** A skipped request goes to the frontier at once; all others take as long as they took. */
function proofOf(rows: readonly PriorRow[], skips: readonly boolean[], frontier: number): PriorProof {
  const before = rows.map(({ localMs, isAccepted }) => localMs + (isAccepted ? 0 : frontier))
  const saved = rows.map((_, at) => (skips[at] ? (before[at] ?? 0) - frontier : 0))
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / rows.length
  const [total, gain] = [mean(before), mean(saved)]
  const deviation = Math.sqrt(saved.reduce((sum, value) => sum + (value - gain) ** 2, 0) / Math.max(1, rows.length - 1))
  const half = (Z_90 * deviation) / Math.sqrt(rows.length)
  const lost = rows.filter(({ isAccepted }, at) => skips[at] && isAccepted).length
  return {
    n: rows.length,
    skipped: skips.filter(Boolean).length / rows.length,
    lost: lost / rows.length,
    // Clopper and Pearson 1934.
    lostAtMost: betaQuantile(0.95, lost + 1, rows.length - lost),
    saving: gain / total,
    savingInterval: [(gain - half) / total, (gain + half) / total],
  }
}

function frontierMs(records: readonly AuditRecord[]): number {
  const times = records.flatMap(({ attempts }) =>
    attempts.flatMap(({ actor, outcome, latencyMs }) =>
      actor === 'frontier' && outcome === 'answered' ? [latencyMs] : [],
    ),
  )
  return times.length === 0 ? 0 : times.reduce((sum, time) => sum + time, 0) / times.length
}

function whyOff(
  { savingInterval: [low], saving, lostAtMost, n }: PriorProof,
  { margin, maxLost }: PriorRequest['settings'],
): string | null {
  if (low < margin)
    return `it saves ${percent(saving)} of the time (at least ${percent(low)}), less than the margin of ${percent(margin)}, on ${n} requests`
  if (lostAtMost > maxLost)
    return `it may lose ${percent(lostAtMost)} of the requests that stay local, more than ${percent(maxLost)}`
  return null
}

/** The model whose shrunk share of accepted answers lies above that of the most asked by the margin, interval included. */
function specialistIn(rows: readonly PriorRow[], margin: number): string | null {
  const byModel = Map.groupBy(rows, ({ model }) => model)
  const overall = rows.filter(({ isAccepted }) => isAccepted).length / rows.length
  const shares = [...byModel].map(([model, own]) => {
    const share = shrunkShare(own.filter(({ isAccepted }) => isAccepted).length, own.length, overall)
    return { model, n: own.length, share, half: Z_90 * Math.sqrt((share * (1 - share)) / own.length) }
  })
  const first = shares.toSorted((a, b) => b.n - a.n)[0]
  const best = shares.toSorted((a, b) => b.share - a.share)[0]
  if (!first || !best || best.model === first.model) return null
  return best.share - best.half - (first.share + first.half) >= margin ? best.model : null
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
