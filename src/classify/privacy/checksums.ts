/** Check digits of numbers that people carry. Pure; every function takes what was found, separators included. */

/** Cards, Canadian and South African numbers. @see Luhn 1960, US patent 2950048; ISO/IEC 7812-1 */
export function passesLuhn(text: string): boolean {
  const digits = digitsOf(text)
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return digits.length > 0 && sum % 10 === 0 && digits.some((digit) => digit > 0)
}

/** Letters and digits of an IBAN by country. @see ISO 13616, IBAN registry */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** @see ISO 7064, MOD 97-10 */
export function isIban(text: string): boolean {
  const plain = text.replace(/[^A-Za-z0-9]/g, '').toUpperCase()
  if (IBAN_LENGTHS[plain.slice(0, 2)] !== plain.length) return false
  let rest = 0
  for (const letter of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(letter, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

/** How long a text IBAN of this country is without separators; null for no country. */
export function ibanLength(country: string): number | null {
  return IBAN_LENGTHS[country.toUpperCase()] ?? null
}

/** Sum of digits times weights, from the left. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits[at] ?? 0), 0)
}

export function digitsOf(text: string): readonly number[] {
  return [...text].flatMap((letter) => (letter >= '0' && letter <= '9' ? Number(letter) : []))
}

/** @see ISO 7064, MOD 11-10, as the German tax number uses it */
export function passesMod11By10(text: string): boolean {
  const digits = digitsOf(text)
  let product = 10
  for (const digit of digits.slice(0, -1)) {
    const sum = (digit + product) % 10 || 10
    product = (sum * 2) % 11
  }
  const check = 11 - product
  return (check === 10 ? 0 : check) === digits.at(-1)
}

/** A date of birth in two digits each; the century is not known. */
export function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  return day <= new Date(Date.UTC(2000 + (year % 100), month, 0)).getUTCDate()
}

/** Weights 1 and 3 in turn, as on goods and Swiss insurance cards. @see GS1 General Specifications, section 7.9 */
export function isEan(text: string): boolean {
  const digits = digitsOf(text)
  const sum = digits.toReversed().reduce((total, digit, at) => total + digit * (at % 2 === 1 ? 3 : 1), 0)
  return digits.length > 0 && sum % 10 === 0
}
