import { describe, expect, it } from 'vitest'
import { atLeastOne, sinceMs } from '../../src/cli/duration.ts'

const NOON = Date.UTC(2026, 0, 31, 12)

describe('--since', () => {
  it.each([
    ['30s', '2026-01-31T11:59:30.000Z'],
    ['15m', '2026-01-31T11:45:00.000Z'],
    ['1h', '2026-01-31T11:00:00.000Z'],
    ['7d', '2026-01-24T12:00:00.000Z'],
    ['2026-01-30', '2026-01-30T00:00:00.000Z'],
  ])('reads %s as %s', (text, expected) => {
    expect(new Date(sinceMs(text, NOON)).toISOString()).toBe(expected)
  })

  it.each(['yesterday', '1 hour', '', '-1h', '2026-13-45'])('refuses %j and says what may stand there', (text) => {
    expect(() => sinceMs(text, NOON)).toThrow(`--since ${text} is neither a span nor a date.`)
  })
})

describe('--limit', () => {
  it('takes whole numbers of at least 1 only', () => {
    expect(atLeastOne('20', '--limit')).toBe(20)
    expect(() => atLeastOne('0', '--limit')).toThrow('--limit 0 is not a whole number of at least 1.')
    expect(() => atLeastOne('many', '--limit')).toThrow('--limit many is not a whole number of at least 1.')
  })
})
