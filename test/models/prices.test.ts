import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { PricedModel } from '../../src/models/prices.ts'
import { callCost, windowTokens } from '../../src/models/prices.ts'
import type { Usage } from '../../src/spec/decision.ts'

const usage: Usage = { inputTokens: 1_000_000, outputTokens: 100_000, source: 'reported' }
const claude: PricedModel = { provider: 'anthropic', model: 'claude-haiku-4-5', tier: 'frontier' }
const nano: PricedModel = {
  provider: 'openai',
  model: 'gpt-4.1-nano',
  tier: 'frontier',
  baseUrl: 'https://api.openai.com/v1',
}

describe('the cost of a call', () => {
  it('comes from the table of its provider: 1 and 5 dollars a million for one model, 0.10 and 0.40 for another', () => {
    expect(callCost(claude, usage, 'claude-haiku-4-5-20251001')).toEqual({
      costUsd: 1.5,
      priceSource: 'genai-prices 0.1.8',
    })
    expect(callCost(nano, usage, 'gpt-4.1-nano').costUsd).toBeCloseTo(0.14, 10)
  })

  it('takes the configured model when the table does not know the reported one', () => {
    expect(callCost(claude, usage, 'scripted-1').costUsd).toBe(1.5)
  })

  it('counts cached input at its own price: a tenth for this model', () => {
    expect(callCost(claude, { ...usage, cachedInputTokens: 1_000_000 }, 'claude-haiku-4-5').costUsd).toBeCloseTo(
      0.6,
      10,
    )
  })

  it('counts cached input at the price that the policy says, or as any input', () => {
    const cached = { ...usage, cachedInputTokens: 750_000 }
    const own = { input: 2, output: 10 }
    const cost = (price: typeof own & { readonly cachedInput?: number }) =>
      callCost({ ...claude, priceUsdPerMillion: price }, cached, 'claude-haiku-4-5').costUsd
    expect(cost(own)).toBe(3)
    expect(cost({ ...own, cachedInput: 0.2 })).toBeCloseTo(0.25 * 2 + 0.75 * 0.2 + 1, 10)
  })

  it('is what the policy says before anything else', () => {
    const own = { priceUsdPerMillion: { input: 2, output: 10 } }
    expect(callCost({ ...claude, ...own }, usage, 'claude-haiku-4-5')).toEqual({ costUsd: 3, priceSource: 'policy' })
    expect(callCost({ ...nano, tier: 'local_quality', ...own }, usage, 'x')).toEqual({
      costUsd: 3,
      priceSource: 'policy',
    })
  })

  it('is 0 for a model on this machine, and says that it is local', () => {
    const local: PricedModel = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' }
    expect(callCost(local, usage, 'smollm2')).toEqual({ costUsd: 0, priceSource: 'local' })
  })

  it.each([
    ['a model the table does not know', { ...nano, model: 'no-such-model' }],
    ['a provider the table does not know', { ...nano, baseUrl: 'https://api.berget.ai/v1' }],
    ['a gateway on another address', { ...nano, baseUrl: 'http://127.0.0.1:4000/v1' }],
  ] as const)('is unknown, not 0, for %s [F59]', (_what, model) => {
    expect(callCost(model, usage, model.model)).toEqual({ costUsd: null, priceSource: null })
  })

  it('is unknown for counts that contradict each other', () => {
    expect(callCost(claude, { ...usage, cachedInputTokens: 2_000_000 }, 'claude-haiku-4-5').costUsd).toBeNull()
  })

  it('names the version of the table that is installed', () => {
    const manifest = new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    expect(callCost(claude, usage, 'claude-haiku-4-5').priceSource).toBe(`genai-prices ${version}`)
  })
})

describe('a table row without a price for answers', () => {
  it('gives no cost, because the sum would be too low', () => {
    const model = { provider: 'openai', model: 'text-embedding-3-small', tier: 'frontier' } as const
    const usage = { inputTokens: 1000, outputTokens: 1000, source: 'reported' } as const
    expect(callCost(model, usage, model.model)).toEqual({ costUsd: null, priceSource: null })
  })
})

describe('the window of a model', () => {
  it('is what the table knows of its name, whatever the address', () => {
    const claude = { provider: 'anthropic', model: 'claude-haiku-4-5', tier: 'frontier' } as const
    expect(windowTokens(claude)).toBe(200_000)
    expect(windowTokens({ ...claude, baseUrl: 'http://127.0.0.1:1' })).toBe(200_000)
    expect(windowTokens({ ...claude, model: 'gpt-x', provider: 'openai' })).toBeNull()
  })
})
