/** The same request again, or one that asks the same: its answer is given again, when nothing speaks against it. */
import { type PlainQuestion, plainQuestion, questionLikeness } from '../classify/same-question.ts'
import { isStopped } from '../gates/gates.ts'
import { refusalIn } from '../gates/refusal.ts'
import type { Verdict } from '../spec/decision.ts'
import { PRIVATE_KINDS } from '../spec/private-kinds.ts'
import type { Message } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { CachedAnswer } from './answer-cache.ts'
import { finderFor } from './find-private.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'

/** An answer that may be given again, and why it may when the request is not the very same. */
export interface CacheHit extends CachedAnswer {
  readonly verdicts: readonly Verdict[]
}

/** @returns null when the answer is not known, or must not be given again */
export function cachedAnswer(run: Run, deps: PipelineDeps): CacheHit | null {
  const { cache, loaded } = deps
  if (!cache || !isCacheable(run)) return null
  const { exact, semantic, similarity } = loaded.policy.cache
  const same = exact ? cache.get(cacheKey(run, deps, run.request.messages)) : undefined
  if (same) return { ...same, verdicts: [] }
  const near = semantic ? nearKey(run, deps) : null
  const known = near ? cache.get(near.key) : undefined
  if (!near || !known?.question) return null
  const likeness = questionLikeness(near.question, known.question)
  return likeness < similarity ? null : { ...known, verdicts: [nearVerdict(likeness, similarity)] }
}

/** Keeps an answer that was given whole: ended by itself, by whom the plan named, and refused by nobody. */
export function keepAnswer(run: Run, deps: PipelineDeps, outcome: Outcome): void {
  const { cache, loaded } = deps
  const { answer, finishReason, signals, decision } = outcome
  if (!cache || answer === null || !isCacheable(run) || !isWhole(run, outcome)) return
  const { model, tier, proven } = decision
  const kept = { answer, finishReason, signals, decision: { model, tier, proven }, question: null }
  if (loaded.policy.cache.exact) cache.set(cacheKey(run, deps, run.request.messages), kept)
  const near = loaded.policy.cache.semantic ? nearKey(run, deps) : null
  if (near) cache.set(near.key, { ...kept, question: near.question })
}

/**
 * Not cached are private requests, those that a person let go on, those with tools or hard stops, those whose caller wants variety or a route of their own,
 * drawn samples, and every request whose task is only watched.
 */
function isCacheable({ request, features, decision, isSampled, lift }: Run): boolean {
  const { temperature = 0, tools = [], needs = [], override = 'auto' } = request
  if (request.embed || request.completion || lift) return false
  if (features.partition === 'local_only' || features.hardStops.length > 0) return false
  if (temperature > 0 || tools.length > 0 || features.hasTools || features.hasImages || needs.length > 0) return false
  if (override !== 'auto' || isSampled || decision.shadow || decision.degraded) return false
  return decision.route === 'local' || decision.route === 'frontier'
}

/** Characters of an answer beyond which it is not kept. */
const MAX_CHARS = 100_000

function isWhole(run: Run, { answer, toolCalls, finishReason, decision, verdicts }: Outcome): boolean {
  if (!answer || answer.length > MAX_CHARS || toolCalls.length > 0 || refusalIn(answer) !== null) return false
  if (finishReason !== 'stop' || decision.degraded || run.reading !== null) return false
  if (decision.route !== 'local' && decision.route !== 'frontier') return false
  return !isStopped(verdicts)
}

/** Fields of a caller's own body that change nothing of the answer, or stand in the key already. */
const UNIMPORTANT: ReadonlySet<string> = new Set(['messages', 'stream', 'stream_options', 'metadata', 'user', 'store'])

/**
 * The whole of what shapes an answer: everything the caller sent, the tenant, the task, the models that would be asked, and
 * the policy.
 */
function cacheKey(
  { request, features, decision, task: settings }: Run,
  { loaded, heads }: PipelineDeps,
  messages: readonly Message[],
): string {
  const { responseSchema = null, maxOutputTokens = null, topP = null, stop = [], seed = null, wire } = request
  const fields = Object.entries(wire?.body ?? {}).filter(([field]) => !UNIMPORTANT.has(field))
  const judging = [features.task, settings.stopCheck?.task ?? ''].map((name) => heads.get(name)?.digest ?? null)
  const asked = [messages, responseSchema, maxOutputTokens, topP, stop, seed, fields]
  const { task, tenant, partition } = features
  const answering = [task, tenant, partition, decision.route, decision.local, decision.frontier]
  return hexDigest(JSON.stringify([loaded.digest, judging, answering, asked]))
}

/**
 * The same key with the words of the last question in place of its text. Only for open tasks: what a typed task reads is not
 * a question but its subject. Null with private data in the question, and where each text is to be looked at by a stop check.
 */
function nearKey(run: Run, deps: PipelineDeps): { readonly key: string; readonly question: PlainQuestion } | null {
  const { kind } = run.features
  const last = run.request.messages.at(-1)
  if (run.task.stopCheck) return null
  if ((kind !== 'text' && kind !== 'answer') || last?.role !== 'user' || typeof last.content !== 'string') return null
  const question = plainQuestion(last.content)
  if (!question || mayBePrivate(last.content, deps)) return null
  const asked = { ...last, content: question.words }
  return { key: `near:${cacheKey(run, deps, [...run.request.messages.slice(0, -1), asked])}`, question }
}

function mayBePrivate(text: string, deps: PipelineDeps): boolean {
  try {
    return finderFor(deps)(text, PRIVATE_KINDS).length > 0
  } catch {
    return true
  }
}

function nearVerdict(score: number, threshold: number): Verdict {
  const detail = `The question says the same as one before; likeness ${score.toFixed(3)}, at least ${threshold}.`
  return { gate: 'semantic_cache', accepted: true, reason: null, score, threshold, detail }
}
