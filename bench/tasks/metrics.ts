export { wilson } from '../../src/learn/interval.ts'

/** Words of a text as SQuAD's own scorer compares them: lower case, without ASCII punctuation and articles. */
export function squadWords(text: string): readonly string[] {
  const plain = text.toLowerCase().replace(/[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, '')
  return plain
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
}

/**
 * F1 of the words an answer shares with the nearest of the right answers, repeated words counted as often as both have
 * them. An abstention (null or blank) is right exactly when there is no right answer.
 *
 * @returns 0 to 1
 * @see Rajpurkar et al. 2018, Know What You Don't Know, evaluate-v2.0.py
 */
export function squadF1(answer: string | null, answers: readonly string[]): number {
  return best(answer, answers, (given, right) => {
    const left = [...right]
    const shared = given.filter((word) => take(left, word)).length
    if (given.length === 0 || right.length === 0) return given.length === right.length ? 1 : 0
    return (2 * shared) / (given.length + right.length)
  })
}

/** 1 when the answer has the same words in the same order as one of the right ones; abstentions as in `squadF1`. */
export function squadEm(answer: string | null, answers: readonly string[]): number {
  return best(answer, answers, (given, right) => (given.join(' ') === right.join(' ') ? 1 : 0))
}

/**
 * 95 % percentile interval of a mean over 2,000 resamples, the same for the same values.
 *
 * @returns both ends; null without values
 * @see Efron 1979
 */
export function bootstrap(values: readonly number[]): readonly [number, number] | null {
  if (values.length === 0) return null
  const random = seeded(SEED)
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let drawn = 0; drawn < values.length; drawn++) sum += values[Math.floor(random() * values.length)] ?? 0
    return sum / values.length
  }).toSorted((a, b) => a - b)
  return [means[Math.floor(RESAMPLES * 0.025)] ?? 0, means[Math.ceil(RESAMPLES * 0.975) - 1] ?? 0]
}

/** The same for a ratio of sums, over items that each bring a part above and a part below the line. */
export function bootstrapRatio(
  items: readonly (readonly [above: number, below: number])[],
): readonly [number, number] | null {
  if (items.length === 0) return null
  const random = seeded(SEED)
  const ratios = Array.from({ length: RESAMPLES }, () => {
    let [above, below] = [0, 0]
    for (let drawn = 0; drawn < items.length; drawn++) {
      const [a, b] = items[Math.floor(random() * items.length)] ?? [0, 0]
      above += a
      below += b
    }
    return below === 0 ? 0 : above / below
  }).toSorted((a, b) => a - b)
  return [ratios[Math.floor(RESAMPLES * 0.025)] ?? 0, ratios[Math.ceil(RESAMPLES * 0.975) - 1] ?? 0]
}

const RESAMPLES = 2000
const SEED = 20_260_101

type Compare = (given: readonly string[], right: readonly string[]) => number

function best(answer: string | null, answers: readonly string[], compare: Compare): number {
  const abstained = answer === null || answer.trim() === ''
  if (answers.length === 0 || abstained) return abstained && answers.length === 0 ? 1 : 0
  const given = squadWords(answer)
  return Math.max(...answers.map((right) => compare(given, squadWords(right))))
}

function take(words: string[], word: string): boolean {
  const index = words.indexOf(word)
  if (index < 0) return false
  words.splice(index, 1)
  return true
}

/** Mulberry32: small, and the same on every machine. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A share as a percentage with two decimals. */
export function percent(share: number): number {
  return Math.round(share * 10_000) / 100
}

/** Both ends of an interval as percentages. */
export function percents(interval: readonly [number, number] | null): readonly [number, number] | null {
  return interval === null ? null : [percent(interval[0]), percent(interval[1])]
}
