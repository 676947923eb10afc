import { describe, expect, it } from 'vitest'
import type { KillMode, KillOrder } from '../../src/spec/kill-switch.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

function router(orders: () => readonly KillOrder[], task: Partial<Task> = {}, onLocal: () => void = () => undefined) {
  return sampleRouter(
    {
      policy: {
        models: SMALL_AND_BIG,
        tasks: {
          chat: {
            ...ACCEPTING,
            ...task,
          },
        },
      },
      env: { KEY: 'k' },
      models: {
        small: {
          answers: () => {
            onLocal()
            return 'A local answer.'
          },
        },
        big: { answers: () => 'A frontier answer.' },
      },
    },
    { killSwitch: { ordersFor: orders } },
  )
}

const order = (mode: KillMode): KillOrder => ({ scope: 'all', mode, why: 'a leak', by: 'me', at: '' })
const ask = (sample: ReturnType<typeof router>, content = 'What is a dam?') =>
  sample.router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'chat' } })

describe('an order of the kill switch', () => {
  it.each([
    ['frontier_only', 'frontier', 'A frontier answer.', [0, 1]],
    ['local_only', 'local', 'A local answer.', [1, 0]],
    ['stop', 'held', null, [0, 0]],
  ] as const)('%s leaves %s, and asks nobody else', async (mode, route, answer, [local, frontier]) => {
    const sample = router(() => [order(mode)])
    const outcome = await ask(sample)
    expect(outcome).toMatchObject({ answer, decision: { route } })
    expect([sample.models.small?.calls.length, sample.models.big?.calls.length]).toEqual([local, frontier])
    expect(sample.record(outcome.requestId)?.removals[0]).toMatchObject({
      rule: 'kill_switch',
      reason: 'kill_switch',
      detail: `The kill switch says ${mode} for all: a leak.`,
    })
  })

  it('adds up with others, and stops solvers and shadows, too', async () => {
    const sample = router(() => [order('frontier_only'), order('local_only')])
    expect((await ask(sample, 'What is 2 + 2?')).decision).toMatchObject({ route: 'held', reason: 'kill_switch' })
    const shadow = router(() => [order('frontier_only')], { stage: 'shadow' })
    await ask(shadow)
    await shadow.router.close()
    expect(shadow.models.small?.calls).toHaveLength(0)
  })

  it('is obeyed by a request that is under way: what was not called yet is not called [F45]', async () => {
    let orders: readonly KillOrder[] = []
    const task = { gates: { length: { minChars: 100 }, entropyNats: null } }
    const sample = router(
      () => orders,
      task,
      () => {
        orders = [order('local_only')]
      },
    )
    await expect(ask(sample)).rejects.toMatchObject({
      code: 'held_for_human',
      message: expect.stringContaining('a leak'),
    })
    expect(sample.models.big?.calls).toHaveLength(0)
  })

  it.each([
    ['finish', 'A frontier answer.', 'answered'],
    ['cancel', null, 'failed'],
  ] as const)('leaves a call that is under way to its end, or breaks it off: %s', async (inFlight, answer, outcome) => {
    let orders: readonly KillOrder[] = []
    let goOn = (): void => undefined
    const sample = sampleRouter(
      {
        policy: { models: SMALL_AND_BIG, tasks: { chat: { ...ACCEPTING, local: false } }, killSwitch: { inFlight } },
        env: { KEY: 'k' },
        models: {
          small: { answers: [] },
          big: {
            answers: () => {
              orders = [order('local_only')]
              setTimeout(() => goOn(), 600)
              return inFlight === 'cancel'
                ? { hang: true }
                : { text: 'A frontier answer.', after: new Promise<void>((resolve) => (goOn = resolve)) }
            },
          },
        },
      },
      { killSwitch: { ordersFor: () => orders } },
    )
    const asked = ask(sample).catch((error: unknown) => error)
    if (answer === null)
      expect(await asked).toMatchObject({ code: 'held_for_human', message: expect.stringContaining('a leak') })
    else expect(await asked).toMatchObject({ answer })
    expect(sample.record('req-1')?.attempts).toMatchObject([{ model: 'big', outcome }])
  })
})
