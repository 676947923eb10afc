/** Takes the words of asking off a question and leaves the expression, when the question has a shape that we know. */

export interface Expression {
  /** Lower case, operator words and phrases as signs. */
  readonly text: string
  /** Decides what `1,5` means. */
  readonly language: 'en' | 'de'
}

/** @returns null when the text cannot be a question of arithmetic, or looks like a date, a number to dial or a name */
export function readQuestion(question: string): Expression | null {
  if (question.length > MAX_QUESTION_CHARS) return null
  const trimmed = question.trim()
  // Several lines are a list or a document; a sign with a space behind it is a list mark.
  if (/[\r\n\u2028\u2029]/.test(trimmed) || /^[-+*\u2212\u2013]\s/.test(trimmed)) return null
  const plain = trimmed
    .toLowerCase()
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\t\u00a0\u2009\u202f]/g, ' ')
  const { body, asked } = withoutAsking(plain)
  if (asked !== 'to_compute' && looksLikeName(body)) return null
  // A word of asking makes a difference of it; alone in a message it is rather an identifier.
  if (body === plain && IDENTIFIERS.some((form) => form.test(body))) return null
  const text = withSigns(asCommand(withSigns(body)) ?? body)
  const language = GERMAN.test(plain) ? 'de' : 'en'
  return { text, language }
}

/** Longer questions are documents; keeps every step below linear in a small number. */
const MAX_QUESTION_CHARS = 2000

interface Asked {
  readonly body: string
  /** `to_compute` when a verb or an equals sign says that this is arithmetic. */
  readonly asked: 'plainly' | 'to_compute'
}

const GERMAN =
  /^(?:bitte |kannst du |wie ?viel |was (?:ist|sind|ergibt|macht) |berechne |rechne )|\b(?:mal|hoch|geteilt|dividiert|multipliziert|prozent|von|wurzel|quadratwurzel)\b/

const POLITE = /^(?:please|hey|hi|hello|ok|okay|so|bitte|kannst du|can you|could you|would you)\b[,:]?\s+/
const COMPUTE =
  /^(?:compute|calculate|evaluate|solve|work out|figure out|how much (?:is|are|does|do)|berechne|rechne(?: aus)?|wie ?viel (?:ist|sind|ergibt|macht))(?:\s*:)?\s+/
const ASK =
  /^(?:tell me|give me|find|what is|what's|whats|what are|what do|what does|what would|was ist|was sind|was ergibt|was macht)(?:\s*:)?\s+/
const RESULT =
  /^(?:the |das )?(?:(?:value|result|answer|ergebnis)(?: of| to| von)|(?:following )?(?:expression|calculation)\s*:?|following\s*:)\s+/
const CLOSING = /(?:,?\s+(?:please|bitte|equal to|equals?|is|are|make|makes|be|ergibt|gleich)|\s*=)$/

function withoutAsking(question: string): Asked {
  let body = question.replace(/\s*[?.]+$/, '')
  let asked: Asked['asked'] = 'plainly'
  // Each phrase may stand once or twice ("can you tell me what is"); the count bounds the loops.
  for (let turn = 0; turn < MAX_PHRASES; turn++) {
    if (COMPUTE.test(body)) asked = 'to_compute'
    const shorter = [POLITE, COMPUTE, ASK, RESULT].reduce((text, phrase) => text.replace(phrase, ''), body)
    if (shorter === body) break
    body = shorter
  }
  for (let turn = 0; turn < MAX_PHRASES; turn++) {
    if (/=$/.test(body)) asked = 'to_compute'
    const shorter = body.replace(CLOSING, '').replace(/\s*\?+$/, '')
    if (shorter === body) break
    body = shorter
  }
  return { body: body.trim(), asked }
}

const MAX_PHRASES = 4

/** Dates, phone numbers, spans of years, sizes and idioms that are written like arithmetic. */
function looksLikeName(body: string): boolean {
  return NAMES.some((name) => name.test(body)) || isYearSpan(body)
}

const NAMES: readonly RegExp[] = [
  /^\d{1,2}\/\d{1,2}\/(?:\d{2}|\d{4})$/, // 1/2/2024
  /^\d{4}([-/])\d{1,2}\1\d{1,2}$/, // 2024-11-05
  /^\d{1,2}-\d{1,2}-(?:\d{2}|\d{4})$/, // 05-11-2024
  /^\+?(?:\d{1,3}-)?\(?\d{3}\)?[- ]?\d{3}-\d{4}$/, // 1-800-555-1234
  /^\d{3}-\d{4}$/, // 555-1234
  /^\d{3}-\d{2}-\d{4}$/, // a social security number
  /^(?:19|20)\d\d[-/]\d{1,2}$/, // the month 2024-11, the season 2024/25
  /^\d+x\d+(?:x\d+)*$/, // 1920x1080, 4x4
  /^\d+\s*[\u2013\u2014]\s*\d+$/, // a range
  /^(?:9\/11|7\/11|24\/7|7\/7|50\/50|20\/20|80\/20|4\/20|10-4|9-5|9-1-1|50-50|5-0)$/,
]

/** Chains of figures without a space, with a long one among them: accounts, registrations, numbers to dial, codes in a row. */
const IDENTIFIERS: readonly RegExp[] = [
  /^(?=.*\d{3})\d+(?:-\d+){2,}$/,
  /^(?=.*\d{3})\d+(?:\/\d+){2,}$/,
  /^\d{6,}-\d+$|^\d+-\d{6,}$/,
]

function isYearSpan(body: string): boolean {
  const years = /^(1[5-9]\d\d|20\d\d)\s*[-/]\s*(1[5-9]\d\d|20\d\d)$/.exec(body)
  return years !== null && Number(years[1]) < Number(years[2])
}

/** Phrases of operators, longest first; what stands for a sign takes spaces around it. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:raised )?to the power of\b|\braised to\b/g, ' ^ '],
  [/\b(?:multiplied by|multipliziert mit|times|mal)\b/g, ' * '],
  [/\b(?:divided by|geteilt durch|dividiert durch|durch)\b/g, ' / '],
  [/\bplus\b/g, ' + '],
  [/\bminus\b/g, ' - '],
  [/\bhoch\b/g, ' ^ '],
  [/\b(?:percent|per cent|prozent)\b/g, ' % '],
  [/\bvon\b/g, ' of '],
  [/\b(?:the )?(?:square root of|quadratwurzel (?:aus|von)|wurzel (?:aus|von))\b/g, ' sqrt '],
  [/(?<=(?:^|[-+*/^(]) *)negative\b/g, ' -'],
  [/[\u00d7\u22c5\u00b7]/g, '*'],
  [/\u00f7/g, '/'],
  [/\u2212/g, '-'],
  [/(?<=\s)\u2013(?=\s)/g, '-'],
  [/\u221a/g, ' sqrt '],
  [/\u00b2/g, '^2'],
  [/\u00b3/g, '^3'],
]

/** Words and typographic signs of operators as plain signs; lower case in, lower case out. */
export function withSigns(text: string): string {
  return SIGNS.reduce((signed, [words, sign]) => signed.replace(words, sign), text)
    .replace(/ +/g, ' ')
    .trim()
}

/**
 * Orders and nouns with their operands in words: `divide 84 by 4`, `the sum of 2, 3 and 4`. Only single numbers are
 * operands: "divide 10 by 2 plus 3" has two readings.
 */
function asCommand(body: string): string | null {
  for (const { pattern, build } of COMMANDS) {
    const found = pattern.exec(body)
    if (found === null) continue
    const [first = '', second = ''] = found.slice(1).filter((group) => group !== undefined)
    return build(first, second)
  }
  const list = /^(?:the )?(sum|product) of (.+)$/.exec(body)
  if (list === null) return null
  const items = (list[2] ?? '').split(/, and |, | and /)
  if (items.length < 2 || !items.every((item) => SINGLE.test(item))) return null
  return items.map((item) => `(${item})`).join(list[1] === 'sum' ? ' + ' : ' * ')
}

/** A signed figure, or number words without a scale ("one hundred and five" holds an "and" of its own). */
const NUMBER = '(-?\\d[\\d.,]*|(?!\\S*hundred|\\S*thousand|\\S*million)[a-z]+(?:-[a-z]+)?)'
const SINGLE = new RegExp(`^${NUMBER}$`)

const COMMANDS: readonly { readonly pattern: RegExp; readonly build: (first: string, second: string) => string }[] = [
  { pattern: new RegExp(`^add ${NUMBER} (?:and|to) ${NUMBER}$`), build: (a, b) => `(${b}) + (${a})` },
  { pattern: new RegExp(`^subtract ${NUMBER} from ${NUMBER}$`), build: (a, b) => `(${b}) - (${a})` },
  { pattern: new RegExp(`^multiply ${NUMBER} (?:by|and|with) ${NUMBER}$`), build: (a, b) => `(${a}) * (${b})` },
  { pattern: new RegExp(`^divide ${NUMBER} by ${NUMBER}$`), build: (a, b) => `(${a}) / (${b})` },
  {
    pattern: new RegExp(`^what (?:%|percentage) of ${NUMBER} is ${NUMBER}$`),
    build: (a, b) => `(${b}) / (${a}) * 100`,
  },
  {
    pattern: new RegExp(`^${NUMBER} is what (?:%|percentage) of ${NUMBER}$`),
    build: (a, b) => `(${a}) / (${b}) * 100`,
  },
  {
    pattern: new RegExp(`^(?:increase ${NUMBER}|${NUMBER} increased) by ${NUMBER} ?%$`),
    build: (a, b) => `(${a}) * (1 + (${b}) / 100)`,
  },
  {
    pattern: new RegExp(`^(?:(?:decrease|reduce) ${NUMBER}|${NUMBER} (?:decreased|reduced)) by ${NUMBER} ?%$`),
    build: (a, b) => `(${a}) * (1 - (${b}) / 100)`,
  },
  { pattern: new RegExp(`^${NUMBER} ?% off(?: of)? ${NUMBER}$`), build: (a, b) => `(${b}) * (1 - (${a}) / 100)` },
  { pattern: new RegExp(`^${NUMBER} ?% more than ${NUMBER}$`), build: (a, b) => `(${b}) * (1 + (${a}) / 100)` },
  { pattern: new RegExp(`^${NUMBER} ?% less than ${NUMBER}$`), build: (a, b) => `(${b}) * (1 - (${a}) / 100)` },
  { pattern: new RegExp(`^(?:the )?quotient of ${NUMBER} and ${NUMBER}$`), build: (a, b) => `(${a}) / (${b})` },
]
