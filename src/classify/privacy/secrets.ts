/** Finds secrets in text. Pure, linear. */
import { ASSIGNMENT_WORDS, assignmentsIn } from './assignments.ts'
import { isExample, isPasswordWord } from './placeholders.ts'
import type { PrivateSpan } from './private-span.ts'
import { merged, type Scan, type Stretch } from './scan.ts'
import { SECRET_FORMATS, type SecretFormat } from './secret-formats.ts'

const FORMAT_STARTS = SECRET_FORMATS.flatMap(({ where }) => (where.kind === 'run' ? [] : where.words))

/** Keywords of the scan, those of the formats first. */
export const SECRET_WORDS: readonly string[] = [...FORMAT_STARTS, ...ASSIGNMENT_WORDS, 'kind']

const KIND_WORD = SECRET_WORDS.indexOf('kind')

/** Per format the numbers of its keywords. */
const FORMAT_WORDS: readonly (readonly number[])[] = SECRET_FORMATS.map(({ where }) =>
  where.kind === 'run' ? [] : where.words.map((word) => SECRET_WORDS.indexOf(word)),
)

/** @param scan of `SECRET_WORDS` */
export function secretsIn(text: string, scan: Scan): readonly PrivateSpan[] {
  if (scan.keywords.size === 0 && scan.runs.length === 0) return []
  const found: PrivateSpan[] = []
  for (const at of formatsFor(scan)) {
    const format = SECRET_FORMATS[at]
    if (format) found.push(...matchesOf(format, FORMAT_WORDS[at] ?? [], text, scan))
  }
  const all = [...found, ...assignmentsIn(text, scan, FORMAT_STARTS.length), ...kubernetesSecretsIn(text, scan)]
  return all.filter((span) => !isStandIn(span, text))
}

/** Formats that are sought in every long run. */
const RUN_FORMATS: readonly number[] = SECRET_FORMATS.flatMap(({ where }, at) => (where.kind === 'run' ? [at] : []))

/** Per keyword the formats that it may begin. */
const FORMATS_OF_WORD = new Map<number, number[]>()
for (const [format, words] of FORMAT_WORDS.entries())
  for (const word of words) FORMATS_OF_WORD.set(word, [...(FORMATS_OF_WORD.get(word) ?? []), format])

/** The formats that may be in a text, in the order of the table. */
function formatsFor({ keywords, runs }: Scan): readonly number[] {
  const formats = new Set(runs.length > 0 ? RUN_FORMATS : [])
  for (const word of keywords.keys()) for (const format of FORMATS_OF_WORD.get(word) ?? []) formats.add(format)
  return [...formats].sort((a, b) => a - b)
}

/** What has an issuer's form is masked even when it looks typed: manuals are no reason to let a key out. */
function isStandIn({ detector, start, end }: PrivateSpan, text: string): boolean {
  const value = text.slice(start, end)
  if (detector === 'assignment') return isExample(value)
  return detector === 'connection_password' && isPasswordWord(value, schemeBefore(text, start))
}

/** Longest address that may stand before its password. */
const MAX_BEFORE = 130

function schemeBefore(text: string, start: number): string {
  const before = text.slice(Math.max(0, start - MAX_BEFORE), start)
  return /([a-z][a-z0-9+.-]*):\/\/[^\s]*$/i.exec(before)?.[1]?.toLowerCase() ?? ''
}

function matchesOf(
  { name, pattern, where }: SecretFormat,
  words: readonly number[],
  text: string,
  scan: Scan,
): readonly PrivateSpan[] {
  if (where.kind === 'run')
    return scan.runs.flatMap((run) =>
      matchesWithin(pattern, text, widened(run, 2, text)).map((match) => spanOf(match, name)),
    )
  const places = words.flatMap((word) => scan.keywords.get(word) ?? [])
  if (places.length === 0) return []
  if (where.kind === 'start')
    return places.flatMap((place) => matchAt(pattern, text, place)).map((match) => spanOf(match, name))
  const windows = places
    .toSorted((a, b) => a - b)
    .map((place) => ({ start: Math.max(0, place - where.before), end: Math.min(text.length, place + where.after) }))
  return merged(windows)
    .flatMap((window) => matchesWithin(pattern, text, window))
    .map((match) => spanOf(match, name))
}

/** A match in a text, at its place. */
interface Found {
  readonly index: number
  readonly groups: readonly (string | undefined)[]
}

function matchAt(pattern: RegExp, text: string, place: number): readonly Found[] {
  pattern.lastIndex = place
  const match = pattern.exec(text)
  return match ? [{ index: match.index, groups: match }] : []
}

/** What lies before the window is seen by the pattern as the start of the text; windows begin where nothing can match. */
function matchesWithin(pattern: RegExp, text: string, { start, end }: Stretch): readonly Found[] {
  return [...text.slice(start, end).matchAll(pattern)].map((match) => ({ index: start + match.index, groups: match }))
}

function widened({ start, end }: Stretch, by: number, text: string): Stretch {
  return { start: Math.max(0, start - by), end: Math.min(text.length, end + by) }
}

function spanOf({ index, groups: [whole = '', own] }: Found, detector: string): PrivateSpan {
  const secret = own ?? whole
  const start = index + (own === undefined ? 0 : whole.lastIndexOf(own))
  return { kind: 'secret', detector, start, end: start + secret.length }
}

/** The data of a Kubernetes Secret is base64 under any name; only the object's kind tells. */
function kubernetesSecretsIn(text: string, scan: Scan): readonly PrivateSpan[] {
  if (!scan.keywords.has(KIND_WORD)) return []
  if (!/^\s{0,20}["']?kind["']?\s{0,4}:\s{0,4}["']?secret\b/im.test(text)) return []
  const entries = text.matchAll(
    /^[ \t]{1,20}(?:["']?[\w.-]{1,100}["']?[ \t]{0,4}:[ \t]{0,4})?["']?([A-Za-z0-9+/]{16,4096}={0,2})["']?,?[ \t]{0,20}$/gm,
  )
  return [...entries].map((match) => spanOf({ index: match.index, groups: match }, 'kubernetes_secret'))
}
