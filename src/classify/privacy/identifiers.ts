/** Finds personal data that can be known by its form. Pure, linear. */

import type { PrivateKind } from '../../spec/private-kinds.ts'
import { birthDatesIn } from './birth-dates.ts'
import { ibanLength, isIban, passesLuhn } from './checksums.ts'
import { ipAddressesIn } from './ip-addresses.ts'
import { NATIONAL_IDS } from './national-ids.ts'
import { phonesIn } from './phones.ts'
import type { Finding, Part, PrivateSpan } from './private-span.ts'
import type { Scan } from './scan.ts'

const DETECTORS: readonly (readonly [PrivateKind, (part: Part) => readonly Finding[]])[] = [
  ['card', cardsIn],
  ['iban', ibansIn],
  ['national_id', nationalIdsIn],
  ['ip', ipAddressesIn],
  ['birth_date', birthDatesIn],
  ['phone', phonesIn],
]

/** What a stricter detector took is not looked at by a looser one: a card number is no telephone number. */
export function identifiersIn(text: string, scan: Scan, kinds: readonly PrivateKind[]): readonly PrivateSpan[] {
  const spans = kinds.includes('email') ? emailsIn(text) : []
  const wanted = DETECTORS.filter(([kind]) => kinds.includes(kind))
  if (wanted.length === 0) return spans
  const found: PrivateSpan[] = [...spans]
  for (const part of partsOf(text, scan, kinds)) {
    // All detectors run, so that an unwanted card is not taken for a telephone number.
    const taken = new Uint8Array(part.text.length)
    for (const [kind, detect] of DETECTORS) {
      for (const { detector, start, end } of detect(part)) {
        if (taken.subarray(start, end).includes(1)) continue
        taken.fill(1, start, end)
        if (kinds.includes(kind)) found.push({ kind, detector, start: part.offset + start, end: part.offset + end })
      }
    }
  }
  return found
}

/** Addresses of the sixth version may hold no digit. */
function partsOf(text: string, { digits }: Scan, kinds: readonly PrivateKind[]): readonly Part[] {
  const parts = digits.map(({ start, end }) => ({ text: text.slice(start, end), whole: text, offset: start }))
  if (!kinds.includes('ip') || !text.includes('::')) return parts
  let next = 0
  const isOutside = (index: number): boolean => {
    // Both lists are in order.
    while ((digits[next]?.end ?? index + 1) <= index) next += 1
    return index < (digits[next]?.start ?? index + 1)
  }
  const bare = [...text.matchAll(/(?<![\w:])[0-9a-f:]{0,30}::[0-9a-f:.]{0,40}/gi)]
    .filter(({ index }) => isOutside(index))
    .map((match) => ({ text: match[0], whole: text, offset: match.index }))
  return [...parts, ...bare]
}

/** RFC 5321 lengths; the name may not start inside a word or an address of another kind. */
const EMAIL =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}(?:xn--[a-z0-9-]{1,59}|\p{L}{2,24})(?![\p{L}\p{N}])/gu

function emailsIn(text: string): readonly PrivateSpan[] {
  if (!text.includes('@')) return []
  return [...text.matchAll(EMAIL)].map((match) => ({
    kind: 'email',
    detector: 'email',
    start: match.index,
    end: match.index + match[0].length,
  }))
}

/** 12 to 19 digits that begin as a card scheme's do (ISO/IEC 7812; Maestro has the short ones, JCB begins with 1800 too). */
const CARD =
  /(?<![\p{L}\p{N}.-])(?:[3-6](?:[ -]?\d){12,18}|2[2-7](?:[ -]?\d){14}|(?:50|5[6-9]|6\d)(?:[ -]?\d){10}|(?:1800|2131)(?:[ -]?\d){11})(?![\p{L}\p{N}])/gu

function cardsIn({ text }: Part): readonly Finding[] {
  return [...text.matchAll(CARD)].filter(([match]) => passesLuhn(match)).map((match) => finding('card', match))
}

const IBAN = /(?<![\p{L}\p{N}])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}/giu

/** What follows an IBAN may look like a part of it, so its country says where it ends. */
function ibansIn({ text }: Part): readonly Finding[] {
  return [...text.matchAll(IBAN)].flatMap((match) => {
    const whole = cutTo(match[0], ibanLength(match[0].slice(0, 2)) ?? 0)
    if (whole === null || !isIban(whole)) return []
    return [{ detector: 'iban', start: match.index, end: match.index + whole.length }]
  })
}

/** @returns the text up to so many letters and digits; null when there are fewer, or the next one belongs to them */
function cutTo(text: string, count: number): string | null {
  let [at, seen] = [0, 0]
  while (at < text.length && seen < count) seen += /[a-z0-9]/i.test(text[at++] ?? '') ? 1 : 0
  return seen === count && count > 0 && !/[a-z0-9]/i.test(text[at] ?? '') ? text.slice(0, at) : null
}

/** Context stands before a number, seldom after it. */
const CONTEXT_BEFORE = 80
const CONTEXT_AFTER = 30

function nationalIdsIn({ text, whole, offset }: Part): readonly Finding[] {
  return NATIONAL_IDS.flatMap(({ name, pattern, check, context }) =>
    [...text.matchAll(pattern)]
      .filter((match) => check?.(match[0]) ?? true)
      .filter((match) => {
        const at = offset + match.index
        const around = whole.slice(Math.max(0, at - CONTEXT_BEFORE), at + match[0].length + CONTEXT_AFTER)
        return context === undefined || context.test(around)
      })
      .map((match) => finding(name, match)),
  )
}

function finding(detector: string, match: RegExpExecArray): Finding {
  return { detector, start: match.index, end: match.index + match[0].length }
}
