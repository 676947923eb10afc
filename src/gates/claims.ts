/** What a text claims, as far as words show it: numbers, names, negations, opposites. Pure, English and some German. */
import { amongQuantities, quantitiesIn } from './quantities.ts'

/**
 * Why two texts cannot mean the same, whatever an embedding says: embeddings of texts that differ in a number, a name or
 * a "not" lie close together.
 *
 * @returns null when nothing speaks against it
 */
export function difference(left: string, right: string): 'numbers' | 'negation' | 'names' | 'opposites' | null {
  if (!sameNumbers(left, right)) return 'numbers'
  if (isNegated(left) !== isNegated(right)) return 'negation'
  if (isOpposite(left, right)) return 'opposites'
  return missingNames(left, right).length > 0 || missingNames(right, left).length > 0 ? 'names' : null
}

/** The numbers and names of a text, once each, and which of them another text lacks. */
export function unsupportedClaims(text: string, source: string): { readonly claims: number; readonly lacking: number } {
  const isKnown = amongQuantities(quantitiesIn(source))
  const numbers = quantitiesIn(text)
  const names = namesIn(text)
  const lackingNumbers = numbers.filter((number) => !isKnown(number))
  return { claims: numbers.length + names.length, lacking: lackingNumbers.length + missingNames(text, source).length }
}

/** The share of content words that two texts have in common, 0 to 1, word endings aside (Dice). */
export function sharedWords(left: string, right: string): number {
  const [a, b] = [contentWords(left), contentWords(right)]
  return (2 * shared(a, b)) / Math.max(1, a.size + b.size)
}

/** Whether two sentences of a text say the same with another number, or one with and one without a "not". */
export function contradictsItself(text: string): boolean {
  const sentences = text
    .slice(0, READ_CHARS)
    .split(/\n+|(?<=[.!?])\s+/)
    .slice(0, MAX_SENTENCES)
    .map((sentence) => ({ sentence, words: topicWords(sentence) }))
    .filter(({ words }) => words.size >= MIN_WORDS)
  return sentences.some((left, at) =>
    sentences.slice(at + 1).some((right) => {
      if (overlap(left.words, right.words) < SAME_WORDS) return false
      const kind = difference(left.sentence, right.sentence)
      return (
        kind === 'negation' || kind === 'opposites' || (kind === 'numbers' && sameCount(left.sentence, right.sentence))
      )
    }),
  )
}

const READ_CHARS = 8000
/** Pairs grow with the square: 40 sentences are 780 pairs. */
const MAX_SENTENCES = 40
/** Shorter sentences share their words by chance. */
const MIN_WORDS = 3
/** Of all content words of the two, numbers aside: rows of a list that differ in their subject stay below. */
const SAME_WORDS = 0.99

function sameNumbers(left: string, right: string): boolean {
  const [a, b] = [quantitiesIn(left), quantitiesIn(right)]
  return a.every(amongQuantities(b)) && b.every(amongQuantities(a))
}

function sameCount(left: string, right: string): boolean {
  return quantitiesIn(left).length === quantitiesIn(right).length
}

const NEGATION =
  /\b(?:not|no|never|without|nobody|none|nothing|neither|nor|cannot|unable|fails? to|failed to|nicht|keine?[mnrs]?|nie|ohne|niemand|weder)\b|n['\u2019]t\b/giu

/** An even number of negations is taken for none. */
function isNegated(text: string): boolean {
  return (text.match(NEGATION)?.length ?? 0) % 2 === 1
}

/** Words of which a text that holds one says the opposite of a text that holds the other. */
const OPPOSITES: readonly (readonly [RegExp, RegExp])[] = [
  [/\b(?:yes|ja)\b/i, /\b(?:no|nein)\b/i],
  [/\b(?:true|correct|right|valid)\b/i, /\b(?:false|wrong|incorrect|invalid)\b/i],
  [
    /\b(?:increas|ris|grow|grew|gain|up\b|more\b|higher)/i,
    /\b(?:decreas|fall|fell|shrink|shrank|lost|down\b|fewer\b|less\b|lower)/i,
  ],
  [/\bbefore\b/i, /\bafter\b/i],
  [/\b(?:allow|permit|enabl|accept)/i, /\b(?:den(?:y|ie)|forbid|disabl|reject|prohibit)/i],
  [/\b(?:pass(?:es|ed)?|succeed|success)/i, /\b(?:fail)/i],
  [/\balways\b/i, /\bnever\b/i],
  [/\b(?:safe|secure)\b/i, /\b(?:unsafe|insecure|dangerous)\b/i],
  [/\b(?:start|open|begin)/i, /\b(?:stop|clos|end(?:s|ed)?\b)/i],
  [/\bpositive\b/i, /\bnegative\b/i],
]

function isOpposite(left: string, right: string): boolean {
  return OPPOSITES.some(([one, other]) => {
    const [a, b] = [
      { one: one.test(left), other: other.test(left) },
      { one: one.test(right), other: other.test(right) },
    ]
    return (a.one && !a.other && b.other && !b.one) || (a.other && !a.one && b.one && !b.other)
  })
}

/** Names of one text that do not stand in another, in any case. */
function missingNames(text: string, other: string): readonly string[] {
  const words = new Set(wordsOf(other).map(fold))
  return namesIn(text).filter((name) => !words.has(fold(name)))
}

/**
 * Words that name somebody or something: capital letters inside a sentence, words with a digit in them, and a first word
 * that a capital or a verb of being follows (`Paris is`, `Anna Lindqvist`). German nouns count, which errs on the side
 * of "another name".
 */
function namesIn(text: string): readonly string[] {
  const names = text.split(/(?<=[.!?:])\s+|\n+/).flatMap((sentence) => {
    const words = wordsOf(sentence)
    return words.filter((word, at) => {
      if (!/^\p{Lu}/u.test(word)) return /\p{L}/u.test(word) && /\d/.test(word)
      if (COMMON.has(fold(word))) return false
      if (at > 0 || words.length === 1) return true
      const next = words[1] ?? ''
      return /^\p{Lu}/u.test(next) || BEING.has(next) || /^\p{Lu}{2}/u.test(word)
    })
  })
  return [...new Map(names.map((name) => [fold(name), name])).values()]
}

const BEING: ReadonlySet<string> = new Set(['is', 'was', 'has', 'had', 'will', 'won', 'wrote', 'ist', 'war', 'hat'])

const COMMON: ReadonlySet<string> = new Set(
  `i a an the this that these those it he she we you they there here in on at of for to from by with and but or so if
  when while what which who how why yes no not answer because after before as is are was were do does did can der die
  das ein eine ist es er sie wir`.split(/\s+/),
)

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}]+(?:[-'\u2019][\p{L}\p{N}]+)*/gu) ?? []
}

/** Without a possessive ending, so that `Anna's` is `Anna`. */
function fold(word: string): string {
  return word
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['\u2019]s$/, '')
}

/** Without function words, negations and opposites: what two sentences talk about, not what they say of it. */
function topicWords(text: string): ReadonlySet<string> {
  const isOpposite = (word: string): boolean => OPPOSITES.some((pair) => pair.some((side) => side.test(word)))
  return new Set([...contentWords(text.replace(NEGATION, ' '))].filter((word) => !isOpposite(word)))
}

function contentWords(text: string): ReadonlySet<string> {
  const words = (text.match(/\p{L}{2,}/gu) ?? []).map(fold)
  return new Set(words.filter((word) => !COMMON.has(word)).map(stem))
}

/** Both sides of a comparison go through it, so a stem needs not be a word; short words stay whole. */
function stem(word: string): string {
  return word.length < 5 ? word : word.replace(/(?:ings?|ed|es|s|ly)$/, '')
}

function shared(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  return [...left].filter((word) => right.has(word)).length
}

function overlap(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const both = shared(left, right)
  return both / Math.max(1, left.size + right.size - both)
}
