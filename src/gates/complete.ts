import type { Verdict } from '../spec/decision.ts'
import { accept, type Gate, type GateInput, isTypedDecision, reject } from './gate.ts'

/**
 * Rejects with `incomplete` an answer that is empty, was cut off, is broken off inside a code block, a JSON value or a
 * sentence, or lies outside the task's `gates.length`. A tool call counts as an answer.
 */
export const complete: Gate = (input) => {
  const problem = CHECKS.map((check) => check(input)).find((found) => found !== null)
  if (problem !== undefined) return incomplete(problem)
  const { answer, task } = input
  const chars = [...answer.text.trim()].length
  const { minChars, maxChars } = task.gates.length ?? NO_LIMITS
  if (answer.toolCalls.length === 0 && chars < minChars) {
    return incomplete(`The answer has ${chars} characters, gates.length.minChars is ${minChars}.`, chars, minChars)
  }
  if (maxChars !== undefined && chars > maxChars) {
    return incomplete(`The answer has ${chars} characters, gates.length.maxChars is ${maxChars}.`, chars, maxChars)
  }
  return accept('complete', `The answer ended by itself with ${chars} characters.`)
}

const NO_LIMITS: { readonly minChars: number; readonly maxChars?: number } = { minChars: 1 }

/** Each returns what is wrong, or null. */
const CHECKS: readonly ((input: GateInput) => string | null)[] = [
  ({ answer }) => (answer.text.trim() === '' && answer.toolCalls.length === 0 ? 'The answer is empty.' : null),
  ({ answer }) => {
    if (answer.finishReason === 'length') return 'The answer was cut off at the output limit.'
    return answer.finishReason === 'content_filter' ? 'The answer was cut off by a content filter.' : null
  },
  ({ answer }) =>
    answer.toolCalls.every((call) => call.arguments.trim() === '' || isJson(call.arguments))
      ? null
      : 'A tool call has arguments that are not whole JSON.',
  ({ answer }) => (hasOpenFence(answer.text) ? 'A code block is not closed.' : null),
  ({ answer, task }) =>
    !isTypedDecision(task.kind) && task.kind !== 'code' && hasOpenJson(answer.text)
      ? 'A JSON value is not closed.'
      : null,
  ({ answer, task }) =>
    (task.kind === 'text' || task.kind === 'answer') && breaksOff(answer.text) ? 'The last sentence breaks off.' : null,
]

function incomplete(detail: string, score: number | null = null, threshold: number | null = null): Verdict {
  return reject('complete', { reason: 'incomplete', detail, score, threshold })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A fence is closed by one of the same character, at least as long, with nothing behind it (CommonMark 4.5). */
function hasOpenFence(text: string): boolean {
  let open: string | null = null
  for (const line of text.split('\n')) {
    const fence = /^\s{0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    const mark = fence?.[1]
    if (mark === undefined) continue
    if (open === null) open = mark
    else if (mark[0] === open[0] && mark.length >= open.length && fence?.[2]?.trim() === '') open = null
  }
  return open !== null
}

/** Whether a text that starts as a JSON object or array ends before its last bracket closes. Strings are skipped. */
function hasOpenJson(text: string): boolean {
  const body = text.trim()
  if (!/^(?:\{\s*(?:["}]|$)|\[\s*(?:[[{"\]\d-]|true|false|null|$))/.test(body)) return false
  let depth = 0
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const char = body[at]
    if (inString && char === '\\') at++
    else if (char === '"') inString = !inString
    else if (!inString && (char === '{' || char === '[')) depth++
    else if (!inString && (char === '}' || char === ']') && --depth === 0) return false
  }
  return true
}

/**
 * Whether prose stops where no sentence can: after an opening bracket, an announcing colon, or an article or
 * conjunction. A word cut in its middle looks like a word, so that alone is never claimed. Short answers are names and
 * figures, not sentences.
 */
function breaksOff(text: string): boolean {
  const body = text.trim()
  return body.length >= PROSE_CHARS && /(?:[([{:]|[\s](?:the|an|and|or|because|und|oder|weil|eine|einen))$/.test(body)
}

const PROSE_CHARS = 40
