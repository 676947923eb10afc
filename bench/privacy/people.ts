/** How well names, postal addresses and dates of birth are found: they have no form of their own, so each kind is told apart. */
import { findPrivate } from '../../src/classify/privacy/find.ts'
import type { PrivateSpan } from '../../src/classify/privacy/private-span.ts'
import { PERSON_KINDS, type PersonKind } from '../../src/spec/private-kinds.ts'
import { percents, wilson } from '../tasks/metrics.ts'
import { type PiiRow, share } from './pii.ts'

/** Types of the rows that a kind should find, and those beside which a find is no false alarm: a town within an address. */
const WANTED: Readonly<Record<PersonKind, { readonly types: readonly string[]; readonly near: readonly string[] }>> = {
  name: { types: ['PERSON'], near: ['PERSON', 'TITLE'] },
  address: { types: ['STREET_ADDRESS'], near: ['STREET_ADDRESS', 'ZIP_CODE', 'GPE'] },
  birth_date: { types: ['DATE_OF_BIRTH'], near: ['DATE_OF_BIRTH', 'DATE_TIME'] },
}

/** Only these rows carry every entity. */
const COMPLETE = 'microsoft/presidio-research'
/** Of the characters of a marked span. */
const COVERED = 0.8

/** Any finder of spans, so that another one can be compared on the same rows. */
export type Finder = (text: string) => readonly Pick<PrivateSpan, 'kind' | 'start' | 'end'>[]

/** @param half `choose`: rows that were looked at when forms were chosen; `report`: the others; by the row's id */
export function scorePeople(
  rows: readonly PiiRow[],
  half: 'choose' | 'report' | 'all' = 'all',
  find: Finder = (text) => findPrivate(text, PERSON_KINDS),
) {
  const complete = rows.filter(({ id, source }) => source === COMPLETE && (half === 'all' || halfOf(id) === half))
  return Object.fromEntries(PERSON_KINDS.map((kind) => [kind, scoreKind(complete, kind, find)]))
}

function scoreKind(rows: readonly PiiRow[], kind: PersonKind, find: Finder) {
  const tally = { found: 0, n: 0, right: 0, alarms: 0 }
  for (const { text, spans } of rows) {
    const found = find(text).filter((one) => one.kind === kind)
    const marked = spans.map(([start, end, type]) => ({ type, start: units(text, start), end: units(text, end) }))
    for (const one of marked.filter(({ type }) => WANTED[kind].types.includes(type))) {
      tally.n += 1
      const covered = found.reduce(
        (sum, { start, end }) => sum + Math.max(0, Math.min(one.end, end) - Math.max(one.start, start)),
        0,
      )
      tally.found += covered / Math.max(1, one.end - one.start) >= COVERED ? 1 : 0
    }
    for (const { start, end } of found) {
      tally.alarms += 1
      const isRight = marked.some((one) => WANTED[kind].near.includes(one.type) && start < one.end && end > one.start)
      tally.right += isRight ? 1 : 0
    }
  }
  return {
    recall: share(tally.found, tally.n),
    recallInterval: percents(wilson(tally.found, tally.n)),
    n: tally.n,
    precision: share(tally.right, tally.alarms),
    precisionInterval: percents(wilson(tally.right, tally.alarms)),
    alarms: tally.alarms,
  }
}

function halfOf(id: string): 'choose' | 'report' {
  return Number.parseInt(id.slice(-2), 16) % 2 === 0 ? 'choose' : 'report'
}

function units(text: string, points: number): number {
  return [...text].slice(0, points).join('').length
}
