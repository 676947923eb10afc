/** Replaces private pieces of texts with placeholders, and puts them back. Pure, but for the vault it is given. */

import { PRIVATE_KINDS, type PrivateKind } from '../../spec/private-kinds.ts'
import { findPrivate } from './find.ts'

/** What was masked in one conversation with a model. Holds the secrets: never stored, logged or sent. */
export interface Vault {
  readonly valueOf: Map<string, string>
  readonly placeholderOf: Map<string, string>
  /** Placeholders given out so far, by kind. */
  readonly counts: Map<string, number>
}

/** A masked text and how many pieces were replaced. */
export interface Masked {
  readonly text: string
  readonly count: number
}

/** Restores an answer piece by piece. */
export interface Unmasker {
  /** @returns what can be passed on now; a placeholder that may still be growing is held back (at most 16 characters) */
  push(delta: string): string
  /** @returns what was held back */
  flush(): string
}

/** Texts may hold something that looks like a placeholder; that is masked too, so that unmasking restores it exactly. */
const KINDS = [...PRIVATE_KINDS, 'literal'].join('|')
const PLACEHOLDER = new RegExp(`\\[(?:${KINDS})_\\d{1,6}\\]`, 'g')

/** A piece at the end of a text that may become a placeholder. */
const GROWING = new RegExp(`\\[(?:[a-z_]{0,11}|(?:${KINDS})_\\d{0,6})$`)

/** A detector may need this much after the cut to know a secret that straddles it: longer than any named key. */
const PREVIEW_MARGIN = 4096

export function createVault(): Vault {
  return { valueOf: new Map(), placeholderOf: new Map(), counts: new Map() }
}

/** Masks the wanted kinds. The same value gets the same placeholder, such as `[secret_1]`, in all texts of a vault. */
export function maskText(text: string, kinds: readonly PrivateKind[], vault: Vault): Masked {
  const found = findPrivate(text, kinds)
  const parts: string[] = []
  let from = 0
  for (const span of found) {
    parts.push(
      maskLiterals(text.slice(from, span.start), vault),
      placeholder(text.slice(span.start, span.end), span.kind, vault),
    )
    from = span.end
  }
  parts.push(maskLiterals(text.slice(from), vault))
  return { text: parts.join(''), count: found.length }
}

/** Puts the values back, in one pass: a value that looks like a placeholder stays as it is. */
export function unmask(text: string, vault: Vault): string {
  return text.replace(PLACEHOLDER, (name) => vault.valueOf.get(name) ?? name)
}

/** @returns an unmasker whose pieces, joined, equal `unmask` of the joined input for every way of cutting it */
export function createUnmasker(vault: Vault): Unmasker {
  let held = ''
  return {
    push(delta) {
      const text = held + delta
      held = GROWING.exec(text.slice(-MAX_PLACEHOLDER_CHARS))?.[0] ?? ''
      return unmask(text.slice(0, text.length - held.length), vault)
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** `[literal_999999]`. */
const MAX_PLACEHOLDER_CHARS = 16

/**
 * The first characters of a text with secrets and mail addresses replaced by `[secret]` and `[email]` for good.
 *
 * @param maxChars most characters (Unicode code points) of the result
 */
export function redactPreview(text: string, maxChars: number): string {
  // A cut through a surrogate pair would leave half a character.
  const head = text.slice(0, maxChars * 2 + PREVIEW_MARGIN).replace(/[\ud800-\udbff]$/, '')
  const parts: string[] = []
  let from = 0
  for (const { start, end, kind } of findPrivate(head, ['secret', 'email'])) {
    parts.push(head.slice(from, start), `[${kind}]`)
    from = end
  }
  return [...(parts.join('') + head.slice(from))].slice(0, maxChars).join('')
}

function maskLiterals(text: string, vault: Vault): string {
  return text.replace(PLACEHOLDER, (value) => placeholder(value, 'literal', vault))
}

function placeholder(value: string, kind: PrivateKind | 'literal', vault: Vault): string {
  const key = `${kind}:${value}`
  const known = vault.placeholderOf.get(key)
  if (known !== undefined) return known
  const count = (vault.counts.get(kind) ?? 0) + 1
  const name = `[${kind}_${count}]`
  vault.counts.set(kind, count)
  vault.placeholderOf.set(key, name)
  vault.valueOf.set(name, value)
  return name
}
