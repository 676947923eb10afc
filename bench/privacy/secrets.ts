/** How well secrets are found: strings that other scanners are tested with. */
import { findPrivate } from '../../src/classify/privacy/find.ts'
import { percents, wilson } from '../tasks/metrics.ts'
import { share } from './pii.ts'

export interface SecretRow {
  readonly id: string
  readonly kind: 'positive' | 'negative'
  readonly group: string
  readonly parts: readonly string[]
  readonly match_parts?: readonly string[]
  /** `any`: no scanner known to us takes it for a secret. */
  readonly scope?: string
}

export function scoreSecrets(rows: readonly SecretRow[]) {
  const positives = rows.filter(({ kind }) => kind === 'positive')
  const negatives = rows.filter(({ kind, scope }) => kind === 'negative' && scope === 'any')
  const found = positives.filter(isMasked)
  const alarms = negatives.filter(({ parts }) => findPrivate(parts.join(''), ['secret']).length > 0)
  const groups = [...new Set(positives.map(({ group }) => group))].toSorted()
  return {
    recall: share(found.length, positives.length),
    recallInterval: percents(wilson(found.length, positives.length)),
    n: positives.length,
    falseAlarm: share(alarms.length, negatives.length),
    falseAlarmInterval: percents(wilson(alarms.length, negatives.length)),
    negatives: negatives.length,
    byGroup: Object.fromEntries(
      groups.map((group) => {
        const own = positives.filter((row) => row.group === group)
        return [group, { recall: share(own.filter(isMasked).length, own.length), n: own.length }]
      }),
    ),
    missed: positives.filter((row) => !isMasked(row)).map(({ id, group }) => `${group} ${id}`),
    alarms: alarms.map(({ id, group }) => `${group} ${id}`),
  }
}

/** Where the token alone is known, most of it is masked; else anything is. */
function isMasked({ parts, match_parts }: SecretRow): boolean {
  const text = parts.join('')
  const found = findPrivate(text, ['secret'])
  const token = match_parts?.join('')
  const at = token ? text.indexOf(token) : -1
  if (!token || token.length < 8 || at < 0) return found.length > 0
  const end = at + token.length
  return found.some((one) => Math.min(end, one.end) - Math.max(at, one.start) >= Math.min(8, token.length))
}
