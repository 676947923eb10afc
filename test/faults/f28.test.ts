/** F28: a model that never stops. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits, type TestHost, testHost, textOf } from '../engine/support.ts'

let host: TestHost
beforeAll(async () => {
  host = await testHost({ contextTokens: 1024 })
})
afterAll(async () => await host.end())

/** Raw repetition: the model goes on with it for as long as it may. */
const ENDLESS = [{ role: 'user' as const, content: `Go on for ever: ${'la '.repeat(60)}` }]

const active = async (): Promise<number | undefined> => (await host.client.call('ps', null)).models[0]?.active

describe('F28', () => {
  it('stops at the token cap', async () => {
    let finish: unknown
    for await (const event of host.model.generate(
      { messages: ENDLESS, stream: true, maxOutputTokens: 40, temperature: 1.9, seed: 3 },
      limits(),
    ))
      if (event.type === 'finish') finish = event
    expect(finish).toMatchObject({ finishReason: 'length', usage: { outputTokens: 40 } })
    expect(await active()).toBe(0)
  })

  it('stops at the total deadline, names it, and frees the slot', async () => {
    const deadlines = { connectMs: 10_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 300 }
    const late = textOf(
      host.model.generate(
        { messages: ENDLESS, stream: true, maxOutputTokens: 900, temperature: 1.9, seed: 3 },
        { signal: AbortSignal.timeout(60_000), deadlines },
      ),
    )
    await expect(late).rejects.toMatchObject({
      code: 'model_timeout',
      message: 'Model small gave no complete answer within 300 ms.',
    })
    await expect.poll(active).toBe(0)
  })
})
