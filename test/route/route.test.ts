import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstReason, type RouterState, RULES, routeRequest, subtract } from '../../src/route/route.ts'
import { shareOf } from '../../src/route/rules/stage.ts'
import { type Removal, RULE_ORDER } from '../../src/spec/decision.ts'
import type { Features } from '../../src/spec/features.ts'
import { type Policy, type PolicyInput, policySchema } from '../../src/spec/policy.ts'
import type { ModelState } from '../../src/spec/ports.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  coder: { provider: 'embedded', model: 'other', tier: 'local_quality' },
  big: { provider: 'openai', model: 'gpt', tier: 'frontier', apiKey: '${env:KEY}' },
}

const FEATURES: Features = {
  task: 'label',
  taskSource: 'caller',
  taskKnown: true,
  action: null,
  kind: 'text',
  complexity: 'simple',
  partition: 'internal',
  partitionSource: 'default',
  hardStops: [],
  inputChars: 10,
  inputTokensEstimated: 3,
  messages: 1,
  hasTools: false,
  hasImages: false,
  hasSchema: false,
  needs: [],
  wantsCodeChange: false,
  impact: 'low',
  affectsSystemState: false,
  userVisibleOutput: false,
  group: null,
  tenant: null,
  conversationHash: `sha256:${'0'.repeat(64)}`,
  systemHash: null,
  inputHash: `sha256:${'1'.repeat(64)}`,
}

function policyWith(task: NonNullable<PolicyInput['tasks']>[string], rest: PolicyInput = {}): Policy {
  return policySchema.parse({ models: MODELS, tasks: { label: { local: 'small', frontier: 'big', ...task } }, ...rest })
}

function stateWith(change: Partial<RouterState> & { readonly down?: readonly string[] } = {}): RouterState {
  const models: readonly ModelState[] = (['small', 'coder', 'big'] as const).map((name) => ({
    name,
    actor: name === 'big' ? 'frontier' : 'local',
    tier: name === 'big' ? 'frontier' : name === 'coder' ? 'local_quality' : 'local_fast',
    unavailable: !change.down?.includes(name)
      ? null
      : name === 'big'
        ? { reason: 'frontier_down', why: 'no key set (KEY)' }
        : { reason: 'local_unavailable', why: 'the engine is not installed' },
  }))
  return { models, override: 'auto', hasKey: () => true, prior: null, exhausted: null, orders: [], ...change }
}

const HARD_STOP = [{ kind: 'access', term: '401', field: 'messages[0].content' }] as const

describe('routeRequest', () => {
  it('tries local first when nothing removes it', () => {
    const decision = routeRequest(FEATURES, policyWith({ stage: 'accept' }), stateWith())
    expect(decision).toMatchObject({ route: 'local', reason: null, local: ['small'], frontier: ['big'], removals: [] })
  })

  it('sends a hard-stopped request to the frontier and keeps local only as an assistant', () => {
    const decision = routeRequest({ ...FEATURES, hardStops: HARD_STOP }, policyWith({ stage: 'accept' }), stateWith())
    expect(decision).toMatchObject({
      route: 'frontier',
      reason: 'hard_stop_access',
      serve: ['frontier'],
      mayDegrade: false,
    })
    expect(decision.call).toEqual(['local', 'frontier'])
  })

  it('holds a hard-stopped request when no frontier can be reached', () => {
    const decision = routeRequest(
      { ...FEATURES, hardStops: HARD_STOP },
      policyWith({ stage: 'accept' }),
      stateWith({ down: ['big'] }),
    )
    expect(decision).toMatchObject({ route: 'held', reason: 'hard_stop_access' })
    expect(decision.wouldEscalateTo).toEqual({ model: 'big', why: 'no key set (KEY)' })
  })

  it('keeps an override from beating a hard stop', () => {
    const decision = routeRequest(
      { ...FEATURES, hardStops: HARD_STOP },
      policyWith({ stage: 'accept' }),
      stateWith({ override: 'local' }),
    )
    expect(decision).toMatchObject({ route: 'held', reason: 'hard_stop_access', serve: [] })
  })

  it('never lets local_only text reach a frontier, whatever the caller asks', () => {
    const features = { ...FEATURES, partition: 'local_only' } as const
    const decision = routeRequest(features, policyWith({ stage: 'accept' }), stateWith({ override: 'frontier' }))
    expect(decision).toMatchObject({ route: 'held', reason: 'privacy_local_only', frontier: [], call: [] })
  })

  it('holds local_only text until a bound is proven, unless the policy serves it marked', () => {
    const features = { ...FEATURES, partition: 'local_only' } as const
    expect(routeRequest(features, policyWith({}), stateWith()).route).toBe('held')
    const marked = policyWith({}, { privacy: { localOnly: { unproven: 'serve_marked' } } })
    expect(routeRequest(features, marked, stateWith())).toMatchObject({ route: 'local', frontier: [], shadow: false })
  })

  it('puts a task without a stage in shadow when a frontier has its key, and in accept when none has', () => {
    expect(routeRequest(FEATURES, policyWith({}), stateWith())).toMatchObject({
      stage: 'shadow',
      route: 'frontier',
      reason: 'stage_shadow',
      shadow: true,
    })
    const withoutKey = stateWith({ down: ['big'], hasKey: () => false })
    expect(routeRequest(FEATURES, policyWith({}), withoutKey)).toMatchObject({ stage: 'accept', route: 'local' })
  })

  it('does not call local at all in stage off', () => {
    const decision = routeRequest(FEATURES, policyWith({ stage: 'off' }), stateWith())
    expect(decision).toMatchObject({ route: 'frontier', reason: 'stage_off', local: [], shadow: false })
  })

  it('serves a canary its share by conversation, and named groups always', () => {
    const policy = policyWith({ stage: { canary: { percent: 30, groups: ['pilots'] } } })
    const outside = { ...FEATURES, conversationHash: `sha256:${'f'.repeat(64)}` }
    expect(routeRequest(FEATURES, policy, stateWith()).route).toBe('local')
    expect(routeRequest(outside, policy, stateWith())).toMatchObject({
      route: 'frontier',
      reason: 'canary_excluded',
      shadow: true,
    })
    expect(routeRequest({ ...outside, group: 'pilots' }, policy, stateWith()).route).toBe('local')
  })

  it('lets local stand in, marked, when only policy prefers a frontier that is away', () => {
    const features = { ...FEATURES, impact: 'high' } as const
    const decision = routeRequest(features, policyWith({ stage: 'accept' }), stateWith({ down: ['big'] }))
    expect(decision).toMatchObject({ route: 'local', degraded: true, reason: 'frontier_down' })
  })

  it('answers nothing when local: false and the frontier is away', () => {
    const decision = routeRequest(FEATURES, policyWith({ local: false }), stateWith({ down: ['big'] }))
    expect(decision).toMatchObject({ route: 'unavailable', reason: 'frontier_down', degraded: false })
  })

  it('refuses to stand in when the task says error', () => {
    const features = { ...FEATURES, impact: 'high' } as const
    const policy = policyWith({ stage: 'accept', onUnavailable: 'error' })
    expect(routeRequest(features, policy, stateWith({ down: ['big'] })).route).toBe('unavailable')
  })

  it.each([
    ['impact high', { impact: 'high' }, 'policy_requires_frontier'],
    ['an effect on system state', { affectsSystemState: true }, 'quality_critical'],
    ['output for users', { userVisibleOutput: true }, 'quality_critical'],
    ['images', { hasImages: true }, 'capability_missing'],
    ['tools', { hasTools: true }, 'capability_missing'],
    ['a field local cannot honour', { needs: ['logprobs'] }, 'capability_missing'],
    ['a long input', { inputChars: 9000 }, 'input_too_large'],
    ['a code change the task does not allow', { wantsCodeChange: true }, 'policy_requires_frontier'],
    ['a quality-critical action', { action: 'exec' }, 'quality_critical'],
  ] as const)('sends %s to the frontier', (_, change, reason) => {
    const decision = routeRequest({ ...FEATURES, ...change }, policyWith({ stage: 'accept' }), stateWith())
    expect(decision).toMatchObject({ route: 'frontier', reason })
  })

  it('uses the tier of the action when the task names no model', () => {
    const policy = policySchema.parse({ models: MODELS })
    const at = (action: string, complexity: Features['complexity']) =>
      routeRequest({ ...FEATURES, task: action, action, complexity }, policy, stateWith({ hasKey: () => false }))
    expect(at('classify_memory', 'simple')).toMatchObject({ tier: 'local_fast', local: ['small', 'coder'] })
    expect(at('edit_file', 'moderate')).toMatchObject({ tier: 'local_quality', local: ['coder'] })
    expect(at('debug_error', 'complex')).toMatchObject({
      tier: 'frontier',
      route: 'frontier',
      reason: 'policy_requires_frontier',
    })
    expect(at('orch_status', 'complex')).toMatchObject({ tier: 'local_fast', route: 'local' })
  })
})

const removal: fc.Arbitrary<Removal> = fc.record({
  set: fc.constantFrom('serve', 'call'),
  actor: fc.constantFrom('local', 'frontier'),
  rule: fc.constantFrom(...RULE_ORDER),
  reason: fc.constantFrom('privacy_local_only', 'hard_stop_access', 'stage_off', 'frontier_down'),
  detail: fc.constant('x'),
})

const anyFeatures: fc.Arbitrary<Features> = fc
  .record({
    partition: fc.constantFrom('public', 'internal', 'local_only'),
    impact: fc.constantFrom('low', 'high'),
    hasTools: fc.boolean(),
    wantsCodeChange: fc.boolean(),
    inputChars: fc.integer({ min: 0, max: 20_000 }),
    hardStops: fc.constantFrom([], HARD_STOP),
  })
  .map((change) => ({ ...FEATURES, ...change }))

const HOPELESS = { id: 'label-prior-1', probability: 0.01, threshold: 0.1 }

const anyState: fc.Arbitrary<RouterState> = fc
  .record({
    down: fc.subarray(['small', 'coder', 'big']),
    override: fc.constantFrom('auto', 'local', 'frontier'),
    prior: fc.constantFrom(null, HOPELESS, { ...HOPELESS, probability: 0.9 }),
  })
  .map(stateWith)

const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    stage: fc.constantFrom(undefined, 'off', 'shadow', 'accept', { canary: { percent: 50 } }),
    local: fc.constantFrom('small', false as const),
    onUnavailable: fc.constantFrom('local', 'error'),
  })
  .map((task) => policyWith(task as Parameters<typeof policyWith>[0]))

describe('the two sets', () => {
  it('never grow when a removal is added', () => {
    fc.assert(
      fc.property(fc.array(removal), removal, (removals, added) => {
        const before = subtract(removals)
        const after = subtract([...removals, added])
        return (
          [...after.serve].every((actor) => before.serve.has(actor)) &&
          [...after.call].every((actor) => before.call.has(actor))
        )
      }),
    )
  })

  it('never grow when a key leaves out models, and nobody whom it leaves out is asked', () => {
    const names = fc.subarray(['small', 'coder', 'big'])
    fc.assert(
      fc.property(anyFeatures, anyPolicy, anyState, names, (features, policy, state, barred) => {
        const models = state.models.map((model) => ({ ...model, isBarred: barred.includes(model.name) }))
        const before = routeRequest(features, policy, state)
        const after = routeRequest(features, policy, { ...state, models })
        expect(after.stage).toBe(before.stage)
        for (const actor of after.serve) expect(before.serve).toContain(actor)
        for (const actor of after.call) expect(before.call).toContain(actor)
        for (const name of [...after.local, ...after.frontier]) expect(barred).not.toContain(name)
        if (barred.includes(after.wouldEscalateTo?.model ?? '')) throw new Error('a barred model would be asked')
      }),
    )
  })

  it('do not depend on the order of removals, nor does the reason depend on the order of rule families', () => {
    fc.assert(
      fc.property(fc.array(removal), (removals) => {
        const reversed = [...removals].reverse()
        const [a, b] = [subtract(removals), subtract(reversed)]
        expect([...b.serve].sort()).toEqual([...a.serve].sort())
        expect([...b.call].sort()).toEqual([...a.call].sort())
        const families = (list: readonly Removal[]) =>
          RULE_ORDER.find((rule) => list.some((r) => r.rule === rule)) ?? null
        expect(families(reversed)).toBe(families(removals))
      }),
    )
  })

  it('hold rules that only remove: no route serves an actor that any rule took out', () => {
    fc.assert(
      fc.property(anyFeatures, anyPolicy, anyState, (features, policy, state) => {
        const decision = routeRequest(features, policy, state)
        for (const actor of ['local', 'frontier'] as const)
          if (decision.removals.some((r) => r.actor === actor && r.set === 'serve'))
            expect(decision.serve).not.toContain(actor)
        if (decision.route === 'frontier') expect(decision.serve).toContain('frontier')
        if (decision.route === 'local' && !decision.degraded) expect(decision.serve).toContain('local')
        expect(RULES.length).toBe(10)
      }),
    )
  })

  it('never leave a request without an answer because of a prior', () => {
    fc.assert(
      fc.property(anyFeatures, anyPolicy, anyState, (features, policy, state) => {
        const without = routeRequest(features, policy, { ...state, prior: null })
        const { route, mayDegrade } = routeRequest(features, policy, { ...state, prior: HOPELESS })
        const answers = ['local', 'frontier']
        expect(answers.includes(route)).toBe(answers.includes(without.route))
        if (without.mayDegrade) expect(mayDegrade).toBe(true)
      }),
    )
  })

  it('never name a frontier for local_only text, and never serve local after a hard stop', () => {
    fc.assert(
      fc.property(anyFeatures, anyPolicy, anyState, (features, policy, state) => {
        const decision = routeRequest(features, policy, state)
        if (features.partition === 'local_only') expect(decision.frontier).toEqual([])
        if (features.hardStops.length > 0) expect(decision.route).not.toBe('local')
      }),
    )
  })
})

describe('firstReason', () => {
  it('follows the fixed order of families, not the order of discovery', () => {
    const at = (rule: Removal['rule'], reason: Removal['reason']): Removal => ({
      set: 'serve',
      actor: 'local',
      rule,
      reason,
      detail: '',
    })
    expect(
      firstReason([at('policy', 'input_too_large'), at('hard_stop', 'hard_stop_access'), at('stage', 'stage_shadow')]),
    ).toBe('hard_stop_access')
    expect(firstReason([])).toBeNull()
  })
})

describe('shareOf', () => {
  it('spreads digests over 0 to 100 and keeps a conversation at its place', () => {
    expect(shareOf(`sha256:${'0'.repeat(64)}`)).toBe(0)
    expect(shareOf(`sha256:8${'0'.repeat(63)}`)).toBe(50)
    expect(shareOf(`sha256:${'f'.repeat(64)}`)).toBeLessThan(100)
  })
})

describe('a prior', () => {
  const routed = (change: Partial<RouterState>, features: Partial<Features> = {}) =>
    routeRequest({ ...FEATURES, ...features }, policyWith({ stage: 'accept' }), stateWith(change))

  it('spares a hopeless local call, which may still stand in for a frontier that fails', () => {
    const decision = routed({ prior: HOPELESS })
    expect(decision).toMatchObject({ route: 'frontier', reason: 'local_hopeless', local: ['small'], mayDegrade: true })
    expect(decision.removals).toMatchObject([
      {
        set: 'serve',
        actor: 'local',
        rule: 'prior',
        detail: 'label-prior-1 gives a local answer 0.010, less than 0.100.',
      },
    ])
    expect(routed({ prior: { ...HOPELESS, probability: 0.1 } }).route).toBe('local')
  })

  it('is not heard where only local may answer, or where the caller asks for local', () => {
    const sealed = { partition: 'local_only' } as const
    expect(routed({ prior: HOPELESS }, sealed)).toEqual(routed({ prior: null }, sealed))
    expect(routed({ prior: HOPELESS, override: 'local' }).route).toBe('local')
    expect(stateWith({ down: ['big'] }).models[2]?.unavailable).not.toBeNull()
    expect(
      routeRequest(FEATURES, policyWith({ stage: 'accept' }), { ...stateWith({ down: ['big'] }), prior: HOPELESS })
        .route,
    ).toBe('local')
  })
})
