/** Turns the log-probabilities that a server sends beside its text into signals. Natural logarithms throughout. */
import type { Signals, TokenSignal } from '../spec/decision.ts'
import { entropyBracket, topBracket } from './embedded/signals.ts'

/** One generated token as a server reported it. */
export interface TokenLogprob {
  /** May be a piece of a character; `bytes` is then the truth. */
  readonly text: string
  readonly bytes: readonly number[] | null
  /** Null when the server sent no usable number (<= 0). */
  readonly logprob: number | null
  /** Log-probabilities of the most probable tokens, most probable first; null when the server sent none. */
  readonly top: readonly number[] | null
}

/** What is known about a server's log-probabilities. */
export interface LogprobFacts {
  /** True only when a probe showed that sampling neither cut nor tempered what the server reports. */
  readonly fullDistribution: boolean
}

/**
 * The signals of the answer alone: tokens of reasoning, of tool calls and of control marks do not count.
 *
 * @param answer the text that the caller gets
 * @returns null when the tokens do not spell the answer, so that nothing is known of it
 */
export function answerSignals(tokens: readonly TokenLogprob[], answer: string, facts: LogprobFacts): Signals | null {
  const own = tokensOf(tokens, answer.trim())
  if (own.length === 0) return null
  const logprobs = complete(own.map((token) => token.logprob))
  const lows = complete(own.map(lowNats))
  const highs = complete(own.map(highNats))
  return {
    pass: 'decode',
    level: own.every((token) => token.top !== null) ? 2 : 1,
    fullDistribution: facts.fullDistribution,
    tokens: own.length,
    meanLogprob: logprobs === null ? null : mean(logprobs),
    minLogprob: logprobs === null ? null : least(logprobs),
    entropyLowNats: lows === null ? null : mean(lows),
    entropyHighNats: highs === null ? null : mean(highs),
    maxTokenEntropyNats: lows === null ? null : lows.reduce((most, low) => Math.max(most, low), 0),
    options: null,
    margin: null,
  }
}

/**
 * The same tokens with their places in the answer; a character belongs to every token that holds a part of it.
 *
 * @returns empty when the tokens do not spell the answer
 */
export function answerTokens(tokens: readonly TokenLogprob[], answer: string): readonly TokenSignal[] {
  const text = answer.trim()
  const lead = answer.length - answer.trimStart().length
  const spelt = spelling(tokens, text)
  return spelt.map(({ token, from, to }) => ({
    start: lead + charAt(text, from),
    end: lead + charAfter(text, to),
    entropyLowNats: lowNats(token),
    entropyHighNats: highNats(token),
  }))
}

/** Offset of the character that holds this byte, or begins with it. */
function charAt(text: string, byte: number): number {
  return Buffer.from(text)
    .subarray(0, byte)
    .toString('utf8')
    .replace(/\uFFFD+$/, '').length
}

/** Offset after the last character that begins before this byte. */
function charAfter(text: string, byte: number): number {
  return (
    text.length -
    Buffer.from(text)
      .subarray(byte)
      .toString('utf8')
      .replace(/^\uFFFD+/, '').length
  )
}

/**
 * Reads one entry of `logprobs`, which OpenAI-compatible servers and Ollama spell alike:
 * `{ token, logprob, bytes?, top_logprobs?: [{ token, logprob }] }`.
 */
export function readTokenLogprob(entry: Readonly<Record<string, unknown>>): TokenLogprob {
  const top = Array.isArray(entry.top_logprobs)
    ? entry.top_logprobs.map((one: unknown) => usable((one as { readonly logprob?: unknown } | null)?.logprob))
    : []
  const known = top.filter((logprob) => logprob !== null)
  return {
    text: typeof entry.token === 'string' ? entry.token : '',
    bytes: isBytes(entry.bytes) ? entry.bytes : null,
    logprob: usable(entry.logprob),
    top: known.length > 0 && known.length === top.length ? known.sort((a, b) => b - a) : null,
  }
}

/**
 * Servers do not say how many tokens their model knows. The largest vocabularies published hold 262,144 (Gemma 3);
 * four times as many keep the upper end an upper end, and move it by 1.4 nats times the unseen probability.
 */
const VOCABULARY_CEILING = 1_048_576

/** Servers print log-probabilities in single precision; sums of them miss the mass by up to about this share. */
const ROUNDING_MASS = 1e-4

function lowNats({ logprob, top }: TokenLogprob): number | null {
  if (top !== null) return Math.max(0, topBracket(top, VOCABULARY_CEILING).lowNats - ROUNDING_MASS)
  // Grouping holds for any token, but that no other is more probable is known of the most probable one only.
  if (logprob === null) return null
  const rest = -Math.expm1(logprob)
  return Math.max(0, -Math.exp(logprob) * logprob - (rest > 0 ? rest * Math.log(rest) : 0))
}

/** A token above one half is the most probable one; below that the largest probability is not known. */
function highNats({ logprob, top }: TokenLogprob): number | null {
  const margin = ROUNDING_MASS * (1 + Math.log(VOCABULARY_CEILING / ROUNDING_MASS))
  if (top !== null) return topBracket(top, VOCABULARY_CEILING).highNats + margin
  if (logprob === null || logprob < -Math.LN2) return null
  return entropyBracket(logprob, VOCABULARY_CEILING).highNats + margin
}

/** The last tokens that spell the text, whole tokens; empty when none do. */
function tokensOf(tokens: readonly TokenLogprob[], text: string): readonly TokenLogprob[] {
  return spelling(tokens, text).map(({ token }) => token)
}

/** The same with the bytes of the text that each covers; a token may begin before the text and end after it. */
function spelling(
  tokens: readonly TokenLogprob[],
  text: string,
): readonly { readonly token: TokenLogprob; readonly from: number; readonly to: number }[] {
  if (text === '') return []
  const pieces = tokens.map((token) => (token.bytes === null ? Buffer.from(token.text) : Buffer.from(token.bytes)))
  const wanted = Buffer.from(text)
  const start = Buffer.concat(pieces).lastIndexOf(wanted)
  if (start < 0) return []
  let at = 0
  return tokens.flatMap((token, index) => {
    const from = at - start
    at += pieces[index]?.length ?? 0
    const to = at - start
    return to > 0 && from < wanted.length ? [{ token, from: Math.max(0, from), to: Math.min(to, wanted.length) }] : []
  })
}

function usable(logprob: unknown): number | null {
  if (typeof logprob !== 'number' || !Number.isFinite(logprob)) return null
  // Rounding makes a certain token a little more than certain.
  return logprob <= 0 ? logprob : logprob < 1e-3 ? 0 : null
}

function isBytes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
}

function complete(values: readonly (number | null)[]): readonly number[] | null {
  const known = values.filter((value) => value !== null)
  return known.length === values.length && known.length > 0 ? known : null
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), 0)
}
