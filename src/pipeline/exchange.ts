/** One call of one model: events in, one answer out, passed on to the caller as it comes when the pattern says so. */

import type { Delivery } from '../patterns/pattern.ts'
import type { Attempt, Decision, ModelIdentity, OptionProbability, Usage, Verdict } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { readsTokens } from '../spec/policy-patterns.ts'
import type { CallLimits, ModelEvent, ModelPort, Priority } from '../spec/ports.ts'
import { messageText, type RouterRequest, type ToolCall } from '../spec/request.ts'
import type { Answer } from '../spec/response.ts'
import type { CallSpan } from '../spec/tracing.ts'
import { speaks } from '../spec/wire.ts'
import { isBounded } from './ceilings.ts'
import { earlyStop } from './early-stop.ts'
import { generateThroughEgress, generateTogether } from './egress.ts'
import type { Racer } from './hedge.ts'
import type { RosterModel } from './roster.ts'
import type { PipelineDeps, Run } from './run.ts'
import type { Sink } from './sink.ts'
import { isSubstitute } from './substitute.ts'
import { promptFor, promptIdentity } from './task-prompt.ts'
import { unaskedOf } from './unasked.ts'

/** Everything an attempt may use, whatever model it asks. */
export interface AskContext {
  readonly run: Run
  readonly deps: PipelineDeps
  readonly sink: Sink
  readonly signal: AbortSignal
  readonly purpose: Attempt['purpose']
  /** Background calls wait for those that somebody waits for. */
  readonly priority: Priority
}

export interface Exchange extends AskContext {
  readonly model: RosterModel
  /** Which of the model's lanes is used. */
  readonly lane: number
  readonly port: ModelPort
  readonly request: RouterRequest
  readonly delivery: Delivery
  /** In place of the way the task's answers are got: a question of the router's own. */
  readonly read?: Reader
  /** Less than the tier's total deadline, where several calls share one. Milliseconds. */
  readonly totalMs?: number
  /** Set where another model is asked at the same time: whoever says the first word answers. */
  readonly racer?: Racer
  /** Set at the first piece that reaches the caller: from then on nothing may be tried again. */
  delivered: boolean
  /** Characters of text and tool arguments received so far, for the estimate of an answer that breaks. */
  receivedChars: number
  /** Of the call that is under way, where somebody traces. */
  span?: CallSpan
}

export interface Collected {
  readonly answer: Answer
  readonly option: OptionProbability | null
  readonly identity: ModelIdentity
  readonly firstTokenMs: number | null
}

/** Gets one answer under the call's limits. */
export type Reader = (exchange: Exchange, limits: CallLimits) => Promise<Collected>

/** Lets the model write, and collects what it writes. */
export async function generateOnce(exchange: Exchange, limits: CallLimits): Promise<Collected> {
  const { deps } = exchange
  const startedMs = deps.clock.monotonicMs()
  const parts = new Parts()
  const stop = mayStop(exchange) ? earlyStop({ ...exchange, maxTokens: maxTokensOf(exchange) }) : null
  let firstTokenMs: number | null = null
  for await (const events of await piecesOf(exchange, limits))
    for (const event of events) {
      if (exchange.racer && isWord(event)) requireFirst(exchange)
      if (event.type === 'finish') return finished(exchange, parts, { event, firstTokenMs })
      if (event.type === 'loading') await exchange.sink.push({ type: 'waiting', what: 'model_loading' })
      else if (event.type !== 'progress') {
        firstTokenMs ??= Math.round(deps.clock.monotonicMs() - startedMs)
        parts.add(event)
        exchange.receivedChars = parts.chars
        const taken = exchange.delivery === 'held' ? undefined : deliver(exchange, event, exchange.delivery.live)
        // Most events are taken at once, and a turn of the loop costs more than an event.
        if (taken) await taken
      }
      const stoppedBy = stop?.(event, parts.text)
      if (stoppedBy) return stopped(exchange, parts, { stoppedBy, firstTokenMs })
    }
  throw new RouterError('model_incomplete', { model: exchange.model.name })
}

function isWord({ type }: ModelEvent): boolean {
  return type !== 'loading' && type !== 'progress'
}

/** @throws RouterError cancelled: another one answers */
function requireFirst({ racer, run }: Exchange): void {
  if (racer?.mayAnswer() === false) throw new RouterError('cancelled', { requestId: run.requestId })
}

/** What a caller reads already is not taken back, and a shadow shall show what the model would have said. */
function mayStop({ delivery, purpose, model }: Exchange): boolean {
  return delivery === 'held' && purpose === 'answer' && model.policy.tier !== 'frontier'
}

function maxTokensOf({ request, model }: Exchange): number {
  return request.maxOutputTokens ?? model.policy.maxOutputTokens
}

async function piecesOf(exchange: Exchange, limits: CallLimits): Promise<AsyncIterable<readonly ModelEvent[]>> {
  const { request, model, lane, port, deps, run, span } = exchange
  const { messages, tools, responseSchema, temperature, topP, stop, seed, embed, completion, wire } = request
  const streaming = isStreamed(exchange)
  if (embed && !port.givesVectors) throw cannot(model.name, 'gives no vectors')
  if (completion && !port.completes) throw cannot(model.name, 'only answers, and continues no text')
  const call = {
    messages,
    maxOutputTokens: maxTokensOf(exchange),
    stream: streaming,
    ...(tools && { tools }),
    ...(responseSchema && { responseSchema }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stop && { stop }),
    ...(seed !== undefined && { seed }),
    ...(embed && { embed }),
    ...(completion && { completion }),
    ...(wire && { wire }),
    ...(model.policy.tier === 'frontier' && isBounded(run, deps) && { isBounded: true as const }),
    ...(readsTokens(run.task) && model.policy.tier !== 'frontier' && { tokenSignals: true as const }),
  }
  if (model.policy.tier !== 'frontier') return generateTogether(port, call, limits)
  const baseUrl = model.lanes?.[lane]?.baseUrl ?? model.policy.baseUrl
  const texts = span?.texts
  const egress = { port, run, deps, purpose: exchange.purpose, baseUrl, ...laneOf(exchange), ...(texts && { texts }) }
  // Of a body in the caller's own dialect the first byte comes with the last.
  const isOwnForm = wire !== undefined && speaks(model.policy.provider, wire.dialect)
  const isWhole = isOwnForm && !(port.streams?.(call) ?? streaming)
  return generateThroughEgress(egress, call, isWhole ? patient(limits) : limits)
}

/** Whether the caller reads the answer as it comes. */
export function isStreamed({ sink, delivery }: Pick<Exchange, 'sink' | 'delivery'>): boolean {
  return sink.streaming && delivery !== 'held'
}

function cannot(model: string, what: string): RouterError {
  return new RouterError('request_invalid', {
    path: 'model',
    problem: `${model} ${what}`,
    fix: 'Name a model of the embedded engine, or one behind an OpenAI-compatible API that can.',
  })
}

/** A whole body begins when the model has ended: only the total deadline says something about it. */
function patient(limits: CallLimits): CallLimits {
  const { totalMs } = limits.deadlines
  return { ...limits, deadlines: { ...limits.deadlines, firstByteMs: totalMs, idleMs: totalMs } }
}

function deliver(
  exchange: Exchange,
  event: Exclude<ModelEvent, { type: 'finish' | 'loading' | 'progress' }>,
  reason: Decision['reason'],
): Promise<void> | undefined {
  if (!exchange.sink.streaming) return
  if (event.type === 'text' && event.delta === '') return
  // Whoever asked in another dialect gets what the chunk says, and not the chunk.
  if (event.type === 'raw' && event.dialect !== exchange.request.wire?.dialect) return
  const committed = exchange.delivered ? undefined : commit(exchange, reason)
  return committed ? committed.then(() => exchange.sink.push(event)) : exchange.sink.push(event)
}

function commit(exchange: Exchange, reason: Decision['reason']): Promise<void> | undefined {
  exchange.delivered = true
  const { decision, requestId, attempts } = exchange.run
  const local = exchange.model.policy.tier !== 'frontier'
  return exchange.sink.push({
    type: 'commit',
    requestId,
    attempts: attempts.length + 1 + (exchange.racer?.beside() ?? 0),
    ...unaskedOf(exchange.run.request, exchange.model.policy),
    decision: {
      route: local ? 'local' : 'frontier',
      reason,
      pattern: decision.pattern,
      model: exchange.model.name,
      tier: exchange.model.policy.tier,
      task: decision.task,
      degraded: decision.degraded || (!local && isSubstitute(exchange.run, exchange.model.name)),
      proven: false,
      stage: decision.stage,
    },
  })
}

/** Told only where the model has several. */
export function laneOf({ model, lane }: Pick<Exchange, 'model' | 'lane'>): { readonly lane?: number } {
  return (model.lanes?.length ?? 0) > 1 ? { lane } : {}
}

/** What was written when a gate ended the draft; its own usage is not known. Leaving the loop ended the call. */
function stopped(
  exchange: Exchange,
  parts: Parts,
  end: { readonly stoppedBy: Verdict; readonly firstTokenMs: number | null },
): Collected {
  const { policy } = exchange.model
  const identity = { digest: null, quantisation: null, servedBy: policy.model }
  const usage = partialUsage(exchange) ?? { inputTokens: 0, outputTokens: 0, source: 'estimated' }
  const answer: Answer = {
    text: parts.text,
    toolCalls: [],
    finishReason: 'length',
    usage,
    signals: null,
    stoppedBy: end.stoppedBy,
    raw: null,
  }
  return { answer, option: null, identity, firstTokenMs: end.firstTokenMs }
}

function finished(
  exchange: Exchange,
  parts: Parts,
  end: { readonly event: Extract<ModelEvent, { type: 'finish' }>; readonly firstTokenMs: number | null },
): Collected {
  const { event, firstTokenMs } = end
  const { finishReason, stopSequence, usage, signals, tokens, raw, identity, vectors } = event
  const { model, run } = exchange
  if (model.policy.tier !== 'frontier')
    run.localModel = { name: model.name, identity, prompt: promptIdentity(promptFor(run.task, model.name)) }
  return {
    answer: {
      text: parts.text,
      toolCalls: parts.toolCalls(),
      finishReason,
      usage,
      signals,
      ...(tokens && { tokens }),
      raw,
      ...(stopSequence && { stopSequence }),
      ...(vectors && { vectors: { values: vectors, cut: 0 } }),
    },
    option: null,
    identity,
    firstTokenMs,
  }
}

/** Pieces of text and of tool calls, joined as they come. */
class Parts {
  text = ''
  /** Of text and tool arguments. */
  chars = 0
  readonly #calls = new Map<number, { id: string; name: string; arguments: string; isCustom?: true }>()

  add(event: ModelEvent): void {
    if (event.type === 'text') this.text += event.delta
    if (event.type === 'text') this.chars += event.delta.length
    if (event.type !== 'tool_call') return
    this.chars += event.argumentsDelta.length
    const call = this.#calls.get(event.index) ?? { id: '', name: '', arguments: '' }
    call.id ||= event.id ?? ''
    call.name ||= event.name ?? ''
    call.arguments += event.argumentsDelta
    if (event.isCustom) call.isCustom = true
    this.#calls.set(event.index, call)
  }

  toolCalls(): readonly ToolCall[] {
    return [...this.#calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call)
  }
}

/** Four characters a token: the usual rule of thumb, and marked as estimated. Null when nothing came. */
export function partialUsage(exchange: Exchange): Usage | null {
  if (exchange.receivedChars === 0) return null
  const inputChars = exchange.request.messages.reduce((sum, message) => sum + messageText(message).length, 0)
  const outputTokens = Math.ceil(exchange.receivedChars / 4)
  return { inputTokens: Math.ceil(inputChars / 4), outputTokens, source: 'estimated' }
}
