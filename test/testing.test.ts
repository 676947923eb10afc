import { describe, expect, it } from 'vitest'
import type { ModelEvent, ModelPort } from '../src/spec/ports.ts'
import { manualClock, scriptedModel } from '../src/testing.ts'

const deadlines = { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 }
const limits = { signal: new AbortController().signal, deadlines }
const call = { messages: [{ role: 'user' as const, content: 'Hi' }], stream: false }

async function events(model: ModelPort, signal = limits.signal): Promise<readonly ModelEvent[]> {
  const found: ModelEvent[] = []
  for await (const event of model.generate(call, { signal, deadlines })) found.push(event)
  return found
}

describe('a scripted model', () => {
  it('plays its answers in order and keeps the calls', async () => {
    const model = scriptedModel({
      name: 'small',
      answers: ['build', { text: ['a', 'b'], loading: true, toolCalls: [{ id: 'c', name: 'f', arguments: '{}' }] }],
    })
    expect((await events(model)).map((event) => (event.type === 'text' ? event.delta : event.type))).toEqual([
      'build',
      'finish',
    ])
    expect(await events(model)).toMatchObject([
      { type: 'loading' },
      { type: 'text', delta: 'a' },
      { type: 'text', delta: 'b' },
      { type: 'tool_call', index: 0, id: 'c', name: 'f', argumentsDelta: '{}' },
      { type: 'finish', finishReason: 'tool_calls', usage: { source: 'estimated' }, signals: null },
    ])
    expect(model.calls).toEqual([call, call])
  })

  it('plays failures, before and after the first piece', async () => {
    const model = scriptedModel({
      name: 'big',
      answers: [
        { fail: 'model_timeout' },
        { text: 'x', thenFail: 'model_incomplete' },
        { fail: 'model_rate_limited', values: { retryAfterSeconds: 9 } },
      ],
    })
    await expect(events(model)).rejects.toThrow('Model big gave no first byte within 30000 ms.')
    await expect(events(model)).rejects.toThrow('The answer of model big ended before it was complete.')
    await expect(events(model)).rejects.toMatchObject({ code: 'model_rate_limited', retryAfterSeconds: 9 })
  })

  it('fails with a plain message when the script is at its end', async () => {
    await expect(events(scriptedModel({ name: 'small' }))).rejects.toThrow(
      'Model small failed: its script has no step 1.',
    )
  })

  it('hangs until it is cancelled', async () => {
    const caller = new AbortController()
    const ending = expect(
      events(scriptedModel({ name: 'small', answers: [{ hang: true }] }), caller.signal),
    ).rejects.toMatchObject({ code: 'cancelled' })
    caller.abort()
    await ending
  })

  it('answers from the call when the script is a function', async () => {
    const model = scriptedModel({ name: 'echo', answers: ({ messages }) => String(messages[0]?.content) })
    expect((await events(model))[0]).toEqual({ type: 'text', delta: 'Hi' })
  })

  it('plays distributions, normalised and sorted, and cannot decide without them', async () => {
    const model = scriptedModel({
      name: 'small',
      decisions: [{ probabilities: { build: 1, test: 3 } }, { fail: 'engine_crashed', values: { logFile: 'x' } }],
    })
    const ask = { instruction: 'Label.', shots: [], input: 'log', options: ['build', 'test', 'access'] }
    const result = await model.decide?.(ask, limits)
    expect(result?.options.map(({ value, probability }) => [value, probability])).toEqual([
      ['test', 0.75],
      ['build', 0.25],
      ['access', 0],
    ])
    expect(result?.signals.margin).toBe(0.5)
    await expect(model.decide?.(ask, limits)).rejects.toMatchObject({ code: 'engine_crashed' })
    expect(scriptedModel({ name: 'hosted' }).decide).toBeUndefined()
  })
})

describe('a manual clock', () => {
  it('stands still until it is moved, and wakes sleepers in the order of their time', async () => {
    const clock = manualClock({ epochMs: 5000 })
    const woken: string[] = []
    const late = clock.sleep(20, limits.signal).then(() => woken.push(`late at ${clock.monotonicMs()}`))
    const early = clock.sleep(10, limits.signal).then(() => woken.push(`early at ${clock.monotonicMs()}`))
    await clock.advance(9)
    expect([woken, clock.epochMs()]).toEqual([[], 5009])
    await clock.advance(100)
    await Promise.all([late, early])
    expect(woken).toEqual(['early at 10', 'late at 20'])
    expect([clock.monotonicMs(), clock.sleeps]).toEqual([109, [20, 10]])
  })

  it('lets a sleeper go when the signal is aborted', async () => {
    const caller = new AbortController()
    const sleeping = expect(manualClock().sleep(10, caller.signal)).rejects.toMatchObject({ code: 'cancelled' })
    caller.abort()
    await sleeping
  })
})
