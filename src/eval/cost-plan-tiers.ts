/** Which tiers pay at a volume: the cheapest of all ways to leave local tiers out. Exact arithmetic, pure. */
import { Fraction } from 'fraction.js'
import { TIERS, type Tier } from '../spec/decision.ts'

export interface LocalTier {
  readonly tier: Exclude<Tier, 'frontier'>
  /** Of all requests, 0 to 1. */
  readonly share: Fraction
  /** US dollars a request. */
  readonly usd: Fraction
  /** US dollars for what only this tier needs. */
  readonly usdPerMonth: Fraction
}

export interface TierQuestion {
  readonly requestsPerMonth: Fraction
  /** US dollars a request of the frontier. */
  readonly apiUsd: Fraction
  /** Those with a share, the smaller models first. */
  readonly tiers: readonly LocalTier[]
  /** US dollars a month as soon as any local tier is used. */
  readonly sharedUsdPerMonth: Fraction
  readonly frontierShare: Fraction
  /** Of all requests: drafted locally in vain. */
  readonly rejectedShare: Fraction
}

export interface TierChoice {
  readonly tiers: readonly Tier[]
  readonly monthUsd: number
}

export interface Recommendation extends TierChoice {
  /** One sentence. */
  readonly because: string
  /** Every way that was compared, the cheapest first. */
  readonly compared: readonly TierChoice[]
}

/** What a tier that is left out would have answered goes to the next larger one that is kept. Of equal ways the frontier alone, else the one that follows the mix. */
export function recommend(question: TierQuestion): Recommendation {
  const ways = subsets(question.tiers)
    .map((kept) => ({ tiers: [...kept.map(({ tier }) => tier), 'frontier' as const], usd: monthUsd(kept, question) }))
    .toSorted((a, b) => a.usd.compare(b.usd) || rank(a.tiers) - rank(b.tiers))
  const compared = ways.map(({ tiers, usd }) => ({ tiers, monthUsd: usd.valueOf() }))
  const alone = monthUsd([], question)
  const [best] = ways
  const tiers = best?.tiers ?? ['frontier']
  const usd = best?.usd ?? alone
  return { tiers, monthUsd: usd.valueOf(), because: reasonFor(tiers, alone.sub(usd)), compared }
}

function rank(tiers: readonly Tier[]): number {
  return tiers.length === 1 ? 0 : TIERS.length - tiers.length + 1
}

function reasonFor(tiers: readonly Tier[], saved: Fraction): string {
  if (tiers.length === 1) return 'No local tier earns what it costs at this volume.'
  const local = tiers.slice(0, -1).join(' and ')
  return `With ${local} a month costs $${saved.valueOf().toFixed(2)} less than the frontier alone.`
}

function monthUsd(kept: readonly LocalTier[], question: TierQuestion): Fraction {
  const { requestsPerMonth, apiUsd, tiers, sharedUsdPerMonth, frontierShare, rejectedShare } = question
  const drafting = kept[0]?.usd ?? new Fraction(0)
  const answered = tiers.reduce(
    (sum, { tier, share }) => {
      const standIn = keptFrom(tier, kept, tiers)
      return sum.add(share.mul(standIn?.usd ?? apiUsd))
    },
    frontierShare.mul(apiUsd).add(rejectedShare.mul(drafting)),
  )
  const fixed = kept.reduce((sum, { usdPerMonth }) => sum.add(usdPerMonth), new Fraction(0))
  return requestsPerMonth.mul(answered).add(kept.length > 0 ? fixed.add(sharedUsdPerMonth) : 0)
}

/** The tier itself, or the next larger one that is kept; undefined: the frontier. */
function keptFrom(
  tier: LocalTier['tier'],
  kept: readonly LocalTier[],
  tiers: readonly LocalTier[],
): LocalTier | undefined {
  const from = tiers.findIndex((one) => one.tier === tier)
  return tiers.slice(from).find((one) => kept.includes(one))
}

function subsets<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: 2 ** items.length }, (_, way) => items.filter((_item, at) => (way >> at) % 2 === 1))
}
