/** The only place that asks a model: fall back over the actor's models, one retry owner, every call on record. */

import type { Asked, Delivery } from '../patterns/pattern.ts'
import type { Actor, Attempt } from '../spec/decision.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { CallLimits } from '../spec/ports.ts'
import type { RouterRequest } from '../spec/request.ts'
import {
  type AskContext,
  type Collected,
  type Exchange,
  generateOnce,
  laneOf,
  partialUsage,
  type Reader,
} from './exchange.ts'
import { nobodyAnswered } from './explain.ts'
import { type Racer, race } from './hedge.ts'
import { whileInService } from './in-service.ts'
import { requestFor } from './model-request.ts'
import { withRetries } from './retry.ts'
import { tell, written } from './run.ts'
import { isUnbilled, withinBudget } from './spend.ts'
import { beginCall, responseIdOf } from './traced.ts'
import { readerFor } from './typed.ts'

/**
 * @throws RouterError of the model that failed, `no_model_available` when several frontiers did; what was tried stands in
 * `run.attempts`
 */
export async function ask(context: AskContext, actor: Actor, what: Question): Promise<Asked> {
  const models = what.models ?? context.run.decision[actor]
  if (context.purpose === 'answer') context.run.among = models
  const allowed = attemptsLeft(context, actor, models)
  const ways = waysTo(context, models).slice(0, allowed)
  const failures: RouterError[] = []
  let at = 0
  for (let way = ways[at]; way !== undefined; way = ways[at]) {
    const next = ways[at + 1]
    const isHedged = mayHedge(context, actor) && next !== undefined
    const tries = actor === 'frontier' && next === undefined && what.again !== 'never' ? allowed - at : 1
    const result = isHedged
      ? await raceBoth(context, [way, next], what)
      : await tryWay(context, way, { ...what, tries })
    if ('answer' in result) return result.answer
    const last = result.failures.find((failure) => !mayFallBack(failure)) ?? result.failures.at(-1)
    if (last && (result.delivered || !mayFallBack(last) || context.signal.aborted)) throw last
    failures.push(...result.failures)
    at += result.asked
  }
  throw nobodyAnswered(context.run, actor, failures)
}

export interface Question {
  readonly request: RouterRequest
  readonly delivery: Delivery
  /** Names, first choice first. Default: those that the route leaves to the actor. */
  readonly models?: readonly string[]
  /** No model is tried twice: somebody else is asked at once. */
  readonly again?: 'never'
  /** As in `OpinionCall`; `task` when absent. */
  readonly prompt?: OpinionCall['prompt']
  readonly read?: Reader
}

/** What failed on a lower tier counts, too; each tier is asked once in any case. */
function attemptsLeft({ run, deps, purpose }: AskContext, actor: Actor, models: readonly string[]): number {
  const below = run.attempts.filter(
    (made) =>
      made.actor === actor && made.purpose === purpose && made.outcome === 'failed' && !models.includes(made.model),
  )
  return Math.max(1, 1 + deps.loaded.policy.routing.maxFallbackAttempts - below.length)
}

/** A second call is paid for an answer that somebody waits for, and for nothing else. */
function mayHedge({ run, purpose }: AskContext, actor: Actor): boolean {
  return actor === 'frontier' && purpose === 'answer' && run.task.hedgeAfter !== undefined
}

/** The answer, or why there is none, after so many ways. */
type Tried =
  | { readonly answer: Asked }
  | {
      readonly failures: readonly RouterError[]
      readonly asked: number
      /** Something of it has reached the caller. */
      readonly delivered: boolean
    }

async function tryWay(context: AskContext, way: Way, what: Question & { readonly tries: number }): Promise<Tried> {
  const exchange = openExchange(context, way, what)
  try {
    return { answer: await askModel(context, exchange, what.tries) }
  } catch (error) {
    return { failures: [toRouterError(error)], asked: 1, delivered: exchange.delivered }
  }
}

/** The second is asked as well when the first says nothing for a while; see `hedgeAfter`. */
async function raceBoth(context: AskContext, [one, two]: readonly [Way, Way], what: Question): Promise<Tried> {
  const exchanges: Exchange[] = []
  const call = (way: Way) => (racer: Racer) => {
    const own = { ...context, signal: racer.signal }
    const exchange = { ...openExchange(own, way, what), racer }
    exchanges.push(exchange)
    return askModel(own, exchange, 1)
  }
  const result = await race({
    first: call(one),
    second: call(two),
    afterMs: context.run.task.hedgeAfter ?? Number.POSITIVE_INFINITY,
    clock: context.deps.clock,
    signal: context.signal,
  })
  return 'answer' in result ? result : { ...result, delivered: exchanges.some(({ delivered }) => delivered) }
}

interface Way {
  readonly name: string
  readonly lane: number
}

/** Every key and region of a model comes before the next model: the answer stays the first choice's own. */
function waysTo({ deps }: AskContext, models: readonly string[]): readonly Way[] {
  return models.flatMap((name) => deps.roster.lanes(name).map((lane) => ({ name, lane })))
}

/** One call of one model that is not the answer: nobody else is asked when it fails, and it is not made again. */
export interface OpinionCall {
  readonly model: string
  readonly request: RouterRequest
  /** `task`: the task's prompt for the model is put around the request. `own`: it is sent as it stands. */
  readonly prompt: 'task' | 'own'
  /** How the answer is got; as the task's answers are when absent. */
  readonly read?: Reader
  readonly adapter: TaskPolicy['adapter']
  /** Milliseconds that are left for it. */
  readonly totalMs: number
}

/** @throws RouterError of the call; it stands in `run.attempts` like every other */
export async function askForOpinion(context: AskContext, call: OpinionCall): Promise<Asked> {
  const { run, deps } = context
  const model = deps.roster.model(call.model)
  const [lane = 0] = deps.roster.lanes(call.model)
  const port = deps.roster.port(call.model, { lane, adapter: call.adapter })
  const writesJson = port.writeJson !== undefined && run.task.kind === 'text' && call.read === undefined
  const exchange: Exchange = {
    ...context,
    model,
    lane,
    port,
    request: call.prompt === 'own' ? call.request : requestFor(run, { model, writesJson }, call.request),
    delivery: 'held',
    ...(call.read && { read: call.read }),
    totalMs: call.totalMs,
    delivered: false,
    receivedChars: 0,
  }
  return askModel(context, exchange, 1)
}

/** Another model may do better where this one failed, or only this one's key or address is no good; not with a bad request. */
export function mayFallBack(failure: RouterError): boolean {
  return failure.row.retryable || failure.code === 'model_auth_failed' || failure.code === 'destination_refused'
}

function openExchange(context: AskContext, { name, lane }: Way, what: Question): Exchange {
  const model = context.deps.roster.model(name)
  const isOwn = what.prompt === 'own'
  const port = context.deps.roster.port(name, { lane, adapter: isOwn ? undefined : context.run.task.adapter })
  const writesJson = port.writeJson !== undefined && context.run.task.kind === 'text'
  return {
    ...context,
    model,
    lane,
    port,
    request: isOwn ? what.request : requestFor(context.run, { model, writesJson }, what.request),
    delivery: what.delivery,
    ...(what.read && { read: what.read }),
    delivered: false,
    receivedChars: 0,
  }
}

async function askModel(context: AskContext, exchange: Exchange, triesLeft: number): Promise<Asked> {
  const { deps } = context
  const { lane } = exchange
  const { name, policy } = exchange.model
  requireLeave(exchange)
  try {
    return await withRetries({
      clock: deps.clock,
      random: deps.random,
      signal: context.signal,
      attemptsLeft: triesLeft,
      deadlineMs: deps.loaded.policy.deadlines[policy.tier].total,
      mayRetry: () => !exchange.delivered && deps.roster.claim(name, 'again', lane) === null,
      call: () => tryOnce(exchange),
    })
  } catch (error) {
    throw context.signal.aborted ? abortedBy(context, error) : error
  }
}

/** The state of the model may have changed since the route was planned, by other requests or by a wait of this one. */
function requireLeave({ deps, run, model, lane, purpose }: Exchange): void {
  // A task that waits (`onUnavailable: queue`) comes here again and again. Who has answered and is to write anew is not tried again.
  const isRepeat =
    purpose === 'answer' &&
    run.attempts.some(
      (made) =>
        made.model === model.name &&
        (made.lane ?? 0) === lane &&
        made.purpose === purpose &&
        made.outcome !== 'answered',
    )
  const obstacle = deps.roster.claim(model.name, isRepeat ? 'again' : 'first', lane)
  if (obstacle === null) return
  if (purpose === 'answer') run.missed.push(model.name)
  throw new RouterError('no_model_available', {
    task: run.features.task,
    why: `model ${model.name}: ${obstacle.why}`,
    fix: 'Try again in a moment; `GET /readyz` shows the state of each model.',
    ...(obstacle.retryInMs !== undefined && { retryAfterSeconds: obstacle.retryInMs / 1000 }),
  })
}

/** One call and its line in the record: a call that failed and is made again may have been billed, too. */
async function tryOnce(exchange: Exchange): Promise<Asked> {
  const { deps, run, model, lane, signal } = exchange
  const startedMs = deps.clock.monotonicMs()
  exchange.receivedChars = 0
  const span = beginCall(exchange)
  const call = () => inTurn(exchange, () => withinBudget(exchange, () => callOnce(exchange)))
  try {
    const collected = await (span ? span.within(call) : call())
    deps.roster.answered(model.name, lane)
    const attempt = answeredAttempt(exchange, collected, startedMs)
    run.attempts.push(attempt)
    span?.ended(attempt, responseIdOf(collected))
    return {
      answer: collected.answer,
      actor: actorOf(exchange),
      model: model.name,
      tier: model.policy.tier,
      option: collected.option,
      delivered: exchange.delivered,
    }
  } catch (error) {
    const failure = signal.aborted ? abortedBy(exchange, error) : toRouterError(error)
    if (isTheModels(failure)) deps.roster.failed(model.name, failure, lane)
    const attempt = failedAttempt(exchange, failure, startedMs)
    run.attempts.push(attempt)
    span?.ended(attempt, null)
    throw failure
  }
}

/** Under `maxConcurrent` a call waits for its turn, as it would for a connection. */
async function inTurn<T>(exchange: Exchange, call: () => Promise<T>): Promise<T> {
  const { deps, model, signal } = exchange
  if (model.policy.maxConcurrent === undefined) return await call()
  const free = await deps.roster.turn(model.name, deps.loaded.policy.deadlines[model.policy.tier].connect, signal)
  if (free === null) throw new RouterError('model_busy', { model: model.name, waiting: 'too many' })
  try {
    return await call()
  } finally {
    free()
  }
}

/** A refused key is the trouble of the lane that it belongs to. */
function isTheModels({ row, code }: RouterError): boolean {
  return code === 'model_auth_failed' || (row.retryable && !NOT_THE_MODELS.has(code))
}

/** A full queue says that the model works, and an unknown host name that our own network does not. */
const NOT_THE_MODELS: ReadonlySet<string> = new Set(['model_busy', 'dns_failure'])

/** Whoever aborted may have said why: the caller's time is over. Without a word the caller has gone. */
export function abortedBy({ run, signal }: AskContext, error?: unknown): RouterError {
  const { reason } = signal
  return reason instanceof RouterError ? reason : new RouterError('cancelled', { requestId: run.requestId }, error)
}

function callOnce(exchange: Exchange): Promise<Collected> {
  return whileInService({ ...exchange, actor: actorOf(exchange) }, (signal) => callNow(exchange, signal))
}

/** The call is on disk before a byte is sent. */
async function callNow(exchange: Exchange, signal: AbortSignal): Promise<Collected> {
  const { deps, run, model } = exchange
  const at = new Date(deps.clock.epochMs()).toISOString()
  const { requestId } = run
  tell(run, { type: 'call', requestId, model: model.name, ...laneOf(exchange), actor: actorOf(exchange), at })
  // For a frontier the egress writes it together with its own line, right before the bytes.
  if (actorOf(exchange) === 'local') await written(run, deps)
  const tier = deps.loaded.policy.deadlines[model.policy.tier]
  const limits: CallLimits = {
    signal,
    priority: exchange.priority,
    ...(exchange.span?.handedOn && { trace: exchange.span.handedOn }),
    deadlines: {
      connectMs: tier.connect,
      ...('load' in tier && { loadMs: tier.load }),
      firstByteMs: tier.firstByte,
      idleMs: tier.idle,
      totalMs: Math.min(tier.total, exchange.totalMs ?? tier.total),
    },
  }
  const read = exchange.read ?? (actorOf(exchange) === 'local' ? readerFor(exchange) : null)
  return read ? read(exchange, limits) : generateOnce(exchange, limits)
}

function answeredAttempt(exchange: Exchange, collected: Collected, startedMs: number): Attempt {
  return {
    ...attemptBase(exchange, startedMs),
    outcome: 'answered',
    error: null,
    errorMessage: null,
    firstTokenMs: collected.firstTokenMs,
    servedBy: collected.identity.servedBy,
    usage: collected.answer.usage,
    ...exchange.deps.price(exchange.model.policy, collected.answer.usage, collected.identity.servedBy),
    finishReason: collected.answer.finishReason,
  }
}

/** A call that broke may still have been billed: without a figure the cost is unknown, not 0. */
function failedAttempt(exchange: Exchange, failure: RouterError, startedMs: number): Attempt {
  const { deps, model } = exchange
  const usage = partialUsage(exchange)
  const free = actorOf(exchange) === 'local' || isUnbilled(failure, exchange) || failure.code === 'budget_exhausted'
  return {
    ...attemptBase(exchange, startedMs),
    outcome: failure.code === 'cancelled' || failure.code === 'deadline_exceeded' ? 'cancelled' : 'failed',
    error: failure.code,
    // A provider may repeat the request in its message, and the audit holds no text; the local engine's words are ours.
    errorMessage: actorOf(exchange) === 'local' ? failure.message : null,
    firstTokenMs: null,
    usage,
    ...(usage && !free
      ? deps.price(model.policy, usage, model.policy.model)
      : { costUsd: free ? 0 : null, priceSource: null }),
    finishReason: null,
  }
}

function attemptBase(
  exchange: Exchange,
  startedMs: number,
): Pick<Attempt, 'model' | 'lane' | 'actor' | 'tier' | 'purpose' | 'latencyMs'> {
  return {
    model: exchange.model.name,
    ...laneOf(exchange),
    actor: actorOf(exchange),
    tier: exchange.model.policy.tier,
    purpose: exchange.purpose,
    latencyMs: Math.round(exchange.deps.clock.monotonicMs() - startedMs),
  }
}

function actorOf(exchange: Exchange): Actor {
  return exchange.model.policy.tier === 'frontier' ? 'frontier' : 'local'
}
