/** Money around a call of a frontier: reserved before it is made, booked after it, whatever became of it. */
import { budgetScopes } from '../route/budget.ts'
import type { BudgetScope } from '../spec/budget.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import { messageText } from '../spec/request.ts'
import type { Collected, Exchange } from './exchange.ts'
import type { PipelineDeps, Run } from './run.ts'

/** Failures in which the provider did no work, or was not called at all, so nothing can have been billed. */
const UNBILLED: ReadonlySet<string> = new Set([
  'held_for_human',
  'privacy_local_only',
  'audit_unwritable',
  'disk_full',
  'model_unreachable',
  'dns_failure',
  'model_rate_limited',
  'model_auth_failed',
  'model_refused_request',
])

/**
 * Statuses by which a provider says itself that it made no answer. 408, 502 and 504 come from what stands between: behind it
 * the model may have worked to the end.
 */
const UNBILLED_STATUSES: ReadonlySet<unknown> = new Set([409, 425, 500, 503, 529])

/** Whoever has begun to answer wants to be paid, whatever came then. */
export function isUnbilled({ code, values }: RouterError, { receivedChars }: Pick<Exchange, 'receivedChars'>): boolean {
  if (receivedChars > 0) return false
  return UNBILLED.has(code) || (code === 'model_failed' && UNBILLED_STATUSES.has(values.status))
}

/** @throws RouterError budget_exhausted: nothing was sent */
export async function withinBudget(exchange: Exchange, call: () => Promise<Collected>): Promise<Collected> {
  const { deps, run, model } = exchange
  const scopes = model.policy.tier === 'frontier' ? scopesOf(run, deps) : []
  if (scopes.length === 0 || !deps.budgets) return await call()
  const { budgets } = deps
  const usd = boundUsd(exchange)
  const reserved = budgets.reserve(scopes, usd)
  if ('exhausted' in reserved) {
    const { exhausted, leftUsd } = reserved
    const values = { scope: exhausted.name, period: exhausted.period, left: leftUsd.toFixed(6), need: usd.toFixed(6) }
    throw new RouterError('budget_exhausted', values)
  }
  try {
    const collected = await call()
    const { costUsd } = deps.price(model.policy, collected.answer.usage, collected.identity.servedBy)
    budgets.settle(reserved, costUsd ?? unknownUsd(deps.loaded.policy, collected.answer.usage))
    return collected
  } catch (error) {
    // A call that broke may have been billed to its end.
    budgets.settle(reserved, isUnbilled(toRouterError(error), exchange) ? 0 : usd)
    throw error
  }
}

/** The ceilings of a request; empty when the policy sets none. */
export function scopesOf({ features }: Pick<Run, 'features'>, { loaded, clock }: PipelineDeps): readonly BudgetScope[] {
  const { task, tenant } = features
  return budgetScopes(loaded.policy.budgets, { task, tenant, nowMs: clock.epochMs() })
}

/** A message costs a few tokens beside its text; 16 is twice what providers document. */
const TOKENS_PER_MESSAGE = 16

/**
 * What the call may cost at most: no tokenizer makes more tokens than a text has bytes, and the answer ends at its cap. Masking
 * makes texts a little longer, so they count one and a half times.
 */
function boundUsd({ request, model, deps }: Exchange): number {
  const { messages, tools = [], responseSchema = null, wire } = request
  const written = wire ? JSON.stringify(wire.body) : messages.map(messageText).join('\n')
  const bytes = Buffer.byteLength(written) + Buffer.byteLength(JSON.stringify([tools, responseSchema]))
  const inputTokens = Math.ceil(1.5 * bytes) + TOKENS_PER_MESSAGE * messages.length
  const outputTokens = (request.maxOutputTokens ?? model.policy.maxOutputTokens) * choicesOf(wire?.body)
  const usage = { inputTokens, outputTokens, source: 'estimated' } as const
  return deps.price(model.policy, usage, model.policy.model).costUsd ?? unknownUsd(deps.loaded.policy, usage)
}

/** Callers may ask for several answers at once. */
function choicesOf(body: Readonly<Record<string, unknown>> | undefined): number {
  const count = body?.n
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : 1
}

function unknownUsd(
  { budgets }: Policy,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
): number {
  const { input, output } = budgets.unknownPriceUsdPerMillion
  return (usage.inputTokens * input + usage.outputTokens * output) / 1e6
}
