/** Numbers as people read them: always with a unit, never with more digits than are known. */

export const NONE = '–'

export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? NONE : `${(share * 100).toFixed(digits)} %`
}

/** `84.2 – 91.0 %` */
export function interval(bounds: readonly [number, number] | null | undefined): string {
  if (!bounds) return ''
  return `${(bounds[0] * 100).toFixed(1)} – ${(bounds[1] * 100).toFixed(1)} %`
}

export function dollars(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE
  const size = Math.abs(value)
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 6
  return `${value < 0 ? '−' : ''}$${grouped(size.toFixed(digits))}`
}

/** With its sign, for savings. */
export function signedDollars(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE
  return value > 0 ? `+${dollars(value)}` : dollars(value)
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE
  if (value < 1) return '< 1 ms'
  if (value < 1000) return `${Math.round(value)} ms`
  if (value < 60_000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`
  return `${(value / 60_000).toFixed(1)} min`
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : grouped(String(value))
}

function grouped(text: string): string {
  const [whole = '', rest] = text.split('.')
  const parts = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return rest === undefined ? parts : `${parts}.${rest}`
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`
}

export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

/** `22 Nov, 14:03:11` */
export function moment(iso: string): string {
  const at = new Date(iso)
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return `${day}, ${clock(iso)}`
}

/** `hard_stop_access` → `hard stop access` */
export function words(name: string): string {
  return name.replaceAll('_', ' ')
}
