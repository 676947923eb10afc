/** The piece of an answer that is most in doubt: what a question to somebody who knows better should be about. */
import type { TokenSignal } from '../spec/decision.ts'
import type { Clause } from './clauses.ts'
import { doubtedClauses, doubtIn } from './doubt.ts'
import { findEntities } from './entities.ts'
import type { FindNounPhrases } from './noun-phrases.ts'

/** What a span is, from the surest thing to ask about to the least. */
export const SPAN_KINDS = ['answer', 'entity', 'number', 'noun_phrase', 'word'] as const
export type SpanKind = (typeof SPAN_KINDS)[number]

export interface UncertainSpan extends Clause {
  readonly text: string
  readonly kind: SpanKind
  /** Nats, lower end of the bracket of its most doubted token; null where the model told no figures. */
  readonly entropyNats: number | null
}

export interface DoubtedAnswer {
  readonly text: string
  /** Null where the model told no figures of its tokens. */
  readonly tokens: readonly TokenSignal[] | null
  /** The answer is a label, a name, a span of a document: one value, and no prose around it. */
  readonly isClosed: boolean
  readonly entropyNats: number
  /** Spans wanted at most, at least 1. */
  readonly most: number
}

/** Up to so many words an answer is a value, whatever the task calls it. */
const SHORT_ANSWER_WORDS = 8

/**
 * The spans of an answer to ask about, most doubted first, at most one a clause, none overlapping. A closed or short
 * answer is one span. In prose the spans of a doubted clause are names and numbers before noun phrases before words; of
 * one kind the one with the highest certain entropy, where that exceeds the threshold. When no clause is doubted (a gate
 * rejected the answer as a whole) the most doubted name or number of the answer stands for it.
 *
 * @param nounPhrases asked for only when a clause holds no doubted name or number; resolves to null when there are none to be had
 * @returns empty when nothing tells which piece is in doubt
 */
export async function uncertainSpans(
  answer: DoubtedAnswer,
  nounPhrases: () => Promise<FindNounPhrases | null>,
): Promise<readonly UncertainSpan[]> {
  const { text, tokens, isClosed, entropyNats, most } = answer
  const whole = trimmedSpan(text)
  if (whole === null) return []
  if (isClosed || (whole.text.split(/\s+/).length <= SHORT_ANSWER_WORDS && !/[\n;]/.test(whole.text)))
    return [{ ...whole, kind: 'answer', entropyNats: tokens && finite(doubtIn(whole, tokens).entropyNats) }]
  if (tokens === null || tokens.length === 0) return []
  const doubted = doubtedClauses(text, tokens, entropyNats)
  const clauses = doubted.length > 0 ? doubted.slice(0, most) : [{ start: whole.start, end: whole.end }]
  const names = pieces(text, findEntities(text), 'entity')
  const numbers = pieces(text, findNumbers(text), 'number').filter(
    (number) => !names.some((one) => overlap(one, number)),
  )
  const spans: UncertainSpan[] = []
  for (const clause of clauses) {
    const found =
      best([...names, ...numbers], clause, { tokens, above: entropyNats }) ??
      best(await phrases(text, nounPhrases), clause, { tokens, above: entropyNats }) ??
      best([...names, ...numbers], clause, { tokens, above: 0 }) ??
      best(pieces(text, words(text), 'word'), clause, { tokens, above: 0 })
    if (found && !spans.some((span) => overlap(span, found))) spans.push(found)
  }
  return spans
}

interface Piece extends Clause {
  readonly text: string
  readonly kind: SpanKind
}

/** Dates, amounts and figures with what belongs to them: a sign, a currency, decimals, a percent sign. */
const NUMBER = /[+-]?[$€£¥]?\d+(?:[.,:/-]\d+)*(?:\s?%|(?:st|nd|rd|th)\b)?/g

function findNumbers(text: string): readonly Clause[] {
  return [...text.matchAll(NUMBER)].map(({ index, 0: found }) => ({ start: index, end: index + found.length }))
}

function words(text: string): readonly Clause[] {
  return [...text.matchAll(/[\p{L}\p{N}][\p{L}\p{N}'’_-]*/gu)].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
  }))
}

async function phrases(text: string, load: () => Promise<FindNounPhrases | null>): Promise<readonly Piece[]> {
  const find = await load()
  return find ? pieces(text, find(text), 'noun_phrase') : []
}

function pieces(text: string, places: readonly Clause[], kind: SpanKind): readonly Piece[] {
  return places.map(({ start, end }) => ({ start, end, text: text.slice(start, end), kind }))
}

/** The most doubted of the pieces inside the clause; the first of equals, because what comes later follows from it. */
function best(
  candidates: readonly Piece[],
  clause: Clause,
  { tokens, above }: { readonly tokens: readonly TokenSignal[]; readonly above: number },
): UncertainSpan | null {
  const doubts = candidates
    .filter(({ start, end }) => start >= clause.start && end <= clause.end)
    .map((piece) => ({ piece, nats: doubtIn(piece, tokens).entropyNats }))
    .filter(({ nats }) => nats > above)
    .toSorted((a, b) => b.nats - a.nats || a.piece.start - b.piece.start)
  const [first] = doubts
  return first ? { ...first.piece, entropyNats: finite(first.nats) } : null
}

/** Without white space and the mark that ends a sentence. */
function trimmedSpan(text: string): (Clause & { readonly text: string }) | null {
  const start = text.length - text.trimStart().length
  const kept = text.trim().replace(/[.!?。]+$/u, (marks) => (/\b\p{Lu}\.$|\.\p{L}\.$/u.test(text.trim()) ? marks : ''))
  return kept === '' ? null : { start, end: start + kept.length, text: kept }
}

function overlap(a: Clause, b: Clause): boolean {
  return a.start < b.end && b.start < a.end
}

/** A span without a reading has no figure to tell. */
function finite(nats: number): number | null {
  return Number.isFinite(nats) ? nats : null
}
