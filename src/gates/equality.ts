/** Whether two answers say the same: exactly, as numbers, or in meaning. Pure; embeddings arrive as arguments. */
import type { TaskPolicy } from '../spec/policy.ts'
import type { Answer } from '../spec/response.ts'
import { difference, sharedWords } from './claims.ts'
import type { ComparedAnswer } from './opinions.ts'
import { quantitiesIn, sameQuantity } from './quantities.ts'
import { parseJsonAnswer } from './schema.ts'

/** How answers are compared; a part of the task's `agreement`. */
export type Equality = Pick<NonNullable<TaskPolicy['agreement']>, 'equality' | 'tolerance' | 'minSimilarity'>

/** What of an answer is compared: its tool calls where it has some, else its text. */
export function comparedText(answer: Pick<Answer, 'text' | 'toolCalls'>): string {
  if (answer.toolCalls.length === 0) return answer.text
  return JSON.stringify(
    answer.toolCalls.map(({ name, arguments: given }) => [name, parseJsonAnswer(given)?.value ?? given]),
  )
}

/**
 * Whether two answers say the same. Symmetric.
 *
 * - every kind: equal JSON values (keys in any order), else equal texts but for case, spaces, punctuation, articles;
 * - `numeric`: the last numbers are equal within `tolerance`, in units that can be compared;
 * - `semantic`: the cosine of the embeddings is at least `minSimilarity`, and neither text holds a number, name, negation
 *   or opposite that the other lacks, and they share most content words. Texts of up to three words are names and labels: only `exact` can make them equal.
 *
 * @returns null when only embeddings could tell, and one is not there
 */
export function sameAnswer(left: ComparedAnswer, right: ComparedAnswer, rule: Equality): boolean | null {
  const [a, b] = [parsedJson(left.text), parsedJson(right.text)]
  if (a !== null && b !== null) return canonical(a.value) === canonical(b.value)
  if (normalised(left.text) === normalised(right.text)) return signs(left.text) === signs(right.text)
  if (rule.equality === 'exact') return false
  return rule.equality === 'numeric'
    ? sameNumber(left.text, right.text, rule.tolerance)
    : sameMeaning(left, right, rule)
}

/** @returns -1 to 1; 0 for an empty vector or two of different length */
export function cosine(left: readonly number[], right: readonly number[]): number {
  const size = Math.hypot(...left) * Math.hypot(...right)
  if (size === 0 || left.length !== right.length) return 0
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0) / size
}

/** Lower case, compatibility forms, no punctuation, no articles, single spaces. Decimal points and separators stay. */
function normalised(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(
      /(?<!\d)[.,](?!\d)|(?<=\d)[.,](?!\d)|(?<!\d)[.,](?=\d)(?<![\s(]\.)|[^\p{L}\p{N}\s.,%$\u20ac\u00a3+]/gu,
      ' ',
    )
    .replace(/(?<![\p{L}\p{N}])(?:a|an|the|der|die|das|ein|eine)(?![\p{L}\p{N}])/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Punctuation says nothing, but for the sign of a number and the marks that operators are. */
function signs(text: string): string {
  const plain = text.normalize('NFKC').replaceAll('\u2212', '-')
  return (plain.match(/(?<![\p{L}\p{N}])-(?=\d)|[<>=*/^&|]|!(?=[=(\p{L}])/gu) ?? []).join('')
}

function sameNumber(left: string, right: string, tolerance: number): boolean {
  const [a, b] = [quantitiesIn(left).at(-1), quantitiesIn(right).at(-1)]
  return a !== undefined && b !== undefined && sameQuantity(a, b, tolerance)
}

function sameMeaning(left: ComparedAnswer, right: ComparedAnswer, { minSimilarity }: Equality): boolean | null {
  if (isShort(left.text) || isShort(right.text)) return false
  if (difference(left.text, right.text) !== null) return false
  if (sharedWords(left.text, right.text) < MIN_SHARED_WORDS) return false
  if (left.vector === null || right.vector === null) return null
  return cosine(left.vector, right.vector) >= minSimilarity
}

function isShort(text: string): boolean {
  return normalised(text).split(' ').length <= SHORT_WORDS
}

/** "Paris" and "London" lie close together in every embedding. */
const SHORT_WORDS = 3

/**
 * With the 135M model, cosines of unrelated sentences reach .97. Of the 400 sentence pairs of STS-B on which both limits
 * were chosen, 51 pass a cosine of .98 (35 of them rated 4 to 5 of 5, 6 below 3); with this share as well 34 do (29, 1).
 */
const MIN_SHARED_WORDS = 0.7

/** An object or a list; a bare number or word is compared as text. */
function parsedJson(text: string): { readonly value: object } | null {
  const value = /^\s*(?:[[{]|[`~]{3})/.test(text) ? parseJsonAnswer(text)?.value : null
  return typeof value === 'object' && value !== null ? { value } : null
}

/** Keys in one order; strings but for their normal form unchanged. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(typeof value === 'string' ? normalised(value) : value) ?? 'null'
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}
