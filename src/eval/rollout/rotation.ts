/** Holds a candidate against the model in force, on the same requests: what changed, who was wrong, and whether it may take over. Pure. */
import { type LossBounds, lossBounds, type PairedCounts, pairsUntilLessLoss } from '../../learn/paired-sequence.ts'
import { lowerConfidenceBound, upperConfidenceBound } from '../../learn/sequence.ts'
import type { AuditRecord, RecordedPrompt } from '../../spec/audit.ts'
import type { LabelSource } from '../../spec/label.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import type { RolloutModel } from '../../spec/rollout.ts'
import type { Candidate, RotationVerdict } from '../../spec/rotation.ts'
import {
  type CountedPairs,
  type Counting,
  emptyTally,
  type RotationTally,
  type SideTally,
  tallied,
} from './rotation-pairs.ts'

/** One of the two. */
export interface RotationSide {
  readonly model: RolloutModel | null
  /** Of the candidate: its prompt for the task; null when it has none, and of the model in force. */
  readonly prompt: RecordedPrompt | null
  readonly answered: number
  /** No answer came: a call failed, or was too slow. */
  readonly failed: number
  /** Answers that would be, or were, served; the share is of all runs. */
  readonly accepted: number
  readonly acceptedShare: number | null
  /** Of the pairs, whether accepted or not; the ends are those of confidence sequences. */
  readonly errors: ErrorRate
  /** Of the pairs since the present thresholds: accepted and wrong. */
  readonly falseAccepts: number
  readonly latencyMs: { readonly p50: number | null; readonly p95: number | null }
  /** Mean US dollars of a request in stage `accept`; null while a price is unknown, or the frontier was never asked. */
  readonly acceptUsd: number | null
  /** Why gates would not let it answer, most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[]
}

export interface ErrorRate {
  readonly n: number
  readonly wrong: number
  readonly rate: number | null
  readonly lower: number
  readonly upper: number
}

/** Pairs whose right answer is this label. */
export interface LabelRow {
  readonly label: string
  readonly n: number
  readonly incumbent: ErrorRate
  readonly candidate: ErrorRate
}

export interface Difference extends CountedPairs {
  /** Of the candidate's share minus that of the model in force, whatever the open pairs turn out to be; see `LossBounds`. */
  readonly bounds: LossBounds
}

export interface RotationReport {
  readonly candidate: Candidate
  /** Requests in which both were asked, of the present model and prompt of each. */
  readonly runs: number
  /** Of another model or prompt than the present ones: they do not count. */
  readonly ofOthers: number
  /** Due and not run, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly changed: {
    /** Both answered and it is known whether alike: how many, and how many differ. */
    readonly compared: number
    readonly answers: number
    /** Served before and not any more, and the other way round. */
    readonly nowEscalated: number
    readonly nowAccepted: number
  }
  readonly incumbent: RotationSide
  readonly challenger: RotationSide
  readonly basis: Counting['basis']
  /** Requests that count; see `basis`. */
  readonly pairs: number
  /** Ids of the first whose labels would tell more; only without a frontier. */
  readonly unlabelled: readonly string[]
  /** Who said what was right, by source: `frontier` is likeness to the frontier, and no more. */
  readonly sources: Readonly<Partial<Record<LabelSource, number>>>
  /** Requests with labels that somebody picked: told, and no evidence. */
  readonly picked: number
  /** Labels that do not tell whether the candidate was right. */
  readonly unclear: number
  readonly errors: Difference
  readonly falseAccepts: Difference
  readonly labels: readonly LabelRow[]
  readonly verdict: RotationVerdict
  /** What keeps it from taking over, as clauses; empty for a verdict that lets it. */
  readonly missing: readonly string[]
  /** What an operator should know all the same, as sentences. */
  readonly notes: readonly string[]
}

export interface RotationQuestion {
  /** Of the task since the candidate began; gone through once. */
  readonly records: Iterable<AuditRecord>
  readonly candidate: Candidate
  readonly task: Pick<TaskPolicy, 'accept'>
  /** How many answers the task has; null for open kinds. */
  readonly options: number | null
  /** `people` for a task that no frontier answers. */
  readonly basis: Counting['basis']
}

export function rotationReport({ records, candidate, task, options, basis }: RotationQuestion): RotationReport {
  const { accept } = task
  const tally = emptyTally()
  for (const record of records)
    tallied(tally, record, { candidate: candidate.id, leastSure: accept.labels, options, basis })
  const own = tally.last
  const [errors, falseAccepts] = [own.errors, own.falseAccepts].map((counts) => ({
    ...counts,
    bounds: boundsOf(counts, accept.confidence),
  })) as [Difference, Difference]
  const judged = rotationVerdict(
    { errors, falseAccepts },
    { maxLoss: candidate.maxLoss, confidence: accept.confidence },
  )
  return {
    candidate,
    runs: own.runs,
    ofOthers: tally.runs - own.runs,
    dropped: Object.fromEntries(tally.dropped),
    changed: own.changed,
    incumbent: sideOf(own.incumbent, own, accept.confidence),
    challenger: sideOf(own.challenger, own, accept.confidence),
    basis,
    pairs: own.errors.n,
    unlabelled: own.unlabelled,
    sources: Object.fromEntries(own.sources),
    picked: own.picked,
    unclear: own.unclear,
    errors,
    falseAccepts,
    labels: labelRows(own, accept.confidence),
    verdict: judged.verdict,
    missing: own.runs === 0 ? [nothingYet(tally)] : judged.missing,
    notes: notesOn(own, task, basis),
  }
}

export interface RotationEvidence {
  /** Wrong answers, whoever accepted them. */
  readonly errors: PossiblyOpen
  /** Wrong answers that gates accepted. */
  readonly falseAccepts: PossiblyOpen
}

type PossiblyOpen = PairedCounts & Partial<Pick<CountedPairs, 'openLost' | 'openGained'>>

/** Each end as if all that is open turned out against it, so it holds whoever chooses what gets a label. */
function boundsOf({ n, lost, gained, openLost = 0, openGained = 0 }: PossiblyOpen, confidence: number): LossBounds {
  const { upper } = lossBounds({ n, lost: lost + openLost, gained }, confidence)
  const { lower } = lossBounds({ n, lost, gained: gained + openGained }, confidence)
  return { lower, upper }
}

/**
 * Whether what was seen lets a candidate take over. Every part is a confidence sequence, so it may be asked after every request: a candidate
 * that loses `maxLoss` or more is called better or no worse in at most 1 - confidence of all histories, one that is as good is called
 * worse in at most twice as many (once for errors, once for false accepts).
 */
export function rotationVerdict(
  { errors, falseAccepts }: RotationEvidence,
  { maxLoss, confidence }: { readonly maxLoss: number; readonly confidence: number },
): { readonly verdict: RotationVerdict; readonly missing: readonly string[] } {
  const parts = [
    { what: 'wrong answers', counts: errors, bounds: boundsOf(errors, confidence) },
    { what: 'false accepts', counts: falseAccepts, bounds: boundsOf(falseAccepts, confidence) },
  ]
  const isWithin = parts.every(({ bounds }) => bounds.upper < maxLoss)
  if (isWithin) {
    const isBetter = (parts[0]?.bounds.upper ?? 1) < 0
    return { verdict: isBetter ? 'better' : 'no_worse', missing: [] }
  }
  const lost = parts.filter(({ bounds }) => bounds.lower > 0)
  if (lost.length > 0)
    return {
      verdict: 'worse',
      missing: lost.map(
        ({ what, counts, bounds }) =>
          `${what} rise: ${counts.lost} lost and ${counts.gained} gained of ${counts.n}, shown to be ${percent(bounds.lower)} more or above`,
      ),
    }
  const open = parts.filter(({ bounds }) => bounds.upper >= maxLoss)
  const missing = open.map(({ what, counts, bounds }) => {
    if (counts.n === 0) return `no pair has a label yet (${what})`
    const { openLost = 0 } = counts
    if (openLost > 0)
      return `${what}: ${openLost} of ${counts.n} pairs may be lost until somebody says what is right (spillway feedback)`
    const seen = `${what}: ${counts.lost} lost and ${counts.gained} gained of ${counts.n}, shown to rise by less than ${percent(bounds.upper)}, wanted less than ${percent(maxLoss)}`
    const wanted = pairsUntilLessLoss(counts, maxLoss, confidence)
    if (wanted === null) return `${seen}: at this rate more requests will not help`
    return `${seen}: needs about ${rounded(Math.max(1, wanted - counts.n))} more labelled pairs`
  })
  return { verdict: 'not_enough', missing }
}

function nothingYet({ dropped }: RotationTally): string {
  const [most] = [...dropped].toSorted((a, b) => b[1] - a[1])
  if (most) return `no request was answered by both; ${most[1]} were left out for ${most[0]}`
  return 'no request came in which the model in force was asked'
}

function sideOf(side: SideTally, { runs, frontierUsd }: RotationTally['last'], confidence: number): RotationSide {
  const { model, prompt, answered, accepted, wrong, labelled, falseAccepts, localMs, localUsd } = side
  const paid = frontierUsd.n === 0 ? null : frontierUsd.sum === null ? null : frontierUsd.sum / frontierUsd.n
  const escalated = runs - accepted
  const more = escalated === 0 ? 0 : paid === null ? null : paid * escalated
  const sorted = localMs.toSorted((a, b) => a - b)
  return {
    model,
    prompt,
    answered,
    failed: runs - answered,
    accepted,
    acceptedShare: runs === 0 ? null : accepted / runs,
    errors: rateOf(wrong, labelled, confidence),
    falseAccepts,
    latencyMs: { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) },
    acceptUsd: localUsd === null || more === null || runs === 0 ? null : (localUsd + more) / runs,
    reasons: [...side.reasons]
      .map(([reason, count]) => ({ reason, count }))
      .toSorted((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  }
}

function rateOf(wrong: number, n: number, confidence: number): ErrorRate {
  return {
    n,
    wrong,
    rate: n === 0 ? null : wrong / n,
    lower: lowerConfidenceBound(wrong, n, confidence),
    upper: upperConfidenceBound(wrong, n, confidence),
  }
}

function labelRows({ labels }: RotationTally['last'], confidence: number): readonly LabelRow[] {
  return [...labels]
    .map(([label, { n, incumbent, challenger }]) => ({
      label,
      n,
      incumbent: rateOf(incumbent, n, confidence),
      candidate: rateOf(challenger, n, confidence),
    }))
    .toSorted((a, b) => b.n - a.n || (a.label < b.label ? -1 : 1))
}

function notesOn(
  own: RotationTally['last'],
  { accept }: Pick<TaskPolicy, 'accept'>,
  basis: Counting['basis'],
): readonly string[] {
  const unproven = own.challenger.reasons.get('uncalibrated') ?? 0
  const labels = [...own.sources].reduce((sum, [, count]) => sum + count, 0)
  const byFrontier = own.sources.get('frontier') ?? 0
  const notes: string[] = []
  if (basis === 'people')
    notes.push(
      'No frontier answers this task: answers alike count as such, every other one needs the label of a person.',
    )
  if (byFrontier > 0)
    notes.push(
      byFrontier === labels
        ? 'Every label is the answer of the frontier: errors are differences from it.'
        : `${byFrontier} of ${labels} labels are answers of the frontier: errors there are differences from it.`,
    )
  if (accept.maxErrorRate !== undefined && unproven > own.runs / 2)
    notes.push('No threshold is proven for the candidate: run `spillway calibrate` before it takes over.')
  if (own.picked > 0) notes.push(`${own.picked} labels are of requests that somebody picked; they are not counted.`)
  return notes
}

function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null
}

/** Two digits are all that such a forecast is worth. */
function rounded(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1)
  return Math.ceil(count / unit) * unit
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} points`
}
