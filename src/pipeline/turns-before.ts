/** Which turn a request goes on with, and what is written down of the one it makes. */
import type { Usage } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { TurnBefore } from '../spec/turns.ts'
import { linkBefore } from './conversation.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'
import type { AnsweredTurn } from './turn-book.ts'

/**
 * Providers drop a cached prompt after five minutes without use (Anthropic's default; OpenAI says five to ten). Longer would
 * keep a conversation at a model for a saving that is not there.
 */
const WARM_MS = 5 * 60_000
/** OpenAI caches prompts from so many tokens on without being asked, and reports only what it read from there. */
const AUTOMATIC_CACHE_TOKENS = 1024

/** The turn that a request goes on with; null when it begins a conversation, or nobody here answered before. */
export function turnBefore(request: RouterRequest, features: Features, deps: PipelineDeps): TurnBefore | null {
  const { messages } = request
  const last = messages.findLastIndex(({ role }) => role === 'assistant')
  if (last === -1) return null
  const keys = [...callKeys(messages[last]?.toolCalls ?? [], features), turnKey(request, last, features)]
  const turn = keys.map((key) => deps.turns.find(key)).find((found) => found !== undefined)
  if (turn === undefined) return null
  const { model, actor, tier, usage } = turn
  const warmTokens = deps.clock.monotonicMs() - turn.atMs < WARM_MS ? cachedTokens(turn, deps) : 0
  const inputTokens = Math.max(usage.inputTokens, features.inputTokensEstimated)
  const writesCache = (usage.cacheWriteTokens ?? 0) + (usage.cachedInputTokens ?? 0) > 0
  const nextCostUsd = (name: string): number | null => {
    const { policy } = deps.roster.model(name)
    const cache =
      name === model
        ? { cachedInputTokens: Math.min(warmTokens, inputTokens) }
        : writesCache && policy.provider === 'anthropic'
          ? { cacheWriteTokens: inputTokens }
          : {}
    const next: Usage = { inputTokens, outputTokens: usage.outputTokens, source: 'estimated', ...cache }
    return deps.price(policy, next, policy.model).costUsd
  }
  return { model, actor, tier, nextCostUsd, warmTokens }
}

/** Only what a model answered: a solver, a cache and a person hold no conversation. */
export function rememberTurn(run: Run, deps: PipelineDeps, outcome: Outcome): void {
  const { route, model, tier } = outcome.decision
  if (model === null || tier === null || outcome.usage === null || (route !== 'local' && route !== 'frontier')) return
  const { request, features } = run
  if (request.embed || request.completion) return
  const turn: AnsweredTurn = { model, actor: route, tier, usage: outcome.usage, atMs: deps.clock.monotonicMs() }
  for (const key of callKeys(outcome.toolCalls, features)) deps.turns.remember(key, turn)
  deps.turns.remember(turnKey(request, request.messages.length, features), turn)
}

/** Ids of tool calls last when an agent rewrites or shortens what was said before. */
function callKeys(calls: NonNullable<Message['toolCalls']>, { tenant, conversationHash }: Features): readonly string[] {
  return calls.filter(({ id }) => id !== '').map(({ id }) => `call:${hexDigest(`${tenant}:${conversationHash}:${id}`)}`)
}

/** A side request of an agent, for a title or a summary, has no tools and is no turn of the same conversation. */
function turnKey({ metadata, messages }: RouterRequest, count: number, features: Features): string {
  const { tenant, hasTools } = features
  const name = metadata?.conversation === undefined ? '' : hexDigest(metadata.conversation)
  return `turn:${tenant}:${hasTools}:${name}:${linkBefore(messages, count) ?? ''}`
}

function cachedTokens({ model, usage }: AnsweredTurn, deps: PipelineDeps): number {
  const reported = (usage.cachedInputTokens ?? 0) + (usage.cacheWriteTokens ?? 0)
  const { provider } = deps.roster.model(model).policy
  const automatic = (provider === 'openai' || provider === 'azure') && usage.inputTokens >= AUTOMATIC_CACHE_TOKENS
  return automatic ? Math.max(reported, usage.inputTokens) : reported
}
