/** What a call costs in a provider's own batch, as a share of its usual price. */
import type { ModelPolicy } from '../spec/policy.ts'

/** By host; source: the provider's guide to its batch API (https://platform.openai.com/docs/guides/batch), which names a discount of 50 %. */
const SHARES: Readonly<Record<string, number>> = { 'api.openai.com': 0.5 }

/** 1 where nobody says that it is cheaper; the policy's own figure wins. */
export function batchShare({ batch, baseUrl }: Pick<ModelPolicy, 'batch' | 'baseUrl'>): number {
  if (!batch) return 1
  const host = baseUrl === undefined ? 'api.openai.com' : new URL(baseUrl).hostname
  return batch.priceShare ?? SHARES[host] ?? 1
}
