/**
 * What lines that were written from knowledge show; the floors are the shares that were found. Figures of a first look, before
 * anything was widened, stand in the benchmarks.
 */
import { describe, expect, it } from 'vitest'
import { findHardStops } from '../../src/classify/hard-stops.ts'
import { findPrivate } from '../../src/classify/privacy/find.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { PRIVATE_KINDS, type PrivateKind } from '../../src/spec/private-kinds.ts'
import { FRESH_HARMLESS, FRESH_PERSONAL } from './fresh-personal.ts'
import { FRESH_KEYS, FRESH_NAMED_SECRETS, FRESH_NO_SECRETS } from './fresh-secrets.ts'
import { FIRST_GENUINE, FIRST_LOOK_ALIKES, type FreshLine } from './hard-stop-fresh.ts'
import { SECOND_GENUINE, SECOND_LOOK_ALIKES } from './hard-stop-fresh-second.ts'
import { THIRD_GENUINE, THIRD_LOOK_ALIKES } from './hard-stop-fresh-third.ts'

const { hardStops } = policySchema.parse({})
const stopped = (lines: readonly FreshLine[]) =>
  lines.filter(([, , text]) => findHardStops([{ field: 'text', text }], hardStops).length > 0)
const missed = (lines: readonly FreshLine[]) => lines.length - stopped(lines).length

describe('hard stops in the words of people', () => {
  it('are found in the lines that the terms were widened for', () => {
    expect(missed(FIRST_GENUINE)).toBeLessThanOrEqual(2)
    expect(missed(SECOND_GENUINE)).toBeLessThanOrEqual(1)
  })

  it('are found in at least half of the lines that the terms have never seen', () => {
    expect(stopped(THIRD_GENUINE).length).toBeGreaterThanOrEqual(30)
  })

  it('pass what only looks like one', () => {
    expect(stopped([...FIRST_LOOK_ALIKES, ...THIRD_LOOK_ALIKES])).toEqual([])
    expect(stopped(SECOND_LOOK_ALIKES).length).toBeLessThanOrEqual(2)
  })
})

/** Whether at least four fifths of a value are found. */
function isFound(text: string, value: string, kinds: readonly PrivateKind[]): boolean {
  const [from, to] = [text.indexOf(value), text.indexOf(value) + value.length]
  const covered = findPrivate(text, kinds).reduce(
    (sum, { start, end }) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)),
    0,
  )
  return covered >= 0.8 * value.length
}

describe('secrets made after their issuers’ forms', () => {
  it('are all found, alone and by their names', () => {
    const all = [...FRESH_KEYS, ...FRESH_NAMED_SECRETS]
    expect(all.filter(({ text, secret }) => !isFound(text, secret, ['secret'])).map(({ issuer }) => issuer)).toEqual([])
  })

  it('are not seen in what only looks like one', () => {
    const alarms = FRESH_NO_SECRETS.filter((text) => findPrivate(text, ['secret']).length > 0)
    expect(alarms).toEqual(['curl -u user:password https://example.com'])
  })
})

describe('personal data of many states', () => {
  const missedOf = (kind: string) =>
    FRESH_PERSONAL.filter(([own, text, value]) => own === kind && !isFound(text, value, PRIVATE_KINDS)).map(
      ([, text]) => text,
    )

  it.each(['iban', 'card', 'national_id', 'email', 'ip', 'mac'])('is found whenever it is a %s', (kind) => {
    expect(missedOf(kind)).toEqual([])
  })

  it.each([
    ['phone', 1],
    ['birth_date', 1],
    ['address', 2],
    ['name', 2],
  ] as const)('is found as %s but for %i', (kind, most) => {
    expect(missedOf(kind).length).toBeLessThanOrEqual(most)
  })

  it('is seen in at most two of a hundred harmless lines', () => {
    expect(FRESH_HARMLESS.filter((text) => findPrivate(text, PRIVATE_KINDS).length > 0).length).toBeLessThanOrEqual(2)
  })
})
