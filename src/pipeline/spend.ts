/** Money around a call of a frontier: reserved before it is made, booked after it, whatever became of it. */
import { inputBound } from '../route/input-bound.ts'
import type { BudgetScope } from '../spec/budget.ts'
import type { Usage } from '../spec/decision.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import { scopesOf } from './ceilings.ts'
import type { Collected, Exchange } from './exchange.ts'

/** Failures in which the provider did no work, or was not called at all, so nothing can have been billed. */
const UNBILLED: ReadonlySet<string> = new Set([
  'held_for_human',
  'cost_unbounded',
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

/**
 * What the call may cost at most: the input as `inputBound` counts it, and for each answer its cap, which a call under a ceiling
 * always carries (`ModelCall.isBounded`).
 *
 * @throws RouterError cost_unbounded: what the provider adds fills a context window whose size nobody knows
 */
function boundUsd({ request, model, deps }: Exchange): number {
  const { policy } = model
  const { tokens, windows, uncounted } = inputBound(request, policy)
  const window = uncounted === null ? 0 : windowTokens({ request, model, deps }, uncounted)
  const inputTokens = Math.max(tokens, Math.ceil(window * windows))
  const body = request.wire?.body
  const outputTokens = (request.maxOutputTokens ?? policy.maxOutputTokens) * choicesOf(body) + predictedOf(body)
  const usage = { inputTokens, outputTokens, source: 'estimated' } as const
  const priced = (own: Usage): number =>
    deps.price(policy, own, policy.model).costUsd ?? unknownUsd(deps.loaded.policy, own)
  // Callers of the Messages API choose what the provider keeps, and that costs more than reading it.
  const mayKeep = request.wire?.dialect === 'anthropic_messages'
  return Math.max(priced(usage), mayKeep ? priced({ ...usage, cacheWriteTokens: inputTokens }) : 0)
}

/** Price tables round the windows of models: 1,047,576 tokens are a million there. */
const ROUNDED = 1.05
/** A feature of the Messages API that widens the window of a model. */
const WIDE = /(?:^|,)\s*context-1m/
const WIDE_TOKENS = 1_000_000

function windowTokens({ request, model, deps }: Pick<Exchange, 'request' | 'model' | 'deps'>, subject: string): number {
  const { policy } = model
  const listed = deps.windowTokens?.(policy) ?? null
  const known = policy.contextTokens ?? (listed === null ? null : ROUNDED * listed)
  if (known === null) throw new RouterError('cost_unbounded', { subject, model: model.name })
  const isWide = WIDE.test(request.wire?.headers?.['anthropic-beta'] ?? '')
  return isWide ? Math.max(known, ROUNDED * WIDE_TOKENS) : known
}

/** Callers may ask for several answers at once, and for the best of several. */
function choicesOf(body: Readonly<Record<string, unknown>> | undefined): number {
  const counts = [body?.n, body?.best_of].filter((count) => Number.isInteger(count)) as number[]
  return Math.max(1, ...counts)
}

/** What of a text that was foretold does not come true is paid like an answer. */
function predictedOf(body: Readonly<Record<string, unknown>> | undefined): number {
  const { prediction } = body ?? {}
  return prediction === undefined || prediction === null ? 0 : Buffer.byteLength(JSON.stringify(prediction))
}

function unknownUsd(
  { budgets }: Policy,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
): number {
  const { input, output } = budgets.unknownPriceUsdPerMillion
  return (usage.inputTokens * input + usage.outputTokens * output) / 1e6
}
