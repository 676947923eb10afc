/** Finds private pieces of text. Pure, linear: one look at the text for all detectors, patterns only where it says so. */

import type { PrivateKind } from '../../spec/private-kinds.ts'
import { type Remembered, remembered } from '../remembered.ts'
import { addressesIn } from './addresses.ts'
import { decodedRuns } from './disguises.ts'
import { identifiersIn } from './identifiers.ts'
import { macAddressesIn } from './mac-addresses.ts'
import { NAME_WORDS, namesIn } from './names.ts'
import { plainReading, type Writing } from './plain-reading.ts'
import type { PrivateSpan } from './private-span.ts'
import { type Scan, scannerOf } from './scan.ts'
import { SECRET_WORDS, secretsIn } from './secrets.ts'

const scan = scannerOf([...SECRET_WORDS, ...NAME_WORDS])

/**
 * @param writing `json` for the arguments of a tool call: their escapes are read
 * @returns the private pieces of the wanted kinds, in order, without overlap; the longest of overlapping ones counts.
 *   Characters that are not seen or look like others hide nothing, and a secret in base64 or URL encoding makes the whole run a
 *   secret
 */
export function findPrivate(
  text: string,
  kinds: readonly PrivateKind[],
  writing: Writing = 'text',
): readonly PrivateSpan[] {
  return privateReader(kinds, writing)(text)
}

/** Finds the private pieces of a text: `findPrivate`, or it together with what plugins find. */
export type FindPrivate = typeof findPrivate

/** Finds pieces of these kinds in texts, and remembers them. */
export function privateReader(
  kinds: readonly PrivateKind[],
  writing: Writing = 'text',
): Remembered<readonly PrivateSpan[]> {
  const wanted = `${writing} ${kinds.join()}`
  let find = known.get(wanted)
  if (!find) {
    const own = [...kinds]
    find = remembered((one) => spansOf(one, own, writing))
    known.set(wanted, find)
  }
  return find
}

/** By the writing and the kinds that are sought: those of policies, of which a process has few. */
const known = new Map<string, Remembered<readonly PrivateSpan[]>>()

function spansOf(text: string, kinds: readonly PrivateKind[], writing: Writing): readonly PrivateSpan[] {
  const plain = plainReading(text, writing)
  if (!plain) return withoutOverlap(spansIn(text, kinds))
  const spans = spansIn(plain.text, kinds).map((span) => ({
    ...span,
    start: plain.startOf(span.start),
    // What is not seen at the end of a piece belongs to what follows.
    end: plain.endOf(span.end - 1),
  }))
  return withoutOverlap(spans)
}

function spansIn(text: string, kinds: readonly PrivateKind[]): readonly PrivateSpan[] {
  const seen = scan(text)
  const secrets = kinds.includes('secret') ? [...secretsIn(text, seen), ...encodedIn(text, seen)] : []
  return [
    ...secrets,
    ...identifiersIn(text, seen, kinds),
    ...(kinds.includes('mac') ? macAddressesIn(text) : []),
    ...(kinds.includes('address') ? addressesIn(text, seen.numbers) : []),
    ...(kinds.includes('name') ? namesIn(text, seen, SECRET_WORDS.length) : []),
  ]
}

/** One layer only: what is encoded twice is no note to a model. */
function encodedIn(text: string, seen: Scan): readonly PrivateSpan[] {
  return decodedRuns(text, seen).flatMap(({ start, end, text: decoded }): readonly PrivateSpan[] =>
    secretsIn(decoded, scan(decoded)).length > 0 ? [{ kind: 'secret', detector: 'encoded', start, end }] : [],
  )
}

export function withoutOverlap(spans: readonly PrivateSpan[]): readonly PrivateSpan[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end)
  const kept: PrivateSpan[] = []
  for (const span of sorted) {
    const last = kept.at(-1)
    if (last && span.start < last.end) {
      // Two detectors that cross cover one stretch; cutting either would leave a part of a secret.
      if (span.end > last.end) kept[kept.length - 1] = { ...last, end: span.end }
    } else kept.push(span)
  }
  return kept
}
