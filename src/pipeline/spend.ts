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
  if (model.policy.tier !== 'frontier') return await call()
  const scopes = scopesOf(run, deps)
  const isFree = scopes.length === 0 && run.maxCostUsd === null
  return isFree
    ? await call()
    : await withinCallersLimit(exchange, (usd) => withinCeilings(exchange, { scopes, usd }, call))
}

/** What the caller allows for one request holds over all its calls, those at the same time included. */
async function withinCallersLimit(exchange: Exchange, call: (usd: number) => Promise<Booked>): Promise<Collected> {
  const { run } = exchange
  const usd = boundUsd(exchange)
  const left = (run.maxCostUsd ?? Number.POSITIVE_INFINITY) - run.taken.usd
  if (usd > left) {
    const values = {
      scope: 'request',
      period: 'this request',
      left: Math.max(0, left).toFixed(6),
      need: usd.toFixed(6),
    }
    throw new RouterError('budget_exhausted', values)
  }
  run.taken.usd += usd
  try {
    const { collected, spentUsd } = await call(usd)
    run.taken.usd += spentUsd - usd
    return collected
  } catch (error) {
    const failure = toRouterError(error)
    if (isUnbilled(failure, exchange) || failure.code === 'budget_exhausted') run.taken.usd -= usd
    throw error
  }
}

interface Booked {
  readonly collected: Collected
  readonly spentUsd: number
}

async function withinCeilings(
  exchange: Exchange,
  { scopes, usd }: { readonly scopes: readonly BudgetScope[]; readonly usd: number },
  call: () => Promise<Collected>,
): Promise<Booked> {
  const { deps, model } = exchange
  const spent = ({ answer, identity }: Collected): number =>
    deps.price(model.policy, answer.usage, identity.servedBy).costUsd ?? unknownUsd(deps.loaded.policy, answer.usage)
  const { budgets } = deps
  if (scopes.length === 0) {
    const collected = await call()
    return { collected, spentUsd: spent(collected) }
  }
  // A ceiling that nobody could keep is no ceiling.
  if (!budgets) throw new RouterError('budget_unwritable', { path: 'budgets.sqlite', problem: 'it is not open' })
  const reserved = budgets.reserve(scopes, usd)
  if ('exhausted' in reserved) {
    const { exhausted, leftUsd } = reserved
    const values = { scope: exhausted.name, period: exhausted.period, left: leftUsd.toFixed(6), need: usd.toFixed(6) }
    throw new RouterError('budget_exhausted', values)
  }
  try {
    const collected = await call()
    const spentUsd = spent(collected)
    budgets.settle(reserved, spentUsd)
    return { collected, spentUsd }
  } catch (error) {
    // A call that broke may have been billed to its end.
    budgets.settle(reserved, isUnbilled(toRouterError(error), exchange) ? 0 : usd)
    throw error
  }
}

/** The ceilings of a request; empty when neither the policy nor its key sets one. */
export function scopesOf(
  { features, key }: Pick<Run, 'features' | 'key'>,
  { loaded, clock }: PipelineDeps,
): readonly BudgetScope[] {
  const { task, tenant } = features
  return budgetScopes(loaded.policy.budgets, { task, tenant, key, nowMs: clock.epochMs() })
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
