import type { Signals } from '../../spec/decision.ts'

/** What was read from the distribution at one generated token. Natural logarithms. */
export interface TokenReading {
  /** Log-probability of the chosen token (<= 0); null when the engine gave no usable number. */
  readonly logprob: number | null
  /** Log-probability of the most probable token (<= 0); null when unknown. */
  readonly maxLogprob: number | null
}

/**
 * Turns logits into log-probabilities. `totalWeight` is the sum of exp(logit - maxLogit) over the vocabulary, so the
 * most probable token has probability 1 / totalWeight.
 *
 * @returns a missing reading (null) for NaN, infinities and a weight below 1: never a number that was not measured
 */
export function readToken(
  logit: number | undefined,
  maxLogit: number | undefined,
  totalWeight: number | undefined,
): TokenReading {
  if (totalWeight === undefined || !Number.isFinite(totalWeight) || totalWeight < 1) return MISSING
  const maxLogprob = -Math.log(totalWeight)
  if (logit === undefined || maxLogit === undefined) return { logprob: null, maxLogprob }
  const logprob = logit - maxLogit + maxLogprob
  return { logprob: Number.isFinite(logprob) && logprob <= 0 ? logprob : null, maxLogprob }
}

const MISSING: TokenReading = { logprob: null, maxLogprob: null }

/** Lower and upper bound of an entropy, in nats. */
export interface EntropyBracket {
  readonly lowNats: number
  readonly highNats: number
}

/**
 * What the largest probability alone says about the entropy of a distribution over `vocabulary` tokens: at least
 * -ln p (min-entropy), at most h2(p) + (1 - p) ln(V - 1) (the rest spread evenly). Exact at p = 1.
 *
 * @param maxLogprob log of the largest probability (<= 0)
 * @param vocabulary number of tokens, at least 2
 * @see Shannon 1948, section 6 (grouping); Rényi 1961 (min-entropy)
 */
export function entropyBracket(maxLogprob: number, vocabulary: number): EntropyBracket {
  const p = Math.exp(maxLogprob)
  const rest = -Math.expm1(maxLogprob)
  const binary = -p * maxLogprob - (rest > 0 ? rest * Math.log(rest) : 0)
  return { lowNats: Math.max(0, -maxLogprob), highNats: Math.max(0, binary + rest * Math.log(vocabulary - 1)) }
}

/** How the readings were made. */
export interface ReadingMode {
  readonly pass: Signals['pass']
  readonly fullDistribution: boolean
  readonly vocabulary: number
}

/**
 * Level-1 signals of a generated text. A figure is null as soon as one of its tokens has no reading: a mean over the
 * tokens that happen to be readable would look surer than the answer is.
 */
export function textSignals(readings: readonly TokenReading[], mode: ReadingMode): Signals {
  const logprobs = complete(readings.map((reading) => reading.logprob))
  const brackets = complete(readings.map((reading) => reading.maxLogprob))?.map((value) =>
    entropyBracket(value, mode.vocabulary),
  )
  return {
    pass: mode.pass,
    level: 1,
    fullDistribution: mode.fullDistribution,
    tokens: readings.length,
    meanLogprob: logprobs === null ? null : mean(logprobs),
    minLogprob: logprobs === null ? null : Math.min(...logprobs),
    entropyLowNats: brackets === undefined ? null : mean(brackets.map((bracket) => bracket.lowNats)),
    entropyHighNats: brackets === undefined ? null : mean(brackets.map((bracket) => bracket.highNats)),
    maxTokenEntropyNats:
      brackets === undefined ? null : brackets.reduce((most, bracket) => Math.max(most, bracket.lowNats), 0),
    options: null,
    margin: null,
  }
}

/** The values when there is at least one and none is missing. */
function complete(values: readonly (number | null)[]): readonly number[] | null {
  const known = values.filter((value) => value !== null)
  return known.length === values.length && known.length > 0 ? known : null
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
