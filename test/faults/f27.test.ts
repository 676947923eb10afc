/** F27: many callers want a model that is not loaded yet. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits, specOf, type TestHost, testHost, textOf } from '../engine/support.ts'

let host: TestHost
beforeAll(async () => {
  host = await testHost({ contextTokens: 512 })
})
afterAll(async () => await host.end())

const MOOD = { instruction: 'Is the text cheerful?', shots: [], options: ['yes', 'no'] }

describe('F27', () => {
  it('50 callers at once cause one load, and all are answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        host.model.decide?.({ ...MOOD, input: `We had a fine day number ${index}.` }, limits()),
      ),
    )
    expect(answers.filter((answer) => answer?.options.length === 2)).toHaveLength(50)
    expect((await host.client.call('ps', null)).models).toHaveLength(1)
  })

  it('an unload waits for no request and takes none away', async () => {
    const spec = specOf(host, { contextTokens: 512 })
    const answering = textOf(
      host.model.generate(
        { messages: [{ role: 'user', content: 'Describe a river.' }], stream: true, maxOutputTokens: 24 },
        limits(),
      ),
    )
    const unloads = await Promise.all(
      Array.from({ length: 10 }, () => host.client.call('unload', { digest: spec.digest })),
    )
    expect((await answering).length).toBeGreaterThan(10)
    // Before the request arrived the idle copy may go once; while it runs, none.
    expect(unloads.reduce((sum, { unloaded }) => sum + unloaded, 0)).toBeLessThanOrEqual(1)
  })

  it('a load that fails frees the way for the next one', async () => {
    const broken = specOf(host, { contextTokens: 1_000_000 })
    const [first, second] = await Promise.allSettled([
      host.client.call('load', broken),
      host.client.call('load', specOf(host, { contextTokens: 768 })),
    ])
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'request_invalid' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: { state: 'ready', contextTokens: 768 } })
  })
})
