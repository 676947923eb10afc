import type { Attempt } from '../../src/spec/decision.ts'

/** An answered attempt; `big` is a frontier, every other model is local. */
export function attempt(model: string, change: Partial<Attempt> = {}): Attempt {
  const actor = model === 'big' ? 'frontier' : 'local'
  return {
    model,
    actor,
    tier: actor === 'local' ? 'local_fast' : 'frontier',
    purpose: 'answer',
    outcome: 'answered',
    error: null,
    errorMessage: null,
    latencyMs: 1000,
    firstTokenMs: null,
    usage: null,
    costUsd: 0,
    priceSource: null,
    finishReason: 'stop',
    ...change,
  }
}
