import type { Signals, TokenSignal } from '../../spec/decision.ts'
import type { Token } from './llama-types.ts'

/** What was read from the distribution at one generated token. Natural logarithms. */
export interface TokenReading {
  /** Log-probability of the chosen token (<= 0); null when the engine gave no usable number. */
  readonly logprob: number | null
  /** Log-probability of the most probable token (<= 0); null when unknown. */
  readonly maxLogprob: number | null
  /** Level 2 only: log-probabilities of the most probable tokens, whatever their order; null at level 1. */
  readonly topLogprobs: readonly number[] | null
  /** Entropy over the whole vocabulary (nats); null unless every logit was read. */
  readonly entropyNats: number | null
}

/** How many of the most probable tokens level 2 reads. The library sorts the vocabulary for any number, so more is free. */
export const TOP_TOKENS = 256

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
  if (logit === undefined || maxLogit === undefined)
    return { logprob: null, maxLogprob, topLogprobs: null, entropyNats: null }
  const logprob = logit - maxLogit + maxLogprob
  const known = Number.isFinite(logprob) && logprob <= 0
  return { logprob: known ? logprob : null, maxLogprob, topLogprobs: null, entropyNats: null }
}

/** The same reading with the top of the distribution added; a logit that is no number makes it a level-1 reading again. */
export function withTop(reading: TokenReading, logits: readonly number[], maxLogit: number): TokenReading {
  const { maxLogprob } = reading
  if (maxLogprob === null) return reading
  const topLogprobs = logits.map((logit) => logit - maxLogit + maxLogprob)
  return topLogprobs.every(Number.isFinite) ? { ...reading, topLogprobs } : reading
}

const MISSING: TokenReading = { logprob: null, maxLogprob: null, topLogprobs: null, entropyNats: null }

/**
 * The reading of a token whose whole distribution is known: H = -sum p ln p over the vocabulary, p = softmax(logits), in
 * nats, with 0 ln 0 = 0. The sums are made here in double precision.
 *
 * @param logits of every token of the vocabulary
 * @returns a missing reading when a logit is NaN or plus infinity, or when the chosen token has none; minus infinity is
 *   a probability of 0
 * @see Shannon 1948, section 6
 */
export function readVocabulary(token: Token, logits: ReadonlyMap<Token, number>): TokenReading {
  let largest = Number.NEGATIVE_INFINITY
  for (const logit of logits.values()) {
    if (Number.isNaN(logit) || logit === Number.POSITIVE_INFINITY) return MISSING
    if (logit > largest) largest = logit
  }
  if (largest === Number.NEGATIVE_INFINITY) return MISSING
  let weight = 0
  let weighted = 0
  for (const logit of logits.values()) {
    const above = logit - largest
    if (above === Number.NEGATIVE_INFINITY) continue
    weight += Math.exp(above)
    weighted += Math.exp(above) * above
  }
  const chosen = logits.get(token)
  const logprob = chosen === undefined ? Number.NaN : chosen - largest - Math.log(weight)
  return {
    logprob: Number.isFinite(logprob) ? Math.min(0, logprob) : null,
    maxLogprob: -Math.log(weight),
    topLogprobs: null,
    entropyNats: Math.max(0, Math.log(weight) - weighted / weight),
  }
}

/** Lower and upper bound of an entropy, in nats. */
export interface EntropyBracket {
  readonly lowNats: number
  readonly highNats: number
}

/**
 * What the largest probability alone says about the entropy of a distribution over `vocabulary` tokens. Grouping gives
 * H = h2(p) + (1 - p) H(rest): at least h2(p), and at most h2(p) + (1 - p) ln(V - 1), the rest spread evenly. No token
 * is more probable than p, so H is also at least -ln p. Exact at p = 1.
 *
 * @param maxLogprob log of the largest probability (<= 0)
 * @param vocabulary number of tokens, at least 2
 * @see Shannon 1948, section 6 (grouping); Rényi 1961 (min-entropy)
 */
export function entropyBracket(maxLogprob: number, vocabulary: number): EntropyBracket {
  const p = Math.exp(maxLogprob)
  const rest = -Math.expm1(maxLogprob)
  const binary = -p * maxLogprob - (rest > 0 ? rest * Math.log(rest) : 0)
  return {
    lowNats: Math.max(0, -maxLogprob, binary),
    highNats: Math.max(0, binary + rest * Math.log(vocabulary - 1)),
  }
}

/**
 * What the top of a distribution says about its entropy: the top's own part is exact; the unseen mass r adds at least
 * -r ln q, since none of its tokens is more probable than the least of the top (q), and at most r ln((V - K) / r), when
 * it is spread evenly over the other V - K tokens.
 *
 * @param topLogprobs logs of the K largest probabilities, in any order; K at least 1 and below `vocabulary`
 */
export function topBracket(topLogprobs: readonly number[], vocabulary: number): EntropyBracket {
  const mass = topLogprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0)
  const own = topLogprobs.reduce((sum, logprob) => sum - Math.exp(logprob) * logprob, 0)
  // Rounding may make the sum of probabilities a little more than 1.
  const rest = Math.max(0, 1 - mass)
  const least = topLogprobs.reduce((least, logprob) => Math.min(least, logprob), 0)
  const others = Math.max(1, vocabulary - topLogprobs.length)
  const spread = rest === 0 ? 0 : rest * Math.log(others / rest)
  return { lowNats: Math.max(0, own - rest * least), highNats: Math.max(0, own + spread) }
}

/**
 * The engine sums the weights of the vocabulary in single precision: on SmolLM2 (49,152 tokens, 41 positions) its total
 * was 0.7 to 2.6 parts in 10,000 too small. Up to this share of the mass may therefore be unseen.
 */
const UNSEEN_MASS = 5e-4

/** The bracket of one reading, wide enough for the engine's rounding; null when nothing was read. */
export function tokenBracket(reading: TokenReading, vocabulary: number): EntropyBracket | null {
  const { topLogprobs, maxLogprob, entropyNats } = reading
  if (entropyNats !== null) return { lowNats: entropyNats, highNats: entropyNats }
  if (maxLogprob === null) return null
  const { lowNats, highNats } = topLogprobs
    ? topBracket(topLogprobs, vocabulary)
    : entropyBracket(maxLogprob, vocabulary)
  // x ln(V / x) is concave and 0 at 0, so adding this mass anywhere adds no more than it would alone.
  const margin = UNSEEN_MASS * (1 + Math.log(vocabulary / UNSEEN_MASS))
  return { lowNats: Math.max(0, lowNats - UNSEEN_MASS * (1 + lowNats)), highNats: highNats + margin }
}

/** How the readings were made. */
export interface ReadingMode {
  readonly pass: Signals['pass']
  readonly fullDistribution: boolean
  readonly vocabulary: number
}

/**
 * Signals of a generated text: level 2 when every token was read at level 2, else level 1. A figure is null as soon as one of its tokens has no reading: a mean over the
 * tokens that happen to be readable would look surer than the answer is.
 */
export function textSignals(readings: readonly TokenReading[], mode: ReadingMode): Signals {
  const logprobs = complete(readings.map((reading) => reading.logprob))
  const brackets = complete(readings.map((reading) => tokenBracket(reading, mode.vocabulary)))
  return {
    pass: mode.pass,
    level: readings.length > 0 && readings.every(isWide) ? 2 : 1,
    fullDistribution: mode.fullDistribution,
    tokens: readings.length,
    meanLogprob: logprobs === null ? null : mean(logprobs),
    minLogprob: logprobs === null ? null : Math.min(...logprobs),
    entropyLowNats: brackets === null ? null : mean(brackets.map((bracket) => bracket.lowNats)),
    entropyHighNats: brackets === null ? null : mean(brackets.map((bracket) => bracket.highNats)),
    maxTokenEntropyNats:
      brackets === null ? null : brackets.reduce((most, bracket) => Math.max(most, bracket.lowNats), 0),
    options: null,
    margin: null,
  }
}

/**
 * The readings laid over the text. A character whose bytes are spread over tokens belongs to each of them.
 *
 * @param ends offset in the text after each token
 */
export function tokenSignals(
  readings: readonly TokenReading[],
  ends: readonly number[],
  vocabulary: number,
): readonly TokenSignal[] {
  const signals: TokenSignal[] = []
  let characterEnd = ends.at(-1) ?? 0
  for (const [at, reading] of [...readings.entries()].reverse()) {
    const start = ends[at - 1] ?? 0
    const end = ends[at] ?? start
    if (end > start) characterEnd = end
    const bracket = tokenBracket(reading, vocabulary)
    const entropy = { entropyLowNats: bracket?.lowNats ?? null, entropyHighNats: bracket?.highNats ?? null }
    signals.push({ start, end: Math.max(end, characterEnd), ...entropy })
  }
  return signals.reverse()
}

function isWide({ topLogprobs, entropyNats }: TokenReading): boolean {
  return topLogprobs !== null || entropyNats !== null
}

/** The values when there is at least one and none is missing. */
function complete<T>(values: readonly (T | null)[]): readonly T[] | null {
  const known = values.filter((value): value is T => value !== null)
  return known.length === values.length && known.length > 0 ? known : null
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
