import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Asked } from '../../src/patterns/pattern.ts'
import { isDecided, sidesOf, type Vote, winnerOf } from '../../src/patterns/vote.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { sampleRouter } from '../support/sample-router.ts'

const EXACT = { equality: 'exact', tolerance: 0, minSimilarity: 1 } as const

const vote = (said: string, weight = 1): Vote => ({ said, weight, asked: { model: 'm', actor: 'local' } as Asked })
const names = (votes: readonly Vote[]) => sidesOf(votes, EXACT).map(({ votes: side }) => side.map(({ said }) => said))

describe('counting votes', () => {
  it('puts those who say the same on one side, the heaviest first', () => {
    expect(names([vote('Bonn'), vote('Paris.'), vote('paris')])).toEqual([['Paris.', 'paris'], ['Bonn']])
  })

  it('knows no winner of a tie', () => {
    expect(winnerOf(sidesOf([vote('a'), vote('b')], EXACT))).toBeNull()
    expect(winnerOf(sidesOf([vote('a', 0.1), vote('a', 0.2), vote('b', 0.3)], EXACT))).toBeNull()
    expect(winnerOf([])).toBeNull()
  })

  it('never stops early on a side that the open votes could still have beaten or caught', () => {
    const votes = fc.array(
      fc.record({ said: fc.constantFrom('a', 'b', 'c'), weight: fc.constantFrom(0.1, 0.5, 1, 2) }),
      {
        minLength: 1,
        maxLength: 9,
      },
    )
    fc.assert(
      fc.property(votes, fc.nat(8), (all, at) => {
        const heard = all.slice(0, Math.min(at, all.length) + 1).map(({ said, weight }) => vote(said, weight))
        const open = all.slice(heard.length).map(({ said, weight }) => vote(said, weight))
        const sides = sidesOf(heard, EXACT)
        const left = open.reduce((sum, { weight }) => sum + weight, 0)
        if (!isDecided(sides, left)) return
        const winner = winnerOf(sidesOf([...heard, ...open], EXACT))
        expect(winner?.votes[0]?.said).toBe(sides[0]?.votes[0]?.said)
      }),
    )
  })
})

const MODELS = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
  huge: { provider: 'openai', model: 'gpt-4.1', tier: 'frontier', apiKey: '${env:KEY}' },
} as const
const TASK = {
  kind: 'boolean',
  local: 'small',
  frontier: 'frontier',
  stage: 'accept',
  complexity: 'simple',
  accept: { uncalibrated: true },
} as const

function problemWith(options: object): string {
  const policy = { models: MODELS, tasks: { chat: { ...TASK, frontier: 'big', pattern: { consensus: options } } } }
  try {
    validatePolicy(policy, { file: 'p.yaml', env: { KEY: 'k' } })
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('the policy of consensus', () => {
  it.each([
    [{ with: ['small'] }, 'tasks.chat.pattern.consensus.with'],
    [{ with: ['small', 'self'] }, 'a model has one vote'],
    [{ with: ['small', 'small'] }, 'small stands in it twice'],
    [{ with: ['small', 'huge'] }, 'huge is not a frontier of this task'],
    [{ weights: { big: 2 } }, 'rule majority counts no weights'],
    [{ with: ['small', 'big'], rule: 'weighted', weights: { peer: 2 } }, 'peer does not vote'],
  ])('refuses %j', (options, problem) => expect(problemWith(options)).toContain(problem))

  it('is the default of a task that is critical, and of no other', () => {
    const patternOf = (task: object) =>
      validatePolicy({ tasks: { a: task } }, { file: 'p.yaml', env: {} }).policy.tasks.a?.pattern
    expect(patternOf({ critical: true })).toEqual({
      consensus: { rule: 'majority', weights: {}, tolerance: 0.000001, ask: 'inTurn' },
    })
    expect(patternOf({ critical: true, pattern: 'direct' })).toEqual({ direct: {} })
    expect(patternOf({})).toEqual({ cascade: {} })
  })
})

describe('a panel of hosted models', () => {
  it('serves their answer, and counts what each of them cost', async () => {
    const { router } = sampleRouter({
      policy: {
        models: MODELS,
        tasks: { chat: { ...TASK, pattern: { consensus: { with: ['small', 'big', 'huge'] } } } },
      },
      env: { KEY: 'k' },
      models: {
        small: { decisions: [{ probabilities: { yes: 0.9, no: 0.1 } }] },
        big: { answers: ['no'] },
        huge: { answers: ['No.'] },
      },
    })
    const outcome = await router.decide({ task: 'chat', input: 'Is it safe?' })
    expect(outcome.value).toBe('no')
    expect(outcome.decision).toMatchObject({ route: 'frontier', model: 'big', reason: 'disagreement' })
    expect(outcome.attempts.map(({ model, purpose }) => `${model} ${purpose}`)).toEqual([
      'small vote',
      'big vote',
      'huge vote',
    ])
    expect(outcome.costUsd).toBeCloseTo(outcome.attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0))
    expect(outcome.costUsd).toBeGreaterThan(0)
  })
})
