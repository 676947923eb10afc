/** Replaces private pieces of texts with placeholders, and puts them back. Pure, but for the vault it is given. */

import { PRIVATE_KINDS, type PrivateKind } from '../../spec/private-kinds.ts'
import { type FindPrivate, findPrivate } from './find.ts'
import type { Writing } from './plain-reading.ts'

/** What was masked in one conversation with a model. Holds the secrets: never stored, logged or sent. */
export interface Vault {
  readonly valueOf: Map<string, string>
  readonly placeholderOf: Map<string, string>
  /** Placeholders given out so far, by kind. */
  readonly counts: Map<string, number>
  readonly numbering: Numbering
  /** Finds what is masked; it may throw. */
  readonly find: FindPrivate
}

/**
 * Gives a value its number, so that a placeholder stays the same over the requests of a conversation, also when older turns are
 * left out.
 *
 * @param next the number that the vault would give
 */
export type Numbering = (kind: string, value: string, next: number) => number

/** A masked text and how many pieces were replaced. */
export interface Masked {
  readonly text: string
  readonly count: number
}

/** Restores an answer piece by piece. */
export interface Unmasker {
  /** @returns what can be passed on now; a placeholder that may still be growing is held back (at most 32 characters) */
  push(delta: string): string
  /** @returns what was held back */
  flush(): string
}

const KINDS: readonly string[] = [...PRIVATE_KINDS, 'literal']

/**
 * Models write placeholders in their own way: other case, a space or a dash for the line, marks escaped for Markdown, twice in JSON.
 * Texts may hold something that looks like one; that is masked too, so that unmasking restores it exactly.
 */
const JOINT = '(?:\\\\{0,2}_|[ -])'
const PLACEHOLDER = new RegExp(
  `\\\\{0,2}\\[ ?(${KINDS.map((kind) => kind.replace('_', JOINT)).join('|')})${JOINT}(\\d{1,6}) ?\\\\{0,2}\\]`,
  'gi',
)
/** `\\[birth\\_date\\_999999 \\]`, and a little more. */
const MAX_PLACEHOLDER_CHARS = 32

/** The piece at the end of a text that may become a placeholder, and how its words would read. */
const GROWING = /\\{0,2}(?:\[ ?((?:[a-z]|\\{0,2}_|[ -])*(?:\d{0,6} ?)?\\{0,2}))?$/i

/** A detector may need this much after the cut to know a secret that straddles it: longer than any named key. */
const PREVIEW_MARGIN = 4096

export function createVault({
  numbering = (_kind, _value, next) => next,
  find = findPrivate,
}: VaultSettings = {}): Vault {
  return { valueOf: new Map(), placeholderOf: new Map(), counts: new Map(), numbering, find }
}

interface VaultSettings {
  readonly numbering?: Numbering
  /** Default: the detectors of this package. */
  readonly find?: FindPrivate
}

/**
 * Masks the wanted kinds. The same value gets the same placeholder, such as `[secret_1]`, in all texts of a vault.
 *
 * @param writing `json`: the text is JSON; a value is known without its escapes, and a number becomes a string
 */
export function maskText(text: string, kinds: readonly PrivateKind[], vault: Vault, writing: Writing = 'text'): Masked {
  const found = vault.find(text, kinds, writing)
  const isInString = writing === 'json' ? stringsOf(text) : null
  const parts: string[] = []
  let from = 0
  for (const { start, end, kind } of found) {
    const piece = text.slice(start, end)
    parts.push(
      maskLiterals(text.slice(from, start), vault),
      isInString ? inJson(piece, kind, { vault, isInString: isInString(start) }) : placeholder(piece, kind, vault),
    )
    from = end
  }
  parts.push(maskLiterals(text.slice(from), vault))
  return { text: parts.join(''), count: found.length }
}

/**
 * Puts the values back, in one pass: a value that looks like a placeholder stays as it is.
 *
 * @param writing `json`: values are escaped, so that quotes and line breaks in them leave the JSON whole
 */
export function unmask(text: string, vault: Vault, writing: Writing = 'text'): string {
  return text.replace(PLACEHOLDER, (written, kind: string, number: string) => {
    const name = `[${kind.toLowerCase().replace(/[\\ -]+_?|_/g, '_')}_${Number(number)}]`
    const value = vault.valueOf.get(name)
    if (value === undefined) return written
    return writing === 'json' ? JSON.stringify(value).slice(1, -1) : value
  })
}

/** @returns an unmasker whose pieces, joined, equal `unmask` of the joined input for every way of cutting it */
export function createUnmasker(vault: Vault, writing: Writing = 'text'): Unmasker {
  let held = ''
  return {
    push(delta) {
      const text = held + delta
      held = growing(text.slice(-MAX_PLACEHOLDER_CHARS))
      return unmask(text.slice(0, text.length - held.length), vault, writing)
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

function growing(tail: string): string {
  const match = GROWING.exec(tail)
  if (!match) return ''
  const words = (match[1] ?? '')
    .toLowerCase()
    .replace(/\\{1,2}$/, '')
    .replace(/[\\ -]+_?|_/g, '_')
  const isOne = KINDS.some(
    (kind) =>
      `${kind}_`.startsWith(words) ||
      (words.startsWith(`${kind}_`) && /^\d{0,6}_?$/.test(words.slice(kind.length + 1))),
  )
  return isOne ? match[0] : ''
}

/**
 * The first characters of a text with secrets, mail addresses and whatever else is wanted replaced by `[secret]`, `[email]` and so on for good.
 *
 * @param maxChars most characters (Unicode code points) of the result
 * @throws what `find` throws
 */
export function redactPreview(
  text: string,
  maxChars: number,
  { kinds = [], find = findPrivate }: Redaction = {},
): string {
  // A cut through a surrogate pair would leave half a character.
  const head = text.slice(0, maxChars * 2 + PREVIEW_MARGIN).replace(/[\ud800-\udbff]$/, '')
  const parts: string[] = []
  let from = 0
  for (const { start, end, kind } of find(head, [...new Set([...ALWAYS_REDACTED, ...kinds])])) {
    parts.push(head.slice(from, start), `[${kind}]`)
    from = end
  }
  return [...(parts.join('') + head.slice(from))].slice(0, maxChars).join('')
}

interface Redaction {
  /** Beside secrets and mail addresses. */
  readonly kinds?: readonly PrivateKind[]
  readonly find?: FindPrivate
}

const ALWAYS_REDACTED = ['secret', 'email'] as const

function maskLiterals(text: string, vault: Vault): string {
  return text.replace(PLACEHOLDER, (value) => placeholder(value, 'literal', vault))
}

/** The value behind the escapes; outside of a string a placeholder needs the marks of one. */
function inJson(
  piece: string,
  kind: PrivateKind,
  { vault, isInString }: { readonly vault: Vault; readonly isInString: boolean },
): string {
  const name = placeholder(plainString(piece), kind, vault)
  return isInString ? name : `"${name}"`
}

/** @returns whether a place stands inside of a string of this JSON; to be asked for places in order */
function stringsOf(json: string): (at: number) => boolean {
  let read = 0
  let isInString = false
  return (at) => {
    for (; read < at; read++) {
      const character = json[read]
      if (character === '\\') read++
      else if (character === '"') isInString = !isInString
    }
    return isInString
  }
}

function plainString(piece: string): string {
  try {
    return JSON.parse(`"${piece}"`) as string
  } catch {
    return piece
  }
}

function placeholder(value: string, kind: PrivateKind | 'literal', vault: Vault): string {
  const key = `${kind}:${value}`
  const known = vault.placeholderOf.get(key)
  if (known !== undefined) return known
  const count = (vault.counts.get(kind) ?? 0) + 1
  const name = `[${kind}_${vault.numbering(kind, value, count)}]`
  vault.counts.set(kind, count)
  vault.placeholderOf.set(key, name)
  vault.valueOf.set(name, value)
  return name
}
