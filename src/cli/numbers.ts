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

interface Range {
  readonly from: number
  readonly to?: number
}

/** @throws RouterError usage: not a decimal number in the range */
export function amount(flag: string, text: string | number, { from, to = Number.MAX_SAFE_INTEGER }: Range): number {
  const value = Number(text)
  if (/^-?\d+(\.\d+)?$/.test(String(text).trim()) && value >= from && value <= to) return value
  const range = to === Number.MAX_SAFE_INTEGER ? `at least ${from}` : `from ${from} to ${to}`
  throw usage(`${flag} ${text} is not a number ${range}`, `Give a number ${range}.`)
}

/** @param list numbers between commas */
export function amounts(flag: string, list: string, range: Range): readonly number[] {
  return list.split(',').map((text) => amount(flag, text, range))
}
