import { messageText, questionParts, type RouterRequest } from '../spec/request.ts'
import { isToolCall, TOOL_CALL } from './answer-code.ts'
import { accept, type Gate, reject } from './gate.ts'
import { parseJsonAnswer } from './schema.ts'

/**
 * Every citation of the answer stands word for word in the text of the request; case, spaces and the form of quotation marks
 * aside. An ellipsis in a citation leaves something out: what stands on both sides of it must be there.
 */
export const verifyCitations: Gate = ({ answer, task, request }) => {
  const wanted = task.verify?.citations
  if (!wanted) return accept('verify_citations', 'No citations are asked for.')
  if (isToolCall(answer)) return accept('verify_citations', TOOL_CALL)
  const cited = wanted.fields ? citedInFields(answer.text, wanted.fields) : quotations(answer.text)
  const checked = cited.filter((citation) => wordsOf(citation) >= (wanted.fields ? 1 : wanted.minWords))
  const source = plain(sourceOf(request))
  const missing = checked.filter((citation) => !pieces(citation).every((piece) => source.includes(piece)))
  const measured = { score: checked.length - missing.length, threshold: wanted.min }
  if (missing.length > 0) {
    const detail = `${missing.length} of ${checked.length} citations are not in the text of the request.`
    return reject('verify_citations', { reason: 'check_failed', detail, ...measured })
  }
  if (checked.length >= wanted.min)
    return accept('verify_citations', `${checked.length} citations are in the text of the request.`, measured)
  const detail = `The answer has ${checked.length} citations, at least ${wanted.min} are wanted.`
  return reject('verify_citations', { reason: 'check_failed', detail, ...measured })
}

/** What the question is about, without the question: an answer that repeats it has cited nothing. */
function sourceOf({ messages }: RouterRequest): string {
  const told = messages.filter(({ role }) => role === 'user' || role === 'tool')
  const parts = questionParts(messages)
  const last = told.findLast(({ role }) => role === 'user')
  return told
    .map((message) => (message === last && parts ? parts.context.join('\n\n') : messageText(message)))
    .join('\n\n')
}

/** None of them crosses a paragraph, so one mark that was forgotten costs one paragraph. */
const QUOTATIONS = /“([^”\n]+)”|«([^»\n]+)»|„([^“”\n]+)[“”]|"([^"\n]+)"|^[ \t]*>[ \t]?(.+)$/gmu

function quotations(text: string): readonly string[] {
  return [...text.matchAll(QUOTATIONS)].map((match) => match.slice(1).find((group) => group !== undefined) ?? '')
}

function citedInFields(text: string, fields: readonly string[]): readonly string[] {
  const value = parseJsonAnswer(text)?.value
  return fields.flatMap((field) => textsAt(value, field.split('.')))
}

/** Lists are walked through at any depth: `evidence.quote` finds the quote of each piece of evidence. */
function textsAt(value: unknown, path: readonly string[]): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => textsAt(item, path))
  const [key, ...rest] = path
  if (key === undefined) return typeof value === 'string' && value.trim() !== '' ? [value] : []
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  return textsAt((value as Readonly<Record<string, unknown>>)[key], rest)
}

function pieces(citation: string): readonly string[] {
  return citation
    .split(/\[\s*(?:…|\.{3})\s*\]|…|\.{3}/u)
    .map((piece) => plain(piece).replace(/^[\s,;:]+|[\s,;:.!?]+$/gu, ''))
    .filter((piece) => piece !== '')
}

function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[‘’‚‛]/gu, "'")
    .replace(/[“”„«»]/gu, '"')
    .replace(/[‐‑‒–—]/gu, '-')
    .replace(/\s+/gu, ' ')
    .toLowerCase()
}

function wordsOf(text: string): number {
  return text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
}
