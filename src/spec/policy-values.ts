/** Values that many policy keys share. */
import { z } from 'zod'

/** `500`, `"500ms"`, `"30s"`, `"5m"`, `"2h"` to milliseconds. */
export const duration = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(ms|s|m|h)$/, 'is not a duration such as 500ms, 30s, 5m or 2h'),
  ])
  .transform((value) => (typeof value === 'number' ? value : parseDuration(value)))

function parseDuration(text: string): number {
  const amount = Number.parseInt(text, 10)
  if (text.endsWith('ms')) return amount
  if (text.endsWith('s')) return amount * 1000
  return amount * (text.endsWith('m') ? 60_000 : 3_600_000)
}
