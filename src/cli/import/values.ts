/** Reads values of files that anybody may have written. */

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @returns an empty object for anything else */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** @returns null for anything but a text with something in it */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

/** The same, and null for what a policy would fill from the environment: a name in another file is no wish for that. */
export function nameOf(value: unknown): string | null {
  const text = textOf(value)
  return text === null || text.includes('${env:') ? null : text
}

/** Numbers in quotes count. @returns null for anything that is no finite number in the range */
export function numberOf(value: unknown, { from, to }: { readonly from: number; readonly to: number }): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number >= from && number <= to ? number : null
}

const MOST_MS = 86_400_000

/** Seconds as a duration of a policy. @returns null for what is no time up to a day */
export function secondsText(value: unknown): string | null {
  const seconds = numberOf(value, { from: 0.001, to: MOST_MS / 1000 })
  if (seconds === null) return null
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.max(1, Math.round(seconds * 1000))}ms`
}
