/** How well personal data is found: spans of people's own marking against ours. */
import { findPrivate } from '../../src/classify/privacy/find.ts'
import type { PrivateSpan } from '../../src/classify/privacy/private-span.ts'
import { IDENTIFIER_KINDS, type IdentifierKind } from '../../src/spec/private-kinds.ts'
import { percents, wilson } from '../tasks/metrics.ts'

export interface PiiRow {
  readonly id: string
  readonly source: string
  readonly group: string
  readonly text: string
  /** Start and end in Unicode code points, and the type. */
  readonly spans: readonly (readonly [number, number, string])[]
}

/** Types that can be known by their form, and the kind they are for us; all others need a model. */
const STRUCTURED: Readonly<Record<string, IdentifierKind>> = {
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  PH_MOBILE_NUMBER: 'phone',
  CREDIT_CARD: 'card',
  IBAN_CODE: 'iban',
  IP_ADDRESS: 'ip',
  MAC_ADDRESS: 'mac',
  ...Object.fromEntries(
    [
      'US_SSN',
      'US_ITIN',
      'FI_PERSONAL_IDENTITY_CODE',
      'SE_PERSONNUMMER',
      'TR_NATIONAL_ID',
      'TH_TNIN',
      'KR_RRN',
      'ES_NIE',
      'ES_NIF',
      'CA_SIN',
      'ZA_ID_NUMBER',
      'UK_NINO',
      'UK_NHS',
      'PL_PESEL',
      'DE_TAX_ID',
      'DE_SOCIAL_SECURITY',
      'IT_FISCAL_CODE',
      'IN_AADHAAR',
      'IN_PAN',
    ].map((type) => [type, 'national_id'] as const),
  ),
}

/** Rows of these carry every entity, so what we find beyond them is a false alarm; others carry one type only. */
const COMPLETE = 'microsoft/presidio-research'
/** Of the characters of a marked span. */
const COVERED = 0.8

export function scorePii(rows: readonly PiiRow[]) {
  const byType = new Map<string, { found: number; n: number }>()
  const alarms = { right: 0, n: 0 }
  const missed: string[] = []
  const wrong: string[] = []
  for (const row of rows) {
    const found = findPrivate(row.text, IDENTIFIER_KINDS)
    const marked = row.spans.map(([start, end, type]) => ({
      type,
      start: utf16(row.text, start),
      end: utf16(row.text, end),
    }))
    for (const { type, start, end } of marked) {
      const kind = STRUCTURED[type]
      if (!kind) continue
      const tally = byType.get(type) ?? { found: 0, n: 0 }
      tally.n += 1
      const isFound = covered(found, start, end) >= COVERED
      tally.found += isFound ? 1 : 0
      if (!isFound) missed.push(`${type} ${row.text.slice(start, end)}`)
      byType.set(type, tally)
    }
    if (row.source !== COMPLETE) continue
    for (const { kind, detector, start, end } of found) {
      alarms.n += 1
      // Masking a part of an address or a date under another name does what it should.
      const isRight = marked.some((one) => start < one.end && end > one.start)
      alarms.right += isRight ? 1 : 0
      if (!isRight) wrong.push(`${kind} ${detector} ${row.text.slice(start, end)}`)
    }
  }
  const total = [...byType.values()].reduce((sum, one) => ({ found: sum.found + one.found, n: sum.n + one.n }), {
    found: 0,
    n: 0,
  })
  return {
    recall: share(total.found, total.n),
    recallInterval: percents(wilson(total.found, total.n)),
    n: total.n,
    precision: share(alarms.right, alarms.n),
    precisionInterval: percents(wilson(alarms.right, alarms.n)),
    alarms: alarms.n,
    byType: Object.fromEntries(
      [...byType].toSorted().map(([type, { found, n }]) => [type, { recall: share(found, n), n }]),
    ),
    missed,
    wrong,
  }
}

export function share(part: number, n: number): number | null {
  return n === 0 ? null : Math.round((10_000 * part) / n) / 10_000
}

function covered(found: readonly PrivateSpan[], start: number, end: number): number {
  const own = found.map((one) => Math.max(0, Math.min(end, one.end) - Math.max(start, one.start)))
  return own.reduce((sum, length) => sum + length, 0) / Math.max(1, end - start)
}

function utf16(text: string, points: number): number {
  return [...text].slice(0, points).join('').length
}
