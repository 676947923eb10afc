/** Values that many policy keys share. */
import { z } from 'zod'

/** `500`, `"500ms"`, `"30s"`, `"5m"`, `"2h"` to milliseconds. */
export const duration = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(ms|s|m|h)$/, 'is not a duration such as 500ms, 30s, 5m or 2h'),
  ])
  .transform((value) => (typeof value === 'number' ? value : parseDuration(value)))

const residencyCode = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is not a code such as eu, us or self')

/** Where a model answers and under whose law: `eu`, `us`, `ch`, `self`. */
export const residency = residencyCode

/** One residency or several, as a list. */
export const residencies = z
  .union([residencyCode, z.array(residencyCode).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value))

/** Where another server is reached. It may hold a password, so that it is always named and never written here. */
export const connectionUrl = z
  .string()
  .regex(/^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$/, 'is not a reference such as "${env:NAME}"; it may hold a password')

const DAY_MS = 86_400_000

/** `"30d"`, `"12h"`, `"90m"`, `"10s"` to milliseconds: for what is kept, not for what is waited for. */
export const longSpan = z
  .string()
  .regex(/^[1-9]\d{0,5}(s|m|h|d)$/, 'is not a span such as 7d, 12h, 90m or 30s')
  .transform((value) => (value.endsWith('d') ? Number.parseInt(value, 10) * DAY_MS : parseDuration(value)))

function parseDuration(text: string): number {
  const amount = Number.parseInt(text, 10)
  if (text.endsWith('ms')) return amount
  if (text.endsWith('s')) return amount * 1000
  return amount * (text.endsWith('m') ? 60_000 : 3_600_000)
}
