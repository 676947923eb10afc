/** One look at a text for everything that is sought in it: keywords, long runs of letters and digits, groups of digits. */
import { keywordsOf } from './keywords.ts'

/** UTF-16 offsets, end exclusive. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

export interface Scan {
  /** Where each keyword starts, by its number; keywords that are not there are absent. */
  readonly keywords: ReadonlyMap<number, readonly number[]>
  /** Runs of at least `LONG_RUN` letters, digits and marks of tokens, one digit among them. */
  readonly runs: readonly Stretch[]
  /** Stretches with at least `MIN_DIGITS` digits near each other, with what surrounds them. */
  readonly digits: readonly Stretch[]
  /** Every group of digits, short ones too. */
  readonly numbers: readonly Stretch[]
}

/** The shortest secret that is known by its letters alone has 32 of them; a little less, to be sure. */
const LONG_RUN = 28
/** A short phone number has seven digits, an address of a computer four. */
const MIN_DIGITS = 4
/** Two groups of digits belong together when no more stands between them: `(030) 123 456`, `GB29 NWBK 6016`. */
const MAX_GAP = 6
/** What stands around digits belongs to them: `GB29 NWBK`, `+49 (0)`, a letter at the end. */
const AROUND = 12

/** @returns a scanner for these keywords */
export function scannerOf(words: readonly string[]): (text: string) => Scan {
  const sought = keywordsOf(words)
  return (text) => {
    const keywords = new Map<number, number[]>()
    sought.each(text, (keyword, start) => {
      const places = keywords.get(keyword)
      if (places) places.push(start)
      else keywords.set(keyword, [start])
    })
    return { keywords, ...stretchesOf(text) }
  }
}

const DIGIT = 1
const TOKEN = 2
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const letter = String.fromCharCode(code)
  if (/\d/.test(letter)) return DIGIT | TOKEN
  return /[\w.%|:~+/=-]/.test(letter) ? TOKEN : 0
})

function stretchesOf(text: string): Pick<Scan, 'runs' | 'digits' | 'numbers'> {
  const runs: Stretch[] = []
  const digits: Stretch[] = []
  const numbers: Stretch[] = []
  let [runStart, runDigits] = [0, 0]
  let [groupStart, groupEnd, groupDigits] = [0, -MAX_GAP - 1, 0]
  const closeGroup = (): void => {
    if (groupDigits > 0) numbers.push({ start: groupStart, end: groupEnd + 1 })
    if (groupDigits < MIN_DIGITS) return
    digits.push({ start: Math.max(0, groupStart - AROUND), end: Math.min(text.length, groupEnd + 1 + AROUND) })
  }
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    const kind = code < 128 ? (CLASSES[code] ?? 0) : 0
    if ((kind & TOKEN) === 0) {
      if (runDigits > 0 && at - runStart >= LONG_RUN) runs.push({ start: runStart, end: at })
      runStart = at + 1
      runDigits = 0
      continue
    }
    if ((kind & DIGIT) === 0) continue
    runDigits += 1
    if (at - groupEnd > MAX_GAP) {
      closeGroup()
      groupStart = at
      groupDigits = 0
    }
    groupEnd = at
    groupDigits += 1
  }
  closeGroup()
  return { runs, digits: merged(digits), numbers }
}

/** @param sorted by start */
export function merged(sorted: readonly Stretch[]): readonly Stretch[] {
  const all: Stretch[] = []
  for (const one of sorted) {
    const last = all.at(-1)
    if (last && one.start <= last.end) all[all.length - 1] = { start: last.start, end: Math.max(last.end, one.end) }
    else all.push(one)
  }
  return all
}
