import { usage } from './failure.ts'

/** @throws RouterError usage: not a whole number from `from` to `to` */
export function wholeNumber(
  flag: string,
  text: string,
  { from, to = Number.MAX_SAFE_INTEGER }: { readonly from: number; readonly to?: number },
): number {
  const value = Number(text)
  if (/^\d+$/.test(text.trim()) && value >= from && value <= to) return value
  const range = to === Number.MAX_SAFE_INTEGER ? `at least ${from}` : `from ${from} to ${to}`
  throw usage(`${flag} ${text} is not a whole number ${range}`, `Give a whole number ${range}.`)
}
