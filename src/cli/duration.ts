/** Spans of time as people type them. */
import { usage } from './failure.ts'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * The moment that `--since` names.
 *
 * @param text a span back from now such as 30s, 15m, 1h, 7d, or a date that JavaScript reads, such as 2026-01-31
 * @param nowMs epoch milliseconds
 * @param flag for the message
 * @returns epoch milliseconds
 * @throws RouterError usage
 */
export function sinceMs(text: string, nowMs: number, flag = '--since'): number {
  const span = /^(\d+)([smhd])$/.exec(text)
  if (span) return nowMs - Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS]
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(date))
    throw usage(`${flag} ${text} is neither a span nor a date`, 'Write 30s, 15m, 1h, 7d or 2026-01-31.')
  return date
}

/** The longest wait of a timer. */
const MAX_SPAN_MS = 2_147_483_647

/**
 * @param least milliseconds
 * @throws RouterError usage: not a span from `least` to 24 days
 */
export function spanMs(flag: string, text: string, { least }: { readonly least: number }): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (ms >= least && ms <= MAX_SPAN_MS) return ms
  throw usage(`${flag} ${text} is not a span of at least ${least}ms`, 'Write 500ms, 5s, 1m or 6h.')
}

/** @throws RouterError usage, unless the text is a whole number of at least 1 */
export function atLeastOne(text: string, flag: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw usage(`${flag} ${text} is not a whole number of at least 1`, `Write ${flag} 20.`)
}

/**
 * A span that no timer waits for, so years are fine.
 *
 * @returns milliseconds
 * @throws RouterError usage: not a span from a second to ten years
 */
export function longSpanMs(flag: string, text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (ms >= UNIT_MS.s && ms <= 3652 * UNIT_MS.d) return ms
  throw usage(`${flag} ${text} is not a span from 1s to 3652d`, 'Write 30m, 12h or 90d.')
}
