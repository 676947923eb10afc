/** Scripted doubles for tests of policies and of code that uses the router: no model, no network, no real clock. */
import type { FinishReason, Signals, TokenSignal, Usage } from './spec/decision.ts'
import type { ErrorCode, ErrorValues } from './spec/errors.ts'
import { RouterError } from './spec/errors.ts'
import type {
  CallLimits,
  Clock,
  DecideCall,
  DecideResult,
  EmbedResult,
  ModelCall,
  ModelEvent,
  ModelPort,
  Progress,
} from './spec/ports.ts'
import type { ToolCall } from './spec/request.ts'

/** A failure to play: the error code and the values that fill its message. */
export interface ScriptedFailure {
  readonly fail: ErrorCode
  readonly values?: ErrorValues
}

/** One answer to play. */
export interface ScriptedText {
  /** The pieces that are emitted, in order; a string is one piece. */
  readonly text?: string | readonly string[]
  /** What the model reports after the piece of the same index. */
  readonly progress?: readonly Progress[]
  readonly toolCalls?: readonly ToolCall[]
  /** Default: `tool_calls` when there are tool calls, else `stop`. */
  readonly finishReason?: FinishReason
  /** Default: estimated, four characters a token. */
  readonly usage?: Usage
  readonly signals?: Signals | null
  /** Told to calls that ask for them. */
  readonly tokens?: readonly TokenSignal[]
  /** The upstream body that a caller of the same dialect gets unchanged. */
  readonly raw?: Readonly<Record<string, unknown>> | null
  readonly servedBy?: string
  /** Emits `loading` first. */
  readonly loading?: boolean
  /** Awaited before the first piece; a test resolves it when it likes. */
  readonly after?: Promise<unknown>
  /** Thrown after the pieces, instead of the finish: an answer that breaks half-way. */
  readonly thenFail?: ErrorCode
}

/** A plain string is a whole answer; `hang` waits until the call is cancelled. */
export type ScriptedAnswer = string | ScriptedText | ScriptedFailure | { readonly hang: true }

/** A distribution to play: probability per option, normalised over the options that the call offers. */
export interface ScriptedDistribution {
  readonly probabilities: Readonly<Record<string, number>>
  /** Merged over the signals that follow from the probabilities. */
  readonly signals?: Partial<Signals>
}

export type ScriptedDecision = ScriptedDistribution | ScriptedFailure

export interface ModelScript {
  readonly name: string
  /** Played in order, or made from the call; when none is left the call fails with `model_failed`. */
  readonly answers?: readonly ScriptedAnswer[] | ((call: ModelCall) => ScriptedAnswer)
  /** Without it the model cannot decide, like a hosted one. */
  readonly decisions?: readonly ScriptedDecision[] | ((call: DecideCall) => ScriptedDecision)
  /** The embedding of a text; without it the model gives none. */
  readonly vectors?: (text: string) => readonly number[] | ScriptedFailure
}

/** A model that plays a script and keeps the calls it got. */
export interface ScriptedModel extends ModelPort {
  readonly calls: readonly ModelCall[]
  readonly decideCalls: readonly DecideCall[]
  /** Texts that were embedded. */
  readonly embedCalls: readonly string[]
  /** Of every call, of whatever kind, in order. */
  readonly limits: readonly CallLimits[]
  /** True after `close`. */
  isClosed(): boolean
}

/**
 * A model port that plays scripted answers, decisions and failures.
 *
 * @throws RouterError while playing: the scripted failure; `cancelled` when the signal is aborted; `model_failed` when
 * the script is at its end
 */
export function scriptedModel(script: ModelScript): ScriptedModel {
  const calls: ModelCall[] = []
  const decideCalls: DecideCall[] = []
  const embedCalls: string[] = []
  const seen: CallLimits[] = []
  let closed = false
  const model: ScriptedModel = {
    name: script.name,
    calls,
    decideCalls,
    embedCalls,
    limits: seen,
    isClosed: () => closed,
    generate(call, limits) {
      calls.push(call)
      seen.push(limits)
      const answer = next(script.name, script.answers ?? [], call, calls.length)
      return play(script.name, answer, { call, limits })
    },
    async close() {
      closed = true
    },
  }
  const { decisions, vectors } = script
  return {
    ...model,
    ...(decisions && {
      async decide(call: DecideCall, limits: CallLimits) {
        decideCalls.push(call)
        seen.push(limits)
        if (limits.signal.aborted) throw cancelled(limits.signal)
        return decided(script.name, next(script.name, decisions, call, decideCalls.length), call)
      },
    }),
    ...(vectors && {
      async embed(text: string, limits: CallLimits) {
        embedCalls.push(text)
        seen.push(limits)
        if (limits.signal.aborted) throw cancelled(limits.signal)
        return embedded(script.name, vectors(text), text)
      },
    }),
  }
}

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time forward and wakes, in order, the sleepers whose time has come. */
  advance(ms: number): Promise<void>
  /** Every sleep that was asked for, in milliseconds, oldest first. */
  readonly sleeps: readonly number[]
}

/**
 * @param start.epochMs epoch milliseconds at the start; monotonic time starts at 0
 * @param start.sleeping `wait` (default): a sleeper waits for `advance`; `skip`: a sleep moves the clock itself at once
 */
export function manualClock(
  start: { readonly epochMs?: number; readonly sleeping?: 'wait' | 'skip' } = {},
): ManualClock {
  const epochMs = start.epochMs ?? 0
  const sleeps: number[] = []
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  let now = 0
  return {
    sleeps,
    monotonicMs: () => now,
    epochMs: () => epochMs + now,
    async sleep(ms, signal) {
      sleeps.push(ms)
      if (signal.aborted) throw cancelled(signal)
      if (start.sleeping === 'skip') {
        now += ms
        return
      }
      await new Promise<void>((resolve, reject) => {
        const stop = (): void => {
          sleepers.delete(sleeper)
          reject(cancelled(signal))
        }
        const wake = (): void => {
          signal.removeEventListener('abort', stop)
          resolve()
        }
        const sleeper = { at: now + ms, wake }
        sleepers.add(sleeper)
        signal.addEventListener('abort', stop, { once: true })
      })
    },
    async advance(ms) {
      const until = now + ms
      for (;;) {
        const due = [...sleepers].filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        sleepers.delete(due)
        now = Math.max(now, due.at)
        due.wake()
        await settled()
      }
      now = until
      await settled()
    },
  }
}

function next<Step, Call>(
  model: string,
  steps: readonly Step[] | ((call: Call) => Step),
  call: Call,
  turn: number,
): Step | ScriptedFailure {
  if (typeof steps === 'function') return steps(call)
  const step = steps[turn - 1]
  if (step !== undefined) return step
  const values = { model, problem: `its script has no step ${turn}`, fix: 'Add a step to the script.' }
  return { fail: 'model_failed', values }
}

async function* play(
  model: string,
  answer: ScriptedAnswer,
  { call, limits }: { readonly call: ModelCall; readonly limits: CallLimits },
): AsyncGenerator<ModelEvent> {
  const { signal } = limits
  if (signal.aborted) throw cancelled(signal)
  if (typeof answer === 'object' && 'hang' in answer) {
    await aborted(signal)
    throw cancelled(signal)
  }
  if (typeof answer === 'object' && 'fail' in answer) throw failure(model, answer)
  const scripted: ScriptedText = typeof answer === 'string' ? { text: answer } : answer
  if (scripted.loading) yield { type: 'loading' }
  if (scripted.after) await Promise.race([scripted.after, aborted(signal)])
  const pieces = typeof scripted.text === 'string' ? [scripted.text] : (scripted.text ?? [])
  for (const [index, delta] of pieces.entries()) {
    if (signal.aborted) throw cancelled(signal)
    yield { type: 'text', delta }
    const progress = scripted.progress?.[index]
    if (progress) yield { type: 'progress', ...progress }
  }
  for (const [index, { id, name, arguments: argumentsDelta }] of (scripted.toolCalls ?? []).entries()) {
    yield { type: 'tool_call', index, id, name, argumentsDelta }
  }
  if (signal.aborted) throw cancelled(signal)
  if (scripted.thenFail) throw failure(model, { fail: scripted.thenFail })
  yield finish(model, scripted, { call, text: pieces.join('') })
}

function finish(
  model: string,
  scripted: ScriptedText,
  { call, text }: { readonly call: ModelCall; readonly text: string },
): ModelEvent {
  const toolCalls = scripted.toolCalls ?? []
  return {
    type: 'finish',
    finishReason: scripted.finishReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: scripted.usage ?? {
      inputTokens: Math.ceil(JSON.stringify(call.messages).length / 4),
      outputTokens: Math.ceil(text.length / 4),
      source: 'estimated',
    },
    signals: scripted.signals ?? null,
    ...(scripted.tokens && call.tokenSignals && { tokens: scripted.tokens }),
    identity: { digest: null, quantisation: null, servedBy: scripted.servedBy ?? model },
    raw: scripted.raw ? { dialect: call.wire?.dialect ?? 'openai_chat', body: scripted.raw } : null,
  }
}

function decided(model: string, decision: ScriptedDecision, call: DecideCall): DecideResult {
  if ('fail' in decision) throw failure(model, decision)
  const weights = call.options.map((value) => ({ value, weight: decision.probabilities[value] ?? 0 }))
  const total = weights.reduce((sum, option) => sum + option.weight, 0)
  if (total <= 0) {
    const problem = `its script gives no probability to any of ${call.options.join(', ')}`
    throw failure(model, {
      fail: 'model_failed',
      values: { problem, fix: 'Name the options of the call in the script.' },
    })
  }
  const options = weights
    .map(({ value, weight }) => ({
      value,
      probability: weight / total,
      logprob: Math.log(Math.max(weight / total, 1e-12)),
    }))
    .sort((a, b) => b.probability - a.probability)
  const [best, second] = options
  const signals: Signals = {
    pass: 'batch',
    level: 2,
    fullDistribution: true,
    tokens: 1,
    meanLogprob: best?.logprob ?? null,
    minLogprob: best?.logprob ?? null,
    entropyLowNats: null,
    entropyHighNats: null,
    maxTokenEntropyNats: null,
    options,
    margin: best === undefined ? null : best.probability - (second?.probability ?? 0),
    ...decision.signals,
  }
  const inputTokens = Math.ceil((call.instruction.length + call.input.length) / 4)
  return {
    options,
    signals,
    usage: { inputTokens, outputTokens: 1, source: 'estimated' },
    identity: { digest: null, quantisation: null, servedBy: model },
  }
}

function embedded(model: string, vector: readonly number[] | ScriptedFailure, text: string): EmbedResult {
  if ('fail' in vector) throw failure(model, vector)
  return {
    vector,
    usage: { inputTokens: Math.ceil(text.length / 4), outputTokens: 0, source: 'estimated' },
    identity: { digest: null, quantisation: null, servedBy: model },
    recipe: 'scripted',
  }
}

function failure(model: string, { fail, values }: ScriptedFailure): RouterError {
  const wait = fail === 'model_rate_limited' ? { retryAfterSeconds: 1, when: 'in a second' } : {}
  return new RouterError(fail, { ...DEFAULT_VALUES, ...wait, model, ...values })
}

/** Fill the messages of the codes that scripts use most, so that a bare `{ fail: 'model_timeout' }` reads well. */
const DEFAULT_VALUES: ErrorValues = {
  phase: 'first byte',
  timeoutMs: 30_000,
  tier: 'frontier',
  problem: 'the script says so',
  fix: 'Change the script.',
  status: 500,
}

function cancelled(signal: AbortSignal): RouterError {
  if (signal.reason instanceof RouterError) return signal.reason
  return new RouterError('cancelled', { requestId: 'of this call' }, signal.reason)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Lets every promise that is ready run; a macrotask turn comes after all microtasks. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
