import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import type { Outcome, StreamEvent } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

type Pattern = NonNullable<NonNullable<PolicyInput['tasks']>[string]['pattern']>

let home: EngineHome
let cloud: ScriptedCloud
const routers: Router[] = []

beforeAll(async () => {
  home = engineHome()
  cloud = await startScriptedCloud()
})
afterAll(async () => {
  for (const router of routers) await router.close()
  await home.close()
  await cloud.close()
})

function routerWith(pattern: Pattern, task: NonNullable<PolicyInput['tasks']>[string] = {}): Router {
  const hosted = { provider: 'openai', tier: 'frontier', baseUrl: cloud.openAiBaseUrl, apiKey: '${env:KEY}' } as const
  const router = createRouter({
    policy: {
      models: {
        small: {
          provider: 'embedded',
          model: 'smollm2-135m-instruct',
          tier: 'local_fast',
          contextTokens: 1024,
          maxOutputTokens: 96,
        },
        big: { ...hosted, model: 'gpt-4.1-nano' },
        huge: { ...hosted, model: 'gpt-4.1' },
      },
      deadlines: { local_fast: { total: '5m' } },
      tasks: {
        chat: {
          local: 'small',
          frontier: 'frontier',
          stage: 'accept',
          complexity: 'simple',
          accept: { uncalibrated: true },
          gates: { entropyNats: null, refusal: false },
          pattern,
          ...task,
        },
      },
      routing: { maxFallbackAttempts: 0 },
    },
    env: { KEY: 'k' },
    paths: home.paths,
  })
  routers.push(router)
  return router
}

const DOCUMENT = 'The bridge over the Wey was opened in 1907 by the mayor, Ada Holm.'
const REQUEST: RouterRequest = {
  messages: [{ role: 'user', content: `${DOCUMENT}\n\nWho opened the bridge?` }],
  metadata: { task: 'chat' },
  stop: ['\n'],
  temperature: 0,
}
const purposes = ({ attempts }: Outcome) => attempts.map(({ model, purpose }) => `${model} ${purpose}`)

describe('draft_verify with the real model', () => {
  it('serves the draft that the frontier accepts, streamed and whole', async () => {
    const router = routerWith('draft_verify')
    cloud.enqueue(openAiText('ACCEPT'), openAiText('ACCEPT'))
    const before = cloud.requests.length
    const outcome = await router.complete(REQUEST)
    expect(purposes(outcome)).toEqual(['small answer', 'big verdict'])
    expect(outcome.decision).toMatchObject({ route: 'local', model: 'small', reason: 'local_accepted', proven: false })
    const shown = cloud.requests[before]
    expect(shown?.body).toMatchObject({ model: 'gpt-4.1-nano' })
    expect(shown?.text).toContain(DOCUMENT)
    expect(shown?.text).toContain(JSON.stringify(outcome.answer).slice(1, -1))
    const events: StreamEvent[] = []
    for await (const event of router.stream(REQUEST)) events.push(event)
    const streamed = events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')
    expect(streamed).toBe(outcome.answer)
  })
})

describe('advisor with the real model', () => {
  it('lets the model write again, bound to the plan', async () => {
    const router = routerWith('advisor')
    cloud.enqueue(openAiText('REDO\n1. Name "the mayor, Ada Holm".'), openAiText('APPROVE'))
    const before = cloud.requests.length
    const outcome = await router.complete(REQUEST)
    expect(purposes(outcome)).toEqual(['small answer', 'big advice', 'small answer', 'big advice'])
    const [first, second] = cloud.requests.slice(before)
    expect(first?.text).toContain(DOCUMENT)
    expect(second?.text).toContain(JSON.stringify(outcome.answer).slice(1, -1))
    expect(outcome.decision).toMatchObject({ route: 'local', model: 'small', pattern: 'advisor' })
    expect(outcome.answer).not.toContain('MUST')
  })
})

describe('consensus with the real model', () => {
  it('reads the local vote from the distribution, and asks no more than decides', async () => {
    const router = routerWith(
      { consensus: { with: ['small', 'big', 'huge'] } },
      { kind: 'choice', labels: ['bridge', 'tunnel'], prompt: { system: 'Is the text about a bridge or a tunnel?' } },
    )
    cloud.enqueue(openAiText('bridge'), openAiText('bridge'))
    const before = cloud.requests.length
    const outcome = await router.decide({ task: 'chat', input: DOCUMENT })
    expect(outcome.value).toBe('bridge')
    const [local] = outcome.attempts
    expect(local).toMatchObject({ model: 'small', purpose: 'vote', outcome: 'answered' })
    // A local vote for the same option saves the third; one for the other option needs it.
    expect(cloud.requests.length - before).toBe(outcome.decision.route === 'local' ? 1 : 2)
    expect(outcome.decision.pattern).toBe('consensus')
  })
})
