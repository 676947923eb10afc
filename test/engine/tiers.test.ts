import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import type { Outcome } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

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

type Task = NonNullable<PolicyInput['tasks']>[string]

function routerWith(task: Task): Router {
  const hosted = { provider: 'openai', tier: 'frontier', baseUrl: cloud.openAiBaseUrl, apiKey: '${env:KEY}' } as const
  const model = { provider: 'embedded', model: 'smollm2-135m-instruct', contextTokens: 1024 } as const
  const router = createRouter({
    policy: {
      models: {
        small: { ...model, tier: 'local_fast', maxOutputTokens: 24 },
        cheap: { ...hosted, model: 'gpt-4.1-nano' },
        dear: { ...hosted, model: 'gpt-4.1' },
      },
      deadlines: { local_fast: { total: '5m' } },
      tasks: {
        chat: {
          stage: 'accept',
          complexity: 'simple',
          accept: { uncalibrated: true },
          gates: { entropyNats: null },
          ...task,
        },
      },
    },
    env: { KEY: 'k', PATH: process.env.PATH },
    paths: home.paths,
  })
  routers.push(router)
  return router
}

const ask = (content: string): RouterRequest => ({
  messages: [{ role: 'user', content }],
  metadata: { task: 'chat' },
  temperature: 0,
})
const steps = ({ attempts }: Outcome) => attempts.map(({ model, purpose }) => `${model} ${purpose}`)
const modelsSince = (before: number) => cloud.requests.slice(before).map(({ body }) => body.model)

describe('cascade over tiers', () => {
  it('climbs from the real local model over a cheap hosted one to the last, past a check that only the last passes', async () => {
    const router = routerWith({
      kind: 'text',
      pattern: { cascade: { tiers: ['small', 'cheap', 'dear'] } },
      verify: { matches: ['^CODE-\\d{6}$'] },
    })
    cloud.enqueue(openAiText('CODE-12'), openAiText('CODE-123456'))
    const before = cloud.requests.length
    const outcome = await router.complete(ask('Say a code.'))
    expect(steps(outcome)).toEqual(['small answer', 'cheap answer', 'dear answer'])
    expect(modelsSince(before)).toEqual(['gpt-4.1-nano', 'gpt-4.1'])
    expect(outcome).toMatchObject({ answer: 'CODE-123456', decision: { reason: 'check_failed', degraded: false } })
    expect(new Set(outcome.verdicts.map(({ model }) => model))).toEqual(new Set(['small', 'cheap']))
    const [record] = router.audit({ requestId: outcome.requestId })
    expect(record?.tierDrafts?.map(({ model }) => model)).toEqual(['small', 'cheap'])
    expect(record?.egress.map(({ model }) => model)).toEqual(['cheap', 'dear'])
    expect(cloud.requests.at(-1)?.text).toContain('CODE-12')
  })
})

describe('specialist', () => {
  it('has the real local model summarise what is too long for it, and sends the summary', async () => {
    const router = routerWith({
      kind: 'text',
      local: 'small',
      frontier: 'dear',
      maxInputChars: 600,
      pattern: { specialist: { context: 'summary', maxContextTokens: 32, windowChars: 1000 } },
    })
    cloud.enqueue(openAiText('Ada Holm.'))
    const long = `${'The bridge over the Wey was opened in 1907 by the mayor, Ada Holm. '.repeat(12)}\n\nWho opened the bridge?`
    const outcome = await router.complete(ask(long))
    expect(steps(outcome)).toEqual(['small summary', 'dear answer'])
    expect(outcome).toMatchObject({ answer: 'Ada Holm.', decision: { route: 'frontier', reason: 'input_too_large' } })
    const sent = cloud.requests.at(-1)?.text ?? ''
    expect(sent).toContain('Who opened the bridge?')
    expect(sent).toContain('<<<notes')
    expect(sent).not.toContain('Ada Holm. The bridge over the Wey was opened in 1907 by the mayor, Ada Holm. The')
  })
})

describe('direct', () => {
  it('passes on what the real local model writes', async () => {
    const router = routerWith({ kind: 'text', local: 'small', frontier: 'dear', pattern: 'direct' })
    const before = cloud.requests.length
    const outcome = await router.complete(ask('Say hello.'))
    expect(outcome).toMatchObject({ decision: { route: 'local', model: 'small', pattern: 'direct' }, verdicts: [] })
    expect(outcome.answer).not.toBe('')
    expect(cloud.requests.length).toBe(before)
  })
})

describe('assist', () => {
  it('sends a digest with what the real local model reads, and the lines that are asked for', async () => {
    const router = routerWith({
      kind: 'text',
      local: 'small',
      frontier: 'dear',
      maxInputChars: 600,
      assist: { by: 'local' },
    })
    cloud.enqueue(openAiText('SOURCE L20-L21'), openAiText('unit.cpp misses x.'))
    const lines = Array.from({ length: 40 }, (_, at) => `[ ${at} %] Building CXX object src/part${at}/unit.cpp.o`)
    const before = cloud.requests.length
    const outcome = await router.complete(ask([...lines, "unit.cpp:12: error: 'x' was not declared"].join('\n')))
    expect(steps(outcome)).toEqual(['small digest', 'dear answer', 'dear answer'])
    expect(outcome.answer).toBe('unit.cpp misses x.')
    const [first, second] = cloud.requests.slice(before)
    expect(first?.text).toContain('39 more like it, up to L40')
    expect(first?.text).toContain('A smaller model reads them so')
    expect(first?.text).not.toContain('src/part20/')
    expect(second?.text).toContain('L21| [ 20 %] Building CXX object src/part20/unit.cpp.o')
  })
})
