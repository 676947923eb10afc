/** What most tests of the pipeline start from: a local model, a frontier, and a task that accepts what no gate rejects. */
import type { PolicyInput } from '../../src/spec/policy.ts'

/** The key of `big` is the variable `KEY`. */
export const SMALL_AND_BIG = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
} as const satisfies PolicyInput['models']

/** Scripted models have no signals, so their entropy is not looked at. */
export const ACCEPTING = {
  local: 'small',
  frontier: 'big',
  stage: 'accept',
  accept: { uncalibrated: true },
  gates: { entropyNats: null },
} as const satisfies NonNullable<PolicyInput['tasks']>[string]
