import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RequestMetadata } from '../../src/spec/request.ts'
import { residencyOf } from '../../src/spec/residency.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  american: { provider: 'openai', model: 'gpt', tier: 'frontier', apiKey: '${env:KEY}' },
  european: { provider: 'openai', preset: 'mistral', model: 'large', tier: 'frontier', apiKey: '${env:KEY}' },
  own: { provider: 'openai', baseUrl: 'http://10.0.0.8:8000/v1', model: 'x', tier: 'frontier', residency: 'self' },
  unknown: { provider: 'openai', baseUrl: 'https://llm.example.com/v1', model: 'x', tier: 'frontier' },
}
type Task = NonNullable<PolicyInput['tasks']>[string]

function script(privacy: PolicyInput['privacy'], task: Task = {}): SampleScript {
  const models = Object.fromEntries(Object.keys(MODELS ?? {}).map((name) => [name, { answers: [name] }]))
  return { policy: { models: MODELS, tasks: { chat: { stage: 'off', ...task } }, privacy }, env: { KEY: 'k' }, models }
}

function routed(
  privacy: PolicyInput['privacy'],
  { task = {}, metadata = {} }: { task?: Task; metadata?: RequestMetadata } = {},
) {
  const request = { messages: [{ role: 'user' as const, content: 'hello' }], metadata: { task: 'chat', ...metadata } }
  return sampleRouter(script(privacy, task)).router.route(request).decision
}

const ALL = ['american', 'european', 'own', 'unknown']

describe('the frontiers of a request', () => {
  it('are all of the policy while it names no residency', () => {
    expect(routed({})).toMatchObject({ frontier: ALL, excluded: [] })
  })

  it.each([
    ['eu', ['european']],
    ['us', ['american']],
    [
      ['eu', 'self'],
      ['european', 'own'],
    ],
  ])('are those of residency %j for internal text', (residency, frontier) => {
    expect(routed({ residency }).frontier).toEqual(frontier)
  })

  it('say why the others were left out', () => {
    expect(routed({ residency: 'eu' }).excluded).toEqual([
      { model: 'american', why: 'its residency is us, privacy.residency is eu' },
      { model: 'own', why: 'its residency is self, privacy.residency is eu' },
      { model: 'unknown', why: 'its residency is unknown, privacy.residency is eu' },
    ])
  })

  it('are all of them for public text', () => {
    const privacy = { residency: 'eu', default: 'public' as const }
    expect(routed(privacy).frontier).toEqual(ALL)
    expect(routed(privacy, { metadata: { partition: 'internal' } }).frontier).toEqual(['european'])
  })

  it('satisfy policy, task and tenant', () => {
    const privacy = { residency: ['eu', 'us'], tenants: { acme: { residency: 'eu' }, globex: 'internal' as const } }
    expect(routed(privacy).frontier).toEqual(['american', 'european'])
    expect(routed(privacy, { metadata: { tenant: 'acme' } }).frontier).toEqual(['european'])
    expect(routed(privacy, { metadata: { tenant: 'globex' } }).frontier).toEqual(['american', 'european'])
    expect(routed(privacy, { task: { residency: 'us' } }).frontier).toEqual(['american'])
    expect(routed(privacy, { task: { residency: 'us' }, metadata: { tenant: 'acme' } }).frontier).toEqual([])
  })

  it('are at hosts that the policy lists, where it lists any', () => {
    const privacy = { destinations: ['api.mistral.ai', '10.0.0.8:8000'] }
    expect(routed(privacy)).toMatchObject({ frontier: ['european', 'own'] })
    expect(routed(privacy).excluded[0]).toEqual({
      model: 'american',
      why: 'api.openai.com is not in privacy.destinations',
    })
    expect(routed({ ...privacy, default: 'public' }).frontier).toEqual(ALL)
  })

  it('are nobody where none is allowed, which holds the request and names the reason', async () => {
    const decision = routed({ residency: 'ch' })
    expect(decision).toMatchObject({ route: 'held', reason: 'destination_not_allowed', frontier: [] })
    expect(decision.removals.filter(({ actor }) => actor === 'frontier')).toEqual(
      ['serve', 'call'].map((set) => ({
        set,
        actor: 'frontier',
        rule: 'partition',
        reason: 'destination_not_allowed',
        detail:
          'The text may not go to american, european, own, unknown: its residency is us, privacy.residency is ch.',
      })),
    )
    const sample = sampleRouter(script({ residency: 'ch' }))
    const request = { messages: [{ role: 'user' as const, content: 'hello' }], metadata: { task: 'chat' } }
    expect((await sample.router.complete(request)).decision.reason).toBe('destination_not_allowed')
    expect(sample.opened).toEqual([])
  })

  it('leave the local model in place where none is allowed', () => {
    const decision = routed(
      { residency: 'ch' },
      { task: { local: 'small', stage: 'accept', accept: { uncalibrated: true } } },
    )
    expect(decision).toMatchObject({ route: 'local', frontier: [] })
  })

  it('fall back only to those that are allowed', async () => {
    const own = script({ residency: 'eu' }, { local: false })
    const failing = { fail: 'model_failed', values: { model: 'european', problem: 'HTTP 500', fix: 'wait' } } as const
    const sample = sampleRouter({
      ...own,
      models: { ...own.models, european: { answers: [failing, failing, failing] } },
    })
    const request = { messages: [{ role: 'user' as const, content: 'hello' }], metadata: { task: 'chat' } }
    await expect(sample.router.complete(request)).rejects.toMatchObject({ code: 'model_failed' })
    expect(sample.opened).toEqual(['european'])
  })

  it('stand with their residency in the ledger', async () => {
    const sample = sampleRouter(script({ residency: 'eu' }))
    const request = { messages: [{ role: 'user' as const, content: 'hello' }], metadata: { task: 'chat' } }
    await sample.router.complete(request)
    const rows = sample.journal.flatMap((entry) => (entry.type === 'egress' ? [entry.row] : []))
    expect(rows).toMatchObject([{ model: 'european', destination: 'api.mistral.ai', residency: 'eu' }])
    expect(rows[0]).not.toHaveProperty('anonymised')
  })
})

describe('the residency of a model', () => {
  const base = { provider: 'openai', model: 'x' } as const
  it.each([
    [{ ...base }, 'us'],
    [{ ...base, provider: 'anthropic' as const }, 'us'],
    [{ ...base, baseUrl: 'https://api.mistral.ai/v1' }, 'eu'],
    [{ ...base, baseUrl: 'https://API.MISTRAL.AI/other' }, 'eu'],
    [{ ...base, baseUrl: 'https://api.mistral.ai.evil.example/v1' }, null],
    [{ ...base, baseUrl: 'https://llm.example.com/v1' }, null],
    [{ ...base, baseUrl: 'http://127.0.0.1:4000/v1' }, null],
    [{ ...base, baseUrl: 'http://127.0.0.1:11434', model: 'x:cloud' }, null],
    [{ ...base, baseUrl: 'https://llm.example.com/v1', residency: 'ch' }, 'ch'],
  ])('%j is %j', (model, residency) => {
    expect(residencyOf(model)).toBe(residency)
  })

  it('follows the address, where a preset is used with another one', () => {
    const policy = (baseUrl?: string) =>
      validatePolicy(
        {
          models: {
            m: { provider: 'openai', preset: 'mistral', model: 'x', tier: 'frontier', ...(baseUrl && { baseUrl }) },
          },
        },
        { file: 'p.yaml', env: {} },
      ).policy.models.m
    const [plain, moved] = [policy(), policy('https://proxy.example.com/v1')]
    expect([plain && residencyOf(plain), moved && residencyOf(moved)]).toEqual(['eu', null])
  })

  it.each(['EU', 'e u', ''])('cannot be %j', (residency) => {
    const load = () => validatePolicy({ privacy: { residency } }, { file: 'p.yaml', env: {} })
    expect(load).toThrow(/privacy.residency/)
  })
})
