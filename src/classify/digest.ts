/** Makes a log shorter without telling it anew: what repeats is described, what is evidence stays word for word. Pure. */
import { foldFrames } from './frames.ts'
import { stripAnsi } from './normalise.ts'

export interface Digest {
  readonly text: string
  /** Of the source, ANSI codes removed; line n of the source is `lines[n - first]`. */
  readonly lines: readonly string[]
  /** Number of the first line. */
  readonly first: number
  /** Lines that stand in the digest word for word. */
  readonly kept: number
  /** Files that its errors point at, as `path:line`, in order. */
  readonly files: readonly string[]
}

/**
 * Each line stands as it is, or is one of at least three of the same shape, of which the first stands for all, or a frame of a
 * library. Lines that name a fault, and those that `isEvidence` knows, always stand. Numbers before lines are those of the source; a line without
 * one follows the line above it.
 *
 * @param isEvidence whether evidence stands in some lines; what it says of lines it says of more of them, too
 * @param first number of the first line, so that several texts may share one count
 */
export function digestOf(text: string, isEvidence: (text: string) => boolean, first = 1): Digest {
  const lines = stripAnsi(text).split(/\r?\n/).map(lastWritten)
  const evidence = evidenceIn(lines, isEvidence)
  const faults = lines.map((line, at) => evidence[at] === true || FAULT.test(line))
  const frames = foldFrames(lines, (at) => evidence[at] === true)
  const like = repeatedShapes(lines, (at) => frames[at] !== null || evidence[at] === true, faults)
  const written: string[] = []
  let kept = 0
  let expected = first
  for (const [at, line] of lines.entries()) {
    const number = first + at
    const fold = frames[at]
    if (fold !== null && fold !== undefined && fold !== 'own') {
      if (fold.count > 0) written.push(`(${fold.count} frames of libraries, L${number}-L${number + fold.lines - 1})`)
      continue
    }
    const shape = like[at]
    if (shape === 'left_out' || line.trim() === '') continue
    written.push(
      number === expected && kept > 0
        ? shortened(line, faults[at] === true)
        : `L${number}| ${shortened(line, faults[at] === true)}`,
    )
    if (shape) written.push(`(${shape.count} more like it, up to L${first + shape.last})`)
    expected = number + 1
    kept += 1
  }
  const files = filesIn(lines.filter((_, at) => faults[at] === true || frames[at] === 'own'))
  if (files.length > 0) written.push(`Files: ${files.join(', ')}`)
  return { text: written.join('\n'), lines, first, kept, files }
}

/** Halves are looked into only while they hold evidence: a log of 20,000 lines has a few lines of it. */
function evidenceIn(lines: readonly string[], isEvidence: (text: string) => boolean): readonly boolean[] {
  const found = lines.map(() => false)
  const written = lines.flatMap((line, at) => (line.trim() === '' ? [] : [at]))
  const textOf = (places: readonly number[]): string => places.map((at) => lines[at]).join('\n')
  const look = (from: number, to: number): void => {
    const places = written.slice(from, to)
    if (places.length === 0 || !isEvidence(textOf(places))) return
    const middle = (from + to) >> 1
    if (places.length === 1) {
      for (const at of places) found[at] = true
      return
    }
    look(from, middle)
    look(middle, to)
    // Terms of several words break over lines.
    const pair = written.slice(middle - 1, middle + 1)
    if (!pair.some((at) => found[at]) && isEvidence(textOf(pair))) for (const at of pair) found[at] = true
  }
  look(0, written.length)
  return found
}

/** What tools print when something is wrong. */
const FAULT =
  /\b(?:errors?|err!|fail(?:ed|ure|ures|ing|s)?|fatal|exceptions?|traceback|panic(?:ked)?|abort(?:ed)?|denied|refused|forbidden|unauthori[sz]ed|cannot|can't|could not|couldn't|unable|not found|no such|missing|undefined|unresolved|mismatch|invalid|expected|assert\w*|segfault|killed|timed? ?out|exit (?:code|status)|non-zero|conflict(?:s|ing)?|vulnerab\w+|leak(?:ed)?|secret|[A-Z]\w*(?:Error|Exception))\b|^\s*(?:E\s{2,}|[✗✖×]|--- FAIL)/iu

/** A summary such as `0 errors` counts as one: what it says is short, and may be all there is. */
const MIN_LIKE = 3

/** Faults that only differ in their numbers are shown so often; hard stops always. */
const MAX_LIKE_FAULTS = 6

interface Shape {
  /** Lines left out. */
  readonly count: number
  /** Place of the last of them. */
  readonly last: number
}

/** Of each line: null where it stands alone, the shape at the line that stands for others, `left_out` at those. */
function repeatedShapes(
  lines: readonly string[],
  isFixed: (at: number) => boolean,
  faults: readonly boolean[],
): readonly (Shape | 'left_out' | null)[] {
  const groups = new Map<string, number[]>()
  for (const [at, line] of lines.entries()) {
    if (isFixed(at) || line.trim() === '') continue
    const shape = `${faults[at] === true ? 'fault ' : ''}${shapeOf(line, faults[at] === true)}`
    const group = groups.get(shape)
    if (group) group.push(at)
    else groups.set(shape, [at])
  }
  const found: (Shape | 'left_out' | null)[] = lines.map(() => null)
  for (const [shape, places] of groups) {
    const shown = shape.startsWith('fault ') ? MAX_LIKE_FAULTS : 1
    if (places.length < Math.max(MIN_LIKE, shown + 1)) continue
    const left = places.slice(shown)
    const stands = places[shown - 1] ?? 0
    found[stands] = { count: left.length, last: left.at(-1) ?? stands }
    for (const at of left) found[at] = 'left_out'
  }
  return found
}

/**
 * Two lines have one shape when they begin with the same words, once times, numbers, paths and names with digits are taken out. Of a line
 * that names a fault all words count.
 */
function shapeOf(line: string, isFault: boolean): string {
  const level = /^\s*\[?(INFO|DEBUG|TRACE|VERBOSE)\b\]?/i.exec(line)?.[1]
  if (level && !isFault) return level.toUpperCase()
  const words = line
    .trim()
    .replace(/^\[?\d{4}-\d\d-\d\d[T ][\d:.,]+Z?\]?\s*|^\d\d:\d\d:\d\d(?:[.,]\d+)?\s*/, '')
    .slice(0, 300)
    .split(/\s+/)
    .map(plainWord)
  return (isFault ? words : words.slice(0, 2)).join(' ')
}

function plainWord(word: string): string {
  if (/^[-=_*#.]{3,}$/.test(word)) return '-'
  if (word.includes('/') || /\.[a-z]{1,5}$/i.test(word)) return 'path'
  if (/\d/.test(word)) return word.replace(/[\w.@:-]*\d[\w.@:-]*/g, '0')
  return word.toLowerCase()
}

/** A progress bar writes over itself: what it wrote last is what was seen. */
function lastWritten(line: string): string {
  return line.includes('\r') ? (line.split('\r').findLast((part) => part.trim() !== '') ?? '') : line
}

const MAX_LINE_CHARS = 400

/** A minified file in a log costs more than all of the rest; a fault is never cut. */
function shortened(line: string, isFault: boolean): string {
  const end = line.trimEnd()
  if (isFault || end.length <= MAX_LINE_CHARS) return end
  return `${end.slice(0, MAX_LINE_CHARS / 2)} (${end.length - MAX_LINE_CHARS} characters) ${end.slice(-MAX_LINE_CHARS / 2)}`
}

const MAX_FILES = 8

const FILE_AT = /((?:[A-Za-z]:)?[\w@./\\-]*[\w-]\.[A-Za-z]{1,5})(?:"?, line |[:(])(\d{1,6})\b/g

function filesIn(lines: readonly string[]): readonly string[] {
  const found = lines.flatMap((line) =>
    [...line.slice(0, 2000).matchAll(FILE_AT)].map(([, file, at]) => `${file}:${at}`),
  )
  return [...new Set(found)].slice(0, MAX_FILES)
}
