/** Numbers that more states give to people. Forms and checks are those that each state publishes. Pure. */
import { digitsOf, isDay, isEan, passesLuhn, passesMod11By10, weighted } from './checksums.ts'
import { type NationalId, pattern } from './national-id.ts'

function pair(digits: readonly number[], at: number): number {
  return (digits[at] ?? 0) * 10 + (digits[at + 1] ?? 0)
}

/** Six digits of a date in the order year, month, day; `offsets` may be added to the month for sex or century. */
function hasDate(digits: readonly number[], from: number, offsets: readonly number[] = [0]): boolean {
  const month = pair(digits, from + 2)
  return offsets.some((offset) => isDay(pair(digits, from), month - offset, pair(digits, from + 4)))
}

/** Six digits in the order day, month, year. */
function startsWithDay(digits: readonly number[]): boolean {
  return isDay(pair(digits, 4), pair(digits, 2), pair(digits, 0))
}

function portuguese(text: string): boolean {
  const d = digitsOf(text)
  const check = 11 - (weighted(d, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return (check > 9 ? 0 : check) === d[8]
}

function dutch(text: string): boolean {
  const d = digitsOf(text)
  return d.some((digit) => digit > 0) && weighted(d, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0
}

/** Born from 2000 on, a 2 stands before the number when it is checked. */
function belgian(text: string): boolean {
  const digits = digitsOf(text).join('')
  const [number, check] = [digits.slice(0, 9), Number(digits.slice(9))]
  return [number, `2${number}`].some((one) => 97 - (Number(one) % 97) === check)
}

function austrian(text: string): boolean {
  const d = digitsOf(text)
  return weighted(d, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === d[3]
}

function norwegian(text: string): boolean {
  const d = digitsOf(text)
  if (!isDay(pair(d, 4), pair(d, 2) % 40, pair(d, 0) % 40)) return false
  const first = weighted(d, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11
  return first === 0 && weighted(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0
}

function czech(text: string): boolean {
  const d = digitsOf(text)
  if (!hasDate(d, 0, [0, 20, 50, 70])) return false
  if (d.length === 9) return true
  return (Number(d.slice(0, 9).join('')) % 11) % 10 === d[9]
}

function romanian(text: string): boolean {
  const d = digitsOf(text)
  const check = weighted(d, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
  return hasDate(d, 1) && (check === 10 ? 1 : check) === d[12]
}

function bulgarian(text: string): boolean {
  const d = digitsOf(text)
  return hasDate(d, 0, [0, 20, 40]) && (weighted(d, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === d[9]
}

function greek(text: string): boolean {
  return startsWithDay(digitsOf(text)) && passesLuhn(text)
}

/** Estonia and Lithuania: a second row of weights when the first leaves 10. */
function baltic(text: string): boolean {
  const d = digitsOf(text)
  const first = weighted(d, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
  const check = first < 10 ? first : (weighted(d, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10
  return hasDate(d, 1) && check === d[10]
}

function irish(text: string): boolean {
  const letters = text.toUpperCase()
  const second = letters.charCodeAt(8) - 64 || 0
  const sum = weighted(digitsOf(text), [8, 7, 6, 5, 4, 3, 2]) + 9 * (second > 0 ? second : 0)
  return 'WABCDEFGHIJKLMNOPQRSTUV'[sum % 23] === letters[7]
}

/** @see ISO 7064, MOD 11-2 */
function chinese(text: string): boolean {
  const rest = [...text.slice(0, 17)].reduce((sum, digit, at) => sum + Number(digit) * (2 ** (17 - at) % 11), 0) % 11
  return '10X98765432'[rest] === text.at(-1)?.toUpperCase()
}

/** The first letter stands for a county of two digits. */
function taiwanese(text: string): boolean {
  const county = 10 + 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(text[0]?.toUpperCase() ?? '')
  const sum = Math.floor(county / 10) + (county % 10) * 9 + weighted(digitsOf(text), [8, 7, 6, 5, 4, 3, 2, 1, 1])
  return sum % 10 === 0
}

function hongKong(text: string): boolean {
  const plain = text.toUpperCase().replace(/[^A-Z0-9]/g, '')
  const [body, check] = [plain.slice(0, -1).padStart(8, ' '), plain.at(-1)]
  const value = (letter: string): number => (letter === ' ' ? 36 : Number.parseInt(letter, 36))
  const sum = [...body].reduce((total, letter, at) => total + value(letter) * (9 - at), 0)
  return (11 - (sum % 11)) % 11 === (check === 'A' ? 10 : Number(check))
}

function singaporean(text: string): boolean {
  const plain = text.toUpperCase()
  const born = { S: 0, T: 4, F: 0, G: 4, M: 3 }[plain[0] ?? ''] ?? 0
  const rest = (weighted(digitsOf(text), [2, 7, 6, 5, 4, 3, 2]) + born) % 11
  const letters = { S: 'JZIHGFEDCBA', T: 'JZIHGFEDCBA', F: 'XWUTRQPNMLK', G: 'XWUTRQPNMLK', M: 'KLJNPQRTUWX' }
  const row = letters[plain[0] as keyof typeof letters] ?? ''
  return row[plain[0] === 'M' ? 10 - rest : rest] === plain.at(-1)
}

function japanese(text: string): boolean {
  const rest = weighted(digitsOf(text), [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
  return (rest <= 1 ? 0 : 11 - rest) === digitsOf(text)[11]
}

function argentine(text: string): boolean {
  const d = digitsOf(text)
  const check = 11 - (weighted(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)
  return (check === 11 ? 0 : check) === d[10]
}

function chilean(text: string): boolean {
  const plain = text.toUpperCase().replace(/[^0-9K]/g, '')
  const sum = [...plain.slice(0, -1)]
    .toReversed()
    .reduce((total, digit, at) => total + Number(digit) * (2 + (at % 6)), 0)
  return '0K987654321'[sum % 11] === plain.at(-1)
}

function mexican(text: string): boolean {
  const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'
  const plain = text.toUpperCase()
  const sum = [...plain.slice(0, 17)].reduce((total, letter, at) => total + alphabet.indexOf(letter) * (18 - at), 0)
  return (10 - (sum % 10)) % 10 === Number(plain[17])
}

function australian(text: string): boolean {
  const d = digitsOf(text)
  const weights = d.length === 8 ? [10, 7, 8, 4, 6, 3, 5, 1] : [1, 4, 3, 7, 5, 8, 6, 9, 10]
  return weighted(d, weights) % 11 === 0
}

function yugoslav(text: string): boolean {
  const d = digitsOf(text)
  if (!isDay(pair(d, 5), pair(d, 2), pair(d, 0))) return false
  const check = 11 - (weighted(d, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)
  return (check > 9 ? 0 : check) === d[12]
}

/** The pension number of Russia. */
function snils(text: string): boolean {
  const d = digitsOf(text)
  return (weighted(d, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === pair(d, 9)
}

function russianTax(text: string): boolean {
  const d = digitsOf(text)
  const check = (weights: readonly number[]): number => (weighted(d, weights) % 11) % 10
  if (d.length === 10) return check([2, 4, 10, 3, 5, 9, 4, 6, 8]) === d[9]
  return check([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === d[10] && check([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) === d[11]
}

function malaysian(text: string): boolean {
  return hasDate(digitsOf(text), 0)
}

function danish(text: string): boolean {
  return startsWithDay(digitsOf(text))
}

export const WORLD_IDS: readonly NationalId[] = [
  {
    name: 'pt_nif',
    pattern: pattern('[1235689]\\d{8}'),
    check: portuguese,
    context: /\bnif\b|contribuinte|n[úu]mero fiscal/i,
  },
  {
    name: 'nl_bsn',
    pattern: pattern('\\d{4}\\.?\\d{2}\\.?\\d{3}'),
    check: dutch,
    context: /\bbsn\b|burgerservice|sofi-?n/i,
  },
  { name: 'be_rrn', pattern: pattern('\\d{2}\\.\\d{2}\\.\\d{2}-\\d{3}\\.\\d{2}'), check: belgian },
  {
    name: 'be_rrn',
    pattern: pattern('\\d{11}'),
    check: belgian,
    context: /rijksregister|registre national|nationaal nummer|\bniss\b|\binsz\b/i,
  },
  { name: 'ch_ahv', pattern: pattern('756[. ]?\\d{4}[. ]?\\d{4}[. ]?\\d{2}'), check: isEan },
  {
    name: 'at_svnr',
    pattern: pattern('[1-9]\\d{3} ?\\d{6}'),
    check: austrian,
    context: /\bsv-?n|svnr|sozialversicherung|versicherungsnummer/i,
  },
  { name: 'no_fodselsnummer', pattern: pattern('\\d{6} ?\\d{5}'), check: norwegian },
  { name: 'dk_cpr', pattern: pattern('\\d{6}-?\\d{4}'), check: danish, context: /\bcpr\b|cpr-|personnummer/i },
  { name: 'cz_rodne_cislo', pattern: pattern('\\d{6}/\\d{3,4}'), check: czech },
  { name: 'ro_cnp', pattern: pattern('[1-9]\\d{12}'), check: romanian },
  { name: 'bg_egn', pattern: pattern('\\d{10}'), check: bulgarian, context: /егн|\begn\b/iu },
  { name: 'hr_oib', pattern: pattern('\\d{11}'), check: passesMod11By10, context: /\boib\b/i },
  { name: 'gr_amka', pattern: pattern('\\d{11}'), check: greek, context: /[αΑ][μΜ][κΚ][αΑ]|\bamka\b/i },
  {
    name: 'baltic_id',
    pattern: pattern('[1-6]\\d{10}'),
    check: baltic,
    context: /isikukood|asmens kod|personal (?:id )?code|henkilötunnus/i,
  },
  { name: 'lv_personas_kods', pattern: pattern('\\d{6}-\\d{5}'), context: /personas kod|latvia/i },
  { name: 'ie_pps', pattern: pattern('\\d{7}[a-w][a-iw]?'), check: irish, context: /\bpps/i },
  { name: 'hu_taj', pattern: pattern('\\d{3}[ -]?\\d{3}[ -]?\\d{3}'), context: /\btaj\b/i },
  { name: 'yu_jmbg', pattern: pattern('\\d{13}'), check: yugoslav },
  { name: 'ru_snils', pattern: pattern('\\d{3}-\\d{3}-\\d{3}[ -]\\d{2}'), check: snils },
  { name: 'ru_inn', pattern: pattern('\\d{10}|\\d{12}'), check: russianTax, context: /инн|\binn\b/iu },
  { name: 'ru_passport', pattern: pattern('\\d{2} ?\\d{2} \\d{6}'), context: /паспорт/iu },
  { name: 'ua_rnokpp', pattern: pattern('\\d{10}'), context: /рнокпп|іпн|ідентифікаційний/iu },
  { name: 'il_id', pattern: pattern('\\d{8,9}'), check: passesLuhn, context: /teudat|zehut|תעודת|ת\.ז|israeli id/iu },
  {
    name: 'cn_resident_id',
    pattern: pattern('[1-9]\\d{5}(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])\\d{3}[\\dx]'),
    check: chinese,
  },
  {
    name: 'tw_id',
    pattern: pattern('[a-z][1289]\\d{8}'),
    check: taiwanese,
    context: /身[分份]|taiwan|national id|id (?:no|number|card)/iu,
  },
  { name: 'hk_id', pattern: /(?<![\p{L}\p{N}])[a-z]{1,2}\d{6} ?\([\da]\)/giu, check: hongKong },
  { name: 'sg_nric', pattern: pattern('[stfgm]\\d{7}[a-z]'), check: singaporean },
  { name: 'my_nric', pattern: pattern('\\d{6}-\\d{2}-\\d{4}'), check: malaysian },
  { name: 'id_nik', pattern: pattern('\\d{16}'), context: /\bnik\b|\bktp\b/i },
  {
    name: 'jp_my_number',
    pattern: pattern('\\d{4}[ -]?\\d{4}[ -]?\\d{4}'),
    check: japanese,
    context: /マイナンバー|個人番号|my number/iu,
  },
  { name: 'vn_cccd', pattern: pattern('0\\d{11}'), context: /cccd|căn cước|cmnd/iu },
  { name: 'br_cpf', pattern: pattern('\\d{11}'), context: /\bcpf\b/i },
  { name: 'mx_curp', pattern: pattern('[a-z][aeioux][a-z]{2}\\d{6}[hmx][a-z]{5}[a-z0-9]\\d'), check: mexican },
  { name: 'ar_cuil', pattern: pattern('(?:20|23|24|27)-\\d{8}-\\d'), check: argentine },
  { name: 'cl_rut', pattern: pattern('\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dk]'), check: chilean },
  { name: 'cl_rut', pattern: pattern('\\d{7,8}-[\\dk]'), check: chilean, context: /\bru[tn]\b/i },
  {
    name: 'cedula',
    pattern: pattern('(?:[ve]-?)?\\d{1,3}(?:\\.\\d{3}){2}|(?:[ve]-?)?\\d{6,10}'),
    context: /c[ée]dula|\bc\.c\.|\bdni\b|documento de identidad/i,
  },
  { name: 'au_tfn', pattern: pattern('\\d{3} ?\\d{3} ?\\d{2,3}'), check: australian, context: /\btfn\b|tax file/i },
  { name: 'nz_ird', pattern: pattern('\\d{2,3}-?\\d{3}-?\\d{3}'), context: /\bird\b/i },
  { name: 'in_voter', pattern: pattern('[a-z]{3}\\d{7}'), context: /voter|\bepic\b/i },
  { name: 'pk_cnic', pattern: pattern('[1-7]\\d{4}-\\d{7}-\\d') },
  { name: 'ng_nin', pattern: pattern('\\d{11}'), context: /\bnin\b|national identification number/i },
  { name: 'sa_id', pattern: pattern('[12]\\d{9}'), check: passesLuhn, context: /iqama|هوية|saudi/iu },
  { name: 'ae_id', pattern: pattern('784-?\\d{4}-?\\d{7}-?\\d') },
  { name: 'eg_id', pattern: pattern('[23]\\d{13}'), context: /رقم قومي|الرقم القومي|egypt/iu },
  { name: 'uk_driving_licence', pattern: pattern('[a-z9]{5}\\d{6}[a-z9]{2}[a-z0-9]\\d?[a-z]{2}') },
  {
    name: 'driving_licence',
    pattern: pattern('[a-z]{0,3}[ -]?\\d{5,12}[a-z]{0,2}'),
    context:
      /driv(?:er|ing)(?:['’]?s)? licen[cs]e|führerschein(?:nummer)?|permis de conduire|carnet de conducir|patente di guida|carta de condução|cnh\b|rijbewijs/iu,
  },
  {
    name: 'de_ausweis',
    pattern: pattern('[cfghjklmnprtvwxyz][cfghjklmnprtvwxyz0-9]{8}\\d?'),
    context: /personalausweis|ausweisn/i,
  },
]
