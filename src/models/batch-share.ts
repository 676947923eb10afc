/** What a call costs in a provider's own batch, as a share of its usual price. */
import { PROVIDER_URLS } from '../spec/destination.ts'
import type { ModelPolicy } from '../spec/policy.ts'

/**
 * By host; sources: the providers' guides to their batch APIs (https://platform.openai.com/docs/guides/batch,
 * https://platform.claude.com/docs/en/build-with-claude/batch-processing), which name a discount of 50 %.
 */
const SHARES: Readonly<Record<string, number>> = { 'api.openai.com': 0.5, 'api.anthropic.com': 0.5 }

/** 1 where nobody says that it is cheaper; the policy's own figure wins. */
export function batchShare({ batch, baseUrl, provider }: Pick<ModelPolicy, 'batch' | 'baseUrl' | 'provider'>): number {
  if (!batch) return 1
  const url = baseUrl ?? (provider === 'anthropic' ? PROVIDER_URLS.anthropic : PROVIDER_URLS.openai)
  return batch.priceShare ?? SHARES[new URL(url).hostname] ?? 1
}
