/** How alike two texts are: the model's own embedding beside the words, on the scale of examples. */
import { fitRidge, predictRidge, type Ridge } from '../learn/ridge.ts'
import { RouterError } from '../spec/errors.ts'
import type { PairExampleSet } from '../spec/policy.ts'
import type { CallLimits, CompareResult, EmbedResult, ModelPort } from '../spec/ports.ts'
import { type EmbeddedText, pairFeatures, type TextStatistics, textStatistics, wordSimilarity } from './text-pair.ts'

/** What is fitted on a task's pairs. Plain data. */
export interface SimilarityHead {
  readonly statistics: TextStatistics
  readonly ridge: Ridge
  /** Of the examples' scores. */
  readonly lowest: number
  readonly highest: number
}

export interface ComparisonSettings {
  /** The scored pairs of every task that has some, by task name. */
  readonly pairs: ReadonlyMap<string, PairExampleSet>
  /** Keeps fitted heads between processes; what it cannot give is fitted again. */
  readonly store: {
    /** @param parts what the head depends on */
    read(parts: readonly unknown[]): Promise<SimilarityHead | null>
    write(parts: readonly unknown[], head: SimilarityHead): Promise<void>
  }
}

/**
 * A model that compares texts. A task's head is fitted with the first comparison that needs it: that one waits while
 * the model reads every example.
 */
export function withComparison(port: ModelPort, settings: ComparisonSettings): ModelPort {
  if (!port.embed) return port
  const embed = port.embed.bind(port)
  const heads = new Map<string, Promise<SimilarityHead>>()
  return {
    ...port,
    compare: async ({ left, right, head: task }, limits): Promise<CompareResult> => {
      const pairs = task === undefined ? undefined : settings.pairs.get(task)
      const first = await embed(left, limits)
      const second = await embed(right, limits)
      const texts = [asText(left, first), asText(right, second)] as const
      const result = { usage: sum(first.usage, second.usage), identity: first.identity }
      if (!pairs) return { ...result, score: wordSimilarity(left, right), probability: null }
      const parts = [HEAD_VERSION, first.identity.digest, first.identity.servedBy, first.recipe, pairs.digest]
      const key = JSON.stringify(parts)
      const head = heads.get(key) ?? obtain({ pairs, parts, embed, settings, model: port.name })
      heads.set(key, head)
      head.catch(() => heads.delete(key))
      return { ...result, ...compared(await head, texts) }
    },
  }
}

/** Raised when fit or features change. */
const HEAD_VERSION = 1

/**
 * @param vectors the embeddings of left and right of every pair
 * @throws RangeError fewer than ten pairs, numbers that are not finite
 */
export function fitSimilarity(
  pairs: PairExampleSet['rows'],
  vectors: readonly (readonly [left: readonly number[], right: readonly number[]])[],
): SimilarityHead {
  const texts = pairs.flatMap(({ left, right }) => [left, right])
  const statistics = textStatistics(texts, vectors.flat())
  const rows = pairs.map(({ left, right }, index) => {
    const [a, b] = vectors[index] ?? [[], []]
    return pairFeatures({ text: left, vector: a }, { text: right, vector: b }, statistics)
  })
  const targets = pairs.map(({ score }) => score)
  const ridge = fitRidge({ rows, targets, strength: STRENGTH })
  return { statistics, ridge, lowest: Math.min(...targets), highest: Math.max(...targets) }
}

/** Chosen by cross-validation on 100 pairs of STS-B; .03 and .3 do about as well. */
const STRENGTH = 0.1

/** The score on the scale of the examples, and how sure it is. */
export function compared(
  { statistics, ridge, lowest, highest }: SimilarityHead,
  [left, right]: readonly [EmbeddedText, EmbeddedText],
): Pick<CompareResult, 'score' | 'probability'> {
  const raw = predictRidge(ridge, pairFeatures(left, right, statistics))
  const score = Math.min(highest, Math.max(lowest, raw))
  const tolerance = (highest - lowest) * TOLERANCE
  return { score, probability: ridge.cvError === 0 ? 1 : errorFunction(tolerance / (ridge.cvError * Math.SQRT2)) }
}

/** A score is right when it is off by no more than this share of the range. */
const TOLERANCE = 0.1

/** @see Abramowitz and Stegun 1964, formula 7.1.26 (error below 1.5e-7), for x >= 0 */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * x)
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return 1 - series * Math.exp(-x * x)
}

interface Obtaining {
  readonly pairs: PairExampleSet
  readonly parts: readonly unknown[]
  readonly embed: (text: string, limits: CallLimits) => Promise<EmbedResult>
  readonly settings: ComparisonSettings
  readonly model: string
}

async function obtain({ pairs, parts, embed, settings, model }: Obtaining): Promise<SimilarityHead> {
  const known = await settings.store.read(parts)
  if (known) return known
  const vectors: [readonly number[], readonly number[]][] = []
  for (const { left, right } of pairs.rows)
    vectors.push([(await embed(left, exampleLimits())).vector, (await embed(right, exampleLimits())).vector])
  try {
    const head = fitSimilarity(pairs.rows, vectors)
    await settings.store.write(parts, head)
    return head
  } catch (error) {
    const problem = `its head could not be fitted (${error instanceof Error ? error.message : 'no message'})`
    throw new RouterError('model_failed', { model, problem, fix: 'Check the pairs of the task.' }, error)
  }
}

/** For one example: the first one may wait for the load of a large model. */
const EXAMPLE_MS = 120_000

function exampleLimits(): CallLimits {
  const deadlines = { connectMs: EXAMPLE_MS, firstByteMs: EXAMPLE_MS, idleMs: EXAMPLE_MS, totalMs: EXAMPLE_MS }
  return { signal: new AbortController().signal, deadlines }
}

function asText(text: string, { vector }: EmbedResult): EmbeddedText {
  return { text, vector }
}

function sum(a: EmbedResult['usage'], b: EmbedResult['usage']): EmbedResult['usage'] {
  return { ...a, inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens }
}
