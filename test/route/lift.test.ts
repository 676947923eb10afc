import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Lifted, liftedPolicy } from '../../src/route/lift.ts'
import { type RouterState, routeRequest } from '../../src/route/route.ts'
import type { RouteDecision } from '../../src/spec/decision.ts'
import type { Features } from '../../src/spec/features.ts'
import { type PolicyInput, policySchema } from '../../src/spec/policy.ts'
import type { ModelState } from '../../src/spec/ports.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  mid: { provider: 'embedded', model: 'other', tier: 'local_quality' },
  big: { provider: 'openai', model: 'gpt', tier: 'frontier', apiKey: '${env:KEY}' },
}
const STATES: readonly ModelState[] = [
  { name: 'small', actor: 'local', tier: 'local_fast', unavailable: null },
  { name: 'mid', actor: 'local', tier: 'local_quality', unavailable: null },
  { name: 'big', actor: 'frontier', tier: 'frontier', unavailable: null },
]
const FEATURES: Features = {
  ...{ task: 'label', taskSource: 'caller', taskKnown: true, action: null, kind: 'text', complexity: 'simple' },
  ...{ partition: 'internal', partitionSource: 'default', hardStops: [], inputChars: 10, inputTokensEstimated: 3 },
  ...{ messages: 1, hasTools: false, hasImages: false, hasSchema: false, needs: [], wantsCodeChange: false },
  ...{ impact: 'low', affectsSystemState: false, userVisibleOutput: false, group: null, tenant: null },
  ...{ conversationHash: `sha256:${'0'.repeat(64)}`, systemHash: null, inputHash: `sha256:${'1'.repeat(64)}` },
}
const HARD_STOP = [{ kind: 'access', term: '401', field: 'messages[0].content' }] as const
const STOP = { scope: 'all', mode: 'stop', why: 'leak', by: 'ann', at: '' } as const
const ANY: Lifted = { actor: null, model: null, by: 'ann', why: 'harmless' }

type Task = NonNullable<PolicyInput['tasks']>[string]

function routed(
  task: Task,
  features: Partial<Features>,
  lifted?: Lifted,
  state: Partial<RouterState> = {},
): RouteDecision {
  const found = { ...FEATURES, ...features }
  const policy = policySchema.parse({ models: MODELS, tasks: { label: { local: 'small', frontier: 'big', ...task } } })
  return routeRequest(found, lifted ? liftedPolicy(policy, found, lifted) : policy, {
    ...{
      models: STATES,
      override: lifted?.actor ?? 'auto',
      hasKey: () => true,
      prior: null,
      exhausted: null,
      orders: [],
    },
    ...(lifted && { lifted }),
    ...state,
  })
}

describe('a person’s leave', () => {
  it.each<[string, Task, Partial<Features>]>([
    ['a hard stop', { frontier: false, stage: 'accept' }, { hardStops: HARD_STOP }],
    ['a stage of shadow without a frontier', { frontier: false, stage: 'shadow' }, {}],
    ['an answer that users see', { frontier: false, stage: 'accept' }, { userVisibleOutput: true }],
    ['a high impact', { frontier: false, stage: 'accept' }, { impact: 'high' }],
    ['local_only before a bound is proven', { stage: 'accept' }, { partition: 'local_only' }],
  ])('lets local answer in spite of %s', (_what, task, features) => {
    expect(routed(task, features).route).toBe('held')
    expect(routed(task, features, ANY)).toMatchObject({ route: 'local', local: ['small'] })
  })

  it('lets the side or the model answer that it names, also where the task does without it', () => {
    const frontier = { ...ANY, actor: 'frontier' } as const
    expect(routed({ frontier: false, stage: 'accept' }, { hardStops: HARD_STOP }, frontier)).toMatchObject({
      ...{ route: 'frontier', reason: 'manual_override', frontier: ['big'], serve: ['frontier'] },
      removals: expect.arrayContaining([expect.objectContaining({ detail: 'Released to frontier by ann: harmless.' })]),
    })
    const local = { ...ANY, actor: 'local', model: 'small' } as const
    expect(routed({ local: false, stage: 'off' }, { hardStops: HARD_STOP }, local)).toMatchObject({
      route: 'local',
      local: ['small'],
    })
    expect(routed({ stage: 'off', frontier: false }, {}, ANY).route).toBe('held')
  })

  it('asks the model that it names in the place of the tiers of the task', () => {
    const big = { ...ANY, actor: 'frontier', model: 'big' } as const
    const tiers: Task = {
      local: undefined,
      frontier: undefined,
      pattern: { cascade: { tiers: ['small', 'mid'] } },
      stage: 'accept',
    }
    expect(routed(tiers, { hardStops: HARD_STOP }, big)).toMatchObject({
      ...{ route: 'frontier', pattern: 'cascade', tiers: [{ actor: 'frontier', models: ['big'] }] },
    })
  })

  it('does not make a model do what it cannot', () => {
    expect(routed({ frontier: false, stage: 'accept' }, { hasImages: true, hardStops: HARD_STOP }, ANY).serve).toEqual(
      [],
    )
  })

  it('never lets private text out, never beats the kill switch, and never takes away', () => {
    const task = fc.record({
      frontier: fc.constantFrom<false | string>(false, 'big'),
      stage: fc.constantFrom('off', 'shadow', 'accept'),
    }) as fc.Arbitrary<Task>
    const features = fc.record({
      partition: fc.constantFrom('public', 'internal', 'local_only'),
      hardStops: fc.constantFrom([], HARD_STOP),
      userVisibleOutput: fc.boolean(),
      hasImages: fc.boolean(),
    }) as fc.Arbitrary<Partial<Features>>
    const lift = fc.constantFrom<Lifted>(
      ANY,
      { ...ANY, actor: 'local' },
      { ...ANY, actor: 'frontier' },
      { ...ANY, actor: 'frontier', model: 'big' },
    )
    fc.assert(
      fc.property(task, features, lift, (own, found, lifted) => {
        const { serve, call } = routed(own, found, lifted)
        if (found.partition === 'local_only') expect([...serve, ...call]).not.toContain('frontier')
        const stopped = routed(own, found, lifted, { orders: [STOP] })
        expect([...stopped.serve, ...stopped.call]).toEqual([])
        if (lifted.actor === null) expect(serve).toEqual(expect.arrayContaining([...routed(own, found).serve]))
      }),
    )
  })
})
