import { describe, expect, it } from 'vitest'
import type { TaskOverride, TaskOverrides } from '../../src/spec/task-override.ts'
import { SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

const COMMON = { task: 'triage', why: 'complaints', by: 'me', at: '', until: '2026-01-01T00:00:00.000Z' }
const route = (value: 'local' | 'frontier'): TaskOverride => ({ ...COMMON, key: 'route', value })
const least = (value: number): TaskOverride => ({ ...COMMON, key: 'minConfidence', value })

function sample(set: readonly TaskOverride[], problem: string | null = null) {
  const overrides: TaskOverrides = { inForce: (task) => set.filter((one) => one.task === task), problem: () => problem }
  const triage = {
    kind: 'choice' as const,
    labels: ['bug', 'praise'],
    local: 'small',
    frontier: 'big',
    stage: 'accept' as const,
    accept: { uncalibrated: true },
    minConfidence: 0.7,
  }
  return sampleRouter(
    {
      policy: { models: SMALL_AND_BIG, tasks: { triage, other: triage } },
      env: { KEY: 'k' },
      models: {
        small: { answers: [], decisions: () => ({ probabilities: { bug: 0.8, praise: 0.2 } }) },
        big: { answers: () => 'praise' },
      },
    },
    { overrides },
  )
}

const ask = (made: ReturnType<typeof sample>, task = 'triage', override?: 'local' | 'frontier') =>
  made.router.complete({
    messages: [{ role: 'user', content: 'It crashes.' }],
    metadata: { task },
    ...(override && { override }),
  })

describe('a setting that an operator sets aside', () => {
  it('sends a task to the frontier, whatever its caller wishes, and says who wanted that and until when', async () => {
    const made = sample([route('frontier')])
    const outcome = await ask(made, 'triage', 'local')
    expect(outcome).toMatchObject({ answer: 'praise', decision: { route: 'frontier', reason: 'manual_override' } })
    expect(made.models.small?.calls).toEqual([])
    expect(made.record(outcome.requestId)?.removals[0]?.detail).toBe(
      'The route frontier is set until 2026-01-01T00:00:00.000Z by me: complaints.',
    )
    expect((await ask(made, 'other')).decision.route).toBe('local')
  })

  it('keeps a task here', async () => {
    const made = sample([route('local'), least(0.9)])
    expect((await ask(made)).decision).toMatchObject({ route: 'local', degraded: true })
    expect(made.models.big?.calls).toEqual([])
  })

  it('asks for more confidence, and stands in the record so that a replay decides alike', async () => {
    expect((await ask(sample([]))).decision.route).toBe('local')
    const made = sample([least(0.9)])
    const outcome = await ask(made)
    expect(outcome).toMatchObject({ answer: 'praise', decision: { reason: 'confidence_low' } })
    expect(outcome.verdicts.find(({ gate }) => gate === 'confidence')).toMatchObject({
      threshold: 0.9,
      accepted: false,
    })
    expect(made.record(outcome.requestId)?.circumstances).toMatchObject({ leastConfidence: 0.9 })
  })

  it('that cannot be read holds every request: somebody wanted something else than the policy', async () => {
    const made = sample([], 'the file cannot be read')
    expect((await ask(made)).decision).toMatchObject({ route: 'held', reason: 'kill_switch' })
    expect([made.models.small?.calls, made.models.big?.calls]).toEqual([[], []])
  })
})
