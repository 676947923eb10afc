import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { continued } from '../../src/route/continuity.ts'
import type { Actor, RouteDecision } from '../../src/spec/decision.ts'
import type { Features } from '../../src/spec/features.ts'
import type { TurnBefore } from '../../src/spec/turns.ts'

const PLAN = {
  route: 'local',
  reason: null,
  tier: 'local_fast',
  local: ['small', 'mid'],
  frontier: ['big', 'other'],
  tiers: [
    { actor: 'local', models: ['small'] },
    { actor: 'local', models: ['mid'] },
    { actor: 'frontier', models: ['big', 'other'] },
  ],
  serve: ['local', 'frontier'],
  call: ['local', 'frontier'],
  removals: [],
  degraded: false,
} as unknown as RouteDecision

function plan(changes: Partial<RouteDecision> = {}): RouteDecision {
  return { ...PLAN, ...changes }
}

function features(turn?: Features['turn']): Features {
  return { ...(turn && { turn }) } as Features
}

function turnOf(changes: Partial<TurnBefore> = {}): TurnBefore {
  return { model: 'other', actor: 'frontier', tier: 'frontier', nextCostUsd: () => 1, warmTokens: 0, ...changes }
}

const AUTO = { override: 'auto' } as const

describe('inside a tool loop', () => {
  it('stays with the frontier that called the tool', () => {
    const result = continued(plan(), features('tool_result'), { ...AUTO, before: turnOf() })
    expect(result).toMatchObject({
      route: 'frontier',
      reason: 'turn_continued',
      tier: 'frontier',
      serve: ['frontier'],
      frontier: ['other', 'big'],
      tiers: [{ actor: 'frontier', models: ['other', 'big'] }],
      continues: { model: 'other', because: 'tool_loop' },
      removals: [{ set: 'serve', actor: 'local', rule: 'continuity', reason: 'turn_continued' }],
    })
  })

  it('puts the local model that called the tool first, and leaves its gates a way up', () => {
    const mid = turnOf({ model: 'mid', actor: 'local', tier: 'local_quality' })
    const result = continued(plan(), features('tool_result'), { ...AUTO, before: mid })
    expect(result).toMatchObject({
      route: 'local',
      tier: 'local_quality',
      local: ['mid', 'small'],
      tiers: [
        { actor: 'local', models: ['mid'] },
        { actor: 'frontier', models: ['big', 'other'] },
      ],
      serve: ['local', 'frontier'],
      removals: [],
    })
  })

  it.each<[string, Partial<RouteDecision>]>([
    [
      'a partition, a kill switch or a budget took the frontier away',
      { frontier: [], serve: ['local'], call: ['local'] },
    ],
    ['the model rests', { frontier: ['big'] }],
    ['a hard stop took local away, which had the turn', { local: ['small'], serve: ['frontier'], route: 'frontier' }],
  ])('leaves the plan alone when %s', (_why, changes) => {
    const turn = changes.local ? turnOf({ model: 'small', actor: 'local', tier: 'local_fast' }) : turnOf()
    const given = plan(changes)
    expect(continued(given, features('tool_result'), { ...AUTO, before: turn })).toBe(given)
  })

  it.each([{ override: 'local' }, { override: 'frontier' }, { override: 'auto', prefer: 'big' }] as const)(
    'hears the wish %j of this request before',
    (wish) => {
      const given = plan()
      expect(continued(given, features('tool_result'), { ...wish, before: turnOf() })).toBe(given)
    },
  )

  it('never adds an actor, and never takes the last one', () => {
    const actors = fc.subarray<Actor>(['local', 'frontier'])
    const turn = fc.constantFrom(undefined, 'go_ahead' as const, 'tool_result' as const)
    const model = fc.constantFrom('small', 'mid', 'big', 'other', 'gone')
    fc.assert(
      fc.property(actors, turn, model, fc.nat(5000), (serve, which, name, warmTokens) => {
        const actor = name === 'small' || name === 'mid' ? 'local' : 'frontier'
        const given = plan({
          serve,
          local: serve.includes('local') ? PLAN.local : [],
          frontier: serve.includes('frontier') ? PLAN.frontier : [],
          tiers: PLAN.tiers.filter((tier) => serve.includes(tier.actor)),
        })
        const result = continued(given, features(which), {
          ...AUTO,
          before: turnOf({ model: name, actor, warmTokens }),
        })
        expect(serve).toEqual(expect.arrayContaining([...result.serve]))
        expect(result.serve.length > 0).toBe(serve.length > 0)
        expect(result.local.toSorted()).toEqual(given.local.toSorted())
        expect(result.tiers.every((tier) => result.serve.includes(tier.actor))).toBe(true)
        expect(result.tiers.length > 0).toBe(given.tiers.length > 0)
        expect(result.frontier.toSorted()).toEqual(given.frontier.toSorted())
      }),
    )
  })
})

describe('a bare go-ahead', () => {
  it('inherits the frontier and its tier', () => {
    const result = continued(plan(), features('go_ahead'), { ...AUTO, before: turnOf() })
    expect(result).toMatchObject({ tier: 'frontier', serve: ['frontier'], continues: { because: 'go_ahead' } })
  })
})

describe('a new question', () => {
  const costs = (usd: Readonly<Record<string, number | null>>) => (model: string) => usd[model] ?? null
  const asked = (turn: Partial<TurnBefore>) => continued(plan(), features(), { ...AUTO, before: turnOf(turn) })

  it('stays at the warm cache when that is not dearer', () => {
    const result = asked({ warmTokens: 2000, nextCostUsd: costs({ other: 0.001, big: 0.002 }) })
    expect(result).toMatchObject({
      route: 'local',
      serve: ['local', 'frontier'],
      frontier: ['other', 'big'],
      continues: { model: 'other', because: 'warm_cache' },
    })
    expect(result.continues?.detail).toContain('$0.001000 there, $0.002000 at big')
  })

  it('leaves it when the first choice is cheaper even cold', () => {
    const result = asked({ warmTokens: 2000, nextCostUsd: costs({ other: 0.002, big: 0.001 }) })
    expect(result).toMatchObject({ frontier: ['big', 'other'] })
    expect(result.continues).toBeUndefined()
  })

  it.each([
    ['the one that is left', { big: 0.001 }],
    ['the first choice', { other: 0.001 }],
  ])('stays when the price of %s is not known', (_which, usd) => {
    expect(asked({ warmTokens: 2000, nextCostUsd: costs(usd) }).frontier).toEqual(['other', 'big'])
  })

  it('counts a cold cache for nothing', () => {
    expect(asked({ warmTokens: 0, nextCostUsd: costs({ other: 0, big: 1 }) }).frontier).toEqual(['big', 'other'])
  })
})
