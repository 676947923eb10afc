/** What a call cost. An unknown price is null, never 0. */
import { createRequire } from 'node:module'
import type { Usage } from '../spec/decision.ts'
import type { ModelPolicy } from '../spec/policy.ts'
import { batchShare } from './batch-share.ts'

/** The keys of a model's policy that its price depends on. */
export type PricedModel = Pick<ModelPolicy, 'provider' | 'model' | 'tier' | 'baseUrl' | 'priceUsdPerMillion'>

export interface CallCost {
  /** US dollars; null when no price is known. */
  readonly costUsd: number | null
  /** Where the price came from: the policy, the bundled table with its version, or nothing to pay (`local`). */
  readonly priceSource: 'policy' | 'local' | typeof TABLE | null
}

/**
 * The cost of one call: `priceUsdPerMillion` of the policy, else 0 for a model on this machine (energy is not counted),
 * else the bundled price table, read for the provider at the model's base URL.
 *
 * @param servedBy the model id that the provider reported; the configured id is tried when the table does not know it
 */
export function callCost(model: PricedModel, usage: Usage, servedBy: string): CallCost {
  const own = model.priceUsdPerMillion
  if (own !== undefined) {
    const cached = own.cachedInput === undefined ? 0 : (usage.cachedInputTokens ?? 0)
    const inputUsd = (usage.inputTokens - cached) * own.input + cached * (own.cachedInput ?? 0)
    const costUsd = (inputUsd + usage.outputTokens * own.output) / TOKENS_PER_PRICE
    return { costUsd, priceSource: 'policy' }
  }
  if (model.tier !== 'frontier') return { costUsd: 0, priceSource: 'local' }
  const costUsd = tableCost(servedBy, model, usage) ?? tableCost(model.model, model, usage)
  return { costUsd, priceSource: costUsd === null ? null : TABLE }
}

/** The same for a call that went into a provider's batch, where the model has one. */
export function batchCost(model: ModelPolicy, usage: Usage, servedBy: string): CallCost {
  const { costUsd, priceSource } = callCost(model, usage, servedBy)
  return { costUsd: costUsd === null ? null : costUsd * batchShare(model), priceSource }
}

/** The context window of a model, as the bundled table knows it; null when it does not. Behind another address it is the same model. */
export function windowTokens({ provider, model, tier, baseUrl }: PricedModel): number | null {
  const at = (address: Pick<PricedModel, 'baseUrl'>): number | undefined =>
    foundIn(NOTHING_USED, model, { provider, model, tier, ...address })?.model.context_window
  return at({ baseUrl }) ?? at({}) ?? null
}

const NOTHING_USED = { input_tokens: 0, output_tokens: 0 }

const TOKENS_PER_PRICE = 1_000_000

/** The price table that is bundled with this exact version of the package; nothing is fetched. */
const TABLE = 'genai-prices 0.1.8'

/** Loaded with the first call whose price the policy does not say: the table is large. */
const load = createRequire(import.meta.url)

function tableCost(modelId: string, model: PricedModel, usage: Usage): number | null {
  const tokens = {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    ...(usage.cachedInputTokens === undefined ? {} : { cache_read_tokens: usage.cachedInputTokens }),
    ...(usage.cacheWriteTokens === undefined ? {} : { cache_write_tokens: usage.cacheWriteTokens }),
  }
  const found = foundIn(tokens, modelId, model)
  if (found === null) return null
  const { input_mtok: input, output_mtok: output } = found.model_price
  // A table row without token prices sums up to 0, which is not what the call cost.
  const isPriced = input !== undefined && (output !== undefined || usage.outputTokens === 0)
  return isPriced ? found.total_price : null
}

type Table = typeof import('@pydantic/genai-prices')

function foundIn(tokens: Parameters<Table['calcPrice']>[0], modelId: string, model: PricedModel) {
  // A provider is known by its address alone: behind a gateway on another address other prices may hold.
  const provider = model.baseUrl === undefined ? { providerId: model.provider } : { providerApiUrl: model.baseUrl }
  try {
    const { calcPrice } = load('@pydantic/genai-prices') as Table
    return calcPrice(tokens, modelId, provider)
  } catch {
    // The table refuses counts that contradict each other; then the cost is not known.
    return null
  }
}
