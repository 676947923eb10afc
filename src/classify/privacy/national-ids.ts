/** Numbers that states give to people: a form, and the check that the form allows. */
import { digitsOf, isDay, passesLuhn, passesMod11By10, weighted } from './checksums.ts'
import { type NationalId, pattern } from './national-id.ts'
import { WORLD_IDS } from './national-ids-world.ts'

const MOD11_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'

function spanish(text: string): boolean {
  const plain = text.toUpperCase().replace(/[^0-9XYZA-W]/g, '')
  const digits = plain.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)))
  return MOD11_LETTERS[Number(digits) % 23] === plain.at(-1)
}

function finnish(text: string): boolean {
  const [day, month, year] = [Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6))]
  const number = Number(text.slice(0, 6) + text.slice(7, 10))
  return isDay(year, month, day) && '0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31] === text.at(-1)?.toUpperCase()
}

function swedish(text: string): boolean {
  const digits = text.replace(/\D/g, '').slice(-10)
  const day = Number(digits.slice(4, 6))
  return isDay(Number(digits.slice(0, 2)), Number(digits.slice(2, 4)), day > 60 ? day - 60 : day) && passesLuhn(digits)
}

function turkish(text: string): boolean {
  const d = digitsOf(text)
  const odd = weighted(d, [1, 0, 1, 0, 1, 0, 1, 0, 1])
  const even = weighted(d, [0, 1, 0, 1, 0, 1, 0, 1])
  const sum = d.slice(0, 10).reduce((total, digit) => total + digit, 0)
  return d[9] === (((odd * 7 - even) % 10) + 10) % 10 && d[10] === sum % 10
}

function thai(text: string): boolean {
  const d = digitsOf(text)
  return (11 - (weighted(d, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === d[12]
}

function polish(text: string): boolean {
  const d = digitsOf(text)
  const month = (d[2] ?? 0) * 10 + (d[3] ?? 0)
  const isDate = isDay((d[0] ?? 0) * 10 + (d[1] ?? 0), month % 20, (d[4] ?? 0) * 10 + (d[5] ?? 0))
  return isDate && (10 - (weighted(d, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === d[10]
}

function british(text: string): boolean {
  const d = digitsOf(text)
  const check = 11 - (weighted(d, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return (check === 11 ? 0 : check) === d[9]
}

function southAfrican(text: string): boolean {
  const d = digitsOf(text)
  const pair = (at: number): number => (d[at] ?? 0) * 10 + (d[at + 1] ?? 0)
  return isDay(pair(0), pair(2), pair(4)) && (d[10] ?? 9) <= 2 && passesLuhn(text)
}

/** The middle of most of these is a date of birth. */
function korean(text: string): boolean {
  const d = digitsOf(text)
  const pair = (at: number): number => (d[at] ?? 0) * 10 + (d[at + 1] ?? 0)
  return isDay(pair(0), pair(2), pair(4)) && (d[6] ?? 9) >= 1 && (d[6] ?? 9) <= 8
}

function brazilian(text: string): boolean {
  const d = digitsOf(text)
  const check = (weights: readonly number[]): number => ((weighted(d, weights) * 10) % 11) % 10
  if (new Set(d).size === 1) return false
  return check([10, 9, 8, 7, 6, 5, 4, 3, 2]) === d[9] && check([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) === d[10]
}

function indian(text: string): boolean {
  const d = digitsOf(text)
  const MULTIPLY = DIHEDRAL
  const rest = d.toReversed().reduce((sum, digit, at) => MULTIPLY[sum]?.[permuted(at % 8, digit)] ?? 0, 0)
  return (d[0] ?? 0) >= 2 && rest === 0
}

/** The dihedral group of order ten. @see Verhoeff 1969 */
const DIHEDRAL: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
  [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
  [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
  [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
  [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
  [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
  [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
  [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

function permuted(times: number, digit: number): number {
  let value = digit
  for (let turn = 0; turn < times; turn++) value = PERMUTATION[value] ?? 0
  return value
}

function australianMedicare(text: string): boolean {
  const d = digitsOf(text)
  return weighted(d, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === d[8]
}

/** Checks are those that each state publishes; names carry the country. */
export const NATIONAL_IDS: readonly NationalId[] = [
  { name: 'us_ssn', pattern: pattern('(?!000|666|9)\\d{3}([- ])(?!00)\\d{2}\\1(?!0000)\\d{4}') },
  {
    name: 'us_itin',
    pattern: pattern('9\\d{2}[- ]?(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])[- ]?\\d{4}'),
    context: /itin|taxpayer|tax id/i,
  },
  {
    name: 'us_itin',
    pattern: pattern(
      '9\\d{2}(?:[- ](?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])[- ]?|(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])[- ])\\d{4}',
    ),
  },
  {
    name: 'uk_nino',
    pattern: pattern('(?!bg|gb|nk|kn|nt|tn|zz)[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z] ?\\d{2} ?\\d{2} ?\\d{2} ?[a-d]'),
  },
  { name: 'uk_nhs', pattern: pattern('\\d{3}[ -]\\d{3}[ -]\\d{4}'), check: british },
  { name: 'uk_nhs', pattern: pattern('\\d{10}'), check: british, context: /nhs|national health|patient/i },
  { name: 'es_nif', pattern: pattern('\\d{7,8}-?[a-z]'), check: spanish },
  { name: 'es_nie', pattern: pattern('[xyz]\\d{7}-?[a-z]'), check: spanish },
  { name: 'it_codice_fiscale', pattern: pattern('[a-z]{6}\\d{2}[a-ehlmprst]\\d{2}[a-z]\\d{3}[a-z]') },
  { name: 'fi_henkilotunnus', pattern: pattern('\\d{6}[-+a-fu-y]\\d{3}[0-9a-fhj-npr-y]'), check: finnish },
  { name: 'se_personnummer', pattern: pattern('(?:18|19|20)?\\d{6}[-+]?\\d{4}'), check: swedish },
  { name: 'pl_pesel', pattern: pattern('\\d{11}'), check: polish },
  { name: 'tr_kimlik', pattern: pattern('[1-9]\\d{10}'), check: turkish },
  { name: 'de_steuer_id', pattern: pattern('[1-9]\\d \\d{3} \\d{3} \\d{3}|[1-9]\\d{10}'), check: passesMod11By10 },
  {
    name: 'de_sozialversicherung',
    pattern: pattern('\\d{2} ?(?:0[1-9]|[12]\\d|3[01])(?:0[1-9]|1[0-2])\\d{2} ?[a-z] ?\\d{3}'),
  },
  {
    name: 'fr_insee',
    pattern: pattern('[12] ?\\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\\d{2}|2[ab]) ?\\d{3} ?\\d{3} ?\\d{2}'),
    check: french,
  },
  { name: 'ca_sin', pattern: pattern('\\d{3}([ -])\\d{3}\\1\\d{3}'), check: passesLuhn },
  { name: 'za_id', pattern: pattern('\\d{13}'), check: southAfrican },
  { name: 'th_id', pattern: pattern('[1-8](?:-?\\d{4}-?\\d{5}-?\\d{2}-?\\d)'), check: thai },
  { name: 'kr_rrn', pattern: pattern('\\d{6}-?[1-8]\\d{6}'), check: korean },
  { name: 'br_cpf', pattern: pattern('\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}'), check: brazilian },
  { name: 'in_aadhaar', pattern: pattern('[2-9]\\d{3}([ -]?)\\d{4}\\1\\d{4}'), check: indian },
  { name: 'in_pan', pattern: pattern('[a-z]{3}[abcfghljpt][a-z]\\d{4}[a-z]') },
  {
    name: 'au_medicare',
    pattern: pattern('[2-6]\\d{3} ?\\d{5} ?\\d'),
    check: australianMedicare,
    context: /medicare/i,
  },
  {
    name: 'passport',
    pattern: pattern('[a-z]{0,3}\\d{6,9}[a-z]?'),
    context: /passport|reisepass|pasaporte|passeport|passaporto|paspoort|paszport|passaporte/i,
  },
  ...WORLD_IDS,
]

/** Control key: 97 minus the number modulo 97; Corsica has letters in its department. */
function french(text: string): boolean {
  const plain = text.replaceAll(' ', '').toUpperCase()
  const number = plain.slice(0, -2).replace('2A', '19').replace('2B', '18')
  return 97 - Number(BigInt(number) % 97n) === Number(plain.slice(-2))
}
