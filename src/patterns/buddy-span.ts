/** What becomes of one doubted span: exact tools first, then the frontier, passage after passage. */
import type { Correction } from '../decide/patch.ts'
import type { UncertainSpan } from '../decide/uncertain-span.ts'
import { type DocumentWindow, joinWindows, type TakeWindows } from '../decide/windows.ts'
import { solve } from '../solvers/solvers.ts'
import type { ErrorCode, RouterError } from '../spec/errors.ts'
import type { BuddyOptions } from '../spec/policy-buddy.ts'
import { NO_ANSWER } from '../spec/reading.ts'
import type { RouterRequest } from '../spec/request.ts'
import { REPLY_TOKENS, readReply, type SpanReply, type Subject, spanRequest } from './buddy-question.ts'
import { consulted } from './consulted.ts'
import type { PatternTools } from './pattern.ts'

export interface SpanCase {
  readonly subject: Subject
  /** The answer that the span stands in. */
  readonly answer: string
  readonly span: UncertainSpan
  /** The windows of the document, best first; none without one. */
  readonly take: TakeWindows
  /** How many it has. */
  readonly windows: number
  readonly options: BuddyOptions
  readonly metadata: RouterRequest['metadata']
}

export interface SpanOutcome {
  readonly type: 'confirmed' | 'corrected' | 'unresolved'
  readonly correction: Correction | null
  /** Where in the document what was said stands; null where it stands in none. */
  readonly evidence: { readonly start: number; readonly end: number } | null
  /** Asked of the frontier; 0 where an exact tool spoke. */
  readonly questions: number
  /** Why nobody answered; null when somebody did. */
  readonly failure: RouterError | null
}

/** @throws RouterError cancelled, deadline_exceeded */
export async function askAboutSpan(tools: PatternTools, about: SpanCase): Promise<SpanOutcome> {
  const exact = solved(about)
  if (exact !== null) return outcomeOf(about.span, { value: exact, evidence: null, questions: 0 })
  const { options, subject } = about
  const rounds = Math.max(1, Math.min(options.rounds, Math.ceil(about.windows / options.windows)))
  let isAbsent = true
  for (let round = 0; round < rounds; round++) {
    const reply = await askOnce(tools, about, about.take(options.windows))
    if ('failure' in reply) {
      const { failure } = reply
      return { ...UNRESOLVED, questions: round + 1, failure: REFUSALS.has(failure.code) ? null : failure }
    }
    if (reply.type === 'value') return outcomeOf(about.span, { ...reply, questions: round + 1 })
    isAbsent &&= reply.type === 'absent'
    // What is not in these passages may be in the next; without passages there is nothing more to ask.
    if (subject.document === null) break
  }
  // The local model said so, and who read every passage says it as well.
  const isRead = subject.document !== null && rounds * options.windows >= about.windows
  if (isAbsent && isRead && about.answer.trim() === NO_ANSWER)
    return { ...UNRESOLVED, type: 'confirmed', questions: rounds }
  return { ...UNRESOLVED, questions: rounds }
}

/** Said of the question and not of the model: the caller's own request may well be answered. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['model_refused_request', 'request_invalid'])

const UNRESOLVED = { type: 'unresolved', correction: null, evidence: null, failure: null } as const

async function askOnce(
  tools: PatternTools,
  { subject, answer, span, metadata }: SpanCase,
  chosen: readonly DocumentWindow[],
): Promise<SpanReply | { readonly failure: RouterError }> {
  const windows = subject.document === null ? [] : joinWindows(subject.document, chosen)
  const request = spanRequest({ subject, answer, span, windows }, metadata)
  const said = await consulted(tools, { purpose: 'span', whom: 'frontier', request, maxOutputTokens: REPLY_TOKENS })
  return 'failure' in said ? said : readReply(said.asked.answer.text, { windows, subject })
}

function outcomeOf(
  { start, end, text: was }: UncertainSpan,
  { value, evidence, questions }: Pick<SpanOutcome, 'evidence' | 'questions'> & { readonly value: string },
): SpanOutcome {
  const said = { evidence, questions, failure: null }
  if (plain(value) === plain(was)) return { ...said, type: 'confirmed', correction: null }
  return { ...said, type: 'corrected', correction: { start, end, was, text: value } }
}

/** Case, articles and the marks around words make no other answer. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/^(?:the|an?)\s+/, '')
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'`.,;:!?()]+|[\s"'`.,;:!?()]+$/g, '')
}

/** The exact answer to the whole question, or to the equation that the span is the result of. */
function solved({ subject, answer, span }: SpanCase): string | null {
  if (subject.options) return null
  if (span.kind === 'answer') return solve(subject.question)?.answer ?? null
  if (span.kind !== 'number') return null
  const left = EQUATION.exec(answer.slice(0, span.start))?.[1]
  const isResult = /^\s*(?:$|[.;,)\n]|(?:and|so|in)\b)/i.test(answer.slice(span.end))
  return left !== undefined && isResult ? (solve(left.trim())?.answer ?? null) : null
}

/** What stands before a result: figures, signs and brackets, back to a word. */
const EQUATION = /(?:^|[^\d\s(.+\-*/x×÷%^,])\s*([\d(][\d\s().+\-*/x×÷%^,]*)=\s*[$€£]?$/
