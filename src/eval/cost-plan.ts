/** What routing would cost at a stated volume, beside the frontier alone and beside local models alone. Exact arithmetic, pure. */
import { Fraction } from 'fraction.js'
import { type LocalTier, type Recommendation, recommend } from './cost-plan-tiers.ts'

/** A month of the calculator, so that a day's figure times thirty is a month's. */
export const DAYS_PER_MONTH = 30

/** What one tier of local models costs; every figure at least 0. */
export interface LocalTierCosts {
  /** US dollars a million tokens, input and output alike: 0 on one's own machine, else what a rented open model asks. */
  readonly usdPerMillion: number
  /** US dollars a month for hardware that is there for this tier alone. */
  readonly usdPerMonth: number
  /** Output tokens a second, for electricity; null where none is counted. */
  readonly tokensPerSecond: number | null
}

/** Of the frontier, in US dollars: for a million tokens, or for one request of that many tokens. */
export type ApiPrice =
  | { readonly inputPerMillion: number; readonly outputPerMillion: number }
  | { readonly perRequest: number }

export interface PlanInput {
  readonly requestsPerDay: number
  /** Of one request, as the frontier counts them. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly price: ApiPrice
  /** Who answers, in percent; together 100. */
  readonly mix: { readonly fast: number; readonly quality: number; readonly frontier: number }
  /** Of the frontier's share, percent of all requests that a local model drafted in vain first: they cost what a local answer costs. */
  readonly rejected: number
  /** How many tokens an open model takes for the same, as a multiple. */
  readonly localTokenFactor: number
  readonly fast: LocalTierCosts
  readonly quality: LocalTierCosts
  /** Null where electricity is not counted. */
  readonly energy: { readonly watts: number; readonly usdPerKwh: number } | null
  readonly maintenanceUsdPerMonth: number
  /** What the frontier's price may change by, in percent, each above -100. */
  readonly priceChanges: readonly number[]
}

export interface PlanMonth {
  /** The frontier answers everything. */
  readonly apiUsd: number
  /** Local models answer everything: what the frontier had goes to the largest of them. */
  readonly localUsd: number
  readonly hybridUsd: number
  /** The pure API less hybrid; negative when routing costs more. */
  readonly savedUsd: number
  /** Of the pure API; null where that costs nothing. */
  readonly savedPct: number | null
}

export interface BreakEven {
  /** Null: no volume earns it back. */
  readonly requestsPerDay: number | null
  /** In words, with the figures. */
  readonly formula: string
}

export interface Plan {
  readonly perRequest: {
    readonly apiUsd: number
    readonly fastUsd: number
    readonly qualityUsd: number
    /** On average over the mix, without what is paid by the month. */
    readonly hybridUsd: number
  }
  readonly day: { readonly apiUsd: number; readonly hybridUsd: number }
  readonly month: PlanMonth
  /** What is paid by the month whatever the volume: hardware and maintenance. */
  readonly fixedUsdPerMonth: number
  readonly breakEven: {
    /** The volume at which the bill of the frontier alone is what the fixed costs are. */
    readonly againstApi: BreakEven
    /** The volume at which what routing saves pays the fixed costs. */
    readonly bySavings: BreakEven
  }
  readonly whatIf: readonly {
    readonly priceChangePct: number
    readonly month: PlanMonth
    readonly bySavings: BreakEven
  }[]
  readonly recommendation: Recommendation
}

/** @throws RangeError a mix that is not 100 together, more drafts in vain than the frontier answers */
export function planCosts(input: PlanInput): Plan {
  requireShares(input)
  const sums = sumsOf(input, apiUsd(input))
  const { api, fast, quality, hybrid, fixed } = sums
  const volume = exact(input.requestsPerDay)
  return {
    perRequest: {
      apiUsd: api.valueOf(),
      fastUsd: fast.valueOf(),
      qualityUsd: quality.valueOf(),
      hybridUsd: hybrid.valueOf(),
    },
    day: { apiUsd: volume.mul(api).valueOf(), hybridUsd: volume.mul(hybrid).valueOf() },
    month: monthOf(input, sums),
    fixedUsdPerMonth: fixed.valueOf(),
    breakEven: {
      againstApi: breakEven(fixed, api, 'a request of the frontier'),
      bySavings: breakEven(fixed, api.sub(hybrid), 'saved a request'),
    },
    whatIf: input.priceChanges.map((priceChangePct) => whatIf(input, priceChangePct)),
    recommendation: recommend({
      requestsPerMonth: volume.mul(DAYS_PER_MONTH),
      apiUsd: api,
      tiers: localTiers(input, sums),
      sharedUsdPerMonth: exact(input.maintenanceUsdPerMonth),
      frontierShare: percent(input.mix.frontier),
      rejectedShare: percent(input.rejected),
    }),
  }
}

interface Sums {
  /** US dollars a request. */
  readonly api: Fraction
  readonly fast: Fraction
  readonly quality: Fraction
  readonly hybrid: Fraction
  /** US dollars a month. */
  readonly fixed: Fraction
}

function sumsOf(input: PlanInput, api: Fraction): Sums {
  const { mix, maintenanceUsdPerMonth, rejected } = input
  const [fast, quality] = [localUsd(input, input.fast), localUsd(input, input.quality)]
  // A draft in vain is as dear as an answer of the tier that drafts first.
  const drafting = mix.fast > 0 ? fast : quality
  const hybrid = percent(mix.fast)
    .mul(fast)
    .add(percent(mix.quality).mul(quality))
    .add(percent(mix.frontier).mul(api))
    .add(percent(rejected).mul(drafting))
  const fixed = exact(input.fast.usdPerMonth).add(exact(input.quality.usdPerMonth)).add(exact(maintenanceUsdPerMonth))
  return { api, fast, quality, hybrid, fixed }
}

function apiUsd({ price, inputTokens, outputTokens }: PlanInput): Fraction {
  if ('perRequest' in price) return exact(price.perRequest)
  const input = exact(inputTokens).mul(exact(price.inputPerMillion))
  return input.add(exact(outputTokens).mul(exact(price.outputPerMillion))).div(TOKENS_PER_PRICE)
}

const JOULES_PER_KWH = 3_600_000
const TOKENS_PER_PRICE = 1_000_000

/** US dollars of one answer of a local tier: tokens of a rented model, and electricity while it writes. */
function localUsd({ inputTokens, outputTokens, localTokenFactor, energy }: PlanInput, tier: LocalTierCosts): Fraction {
  const factor = exact(localTokenFactor)
  const tokens = exact(inputTokens).add(exact(outputTokens)).mul(factor)
  const rented = tokens.mul(exact(tier.usdPerMillion)).div(TOKENS_PER_PRICE)
  if (energy === null || tier.tokensPerSecond === null) return rented
  const seconds = exact(outputTokens).mul(factor).div(exact(tier.tokensPerSecond))
  const kilowattHours = seconds.mul(exact(energy.watts)).div(JOULES_PER_KWH)
  return rented.add(kilowattHours.mul(exact(energy.usdPerKwh)))
}

function monthOf({ requestsPerDay, mix }: PlanInput, { api, fast, quality, hybrid, fixed }: Sums): PlanMonth {
  const requests = exact(requestsPerDay).mul(DAYS_PER_MONTH)
  const [apiUsd, hybridUsd] = [requests.mul(api), requests.mul(hybrid).add(fixed)]
  const isFastAlone = mix.fast > 0 && mix.quality === 0
  const share = percent(mix.fast)
  const local = isFastAlone ? fast : share.mul(fast).add(new Fraction(1).sub(share).mul(quality))
  const saved = apiUsd.sub(hybridUsd)
  return {
    apiUsd: apiUsd.valueOf(),
    localUsd: requests.mul(local).add(fixed).valueOf(),
    hybridUsd: hybridUsd.valueOf(),
    savedUsd: saved.valueOf(),
    savedPct: apiUsd.equals(0) ? null : saved.div(apiUsd).mul(100).valueOf(),
  }
}

function breakEven(fixed: Fraction, perRequest: Fraction, what: string): BreakEven {
  const figures = `$${decimal(fixed)} fixed a month ÷ (${DAYS_PER_MONTH} days × $${decimal(perRequest)} ${what})`
  if (perRequest.compare(0) <= 0) return { requestsPerDay: fixed.equals(0) ? 0 : null, formula: figures }
  const requests = fixed.div(perRequest.mul(DAYS_PER_MONTH))
  return { requestsPerDay: requests.valueOf(), formula: `${figures} = ${decimal(requests, 1)} requests a day` }
}

function whatIf(input: PlanInput, priceChangePct: number): Plan['whatIf'][number] {
  const factor = new Fraction(1).add(percent(priceChangePct))
  const changed = sumsOf(input, apiUsd(input).mul(factor))
  const bySavings = breakEven(changed.fixed, changed.api.sub(changed.hybrid), 'saved a request')
  return { priceChangePct, month: monthOf(input, changed), bySavings }
}

function localTiers({ mix, fast, quality }: PlanInput, sums: Sums): readonly LocalTier[] {
  const tiers = [
    { tier: 'local_fast', share: mix.fast, usd: sums.fast, usdPerMonth: fast.usdPerMonth },
    { tier: 'local_quality', share: mix.quality, usd: sums.quality, usdPerMonth: quality.usdPerMonth },
  ] as const
  return tiers
    .filter(({ share }) => share > 0)
    .map((one) => ({ ...one, share: percent(one.share), usdPerMonth: exact(one.usdPerMonth) }))
}

function requireShares({ mix: { fast, quality, frontier }, rejected }: PlanInput): void {
  const sum = exact(fast).add(exact(quality)).add(exact(frontier))
  if (!sum.equals(100)) throw new RangeError(`the mix ${fast},${quality},${frontier} is ${sum.valueOf()} %, not 100 %`)
  if (rejected > frontier)
    throw new RangeError(`${rejected} % drafts in vain are more than the ${frontier} % that the frontier answers`)
  if (rejected > 0 && fast + quality === 0) throw new RangeError('without a local share nobody drafts in vain')
}

function percent(value: number): Fraction {
  return exact(value).div(100)
}

/** The decimal number as it is written, not the nearest of base two: 0.1 is a tenth. */
function exact(value: number): Fraction {
  const written = String(value)
  return written.includes('e') ? new Fraction(value) : new Fraction(written)
}

/** Without zeros at its end. */
function decimal(value: Fraction, digits = 6): string {
  return String(Number(value.valueOf().toFixed(digits)))
}
