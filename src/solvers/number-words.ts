/** English cardinal numbers in words, from zero to ninety-nine hundred million and what lies between. */

/** @returns whether the word can start or continue a number in words */
export function isNumberWord(word: string): boolean {
  return Object.hasOwn(UNITS, word) || Object.hasOwn(TENS, word) || Object.hasOwn(SCALES, word)
}

/** 100, 1,000 or 1,000,000; the caller has matched the word. */
export function scaleOf(word: string): number {
  return SCALES[word] ?? 1
}

/**
 * Reads the longest run of number words at the start of a text, all of it or nothing: "twenty five hundred" is 2,500,
 * "twenty eleven" is not a number.
 *
 * @returns the value (an integer below 10^10) and the characters read; null when the run is not one cardinal
 */
export function readNumberWords(text: string): { readonly value: number; readonly length: number } | null {
  const run = /^[a-z]+(?:[ -][a-z]+)*/.exec(text)?.[0] ?? ''
  const words: string[] = []
  let length = 0
  for (const match of run.matchAll(/[a-z]+/g)) {
    const word = match[0]
    const joins = word === 'and' && followsScale(words)
    if (!isNumberWord(word) && !joins && !(word === 'a' && words.length === 0)) break
    words.push(word)
    length = match.index + word.length
  }
  const value = cardinal(words)
  return value === null || words.at(-1) === 'and' ? null : { value, length }
}

const UNITS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen ' +
    'seventeen eighteen nineteen'
  )
    .split(' ')
    .map((word, value) => [word, value]),
)
const TENS: Readonly<Record<string, number>> = {
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
}
const SCALES: Readonly<Record<string, number>> = { hundred: 100, thousand: 1000, million: 1_000_000 }

/** A cardinal in words as a piece of a larger pattern; `readNumberWords` decides whether it is one. */
export const NUMBER_WORDS = inWords(
  `(?:${[...Object.keys(UNITS), ...Object.keys(TENS), ...Object.keys(SCALES)].toSorted((a, b) => b.length - a.length).join('|')})\\b`,
)

/** At most eight words: "nine hundred ninety-nine thousand nine hundred ninety-nine" has seven. */
function inWords(word: string): string {
  return `(?:a )?${word}(?:(?: and |[ -])${word}){0,7}`
}

function followsScale(words: readonly string[]): boolean {
  return Object.hasOwn(SCALES, words.at(-1) ?? '')
}

/** `[group million] [group thousand] [and] [group]`, where a group is `[below 100 hundred] [and] [below 100]`. */
function cardinal(words: readonly string[]): number | null {
  // "A" is one only before a scale: "a hundred", never "a + 3".
  if (words.length === 1 && words[0] === 'a') return null
  let rest = words
  let total = 0
  for (const scale of ['million', 'thousand']) {
    const at = rest.indexOf(scale)
    if (at === -1) continue
    const count = group(rest.slice(0, at))
    if (count === null || count === 0) return null
    total += count * (SCALES[scale] ?? 1)
    rest = rest.slice(at + 1)
  }
  if (total === 0) return group(rest)
  if (rest.length === 0) return total
  const last = group(rest[0] === 'and' ? rest.slice(1) : rest)
  return last === null || last === 0 || last >= 1000 ? null : total + last
}

function group(words: readonly string[]): number | null {
  const at = words.indexOf('hundred')
  if (at === -1) return belowHundred(words)
  const count = belowHundred(words.slice(0, at))
  if (count === null || count === 0) return null
  const rest = words.slice(words[at + 1] === 'and' ? at + 2 : at + 1)
  if (rest.length === 0) return count * 100
  const last = belowHundred(rest)
  return last === null || last === 0 || rest[0] === 'a' ? null : count * 100 + last
}

function belowHundred(words: readonly string[]): number | null {
  const [first, second] = words
  if (first === undefined || words.length > 2) return null
  if (second === undefined) return first === 'a' ? 1 : (own(UNITS, first) ?? own(TENS, first))
  const tens = own(TENS, first)
  const unit = own(UNITS, second)
  return tens === null || unit === null || unit < 1 || unit > 9 ? null : tens + unit
}

function own(table: Readonly<Record<string, number>>, word: string): number | null {
  return Object.hasOwn(table, word) ? (table[word] ?? null) : null
}
