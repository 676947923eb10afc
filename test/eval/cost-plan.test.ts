import { describe, expect, it } from 'vitest'
import { type PlanInput, planCosts } from '../../src/eval/cost-plan.ts'
import { PLAN_DEFAULTS, PLAN_PRESETS } from '../../src/eval/cost-plan-presets.ts'

const FREE = { usdPerMillion: 0, usdPerMonth: 0, tokensPerSecond: null }

/** 100 requests a day of 1,000 + 500 tokens at $3 a million, answered 40 / 35 / 25 by fast, quality and frontier. */
const REFERENCE: PlanInput = {
  requestsPerDay: 100,
  inputTokens: 1000,
  outputTokens: 500,
  price: { inputPerMillion: 3, outputPerMillion: 3 },
  mix: { fast: 40, quality: 35, frontier: 25 },
  rejected: 0,
  localTokenFactor: 1.5,
  fast: FREE,
  quality: FREE,
  energy: null,
  maintenanceUsdPerMonth: 0,
  priceChanges: [],
}

const plan = (change: Partial<PlanInput> = {}) => planCosts({ ...REFERENCE, ...change })
const GPU = { ...FREE, usdPerMonth: 50 }

describe('the plan of 100 requests a day', () => {
  it('costs $0.45 a day and $13.50 a month of the frontier alone', () => {
    expect(plan().day.apiUsd).toBe(0.45)
    expect(plan().month.apiUsd).toBe(13.5)
  })

  it('costs $0.1125 a day and $3.375 a month with three quarters answered locally, 75 % less', () => {
    expect(plan().day.hybridUsd).toBe(0.1125)
    expect(plan().month).toMatchObject({ hybridUsd: 3.375, savedUsd: 10.125, savedPct: 75 })
  })

  it('has the defaults and the preset of the command', () => {
    expect(PLAN_PRESETS.reference.requestsPerDay).toBe(100)
    expect(PLAN_DEFAULTS).toMatchObject({
      ...{ inputTokens: 1000, outputTokens: 500, usdPerMillion: 3, localTokenFactor: 1.5 },
      mix: { fast: 40, quality: 35, frontier: 25 },
    })
  })

  it.each([
    ['quiet', 50, 6.75, 1.6875, '1.69'],
    ['busy', 200, 27, 6.75, '6.75'],
    ['heavy', 500, 67.5, 16.875, '16.88'],
  ] as const)('is %s with %i a day: $%d to $%d a month', (preset, requestsPerDay, apiUsd, hybridUsd, cents) => {
    expect(PLAN_PRESETS[preset].requestsPerDay).toBe(requestsPerDay)
    const { month } = plan({ requestsPerDay })
    expect(month).toMatchObject({ apiUsd, hybridUsd, savedPct: 75 })
    expect(month.hybridUsd.toFixed(2)).toBe(cents)
  })
})

describe('the break-even of a machine for $50 a month', () => {
  const { breakEven, fixedUsdPerMonth } = plan({ quality: GPU })

  it('is about 370 requests a day against the frontier alone', () => {
    expect(fixedUsdPerMonth).toBe(50)
    expect(breakEven.againstApi.requestsPerDay).toBe(10_000 / 27)
    expect(breakEven.againstApi.formula).toBe(
      '$50 fixed a month ÷ (30 days × $0.0045 a request of the frontier) = 370.4 requests a day',
    )
  })

  it('is about 490 requests a day by what routing saves', () => {
    expect(breakEven.bySavings.requestsPerDay).toBe(40_000 / 81)
    expect(breakEven.bySavings.formula).toBe(
      '$50 fixed a month ÷ (30 days × $0.003375 saved a request) = 493.8 requests a day',
    )
  })

  it('saves nothing at the volume itself, loses below and earns above', () => {
    expect(plan({ quality: GPU, requestsPerDay: 494 }).month.savedUsd).toBeGreaterThan(0)
    expect(plan({ quality: GPU, requestsPerDay: 493 }).month.savedUsd).toBeLessThan(0)
    expect(plan({ quality: GPU }).month.savedUsd).toBe(-39.875)
  })

  it('is never reached where a local answer costs more than the frontier', () => {
    const dear = plan({ quality: { ...GPU, usdPerMillion: 10 } })
    expect(dear.breakEven.bySavings).toMatchObject({ requestsPerDay: null })
    expect(dear.month.savedUsd).toBeLessThan(0)
  })

  it('is reached at once where nothing is paid by the month', () => {
    expect(plan().breakEven.bySavings.requestsPerDay).toBe(0)
  })
})

describe('what costs depend on', () => {
  it('tells prices of tokens in and out apart, without an error of binary fractions', () => {
    const price = { inputPerMillion: 0.1, outputPerMillion: 0.2 }
    expect(plan({ price, requestsPerDay: 1000, outputTokens: 1000 }).day.apiUsd).toBe(0.3)
    expect(plan({ price: { perRequest: 0.0045 } }).month).toEqual(plan().month)
  })

  it('takes more tokens for a rented open model by the factor', () => {
    const rented = { ...FREE, usdPerMillion: 0.2 }
    expect(plan({ fast: rented, localTokenFactor: 1 }).perRequest.fastUsd).toBe(0.0003)
    expect(plan({ fast: rented, localTokenFactor: 2 }).perRequest.fastUsd).toBe(0.0006)
    expect(plan({ fast: rented, localTokenFactor: 2 }).month.hybridUsd).toBe(3.375 + 0.72)
  })

  it('counts electricity by the time that an answer takes', () => {
    const speeds = { fast: { ...FREE, tokensPerSecond: 50 }, quality: { ...FREE, tokensPerSecond: 10 } }
    const found = plan({ ...speeds, localTokenFactor: 1, energy: { watts: 360, usdPerKwh: 0.3 } })
    // Ten and fifty seconds of 360 watts: a thousandth and five thousandths of a kilowatt-hour.
    expect(found.perRequest).toMatchObject({ fastUsd: 0.0003, qualityUsd: 0.0015 })
  })

  it('counts drafts in vain as local answers, and maintenance by the month', () => {
    const fast = { ...FREE, usdPerMillion: 1 }
    const base = plan({ fast, localTokenFactor: 1 }).perRequest.hybridUsd
    expect(plan({ fast, localTokenFactor: 1, rejected: 10 }).perRequest.hybridUsd).toBeCloseTo(base + 0.00015, 12)
    expect(plan({ maintenanceUsdPerMonth: 7 }).month.hybridUsd).toBe(10.375)
  })

  it('tells the month and the break-even at other prices', () => {
    const [half, double] = plan({ quality: GPU, priceChanges: [-50, 100] }).whatIf
    expect(half).toMatchObject({ priceChangePct: -50, month: { apiUsd: 6.75, hybridUsd: 51.6875 } })
    expect(half?.bySavings.requestsPerDay).toBe(80_000 / 81)
    expect(double).toMatchObject({ month: { apiUsd: 27, hybridUsd: 56.75 } })
  })

  it('has a month of local models alone, where the largest takes what the frontier had', () => {
    const rented = { fast: { ...FREE, usdPerMillion: 1 }, quality: { ...FREE, usdPerMillion: 2 } }
    // 3,000 requests, 40 % at $0.0015 and 60 % at $0.003.
    expect(plan({ ...rented, localTokenFactor: 1 }).month.localUsd).toBe(7.2)
    const fastOnly = { mix: { fast: 50, quality: 0, frontier: 50 }, localTokenFactor: 1, ...rented }
    expect(plan(fastOnly).month.localUsd).toBe(4.5)
  })
})

describe('the recommendation', () => {
  it('is the frontier alone while no tier earns what it costs', () => {
    const { recommendation } = plan({ fast: { ...FREE, usdPerMonth: 20 }, quality: GPU })
    expect(recommendation).toMatchObject({
      ...{ tiers: ['frontier'], monthUsd: 13.5, because: 'No local tier earns what it costs at this volume.' },
      compared: [{ monthUsd: 13.5 }, { monthUsd: 28.1 }, { monthUsd: 53.375 }, { monthUsd: 73.375 }],
    })
  })

  it('leaves out the tier that does not pay, and takes it in at a higher volume', () => {
    expect(plan({ quality: GPU, requestsPerDay: 600 }).recommendation.tiers).toEqual(['local_fast', 'frontier'])
    // The larger tier answers 35 %: 50 / (0.35 x 30 x 0.0045) is 1,058.2 requests a day.
    expect(plan({ quality: GPU, requestsPerDay: 1058 }).recommendation.tiers).toEqual(['local_fast', 'frontier'])
    const all = ['local_fast', 'local_quality', 'frontier']
    expect(plan({ quality: GPU, requestsPerDay: 1059 }).recommendation.tiers).toEqual(all)
  })

  it('follows the mix where ways cost the same, and the frontier alone where nothing is saved', () => {
    expect(plan().recommendation.tiers).toEqual(['local_fast', 'local_quality', 'frontier'])
    expect(plan({ requestsPerDay: 0 }).recommendation.tiers).toEqual(['frontier'])
  })
})

describe('a plan that makes no sense', () => {
  it('is refused: shares that are not all, drafts in vain beyond the frontier', () => {
    expect(() => plan({ mix: { fast: 40, quality: 35, frontier: 20 } })).toThrow('is 95 %, not 100 %')
    expect(() => plan({ rejected: 26 })).toThrow('26 % drafts in vain are more than the 25 %')
    expect(() => plan({ mix: { fast: 0, quality: 0, frontier: 100 }, rejected: 1 })).toThrow('without a local share')
  })
})
