/** Matches whole terms in normalised text in one pass: words are looked up, never searched for. */
import { normalise } from './normalise.ts'

/** One word of a text, with where it stands. Tick marks of test reporters count as words. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly line: number
  /** Part of a path, an address or a long dotted name: a name, not an event. */
  readonly inPath: boolean
}

/** A normalised text cut into words. */
export interface Words {
  readonly text: string
  readonly words: readonly Word[]
}

/** Where a term was found: words `from` to `to`, both inclusive. */
export interface TermMatch<Entry> {
  readonly entry: Entry
  readonly from: number
  readonly to: number
}

/** Finds the entries whose term starts at a word. */
export type TermIndex<Entry> = (text: Words, at: number) => readonly TermMatch<Entry>[]

/** A term may be spread over punctuation such as `ERR! 401`, `"status": 403`, `PERMISSION - DENIED`; not over more. */
const MAX_GAP_CHARS = 6

const WORD = /[\p{L}\p{N}_]+|[✓✔√✗✘]/gu
const TERM_WORD = /[\p{L}\p{N}_*✓✔√✗✘]+/gu

/** Cuts a text, already normalised, into words. Linear. */
export function splitWords(text: string): Words {
  return { text, words: asciiWords(text) ?? wordsOf(text) }
}

const [SPACE, LINE_FEED] = [32, 10]
const WORD_CODE = 1
/** Slash, backslash and dot: without one of them nothing is a path. */
const PATH_CODE = 2
const CODES = Uint8Array.from({ length: 128 }, (_, code) => {
  const letter = String.fromCharCode(code)
  if (/\w/.test(letter)) return WORD_CODE
  return /[/\\.]/.test(letter) ? PATH_CODE : 0
})

/** Most texts are ASCII, and need no pattern. Null for all others. */
function asciiWords(text: string): readonly Word[] | null {
  const words: Word[] = []
  let [at, line] = [0, 0]
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === SPACE || code === LINE_FEED) {
      if (code === LINE_FEED) line++
      at++
      continue
    }
    let [end, marks] = [at, 0]
    for (; end < text.length && !isSpace(text, end); end++) {
      const kind = CODES[text.charCodeAt(end)]
      if (kind === undefined) return null
      marks |= kind
    }
    const inPath = (marks & PATH_CODE) !== 0 && isPath(text.slice(at, end))
    while (at < end) {
      const start = at
      while (at < end && CODES[text.charCodeAt(at)] === WORD_CODE) at++
      if (at > start) words.push({ text: text.slice(start, at), start, end: at, line, inPath })
      else at++
    }
  }
  return words
}

function wordsOf(text: string): readonly Word[] {
  const words: Word[] = []
  let line = 0
  let chunkEnd = -1
  let chunkIsPath = false
  let seen = 0
  for (const match of text.matchAll(WORD)) {
    const start = match.index
    for (; seen < start; seen++) if (text.charCodeAt(seen) === LINE_FEED) line++
    if (start >= chunkEnd) {
      const chunk = chunkAt(text, start, chunkEnd)
      chunkEnd = start + chunk.after.length
      chunkIsPath = isPath(chunk.before + chunk.after)
    }
    words.push({ text: match[0], start, end: start + match[0].length, line, inPath: chunkIsPath })
  }
  return words
}

/** The run of characters without white space around a position; `before` never reaches into the previous run. */
function chunkAt(text: string, start: number, floor: number): { readonly before: string; readonly after: string } {
  let from = start
  while (from > Math.max(floor, 0) && !isSpace(text, from - 1)) from--
  let to = start
  while (to < text.length && !isSpace(text, to)) to++
  return { before: text.slice(from, start), after: text.slice(start, to) }
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === SPACE || code === LINE_FEED
}

/**
 * Two separators, one and a file ending, an image with its tag, a name of four dotted parts. `401/403` and `and/or` are
 * no paths.
 */
function isPath(chunk: string): boolean {
  const slashes = chunk.split(/[/\\]/).length - 1
  if (slashes >= 2 || (slashes === 1 && /\w\.[a-z]\w{0,5}\b/.test(chunk))) return true
  return (
    /^\W*\w+\.\w+\.\w+\.\w/.test(chunk) ||
    /^[\w.-]+\/[\w.-]+:[\w.-]+$/.test(chunk) ||
    /^\W*[\w-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|cs|cpp|hpp|vue|rb|php|md)\b/.test(chunk)
  )
}

interface WordPattern {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'infix' | 'any'
  readonly text: string
}

interface CompiledTerm<Entry> {
  readonly entry: Entry
  /** Punctuation that must stand right before the first word, as in `.env`. */
  readonly lead: string
  readonly patterns: readonly WordPattern[]
}

/**
 * Compiles terms. A term is one or more whole words; `*` at either end of a word stands for any letters, digits and
 * `_`; between words may stand a little punctuation; `access denied` also finds `AccessDenied` and `access_denied`.
 */
export function indexTerms<Entry>(
  entries: readonly { readonly term: string; readonly entry: Entry }[],
): TermIndex<Entry> {
  const exact = new Map<string, CompiledTerm<Entry>[]>()
  const loose = new Map<string, CompiledTerm<Entry>[]>()
  for (const { term, entry } of entries) {
    for (const compiled of compileTerm(term, entry)) {
      const first = compiled.patterns[0]
      if (!first) continue
      const [map, key] = first.kind === 'exact' ? ([exact, first.text] as const) : ([loose, bucketOf(first)] as const)
      const bucket = map.get(key)
      if (bucket) bucket.push(compiled)
      else map.set(key, [compiled])
    }
  }
  const termsOf = remembered((word: string): readonly CompiledTerm<Entry>[] => {
    const head = loose.get(`^${word.slice(0, 2)}`)
    const tail = loose.get(`$${word.slice(-2)}`)
    const all = [exact.get(word), head, tail, loose.get('')].flatMap((bucket) => bucket ?? [])
    return all.filter(({ patterns: [first] }) => first !== undefined && fits(first, word))
  })
  return (text, at) => {
    const word = text.words[at]?.text
    const terms = word === undefined ? NO_TERMS : termsOf(word)
    if (terms.length === 0) return NO_TERMS
    const found: TermMatch<Entry>[] = []
    for (const term of terms) {
      const to = matchEnd(term, text, at)
      if (to !== null) found.push({ entry: term.entry, from: at, to })
    }
    return found
  }
}

const NO_TERMS: readonly never[] = []
/** Requests are written in the same few thousand words; longer ones are seldom words. */
const REMEMBERED_WORDS = 5000
const REMEMBERED_CHARS = 24

function remembered<T>(look: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const found = look(word)
    if (word.length > REMEMBERED_CHARS) return found
    if (known.size >= REMEMBERED_WORDS) known.clear()
    known.set(word, found)
    return found
  }
}

function compileTerm<Entry>(term: string, entry: Entry): readonly CompiledTerm<Entry>[] {
  const folded = normalise(term)
  const parts: readonly string[] = folded.match(TERM_WORD) ?? []
  const lead = folded.slice(0, folded.search(/[\p{L}\p{N}_*✓✔√✗✘]/u)).replace(/^["'\s]+/, '')
  const spread = { entry, lead, patterns: parts.map(wordPattern) }
  if (parts.length < 2 || parts.includes('*') || parts.every((part) => /^\d+$/.test(part))) return [spread]
  return [spread, ...['', '_'].map((joint) => ({ entry, lead, patterns: [wordPattern(parts.join(joint))] }))]
}

function wordPattern(part: string): WordPattern {
  const text = part.replace(/^\*|\*$/g, '')
  if (text === '') return { kind: 'any', text }
  if (part.startsWith('*')) return { kind: part.endsWith('*') ? 'infix' : 'suffix', text }
  return { kind: part.endsWith('*') ? 'prefix' : 'exact', text }
}

/** Terms that start with a wildcard are kept by two letters, so that a word meets only the few that can fit. */
function bucketOf(pattern: WordPattern): string {
  if (pattern.text.length < 2) return ''
  if (pattern.kind === 'prefix') return `^${pattern.text.slice(0, 2)}`
  return pattern.kind === 'suffix' ? `$${pattern.text.slice(-2)}` : ''
}

function matchEnd<Entry>(term: CompiledTerm<Entry>, { text, words }: Words, at: number): number | null {
  const first = words[at]
  if (!first || !text.startsWith(term.lead, first.start - term.lead.length)) return null
  let end = first.start
  for (let index = 0; index < term.patterns.length; index++) {
    const pattern = term.patterns[index]
    const word = words[at + index]
    if (!pattern || !word || !fits(pattern, word.text)) return null
    if (index > 0 && !isJoint(text, end, word.start)) return null
    end = word.end
  }
  return at + term.patterns.length - 1
}

function fits(pattern: WordPattern, word: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return word === pattern.text
    case 'prefix':
      return word.startsWith(pattern.text)
    case 'suffix':
      return word.endsWith(pattern.text)
    case 'infix':
      return word.includes(pattern.text)
    case 'any':
      return true
    default:
      return pattern.kind satisfies never
  }
}

/** A path separator parts names: `auth/failure.ts` is not an `auth failure`. */
function isJoint(text: string, from: number, to: number): boolean {
  return to - from <= MAX_GAP_CHARS && !/[/\\]/.test(text.slice(from, to))
}
