import type { Fraction } from 'fraction.js'

/**
 * Writes a rational number: exactly as an integer or a decimal of at most 30 digits, otherwise as a reduced fraction and
 * a decimal rounded half up to 10 significant digits, `3/7 ≈ 0.4285714286`.
 */
export function formatRational(value: Fraction): string {
  const sign = value.s < 0n ? '-' : ''
  if (value.d === 1n) return `${sign}${value.n}`
  const places = decimalPlaces(value.d)
  if (places !== null) {
    const digits = ((value.n * 10n ** BigInt(places)) / value.d).toString().padStart(places + 1, '0')
    if (digits.length <= MAX_EXACT_DIGITS) return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`
  }
  return `${sign}${value.n}/${value.d} \u2248 ${sign}${rounded(value.n, value.d)}`
}

/** Writes a rational number as one decimal: exactly where it ends within 30 digits, else rounded half up to 10 significant digits. */
export function formatDecimal(value: Fraction): string {
  return formatRational(value).replace(/^.* \u2248 /, '')
}

const MAX_EXACT_DIGITS = 30
const SIGNIFICANT_DIGITS = 10

/** Places after the point of 1/denominator; null when the decimal never ends, or only after more than is ever shown. */
function decimalPlaces(denominator: bigint): number | null {
  let power = 1n
  for (let places = 1; places <= MAX_EXACT_DIGITS; places++) {
    power *= 10n
    if (power % denominator === 0n) return places
  }
  return null
}

/** n/d > 0. The exponent is estimated from the lengths, which is off by at most one, and then set right. */
function rounded(n: bigint, d: bigint): string {
  let exponent = n.toString().length - d.toString().length
  if (scaled(n, d, -exponent) < 1n) exponent--
  let digits = scaledHalfUp(n, d, SIGNIFICANT_DIGITS - 1 - exponent).toString()
  if (digits.length > SIGNIFICANT_DIGITS) {
    digits = digits.slice(0, SIGNIFICANT_DIGITS)
    exponent++
  }
  return placePoint(digits, exponent)
}

/** Positions are read more easily than powers of ten, up to about the width of the digits themselves. */
function placePoint(digits: string, exponent: number): string {
  if (exponent >= SIGNIFICANT_DIGITS || exponent < -6) return `${digits[0]}.${digits.slice(1)}e${exponent}`
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`
  if (exponent === SIGNIFICANT_DIGITS - 1) return digits
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}

function scaled(n: bigint, d: bigint, powerOfTen: number): bigint {
  return powerOfTen >= 0 ? (n * 10n ** BigInt(powerOfTen)) / d : n / (d * 10n ** BigInt(-powerOfTen))
}

function scaledHalfUp(n: bigint, d: bigint, powerOfTen: number): bigint {
  return (scaled(2n * n, d, powerOfTen) + 1n) / 2n
}
