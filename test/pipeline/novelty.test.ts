import { describe, expect, it } from 'vitest'
import { createNoveltyWatch } from '../../src/pipeline/novelty.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

const OPENINGS = ['When does the shop open', 'Is the shop open', 'Until when is the shop open', 'Does the shop open']
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const example = (at: number) => ({
  requestId: `r${at}`,
  text: `${OPENINGS[at % 4]} on ${DAYS[at % 7]}?`,
  at: '2026-01-01T00:00:00.000Z',
  isFair: true,
  label: null,
})

function router(kept: number) {
  const examples = Array.from({ length: kept }, (_, at) => example(at))
  return sampleRouter(
    {
      policy: {
        models: SMALL_AND_BIG,
        tasks: {
          help: {
            ...ACCEPTING,
            learn: { keep: 'text' },
            novel: { minExamples: 100 },
          },
        },
      },
      env: { KEY: 'k' },
      models: { small: { answers: () => 'A local answer.' }, big: { answers: () => 'A frontier answer.' } },
    },
    {
      novelty: createNoveltyWatch(
        () => examples,
        () => 0,
      ),
    },
  )
}

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }], metadata: { task: 'help' } })
const ODD = ask('kernel panic: attempted to kill init')

describe('a task with novel stops', () => {
  it('stops nothing while there is no history yet, and says how much there is', async () => {
    const { router: own } = router(99)
    const { features } = await own.route(ODD)
    expect(features.novelty).toEqual({ state: 'no_history', examples: 99, needed: 100 })
    expect((await own.complete(ODD)).answer).toBe('A local answer.')
  })

  it('sends what is unlike its history elsewhere, with the reason', async () => {
    expect(await router(200).router.complete(ODD)).toMatchObject({
      answer: 'A frontier answer.',
      decision: { route: 'frontier', reason: 'hard_stop_novel' },
      hardStops: [{ kind: 'novel', term: 'unlike the history', field: 'the input' }],
    })
  })

  it('answers the usual locally', async () => {
    expect(await router(200).router.complete(ask('Is the shop open on Friday?'))).toMatchObject({
      answer: 'A local answer.',
      hardStops: [],
    })
  })
})

describe('a policy with novel stops', () => {
  it.each([
    [{ novel: {} }, 'the task keeps no examples'],
    [{ novel: { minExamples: 300 }, learn: { keep: 'text', maxExamples: 200 } }, 'is less than novel.minExamples'],
  ] as const)('that cannot know its history is refused: %j', (task, problem) => {
    expect(() => validatePolicy({ tasks: { a: task } }, { file: 'a.yaml', env: {} })).toThrow(problem)
  })
})
