/** What reviewers said, and how far they agree. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { ReviewVerdict } from '../../spec/label.ts'

export interface Review {
  readonly by: string
  readonly verdict: ReviewVerdict
  /** ISO 8601, UTC. */
  readonly at: string
}

/** In the order given. */
export function reviewsOf({ labels }: AuditRecord): readonly Review[] {
  return labels.flatMap(({ by, verdict, at }) =>
    by !== undefined && verdict !== undefined ? [{ by, verdict, at }] : [],
  )
}

export interface Agreement {
  /** Requests that two or more people looked at; the first two count. */
  readonly pairs: number
  readonly agreed: number
  /** Share of pairs that agree, 0 to 1; null without pairs. */
  readonly share: number | null
  /**
   * Cohen's kappa (Cohen 1960): agreement beyond what the reviewers' own rates would give by chance, -1 to 1. Null without pairs,
   * or where chance alone would make them agree always.
   */
  readonly kappa: number | null
  /** Reviews by each. */
  readonly reviewers: Readonly<Record<string, number>>
  /** Requests whose first two reviewers disagree and that nobody else has settled. */
  readonly open: readonly string[]
}

export function agreement(records: Iterable<AuditRecord>): Agreement {
  const pairs: (readonly [ReviewVerdict, ReviewVerdict])[] = []
  const reviewers: Record<string, number> = {}
  const open: string[] = []
  for (const record of records) {
    const last = new Map<string, ReviewVerdict>()
    for (const { by, verdict } of reviewsOf(record)) {
      reviewers[by] = (reviewers[by] ?? 0) + 1
      last.set(by, verdict)
    }
    const [one, other] = [...last.values()]
    if (one === undefined || other === undefined) continue
    pairs.push([one, other])
    if (one !== other && last.size === 2) open.push(record.requestId)
  }
  const agreed = pairs.filter(([one, other]) => one === other).length
  const share = pairs.length === 0 ? null : agreed / pairs.length
  return { pairs: pairs.length, agreed, share, kappa: kappaOf(pairs, share), reviewers, open }
}

function kappaOf(pairs: readonly (readonly [ReviewVerdict, ReviewVerdict])[], share: number | null): number | null {
  if (share === null) return null
  const rate = (place: 0 | 1, verdict: ReviewVerdict): number =>
    pairs.filter((pair) => pair[place] === verdict).length / pairs.length
  const said = new Set(pairs.flat())
  const chance = [...said].reduce((sum, verdict) => sum + rate(0, verdict) * rate(1, verdict), 0)
  return chance === 1 ? null : (share - chance) / (1 - chance)
}
