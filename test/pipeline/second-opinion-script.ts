import type { Signals } from '../../src/spec/decision.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import type { Outcome, StreamEvent } from '../../src/spec/response.ts'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { type SampleRouter, type SampleScript, sampleRouter } from '../support/sample-router.ts'

export const MODELS = {
  ...SMALL_AND_BIG,
  peer: { provider: 'ollama', model: 'qwen3:4b', tier: 'local_quality' },
} as const satisfies PolicyInput['models']

export interface Setup {
  readonly task?: Record<string, unknown>
  readonly policy?: Partial<PolicyInput>
  readonly models?: SampleScript['models']
  readonly env?: Readonly<Record<string, string>>
}

export function sample({ task, policy, models, env }: Setup = {}): SampleRouter {
  const chat = {
    ...ACCEPTING,
    complexity: 'simple',
    ...task,
  }
  return sampleRouter({
    policy: { models: MODELS, tasks: { chat: chat as NonNullable<PolicyInput['tasks']>[string] }, ...policy },
    env: env ?? { KEY: 'k' },
    models: { small: {}, peer: {}, big: { answers: ['From the frontier.'] }, ...models },
  })
}

export const ask = (text: string, more: Partial<RouterRequest> = {}): RouterRequest => ({
  messages: [{ role: 'user', content: text }],
  metadata: { task: 'chat' },
  ...more,
})

/** An answer whose tokens have this mean probability. */
export function said(text: string, probability = 0.6): ScriptedAnswer {
  const signals: Signals = {
    pass: 'decode',
    level: 1,
    fullDistribution: true,
    tokens: 4,
    meanLogprob: Math.log(probability),
    minLogprob: -1,
    entropyLowNats: 0.1,
    entropyHighNats: 0.2,
    maxTokenEntropyNats: 0.1,
    options: null,
    margin: null,
  }
  return { text, signals }
}

export const purposes = (outcome: Outcome): readonly string[] =>
  outcome.attempts.map(({ model, purpose }) => `${model} ${purpose}`)

export const verdictOf = (outcome: Outcome, gate: string) => outcome.verdicts.find((verdict) => verdict.gate === gate)

export async function collect(events: AsyncIterable<StreamEvent>): Promise<readonly StreamEvent[]> {
  const all: StreamEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

export const PARIS = { small: { answers: [said('Paris.'), 'paris', 'Paris', 'Rome'] } }

export const ROME = { small: { answers: [said('Paris.'), 'Rome.', 'Bonn.', 'Bern.'] } }
