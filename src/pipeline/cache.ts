/** The same request again: its answer is given again, when nothing speaks against it. */
import type { Outcome } from '../spec/response.ts'
import type { CachedAnswer } from './answer-cache.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'

/** Characters of an answer beyond which it is not kept. */
const MAX_CHARS = 100_000

/** Fields of a caller's own body that change nothing of the answer, or stand in the key already. */
const UNIMPORTANT: ReadonlySet<string> = new Set(['messages', 'stream', 'stream_options', 'metadata', 'user', 'store'])

/**
 * The whole of what shapes an answer: everything the caller sent, the tenant, the task, the models that would be asked, and the
 * policy. Null for requests that are not cached: private ones, those with tools or hard stops, those whose caller wants
 * variety or a route of their own, drawn samples, and every request whose task is only watched.
 */
export function cacheKey(
  { request, features, decision, isSampled }: Run,
  { loaded, heads }: PipelineDeps,
): string | null {
  const { temperature = 0, tools = [], needs = [], override = 'auto' } = request
  if (!loaded.policy.cache.exact || features.partition === 'local_only' || features.hardStops.length > 0) return null
  if (temperature > 0 || tools.length > 0 || features.hasTools || features.hasImages || needs.length > 0) return null
  if (override !== 'auto' || isSampled || decision.shadow || decision.degraded) return null
  if (decision.route !== 'local' && decision.route !== 'frontier') return null
  const { messages, responseSchema = null, maxOutputTokens = null, topP = null, stop = [], seed = null, wire } = request
  const fields = Object.entries(wire?.body ?? {}).filter(([field]) => !UNIMPORTANT.has(field))
  const head = heads.get(features.task)?.digest ?? null
  const asked = [messages, responseSchema, maxOutputTokens, topP, stop, seed, fields]
  const answering = [
    features.task,
    features.tenant,
    features.partition,
    decision.route,
    decision.local,
    decision.frontier,
  ]
  return hexDigest(JSON.stringify([loaded.digest, head, answering, asked]))
}

/** @returns null when the answer is not known, or must not be given again */
export function cachedAnswer(run: Run, deps: PipelineDeps): CachedAnswer | null {
  const key = deps.cache && cacheKey(run, deps)
  return (key && deps.cache?.get(key)) || null
}

/** Keeps an answer that was given whole: ended by itself, by whom the plan named, and refused by nobody. */
export function keepAnswer(run: Run, deps: PipelineDeps, outcome: Outcome): void {
  const { answer, toolCalls, finishReason, decision, signals } = outcome
  const key = deps.cache && cacheKey(run, deps)
  if (!key || answer === null || answer === '' || answer.length > MAX_CHARS || toolCalls.length > 0) return
  if (finishReason !== 'stop' || decision.degraded || run.reading !== null) return
  if (decision.route !== 'local' && decision.route !== 'frontier') return
  if (outcome.verdicts.some(({ gate, accepted }) => gate === 'answer_hard_stop' && !accepted)) return
  const { model, tier, proven } = decision
  deps.cache?.set(key, { answer, finishReason, signals, decision: { model, tier, proven } })
}
