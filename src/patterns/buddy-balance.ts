/** Whether a buddy pays and does no harm: sums over requests that are known to be right or wrong. Pure. */
import { logEvidenceAbove } from '../learn/sequence.ts'
import type { BuddyFigures } from '../spec/buddy.ts'
import type { BuddyOptions } from '../spec/policy-buddy.ts'

/** One request of which it is known what its answers were worth. */
export interface Compared {
  readonly requestId: string
  readonly draftRight: boolean
  readonly right: boolean
  /** Of the buddy's own calls and of plain escalation; null where the frontier was not asked for the whole. */
  readonly cost: { readonly own: Spent; readonly plain: Spent } | null
}

export interface Spent {
  /** Null when a price is unknown. */
  readonly usd: number | null
  readonly tokens: number
}

/** The figures, and how many of the answers have a cost. */
export interface Balance extends BuddyFigures {
  readonly priced: number
  readonly pricedRight: number
}

/** The evidence of harm is right at every moment at once with this confidence, however often one looks. */
const CONFIDENCE = 0.95

export function sumSpent(one: Spent, other: Spent): Spent {
  const usd = one.usd === null || other.usd === null ? null : one.usd + other.usd
  return { usd, tokens: one.tokens + other.tokens }
}

/** Harm over all rows; cost over those that have one, in dollars where every price is known. */
export function figuresOf(rows: readonly Compared[]): Balance {
  const priced = rows.flatMap(({ cost, right }) => (cost ? [{ ...cost, right }] : []))
  const isPriced = priced.every(({ own, plain }) => own.usd !== null && plain.usd !== null)
  const units = ({ usd, tokens }: Spent): number => (isPriced ? (usd ?? 0) : tokens)
  const count = (holds: (row: Compared) => boolean): number => rows.filter(holds).length
  return {
    compared: rows.length,
    harmed: count(({ draftRight, right }) => draftRight && !right),
    draftRight: count(({ draftRight }) => draftRight),
    right: count(({ right }) => right),
    spent: priced.reduce((total, { own }) => total + units(own), 0),
    plain: priced.reduce((total, { plain }) => total + units(plain), 0),
    unit: isPriced ? 'usd' : 'tokens',
    priced: priced.length,
    pricedRight: priced.filter(({ right }) => right).length,
  }
}

/**
 * Harm counts at once where the evidence is beyond doubt, and by its plain share from `minCompared` answers on. What plain escalation answers
 * is right by what it is compared with, so its cost per right answer is its cost per answer.
 */
export function reasonOff(
  { compared, harmed, spent, plain, priced, pricedRight }: Balance,
  { maxHarm, minCompared }: BuddyOptions['switchOff'],
): 'harm' | 'cost' | null {
  const isCertain =
    maxHarm > 0 && maxHarm < 1 && logEvidenceAbove(harmed, compared, maxHarm) >= -Math.log(1 - CONFIDENCE)
  if (isCertain || (compared >= minCompared && harmed / compared > maxHarm)) return 'harm'
  return priced >= minCompared && spent * priced > plain * pricedRight ? 'cost' : null
}
