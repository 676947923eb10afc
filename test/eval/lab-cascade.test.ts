import { describe, expect, it } from 'vitest'
import { type CascadeReport, cascadeReport } from '../../src/eval/lab/cascade.ts'
import { fitStage, stageProbability } from '../../src/eval/lab/cascade-score.ts'
import { cheapestPlan } from '../../src/eval/lab/cascade-search.ts'
import { cascadeVerdict } from '../../src/eval/lab/cascade-verdict.ts'
import type { LabRecording, LabRow } from '../../src/eval/lab/method.ts'
import { auroc as aurocOf } from '../../src/learn/quality.ts'
import { randomFrom } from '../../src/learn/random.ts'

const candidate = (model: number, price: number, quality: readonly number[]) => ({
  model,
  price,
  quality: Float64Array.from(quality),
})

describe('the search for a cascade', () => {
  const cheap = candidate(0, 1, [1, 1, 1, 0, 1, 0, 0, 0])
  const dear = candidate(1, 10, [1, 1, 1, 1, 1, 1, 1, 1])
  const scores = Float64Array.from([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
  const floorOf = (share: number) => Float64Array.from(dear.quality, (quality) => share * quality)

  it('accepts the cheap model down to the lowest score that keeps the floor', () => {
    // Three rows are answered for 1 and all are right; the fourth would be wrong. (8 + 5 * 10) / 8 = 7.25.
    const plan = cheapestPlan([cheap, dear], floorOf(0.99), () => scores)
    expect(plan?.stages).toEqual([
      { model: 0, threshold: expect.closeTo(0.65, 9) },
      { model: 1, threshold: 0 },
    ])
    expect(plan?.quality).toBeCloseTo(1, 12)
    expect(plan?.cost).toBeCloseTo(7.25, 12)
  })

  it('takes one model where it alone reaches the floor', () => {
    expect(cheapestPlan([cheap, dear], floorOf(0.1), () => scores)?.stages).toEqual([{ model: 0, threshold: 0 }])
  })

  it('does not count on a quality that may be luck', () => {
    // Five of eight right is above the floor of 0.5, and not surely so.
    expect(cheapestPlan([cheap], floorOf(0.5), () => scores)).toBeNull()
  })

  it('asks a model that it never serves when its answer tells about the next', () => {
    const middle = candidate(2, 2, [1, 1, 1, 1, 0, 0, 0, 0])
    const witness = candidate(0, 0.1, [0, 0, 0, 0, 0, 0, 0, 0])
    const told = Float64Array.from(middle.quality, (quality) => (quality === 1 ? 0.9 : 0.1))
    const blind = new Float64Array(8).fill(0.5)
    const plan = cheapestPlan([witness, middle, dear], floorOf(1), (model, earlier) =>
      model === 2 && earlier.includes(0) ? told : blind,
    )
    expect(plan?.stages).toEqual([
      { model: 0, threshold: 1 },
      { model: 2, threshold: 0.5 },
      { model: 1, threshold: 0 },
    ])
    expect(plan?.cost).toBeCloseTo(0.1 + 2 + 5, 12)
  })
})

/** `small` and `peer` err independently, and say different things when they do; `big` is nearly always right. */
function recorded(answersOf: (right: boolean, which: string) => string, n = 1200, small = 0.7): LabRecording {
  const draw = randomFrom(11)
  const rows = Array.from({ length: n }, (_, at): LabRow => {
    const right = [draw() < small, draw() < 0.75, draw() < 0.97]
    return {
      ...EMPTY,
      id: String(at),
      split: at % 3 === 0 ? 'dev' : 'train',
      scores: right.map((one) => (one ? 1 : 0)),
      answers: right.map((one, model) => answersOf(one, `${model}`)),
      lengths: [10, 10, 10],
    }
  })
  return { name: 'drawn', models: ['small', 'peer', 'big'], rows }
}

const EMPTY: LabRow = {
  id: '',
  split: 'train',
  task: 'sums',
  question: '',
  functions: null,
  scores: [],
  answers: null,
  lengths: null,
  response: null,
  responseOf: null,
  logprobs: null,
  samples: null,
  confidences: null,
  verifications: null,
}
const PRICES = { small: 0.1, peer: 0.2, big: 10 }
const telling = recorded((right, which) => (right ? 'right' : `wrong ${which}`))

describe('the score of a stage', () => {
  const stage = { name: 'peer', model: 1, earlier: [0] }
  const isRight = telling.rows.map(({ scores }) => scores[1] === 1)
  const auroc = (probabilities: Float64Array) =>
    aurocOf([...probabilities].map((probability, row) => ({ probability, isCorrect: isRight[row] ?? false })))

  it('is taken from fits that have not seen the row', () => {
    const draw = randomFrom(4)
    const noise = telling.rows.map((row) => ({ ...row, answers: null, lengths: [draw() * 99, draw() * 99, 1] }))
    expect(auroc(fitStage(noise, isRight, { stage, seed: 1 }).heldOut)).toBeLessThan(0.56)
  })

  it('knows a right answer by what an earlier model said, and gives probabilities', () => {
    const { heldOut, score } = fitStage(telling.rows, isRight, { stage, seed: 1 })
    expect(auroc(heldOut)).toBeGreaterThan(0.8)
    const [row = EMPTY] = telling.rows
    const agreeing = stageProbability(score, { ...row, answers: ['x', 'x', null] }, stage)
    const alone = stageProbability(score, { ...row, answers: ['x', 'y', null] }, stage)
    // Two who agree are always right here; one against the other is right in 0.3 * 0.75 of 0.475 cases.
    expect(agreeing).toBeGreaterThan(0.97)
    expect(alone).toBeGreaterThan(0.35)
    expect(alone).toBeLessThan(0.6)
  })

  it('fits on a handful of rows that are all right', () => {
    const few = telling.rows.slice(0, 3)
    expect([...fitStage(few, [true, true, true], { stage, seed: 1 }).heldOut]).toEqual([1, 1, 1])
  })
})

describe('the cascade proposed for a recording', () => {
  const report = cascadeReport(telling, { prices: PRICES, minQuality: 0.97, seed: 1 })

  it('serves what two cheap models agree on and leaves the rest to the best', () => {
    expect(report.proposed.map(({ model }) => model)).toEqual(['small', 'peer', 'big'])
    expect(report.proposed.map(({ threshold }) => threshold >= 0 && threshold <= 1)).toEqual([true, true, true])
    expect(report.proposed[2]?.threshold).toBe(0)
    // Both are right in about half of the rows.
    expect(report.dev.shares[2]).toBeGreaterThan(0.35)
    expect(report.dev.shares[2]).toBeLessThan(0.6)
    expect(report.dev.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  })

  it('is reported on the rows that are not train, with intervals, beside the single models and the oracle', () => {
    const { dev, best, cheapest, oracle, train } = report
    expect([train.n, dev.n]).toEqual([800, 400])
    expect(dev.quality).toBeGreaterThanOrEqual(dev.floor)
    expect(dev.floor).toBeCloseTo(0.97 * best.quality, 12)
    expect(dev.qualityInterval[0]).toBeLessThan(dev.quality)
    expect(dev.qualityInterval[1]).toBeGreaterThan(dev.quality)
    const [own = 0, , last = 0] = dev.shares
    // Each answer pays for every model asked before it.
    expect(dev.cost).toBeCloseTo(0.1 + 0.2 * (1 - own) + 10 * last, 9)
    expect(dev.saving).toBeCloseTo(1 - dev.cost / 10, 12)
    expect(dev.savingInterval[0]).toBeGreaterThan(0.3)
    expect([best.model, best.cost, cheapest.model, cheapest.cost]).toEqual(['big', 10, 'small', 0.1])
    expect(oracle.quality).toBeGreaterThanOrEqual(best.quality)
    expect(oracle.cost).toBeLessThan(dev.cost)
    expect(report.isWorthIt).toBe(true)
    expect(report.why).toMatch(/^It saves \d+\.\d % /)
  })

  it('is chosen without a look at those rows, and the same for the same seed', () => {
    const turned = telling.rows.map((row) =>
      row.split === 'train' ? row : { ...row, scores: row.scores.map((score) => 1 - score) },
    )
    const other = cascadeReport({ ...telling, rows: turned }, { prices: PRICES, minQuality: 0.97, seed: 1 })
    expect(other.proposed).toEqual(report.proposed)
    expect(other.train).toEqual(report.train)
    expect(other.isWorthIt).toBe(false)
    expect(cascadeReport(telling, { prices: PRICES, minQuality: 0.97, seed: 1 })).toEqual(report)
  })

  it('is the best model alone, and not worth it, where nothing tells a right answer from a wrong one', () => {
    const silent = recorded(() => 'the same')
    const found = cascadeReport(silent, { prices: PRICES, minQuality: 0.99, seed: 1 })
    expect(found.proposed).toEqual([{ model: 'big', threshold: 0 }])
    expect(found.isWorthIt).toBe(false)
    expect(found.why).toContain('No cascade saves anything')
    expect(found.dev.saving).toBe(0)
  })

  it('is one cheaper model where that alone keeps the floor', () => {
    const easy = recorded((right) => (right ? 'right' : 'wrong'), 1200, 0.96)
    const found = cascadeReport(easy, { prices: PRICES, minQuality: 0.9, seed: 1 })
    expect(found.proposed).toEqual([{ model: 'small', threshold: 0 }])
    expect(found.isWorthIt).toBe(true)
    expect(found.why).toContain('small alone does it')
  })

  it('considers only the models that have a price', () => {
    const found = cascadeReport(telling, { prices: { peer: 1, big: 10 }, minQuality: 0.97, seed: 1 })
    expect(found.models).toEqual(['peer', 'big'])
    expect(found.cheapest.model).toBe('peer')
  })

  it('takes the dearest model for right where only log-probabilities are recorded', () => {
    const rows = telling.rows.map(({ answers: _, scores, ...row }): LabRow => {
      const isSure = scores[0] === 1
      const own = isSure ? [-0.05, -3] : [-0.7, -0.71]
      return { ...row, answers: null, scores: [0, 0], logprobs: [own, isSure ? [-0.1, -2] : [-2, -0.1]] }
    })
    const found = cascadeReport(
      { name: 'drawn', models: ['small', 'big'], rows },
      { prices: { small: 1, big: 10 }, minQuality: 0.98, seed: 1 },
    )
    expect(found.best).toEqual({ model: 'big', quality: 1, cost: 10 })
    expect(found.dev.quality).toBe(1)
    expect(found.dev.shares[0]).toBeGreaterThan(0.6)
  })

  it.each([
    ['train', 'all its rows are train rows'],
    ['dev', 'it has no row with "split": "train"'],
  ])('is refused for a recording of %s rows alone', (split, problem) => {
    const rows = telling.rows.map((row) => ({ ...row, split }))
    const propose = (): CascadeReport =>
      cascadeReport({ ...telling, rows }, { prices: PRICES, minQuality: 0.97, seed: 1 })
    expect(propose).toThrow(problem)
  })
})

describe('the verdict on a cascade', () => {
  const dev = {
    n: 400,
    quality: 0.9,
    floor: 0.89,
    marginInterval: [0.001, 0.02],
    saving: 0.4,
    savingInterval: [0.3, 0.5],
  } as const
  const verdict = (change: Partial<Parameters<typeof cascadeVerdict>[0]['dev']>) =>
    cascadeVerdict({
      proposed: [{ model: 'a' }, { model: 'b' }],
      minQuality: 0.98,
      dev: { ...dev, ...change },
      best: { model: 'b' },
    })

  it('is yes when the floor is kept and something is surely saved', () => {
    expect(verdict({})).toEqual({
      isWorthIt: true,
      why: 'It saves 40.0 % (30.0 % to 50.0 %) of the cost of always asking b, with quality 0.900 where 0.890 is wanted.',
    })
  })

  it('says when the floor is not certain', () => {
    const { isWorthIt, why } = verdict({ marginInterval: [-0.01, 0.03] })
    expect(isWorthIt).toBe(true)
    expect(why).toContain('The floor is not certain: quality less floor is -0.010 to 0.030 with 95 % confidence.')
  })

  it('is no below the floor, and tells chance from certainty', () => {
    const likely = verdict({ quality: 0.88, marginInterval: [-0.03, 0.01] })
    expect(likely.isWorthIt).toBe(false)
    expect(likely.why).toContain('that may be chance')
    const sure = verdict({ quality: 0.8, marginInterval: [-0.12, -0.06] })
    expect(sure.isWorthIt).toBe(false)
    expect(sure.why).toContain('It misses the floor on the 400 rows')
    expect(sure.why).not.toContain('chance')
  })

  it('is no when nothing is surely saved', () => {
    expect(verdict({ saving: 0.05, savingInterval: [-0.02, 0.1] })).toEqual({
      isWorthIt: false,
      why: 'It reaches the floor and saves nothing that is certain: 5.0 % (-2.0 % to 10.0 %).',
    })
  })
})
