/** A cascade proposed from recorded answers: chosen on the train rows, reported on the others. */
import { bootstrapMean } from '../../learn/interval.ts'
import { randomFrom } from '../../learn/random.ts'
import { RouterError } from '../../spec/errors.ts'
import { fitStage, type Stage, type StageScore, stageProbability } from './cascade-score.ts'
import { type Candidate, cheapestPlan, type Plan } from './cascade-search.ts'
import { cascadeVerdict } from './cascade-verdict.ts'
import type { LabRecording, LabRow } from './method.ts'
import { bestOf } from './settings.ts'

export interface CascadeRequest {
  /** Of one answer, per model; only these models are considered. In any unit, 0 or more. */
  readonly prices: Readonly<Record<string, number>>
  /** Least quality, as a share of that of the best single model; above 0, at most 1. */
  readonly minQuality: number
  readonly seed: number
}

/** Mean quality (0 to 1) and mean cost (unit of the prices) of always asking one model. */
export interface SingleModel {
  readonly model: string
  readonly quality: number
  readonly cost: number
}

export interface CascadeReport {
  readonly recording: string
  /** Those with a price, cheapest first. */
  readonly models: readonly string[]
  readonly prices: Readonly<Record<string, number>>
  readonly minQuality: number
  /** In the order in which they are asked; each but the last is served when its score is at least `threshold`. */
  readonly proposed: readonly { readonly model: string; readonly threshold: number }[]
  /** What the choice was made by: cross-validated, and still a little too good, since it is the best of many. */
  readonly train: { readonly n: number; readonly quality: number; readonly cost: number; readonly floor: number }
  readonly dev: CascadeOutcome
  /** The model of the highest quality on the train rows; figures of the other rows, as below. */
  readonly best: SingleModel
  readonly cheapest: SingleModel
  /** Knows every outcome: asks the cheapest of the models that do best. */
  readonly oracle: { readonly quality: number; readonly cost: number }
  readonly isWorthIt: boolean
  /** One sentence for people. */
  readonly why: string
}

/** On the rows that are not train. Intervals are of 95 %, over resampled rows. */
export interface CascadeOutcome {
  readonly n: number
  readonly quality: number
  readonly qualityInterval: readonly [number, number]
  readonly cost: number
  readonly costInterval: readonly [number, number]
  /** Share of the answers that each stage gave, in their order. */
  readonly shares: readonly number[]
  /** `minQuality` times the quality of `best` here. */
  readonly floor: number
  /** Quality above the floor, row by row. */
  readonly marginInterval: readonly [number, number]
  /** Share of the cost of `best` that is saved; negative when it costs more, 0 where `best` costs nothing. */
  readonly saving: number
  readonly savingInterval: readonly [number, number]
}

/**
 * @throws RouterError request_invalid for a recording without train rows, or without others
 */
export function cascadeReport(recording: LabRecording, request: CascadeRequest): CascadeReport {
  const train = recording.rows.filter(({ split }) => split === 'train')
  const dev = recording.rows.filter(({ split }) => split !== 'train')
  requireBoth(recording, train, dev)
  const models = recording.models
    .filter((model) => Object.hasOwn(request.prices, model))
    .toSorted((a, b) => (request.prices[a] ?? 0) - (request.prices[b] ?? 0))
  const judge = judgeOf(recording, models)
  const candidatesOn = (rows: readonly LabRow[]): readonly Candidate[] =>
    models.map((name) => {
      const model = recording.models.indexOf(name)
      return { model, price: request.prices[name] ?? 0, quality: Float64Array.from(rows, (row) => judge(row, model)) }
    })
  const fits = stageFits(recording, train, { judge, seed: request.seed })
  const { plan, best } = chosen(candidatesOn(train), request.minQuality, fits.heldOut)
  const served = dev.map((row) => serve(row, plan, fits.probability))
  const asked = candidatesOn(dev)
  const nameOf = ({ model }: { readonly model: number }): string => recording.models[model] ?? ''
  const report = {
    recording: recording.name,
    models,
    prices: Object.fromEntries(models.map((model) => [model, request.prices[model] ?? 0])),
    minQuality: request.minQuality,
    proposed: plan.stages.map((stage) => ({ model: nameOf(stage), threshold: stage.threshold })),
    train: {
      n: train.length,
      quality: plan.quality,
      cost: plan.cost,
      floor: request.minQuality * meanOf(best.quality),
    },
    dev: outcomeOf(served, { plan, asked, best: best.model, request }),
    best: singleOf(best.model, asked, nameOf),
    cheapest: singleOf(asked[0]?.model ?? 0, asked, nameOf),
    oracle: oracleOf(asked),
  }
  return { ...report, ...cascadeVerdict(report) }
}

/** Quality of a model's answer, 0 to 1. */
type Judge = (row: LabRow, model: number) => number

/** Where only log-probabilities are recorded, right is what the dearest model says: fidelity, not truth. */
function judgeOf({ rows, models }: LabRecording, priced: readonly string[]): Judge {
  const isScored = rows.some(({ scores }) => scores.some((score) => score > 0))
  if (isScored || rows.every(({ logprobs }) => logprobs === null)) return (row, model) => row.scores[model] ?? 0
  const reference = models.indexOf(priced.at(-1) ?? '')
  return ({ logprobs }, model) => (bestOf(logprobs?.[model]) === bestOf(logprobs?.[reference]) ? 1 : 0)
}

/** Fits the score of a stage when it is first asked for. */
function stageFits(
  { models }: LabRecording,
  train: readonly LabRow[],
  { judge, seed }: { readonly judge: Judge; readonly seed: number },
) {
  const known = new Map<string, { readonly score: StageScore; readonly heldOut: Float64Array; readonly stage: Stage }>()
  const fitOf = (model: number, earlier: readonly number[]) => {
    const key = [...earlier, model].join(' ')
    const stage: Stage = { name: models[model] ?? '', model, earlier }
    const isRight = train.map((row) => judge(row, model) >= 0.5)
    const found = known.get(key) ?? { ...fitStage(train, isRight, { stage, seed }), stage }
    known.set(key, found)
    return found
  }
  return {
    heldOut: (model: number, earlier: readonly number[]): Float64Array => fitOf(model, earlier).heldOut,
    probability(model: number, earlier: readonly number[], row: LabRow): number {
      const { score, stage } = fitOf(model, earlier)
      return stageProbability(score, row, stage)
    },
  }
}

function chosen(
  candidates: readonly Candidate[],
  minQuality: number,
  heldOut: Parameters<typeof cheapestPlan>[2],
): { readonly plan: Plan; readonly best: Candidate } {
  const best = candidates.reduce((one, other) => (meanOf(other.quality) > meanOf(one.quality) ? other : one))
  const floor = best.quality.map((quality) => minQuality * quality)
  // For few rows even the best model alone may not be surely above a share of its own quality.
  const alone = { stages: [{ model: best.model, threshold: 0 }], quality: meanOf(best.quality), cost: best.price }
  return { plan: cheapestPlan(candidates, floor, heldOut) ?? alone, best }
}

interface Served {
  /** Which stage gave the answer. */
  readonly stage: number
}

function serve(
  row: LabRow,
  { stages }: Plan,
  probability: (model: number, earlier: readonly number[], row: LabRow) => number,
): Served {
  const earlier: number[] = []
  for (const [stage, { model, threshold }] of stages.entries()) {
    if (stage === stages.length - 1 || probability(model, earlier, row) >= threshold) return { stage }
    earlier.push(model)
  }
  return { stage: stages.length - 1 }
}

interface Pricing {
  readonly plan: Plan
  readonly asked: readonly Candidate[]
  readonly best: number
  readonly request: CascadeRequest
}

function outcomeOf(served: readonly Served[], { plan, asked, best, request }: Pricing): CascadeOutcome {
  const ofModel = new Map(asked.map((candidate) => [candidate.model, candidate]))
  const pricesOf = plan.stages.map(({ model }) => ofModel.get(model)?.price ?? 0)
  const costs = served.map(({ stage }) => pricesOf.slice(0, stage + 1).reduce((sum, price) => sum + price, 0))
  const qualities = served.map(({ stage }, row) => ofModel.get(plan.stages[stage]?.model ?? -1)?.quality[row] ?? 0)
  const reference = ofModel.get(best)
  const margins = qualities.map((quality, row) => quality - request.minQuality * (reference?.quality[row] ?? 0))
  const interval = (values: readonly number[]) => bootstrapMean(values, randomFrom(request.seed)) ?? NOTHING
  const costInterval = interval(costs)
  const dearest = reference?.price ?? 0
  const savingOf = (cost: number): number => (dearest === 0 ? 0 : 1 - cost / dearest)
  return {
    n: served.length,
    quality: meanOf(qualities),
    qualityInterval: interval(qualities),
    cost: meanOf(costs),
    costInterval,
    shares: plan.stages.map((_, at) => served.filter(({ stage }) => stage === at).length / served.length),
    floor: request.minQuality * meanOf(reference?.quality ?? []),
    marginInterval: interval(margins),
    saving: savingOf(meanOf(costs)),
    savingInterval: [savingOf(costInterval[1]), savingOf(costInterval[0])],
  }
}

const NOTHING = [0, 0] as const

function singleOf(
  model: number,
  asked: readonly Candidate[],
  nameOf: (one: { readonly model: number }) => string,
): SingleModel {
  const candidate = asked.find((one) => one.model === model)
  return { model: nameOf({ model }), quality: meanOf(candidate?.quality ?? []), cost: candidate?.price ?? 0 }
}

function oracleOf(asked: readonly Candidate[]): CascadeReport['oracle'] {
  const rows = asked[0]?.quality.length ?? 0
  let [quality, cost] = [0, 0]
  for (let row = 0; row < rows; row++) {
    // Candidates come cheapest first, so the first of the best is the cheapest of them.
    const pick = asked.reduce((one, other) => ((other.quality[row] ?? 0) > (one.quality[row] ?? 0) ? other : one))
    quality += pick.quality[row] ?? 0
    cost += pick.price
  }
  return { quality: quality / rows, cost: cost / rows }
}

function meanOf(values: Float64Array | readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / Math.max(1, values.length)
}

function requireBoth({ name }: LabRecording, train: readonly LabRow[], dev: readonly LabRow[]): void {
  if (train.length > 0 && dev.length > 0) return
  throw new RouterError('request_invalid', {
    path: name,
    problem: train.length === 0 ? 'it has no row with "split": "train"' : 'all its rows are train rows',
    fix: 'A cascade is chosen on the train rows and reported on the others: mark both with "split".',
  })
}
