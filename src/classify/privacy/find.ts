/** Finds private pieces of text. Pure, linear: one look at the text for all detectors, patterns only where it says so. */

import type { PrivateKind } from '../../spec/private-kinds.ts'
import { identifiersIn } from './identifiers.ts'
import type { PrivateSpan } from './private-span.ts'
import { scannerOf } from './scan.ts'
import { SECRET_WORDS, secretsIn } from './secrets.ts'

const scan = scannerOf(SECRET_WORDS)

/** @returns the private pieces of the wanted kinds, in order, without overlap; the longest of overlapping ones counts */
export function findPrivate(text: string, kinds: readonly PrivateKind[]): readonly PrivateSpan[] {
  const seen = scan(text)
  const spans = [...(kinds.includes('secret') ? secretsIn(text, seen) : []), ...identifiersIn(text, seen, kinds)]
  return withoutOverlap(spans)
}

function withoutOverlap(spans: readonly PrivateSpan[]): readonly PrivateSpan[] {
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
