import { APIError } from 'openai'
import type { Signals } from '../../src/spec/decision.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { SampleScript } from '../support/sample-router.ts'

export const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
}
export const ACCEPT = { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } as const
export const SURE: Signals = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: 3,
  meanLogprob: -0.1,
  minLogprob: -0.2,
  entropyLowNats: 0.1,
  entropyHighNats: 0.3,
  maxTokenEntropyNats: 0.3,
  options: null,
  margin: null,
}
export const UNSURE: Signals = { ...SURE, entropyHighNats: 2 }

export function script(models: SampleScript['models'], change: Partial<SampleScript> = {}): SampleScript {
  const tasks: PolicyInput['tasks'] = {
    chat: ACCEPT,
    label: { ...ACCEPT, kind: 'choice', labels: ['build', 'test'], render: '{"label":"{value}"}' },
    city: { ...ACCEPT, kind: 'extract' },
    direct: { pattern: 'direct', local: false, frontier: 'big' },
  }
  return { policy: { models: MODELS, tasks, defaults: { task: 'chat' } }, env: { KEY: 'k' }, models, ...change }
}

export const USER = [{ role: 'user' as const, content: 'Tell me something.' }]

export async function failureOf(call: Promise<unknown>): Promise<APIError> {
  try {
    await call
  } catch (error) {
    if (error instanceof APIError) return error
    throw error
  }
  throw new Error('the call succeeded')
}
