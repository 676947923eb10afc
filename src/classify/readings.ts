/** The other ways a model could read a text: what is hidden in an encoding must not hide from a hard stop. */
import { Buffer } from 'node:buffer'

/** Shorter runs of base64 letters are ordinary words and digests; 24 letters hold 18 bytes, three words. */
const MIN_BASE64_CHARS = 24
const BASE64_CODES = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9+/_-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/** Runs over this length are binary content (images, archives), which no model reads as text. */
const MAX_BASE64_CHARS = 65_536

/** Part of decoded characters that must be printable ASCII; random bytes reach about 0.38. */
const MIN_PRINTABLE = 0.95

const TAG_LETTER = /[\u{e0020}-\u{e007e}]/gu
const ASCII = /^[\0-\x7f]*$/
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp|shy));/gi
const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
}

/** A word with a digit between or beside letters, as in `t0ken`; numbers alone stay numbers. */
const LEET_WORD = /(?<![a-z0-9_])(?=[a-z0-9@$]{0,40}[a-z])(?=[a-z@$]{0,40}[013457@$])[a-z0-9@$]{2,40}(?![a-z0-9_])/gi
/** Every such word has a letter right beside one of these. */
const LETTER_BY_DIGIT = /[a-z][013457@$]|[0-9@$][a-z]/i
const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
}

/**
 * The text itself and every decoded form that differs from it: HTML entities, percent escapes, base64, Unicode tag
 * characters, digits for letters. Each is linear in the text.
 *
 * @returns at least one entry, the text as given first
 */
export function readings(text: string): readonly string[] {
  const decoded = [untag, unescapeEntities, unescapePercent, unpackBase64, unleet].map((decode) => decode(text))
  return [text, ...new Set(decoded.filter((reading) => reading !== '' && reading !== text))]
}

/** The low half of a tag character is 0xdc00 above its letter. */
function untag(text: string): string {
  if (ASCII.test(text)) return ''
  return text.replace(TAG_LETTER, (letter) => String.fromCharCode(letter.charCodeAt(1) - 0xdc00))
}

function unescapeEntities(text: string): string {
  if (!text.includes('&')) return ''
  return text.replace(
    ENTITY,
    (whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
      if (name) return NAMED_ENTITIES[name.toLowerCase()] as string
      const code = Number(decimal ?? `0x${hex}`)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}

function unescapePercent(text: string): string {
  if (!text.includes('%')) return ''
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
}

/** Only the decoded parts, one a line: the rest of the text is read anyway. */
function unpackBase64(text: string): string {
  const runs = longRuns(text)
  if (runs.length === 0) return ''
  return runs
    .map((run) => Buffer.from(run, 'base64').toString('latin1'))
    .filter(isReadable)
    .join('\n')
}

/**
 * Runs of letters of base64, as far as a note may be long; longer ones are files. Looks at every 24th character only, and from there as
 * far as the run goes: a pattern would need a stack as deep as the run is long.
 */
function longRuns(text: string): readonly string[] {
  const isRun = (at: number): boolean => BASE64_CODES[text.charCodeAt(at)] === 1
  const runs: string[] = []
  let end = 0
  for (let at = MIN_BASE64_CHARS - 1; at < text.length; at += MIN_BASE64_CHARS) {
    if (at < end || !isRun(at)) continue
    let [from, to] = [at, at + 1]
    while (from > end && isRun(from - 1)) from--
    while (to < text.length && isRun(to)) to++
    end = to
    if (to - from >= MIN_BASE64_CHARS && to - from <= MAX_BASE64_CHARS) runs.push(text.slice(from, to))
  }
  return runs
}

function isReadable(decoded: string): boolean {
  const printable = decoded.match(/[\t\n\r\x20-\x7e]/g)?.length ?? 0
  return decoded.includes(' ') && printable >= decoded.length * MIN_PRINTABLE
}

function unleet(text: string): string {
  if (!LETTER_BY_DIGIT.test(text)) return ''
  return text.replace(LEET_WORD, (word) => word.replace(/[013457@$]/g, (digit) => LEET[digit] as string))
}
