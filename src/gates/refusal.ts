import { accept, type Gate, reject } from './gate.ts'
import { parseJsonAnswer } from './schema.ts'

/**
 * Rejects an answer whose first sentences decline to answer, in English or German. Only the speaker's own words count:
 * quotations, code and block quotes are taken out first, so that a summary of a support mail that quotes "I cannot help
 * you" passes. Third-person reports ("the agent says it cannot help") never match.
 */
export const refusal: Gate = ({ answer }) => {
  const name = refusalIn(answer.text)
  if (name === null) return accept('refusal', 'The answer does not refuse.')
  return reject('refusal', { reason: 'refusal', detail: `The answer opens with a refusal (${name}).` })
}

/** @returns what kind of refusal opens the text; null when none does */
export function refusalIn(text: string): string | null {
  const opening = openingOf(ownWords(spokenText(text).slice(0, READ_CHARS)))
  return PHRASES.find(({ pattern }) => pattern.test(opening))?.name ?? null
}

/** A JSON answer speaks in its longest text; the others are labels and names. */
function spokenText(text: string): string {
  const value = /^\s*(?:[[{]|[`~]{3})/.test(text) ? parseJsonAnswer(text)?.value : null
  if (typeof value !== 'object' || value === null) return text
  let longest = ''
  const open: unknown[] = [value]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (typeof one === 'string' && one.length > longest.length) longest = one
    if (typeof one === 'object' && one !== null) open.push(...Object.values(one))
  }
  return longest
}

function ownWords(text: string): string {
  const plain = unquote(text.trim().replace(/[\u2018\u2019\u02bc]/g, "'"))
  return plain
    .replace(/^\s*>[^\n]*$/gm, ' ')
    .replace(/```[\s\S]*?(?:```|$)/g, ' ')
    .replace(
      /`[^`\n]*`|"[^"\n]*"|\u201c[^\u201d\n]*\u201d|\u201e[^\u201c\u201d\n]*[\u201c\u201d]|\u00ab[^\u00bb\n]*\u00bb/g,
      ' ',
    )
}

/** An answer that is one quotation as a whole is the model's own answer in quotes, not a report of someone's words. */
function unquote(text: string): string {
  const whole = /^["\u201c\u201e]([^"\u201c\u201d\u201e]*)["\u201c\u201d]$/.exec(text)
  return whole?.[1] ?? text
}

/** A refusal stands at the start; later sentences talk about the matter and may hold the same words rightly. */
function openingOf(text: string): string {
  const sentences = text.slice(0, OPENING_CHARS).split(/(?<=[.!?])\s+|\n+/)
  return sentences
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim())
    .filter((sentence) => sentence !== '')
    .slice(0, OPENING_SENTENCES)
    .join(' ')
}

/** Assistants refuse in the first or second sentence, sometimes after a greeting: three sentences hold all of these. */
const OPENING_SENTENCES = 3
/** Leaves room for quotations and code before the opening words; bounds the search for closing quotes. */
const READ_CHARS = 4000
/** Keeps the work bounded for an answer without any full stop. */
const OPENING_CHARS = 600

const CANNOT =
  "I(?: am|'m)? (?:sorry,? (?:but )?I )?(?:really |simply |just )?(?:cannot|can ?not|can't|could not|couldn't|won't|will not|am unable to|'m unable to|unable to|am not able to|not able to|am not allowed to|not allowed to|am not permitted to|am not comfortable)"
/** "I cannot help but admire" and "I can't help thinking" are idioms, and "I cannot attend" is a message. */
const HELPING =
  '(?:help(?! but\\b)(?! (?!with)\\w+ing\\b)|assist|answer|provide|fulfil|comply|do (?:that|this|so)|support (?:that|this)|respond|process (?:that|this|your)|complete (?:that|this|your)|generate|create|write|perform|engage|discuss|offer|give (?:you|advice|medical|legal)|access|browse|open (?:links|files|urls)|view|see (?:the|your|any) (?:image|file|attachment|document)|continue with|determine|summari[sz]e|classify|extract|translate)'

const PHRASES: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: 'cannot help', pattern: new RegExp(`\\b${CANNOT} (?:to |be able to |directly |currently )*${HELPING}`, 'i') },
  {
    name: 'sorry, but',
    pattern:
      /\b(?:sorry|apologi[sz]e|apologies),?(?: but)?,? (?:that |this )?(?:I (?:can't|cannot|can not|don't|do not|am unable|am not able|won't)|(?:is |it's )?(?:beyond|not something I))/i,
  },
  {
    name: 'as an AI',
    pattern:
      /\bas an? (?:(?:AI|artificial intelligence)(?:[ -]powered)?(?: (?:language model|model|assistant|chatbot|system))?,? (?:I\b|my\b|it is not possible)|(?:large )?(?:AI )?language model\b)/i,
  },
  {
    name: 'as an AI',
    pattern:
      /\bI(?: am|'m) (?:just |only |merely )?an? (?:AI(?: language model| model| assistant)?[ ,.]|(?:large )?language model\b)/i,
  },
  {
    name: 'lacks access or information',
    pattern:
      /\bI (?:do not|don't) (?:actually |currently )?have (?:the ability|(?:direct |real-?time |any )?access to|enough (?:information|context)|sufficient (?:information|context)|(?:any |the )?information (?:about|on|to))/i,
  },
  { name: 'against guidelines', pattern: /\b(?:against|violates?) my (?:guidelines|programming|polic(?:y|ies))\b/i },
  {
    name: 'kann nicht helfen',
    pattern:
      /(?:\bich (?:kann|darf|m\u00f6chte|werde)|\b(?:kann|darf) ich)\b[^.!?]{0,80}\b(?:nicht|keine?n?)\b[^.!?]{0,60}\b(?:helfen|weiterhelfen|beantworten|antworten|unterst\u00fctzen|bereitstellen|erf\u00fcllen|liefern|geben|erstellen|ausf\u00fchren|zugreifen|nachkommen|beurteilen|zusammenfassen|\u00fcbersetzen)\b/iu,
  },
  {
    name: 'nicht in der Lage',
    pattern: /\bich bin (?:leider )?nicht (?:in der Lage|befugt|berechtigt|dazu in der Lage)\b/iu,
  },
  {
    name: 'als KI',
    pattern:
      /\bals (?:eine? )?(?:KI|k\u00fcnstliche Intelligenz)(?:[- ](?:Sprachmodell|Modell|Assistentin|Assistent|System))?,? (?:kann|habe|bin|darf|ist es mir|verf\u00fcge)\b|\bals (?:ein )?(?:gro\u00dfes )?(?:KI-)?Sprachmodell\b/iu,
  },
]
