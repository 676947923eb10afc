/** Where in an answer the model was in doubt: the figures of its tokens, laid over pieces of its text. */
import type { TokenSignal } from '../spec/decision.ts'
import { type Clause, splitClauses } from './clauses.ts'

/** A piece of an answer and the largest entropy that a token of it certainly had. */
export interface DoubtedPiece extends Clause {
  /** Nats, >= 0: the largest lower end of a bracket. Infinity where a token has no reading: nothing shows that it was sure. */
  readonly entropyNats: number
  /** Tokens of the piece. */
  readonly tokens: number
}

/** Fewer tokens than these make no clause of their own: `Yes;` or `No.` says what the next one explains. */
const LEAST_TOKENS = 3

/**
 * The clauses of an answer in which a token's entropy certainly exceeds the threshold. A clause of fewer than three
 * tokens has no voice, unless the answer is no longer: of a closed answer its own tokens are the evidence.
 *
 * @param tokens of the answer, in order; see `TokenSignal`
 * @param entropyNats the task's threshold, > 0
 * @returns most doubted first
 */
export function doubtedClauses(
  text: string,
  tokens: readonly TokenSignal[],
  entropyNats: number,
): readonly DoubtedPiece[] {
  const clauses = splitClauses(text).map((clause) => doubtIn(clause, tokens))
  const least = clauses.some((clause) => clause.tokens >= LEAST_TOKENS) ? LEAST_TOKENS : 1
  return clauses
    .filter((clause) => clause.tokens >= least && clause.entropyNats > entropyNats)
    .toSorted((a, b) => b.entropyNats - a.entropyNats || a.start - b.start)
}

/** What the tokens that reach into a piece say of it; a piece without any has no reading. */
export function doubtIn({ start, end }: Clause, tokens: readonly TokenSignal[]): DoubtedPiece {
  const own = tokens.filter((token) => token.end > start && token.start < end)
  const most = own.reduce((largest, { entropyLowNats }) => Math.max(largest, usable(entropyLowNats)), 0)
  return { start, end, tokens: own.length, entropyNats: own.length === 0 ? Number.POSITIVE_INFINITY : most }
}

/** A missing reading, and one that is no number, speaks against the answer. */
function usable(nats: number | null): number {
  return nats !== null && nats >= 0 ? nats : Number.POSITIVE_INFINITY
}
