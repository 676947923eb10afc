/** Which decisions people shall look at, the most telling first. Pure. */
import { createHash } from 'node:crypto'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Verdict } from '../../spec/decision.ts'
import { type Review, reviewsOf } from './reviews.ts'

/**
 * Why a request is in the queue, the most urgent first. `disputed`: reviewers disagree. `suspected`: served by a local model, and
 * a gate, or somebody later, said that it was wrong. `held`: nobody may answer. `disagreement`: a shadow that its gates would have
 * accepted says something else than the frontier. `low_margin`: accepted just above its threshold. `accepted`: drawn from all
 * answers of local models.
 */
export const STRATA = ['disputed', 'suspected', 'held', 'disagreement', 'low_margin', 'accepted'] as const
export type Stratum = (typeof STRATA)[number]

export interface QueueItem {
  readonly requestId: string
  readonly taskId: string | null
  readonly task: string
  readonly stratum: Stratum
  /** ISO 8601, UTC. */
  readonly receivedAt: string
  readonly reason: string
  /** The local model that answered, or would have; null when none was asked. */
  readonly model: string | null
  /** How far the closest gate was from rejecting, in its own unit; null when no gate measures. */
  readonly margin: number | null
  /** At most 240 characters, secrets masked; only where the policy keeps previews. */
  readonly preview: string | null
  readonly reviews: readonly Review[]
}

export interface QueueSettings {
  /** Of each task and stratum, so that no task crowds out another. */
  readonly perStratum: number
  /** Different people who shall look at each. */
  readonly reviewers: number
  /** Who asks: what they have looked at themselves is left out. Null: everything that still wants a review. */
  readonly by: string | null
}

/** Above the threshold by less than this share of the way from it to 1. */
const LOW_MARGIN = 0.1

/**
 * @returns the queue, by stratum and then task. The draw within a stratum depends on the requests alone, so that two reviewers, and
 *   the same one an hour later, meet the same
 */
export function reviewQueue(
  records: Iterable<AuditRecord>,
  { perStratum, reviewers, by }: QueueSettings,
): readonly QueueItem[] {
  const groups = new Map<string, { readonly item: QueueItem; readonly rank: string }[]>()
  for (const record of records) {
    const item = itemOf(record, reviewers)
    if (!item || (by !== null && item.reviews.some((review) => review.by === by))) continue
    const key = `${STRATA.indexOf(item.stratum)} ${item.task}`
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push({ item, rank: rankOf(item) })
    // Only the first of a long time stay in memory.
    if (group.length >= 2 * perStratum + 64) group.sort(byRank).splice(perStratum)
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => group.sort(byRank).slice(0, perStratum))
    .map(({ item }) => item)
}

function itemOf(record: AuditRecord, reviewers: number): QueueItem | null {
  const reviews = reviewsOf(record)
  const stratum = stratumOf(record, reviews)
  const isDone = stratum !== 'disputed' && new Set(reviews.map(({ by }) => by)).size >= reviewers
  if (stratum === null || isDone) return null
  const { requestId, taskId, task, receivedAt, reason, preview } = record
  const model = record.localModel?.name ?? record.shadow?.model ?? null
  const margin = marginOf(record.shadow?.verdicts ?? record.verdicts)
  return { requestId, taskId, task, stratum, receivedAt, reason, model, margin, preview, reviews }
}

function stratumOf(record: AuditRecord, reviews: readonly Review[]): Stratum | null {
  if (isDisputed(reviews)) return 'disputed'
  // Once somebody has decided, it waits for nobody.
  if (record.outcome === 'held') return record.held ? null : 'held'
  if (record.shadow) return record.shadow.wouldAccept && record.shadow.agrees === false ? 'disagreement' : null
  if (record.outcome !== 'accepted' || record.route !== 'local' || record.draft === null) return null
  if (isDoubted(record)) return 'suspected'
  const margin = marginOf(record.verdicts)
  return margin !== null && margin < LOW_MARGIN ? 'low_margin' : 'accepted'
}

/** Without a frontier in reach an answer may be served that its gates rejected. */
function isDoubted({ labels, draft, verdicts }: AuditRecord): boolean {
  const isLabelledWrong = labels.some(({ isCorrect, verdict }) => !isCorrect && verdict === undefined)
  return isLabelledWrong || draft?.agrees === false || verdicts.some(({ accepted }) => !accepted)
}

/** The last word of each; a third one settles what two disagree on. */
function isDisputed(reviews: readonly Review[]): boolean {
  const last = new Map(reviews.map((review) => [review.by, review.verdict]))
  return last.size === 2 && new Set(last.values()).size > 1
}

/** Share of the way from the threshold to the surest, of the gate that was closest to it; entropy is surest at 0. */
function marginOf(verdicts: readonly Verdict[]): number | null {
  const margins = verdicts.flatMap(({ gate, score, threshold, accepted }) => {
    if (!accepted || score === null || threshold === null) return []
    const room = gate === 'entropy' ? threshold : 1 - threshold
    const above = gate === 'entropy' ? threshold - score : score - threshold
    return room > 0 ? [above / room] : []
  })
  return margins.length === 0 ? null : Math.min(...margins)
}

function byRank(a: { readonly rank: string }, b: { readonly rank: string }): number {
  return a.rank < b.rank ? -1 : 1
}

/** The closest of low margins first; otherwise a draw that depends on nothing but the request. */
function rankOf({ stratum, margin, requestId }: QueueItem): string {
  const drawn = createHash('sha256').update(requestId).digest('hex')
  return stratum === 'low_margin' ? `${(margin ?? 0).toFixed(6)} ${drawn}` : drawn
}
