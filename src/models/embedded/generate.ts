import type { FinishReason } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { Progress } from '../../spec/ports.ts'
import type { GenerateNext, LlamaModel, LlamaSequence, Token } from './llama-types.ts'
import { chatTokens, infillTokens, plainTokens } from './prompt.ts'
import type { ChatTurn, GenerateParams, GenerateResult } from './protocol.ts'
import type { RunningModel } from './running-model.ts'
import {
  readToken,
  readVocabulary,
  TOP_TOKENS,
  type TokenReading,
  textSignals,
  tokenSignals,
  withTop,
} from './signals.ts'
import { StopFilter } from './stop-filter.ts'

/**
 * Answers one chat prompt, token by token, and reads the distribution at every token of the answer.
 *
 * @param emit called with each piece of text as soon as no stop string can swallow it
 * @throws RouterError request_invalid when the prompt does not fit the context; the signal's reason when aborted
 */
export async function generateText(
  running: RunningModel,
  params: GenerateParams,
  run: Listening,
): Promise<GenerateResult> {
  const prompt = promptTokens(running, params)
  requireFit(prompt.length, params.model.contextTokens, params.model.name)
  return await running.pool.use(prompt, run.signal, async (sequence) => {
    await holdPrefix(running, sequence, { prefix: systemPrefix(running, params.turns, prompt), signal: run.signal })
    const tail = await readPrompt(sequence, prompt, run.signal)
    const answer = await writeAnswer(running, sequence, {
      params,
      tail,
      room: params.model.contextTokens - prompt.length,
      ...run,
    })
    const mode = { pass: 'decode', fullDistribution: isFull(params), vocabulary: running.vocabulary } as const
    return {
      finishReason: answer.finishReason,
      ...(answer.stopSequence !== undefined && { stopSequence: answer.stopSequence }),
      usage: { inputTokens: prompt.length, outputTokens: answer.tokens, source: 'reported' },
      signals: textSignals(answer.readings, mode),
      ...(params.tokenSignals && { tokens: tokenSignals(answer.readings, answer.ends, mode.vocabulary) }),
      quantisation: running.header.quantisation,
    }
  })
}

function promptTokens({ model, wrapper }: RunningModel, { turns, continued, before }: GenerateParams): Token[] {
  if (continued === undefined) return chatTokens(model, wrapper, turns)
  return before === undefined ? plainTokens(model, continued) : infillTokens(model, continued, before)
}

interface Listening {
  readonly signal: AbortSignal
  readonly emit: (delta: string) => void
  /** Called every `PROGRESS_TOKENS` tokens with what was read so far. */
  readonly progress: (read: Progress) => void
}

/** Often enough to stop a hopeless answer early, seldom enough to cost nothing. */
const PROGRESS_TOKENS = 16

/** @throws RouterError request_invalid; one token must be left for the answer */
export function requireFit(promptTokens: number, contextTokens: number, model: string): void {
  if (promptTokens < contextTokens) return
  throw new RouterError('request_invalid', {
    path: 'messages',
    problem: `the prompt has ${promptTokens} tokens and the context of model ${model} holds ${contextTokens}, the answer included`,
    fix: `Send less text, or raise models.${model}.contextTokens in the policy.`,
  })
}

/** The part of a prompt that the next request of the same caller starts with as well: its system turns. */
function systemPrefix(running: RunningModel, turns: readonly ChatTurn[], prompt: readonly Token[]): readonly Token[] {
  const first = turns.findIndex((turn) => turn.role !== 'system')
  if (first <= 0) return []
  const other = chatTokens(running.model, running.wrapper, [...turns.slice(0, first), { role: 'user', text: '.' }])
  return sharedPrefix(prompt, other)
}

/** The tokens that both start with. */
export function sharedPrefix(prompt: readonly Token[], other: readonly Token[]): readonly Token[] {
  const end = prompt.findIndex((token, index) => token !== other[index])
  return end < 0 ? prompt : prompt.slice(0, end)
}

/** Brings the sequence to hold the fixed beginning of a prompt, restored when it was read before; see `PrefixStore`. */
export async function holdPrefix(
  running: RunningModel,
  sequence: LlamaSequence,
  { prefix, signal }: { readonly prefix: readonly Token[]; readonly signal: AbortSignal },
): Promise<void> {
  await running.prefixes.prepare(sequence, prefix, async (tokens) => {
    for (let from = 0; from < tokens.length; from += PIECE_TOKENS) {
      signal.throwIfAborted()
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(from, from + PIECE_TOKENS))
    }
  })
}

/** A piece that is long enough to be fast and short enough that a cancelled request stops within a second or two. */
const PIECE_TOKENS = 256

/** The end of a prompt that is still to be evaluated. */
export interface Tail {
  readonly before: readonly Token[]
  /** Its evaluation gives the first distribution after the prompt. */
  readonly last: Token
}

/**
 * Brings the sequence to hold the prompt but a last piece, reusing what it holds already.
 *
 * @returns the last piece, at least one token
 */
export async function readPrompt(
  sequence: LlamaSequence,
  prompt: readonly Token[],
  signal: AbortSignal,
): Promise<Tail> {
  const last = prompt.at(-1)
  if (last === undefined)
    throw new RouterError('request_invalid', {
      path: 'messages',
      problem: 'there is no text',
      fix: 'Send at least one message.',
    })
  const end = prompt.length - 1
  await sequence.adaptStateToTokens(prompt.slice(0, end), false)
  while (end - sequence.nextTokenIndex >= PIECE_TOKENS) {
    signal.throwIfAborted()
    const from = sequence.nextTokenIndex
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(from, from + PIECE_TOKENS))
  }
  signal.throwIfAborted()
  return { before: prompt.slice(sequence.nextTokenIndex, end), last }
}

interface Writing extends Listening {
  readonly params: GenerateParams
  readonly tail: Tail
  /** Tokens the context still has room for. */
  readonly room: number
}

interface Written {
  readonly finishReason: FinishReason
  readonly stopSequence?: string
  readonly tokens: number
  readonly readings: readonly TokenReading[]
  /** Where each token's text ends in the text written so far, stop strings included. */
  readonly ends: readonly number[]
}

async function writeAnswer(running: RunningModel, sequence: LlamaSequence, writing: Writing): Promise<Written> {
  const { params, signal } = writing
  const seed = params.seed ?? Math.floor(running.random() * 2 ** 31)
  const limit = Math.min(params.maxOutputTokens, writing.room)
  const readings: TokenReading[] = []
  const ends: number[] = []
  const output = new StopFilter(params.stop, writing.emit)
  const text = new TokenText(running.model)
  let tail = writing.tail
  while (readings.length < limit) {
    signal.throwIfAborted()
    const next = await nextToken(
      sequence,
      tail,
      samplingOf(params, { seed: seed + readings.length, wide: readings.length < LEVEL_2_TOKENS }),
    )
    if (running.model.isEogToken(next.token)) return finish('stop')
    readings.push(next.reading)
    if (readings.length % PROGRESS_TOKENS === 0) writing.progress(progressOf(readings, running.vocabulary))
    const piece = text.push(next.token)
    ends.push((ends.at(-1) ?? 0) + piece.length)
    if (output.push(piece)) return finish('stop')
    tail = { before: [], last: next.token }
  }
  return finish('length')

  function finish(finishReason: FinishReason): Written {
    output.end(text.end())
    const stopSequence = finishReason === 'stop' ? output.found : null
    return { finishReason, ...(stopSequence !== null && { stopSequence }), tokens: readings.length, readings, ends }
  }
}

function progressOf(readings: readonly TokenReading[], vocabulary: number): Progress {
  const signals = textSignals(readings, { pass: 'decode', fullDistribution: true, vocabulary })
  const { tokens, entropyLowNats, entropyHighNats } = signals
  return { tokens, entropyLowNats, entropyHighNats }
}

async function nextToken(
  sequence: LlamaSequence,
  tail: Tail,
  generateNext: GenerateNext,
): Promise<{ readonly token: Token; readonly reading: TokenReading }> {
  const outputs = await sequence.controlledEvaluate([...tail.before, [tail.last, { generateNext }]])
  const next = outputs[tail.before.length]?.next
  if (next?.token === undefined || next.token === null) {
    throw new RouterError('model_failed', {
      model: 'embedded',
      problem: 'it gave no next token',
      fix: 'Retry; if it stays, fetch the model again.',
    })
  }
  const reading =
    generateNext.logits === true && next.logits
      ? readVocabulary(next.token, next.logits)
      : readOutput(next.token, next.logits, next.totalLogitWeight)
  return { token: next.token, reading }
}

function readOutput(
  token: Token,
  logits: ReadonlyMap<Token, number> | undefined,
  totalWeight: number | undefined,
): TokenReading {
  if (logits === undefined || logits.size === 0) return readToken(undefined, undefined, totalWeight)
  // At temperature 0 the chosen token is the most probable one; otherwise its largest rival is in the list, too.
  const largest = Math.max(...logits.values())
  const reading = readToken(logits.get(token), largest, totalWeight)
  // A sampled token from outside the top stands beside it; there are more probable ones between, so it says nothing.
  const top = [...logits].filter(([id]) => logits.size <= TOP_TOKENS || id !== token).map(([, logit]) => logit)
  return top.length >= TOP_TOKENS ? withTop(reading, top, largest) : reading
}

/**
 * The first tokens of an answer are read at level 2. A short answer is all here, and its level-1 bracket is too wide to
 * decide anything (2.2 nats for a certain "Paris."); on a long one the reading of 12 tokens costs about 50 ms in all.
 */
const LEVEL_2_TOKENS = 12

/** Library defaults would cut the distribution (top 40, top 95 %); without the caller's wish it stays whole. */
function samplingOf(params: GenerateParams, token: { readonly seed: number; readonly wide: boolean }): GenerateNext {
  const cold = params.temperature === 0
  const top = token.wide ? { includeTop: TOP_TOKENS } : cold ? {} : { includeTop: 1 }
  const { temperature, topP } = params
  return {
    token: true,
    logits: params.signals === 'exact' ? true : { filter: { tokens: [], includeSelected: true, ...top } },
    totalLogitWeight: true,
    options: cold ? { temperature: 0 } : { temperature, topK: 0, topP, seed: token.seed },
  }
}

function isFull(params: GenerateParams): boolean {
  return params.temperature === 0 || (params.temperature === 1 && params.topP === 1)
}

/** Joins tokens to text; a character whose bytes are spread over tokens comes out whole. */
class TokenText {
  readonly #model: LlamaModel
  #pending: Token[] = []
  #before: Token[] = []

  constructor(model: LlamaModel) {
    this.#model = model
  }

  push(token: Token): string {
    this.#pending.push(token)
    const text = this.#model.detokenize(this.#pending, false, this.#before)
    if (text.endsWith('\uFFFD') && this.#pending.length < MAX_CHARACTER_TOKENS) return ''
    this.#before = this.#pending
    this.#pending = []
    return text
  }

  end(): string {
    return this.#pending.length === 0 ? '' : this.#model.detokenize(this.#pending, false, this.#before)
  }
}

/** A character has at most 4 bytes in UTF-8, so at most 4 tokens. */
const MAX_CHARACTER_TOKENS = 4
