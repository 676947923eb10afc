/** Spans of time as people type them. */
import { usage } from './failure.ts'

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * The moment that `--since` names.
 *
 * @param text a span back from now such as 30s, 15m, 1h, 7d, or a date that JavaScript reads, such as 2026-01-31
 * @param nowMs epoch milliseconds
 * @returns epoch milliseconds
 * @throws RouterError usage
 */
export function sinceMs(text: string, nowMs: number): number {
  const span = /^(\d+)([smhd])$/.exec(text)
  if (span) return nowMs - Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS]
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(date))
    throw usage(`--since ${text} is neither a span nor a date`, 'Write 30s, 15m, 1h, 7d or 2026-01-31.')
  return date
}

/** @throws RouterError usage, unless the text is a whole number of at least 1 */
export function atLeastOne(text: string, flag: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw usage(`${flag} ${text} is not a whole number of at least 1`, `Write ${flag} 20.`)
}
