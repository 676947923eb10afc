import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TierQuestion, tiersOf } from '../../src/route/tiers.ts'
import type { Removal } from '../../src/spec/decision.ts'
import type { ModelState } from '../../src/spec/ports.ts'

const state = (name: string, tier: ModelState['tier']): ModelState => ({
  name,
  actor: tier === 'frontier' ? 'frontier' : 'local',
  tier,
  providerModel: `openai:${name}`,
  unavailable: null,
})
const SMALL = state('small', 'local_fast')
const TINY = state('tiny', 'local_fast')
const CODER = state('coder', 'local_quality')
const HAIKU = state('haiku', 'frontier')
const SONNET = state('sonnet', 'frontier')

const steps = (question: Partial<TierQuestion>): readonly string[] =>
  tiersOf({ local: [], frontier: [], named: null, removals: [], prefer: undefined, maxSteps: 9, ...question }).map(
    ({ models }) => models.join('|'),
  )

const removal = (change: Partial<Removal>): Removal => ({
  set: 'serve',
  actor: 'local',
  rule: 'policy',
  reason: 'quality_critical',
  detail: 'why',
  ...change,
})

describe('tiersOf', () => {
  it('makes a step of each local tier, and one of all frontiers', () => {
    expect(steps({ local: [SMALL, CODER], frontier: [HAIKU, SONNET] })).toEqual(['small', 'coder', 'haiku|sonnet'])
    expect(steps({ local: [SMALL, TINY, CODER], frontier: [SONNET] })).toEqual(['small|tiny', 'coder', 'sonnet'])
  })

  it('lets a smaller model stand in for a larger one that is named first, and never goes down to it', () => {
    expect(steps({ local: [CODER, SMALL], frontier: [SONNET] })).toEqual(['coder|small', 'sonnet'])
  })

  const named = [['local_fast'], ['coder'], ['haiku'], ['sonnet']]
  const all = { local: [SMALL, CODER], frontier: [HAIKU, SONNET], named }

  it('follows the tiers that the task names, and leaves out those without a usable model', () => {
    expect(steps(all)).toEqual(['small', 'coder', 'haiku', 'sonnet'])
    expect(steps({ ...all, local: [CODER] })).toEqual(['coder', 'haiku', 'sonnet'])
    expect(steps({ ...all, frontier: [] })).toEqual(['small', 'coder'])
  })

  it('leaves out tiers of the middle where there are more than attempts, never the last one', () => {
    expect(steps({ ...all, maxSteps: 2 })).toEqual(['small', 'coder', 'sonnet'])
    expect(steps({ ...all, maxSteps: 1 })).toEqual(['small', 'sonnet'])
    expect(steps({ ...all, maxSteps: 0 })).toEqual(['small', 'sonnet'])
  })

  it('begins with the model that the caller prefers', () => {
    expect(steps({ ...all, prefer: 'coder' })).toEqual(['coder', 'haiku', 'sonnet'])
    expect(steps({ ...all, prefer: 'sonnet' })).toEqual(['small', 'coder', 'sonnet'])
    expect(steps({ ...all, prefer: 'nobody' })).toEqual(['small', 'coder', 'haiku', 'sonnet'])
  })

  it.each([
    removal({ rule: 'hard_stop', reason: 'hard_stop_access' }),
    removal({ rule: 'stage', reason: 'stage_shadow' }),
    removal({ rule: 'stage', reason: 'canary_excluded' }),
    removal({}),
    removal({ reason: 'policy_requires_frontier', detail: 'The impact is high.' }),
    removal({ rule: 'override', reason: 'manual_override' }),
  ])('asks only the last hosted tier when local is out for $reason', (why) => {
    expect(steps({ ...all, local: [], removals: [why] })).toEqual(['sonnet'])
  })

  it.each(['input_too_large', 'capability_missing', 'memory_no_fit', 'local_hopeless'] as const)(
    'still climbs the hosted tiers when local is out for %s',
    (reason) => {
      expect(steps({ ...all, local: [], removals: [removal({ reason })] })).toEqual(['haiku', 'sonnet'])
    },
  )

  it('climbs the hosted tiers of a task without local models', () => {
    const slot = { reason: 'policy_requires_frontier', detail: 'The task sets local: false.' } as const
    const removals = [removal(slot), removal({ ...slot, set: 'call' })]
    expect(steps({ ...all, local: [], removals })).toEqual(['haiku', 'sonnet'])
  })

  it('never names a model twice, and none that may not be asked', () => {
    const models = [SMALL, TINY, CODER, HAIKU, SONNET]
    const slots = fc.array(
      fc.subarray(
        models.map(({ name }) => name),
        { minLength: 1 },
      ),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(fc.subarray(models), fc.option(slots), fc.nat(5), (usable, own, maxSteps) => {
        const seen = new Set<string>()
        const disjoint = own?.map((slot) => slot.filter((name) => !seen.has(name) && seen.add(name))) ?? null
        const local = usable.filter(({ actor }) => actor === 'local')
        const frontier = usable.filter(({ actor }) => actor === 'frontier')
        const found = tiersOf({ local, frontier, named: disjoint, removals: [], prefer: undefined, maxSteps })
        const asked = found.flatMap(({ models: names }) => names)
        expect(new Set(asked).size).toBe(asked.length)
        expect(asked.every((name) => usable.some((model) => model.name === name))).toBe(true)
        expect(found.length).toBeLessThanOrEqual(1 + Math.max(1, maxSteps))
      }),
    )
  })
})
