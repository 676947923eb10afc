/** What a call cost. An unknown price is null, never 0. */
import { createRequire } from 'node:module'
import type { Usage } from '../spec/decision.ts'
import type { ModelPolicy } from '../spec/policy.ts'

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
  // A provider is known by its address alone: behind a gateway on another address other prices may hold.
  const provider = model.baseUrl === undefined ? { providerId: model.provider } : { providerApiUrl: model.baseUrl }
  try {
    const { calcPrice } = load('@pydantic/genai-prices') as typeof import('@pydantic/genai-prices')
    const found = calcPrice(tokens, modelId, provider)
    if (found === null) return null
    const { input_mtok: input, output_mtok: output } = found.model_price
    // A table row without token prices sums up to 0, which is not what the call cost.
    const isPriced = input !== undefined && (output !== undefined || usage.outputTokens === 0)
    return isPriced ? found.total_price : null
  } catch {
    // The table refuses counts that contradict each other; then the cost is not known.
    return null
  }
}
