import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEmbeddedModel } from '../../src/models/embedded/embedded.ts'
import type { ModelEvent } from '../../src/spec/ports.ts'
import { limits, specOf, type TestHost, testHost, textOf } from './support.ts'

let host: TestHost
beforeAll(async () => {
  host = await testHost()
})
afterAll(async () => {
  await host.end()
})

const user = (content: string) => [{ role: 'user' as const, content }]

async function eventsOf(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

describe('an answer of the embedded model', () => {
  it('comes as loading, text and a finish with usage, identity and signals', async () => {
    const question = 'What is the capital of France? Answer in one sentence.'
    const events = await eventsOf(host.model.generate({ messages: user(question), stream: true }, limits()))
    expect(events[0]).toEqual({ type: 'loading' })
    const finish = events.at(-1)
    if (finish?.type !== 'finish') throw new Error('no finish')
    expect(finish).toMatchObject({
      finishReason: 'stop',
      usage: { inputTokens: 22, outputTokens: 7, source: 'reported' },
      identity: {
        digest: 'sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
        quantisation: 'Q4_1',
        servedBy: 'small',
      },
      signals: { pass: 'decode', level: 2, fullDistribution: true, tokens: 7, options: null, margin: null },
    })
    const signals = finish.signals
    expect(signals?.meanLogprob).toBeLessThan(0)
    expect(signals?.entropyLowNats).toBeLessThanOrEqual(signals?.entropyHighNats ?? 0)
    expect(signals?.minLogprob).toBeLessThanOrEqual(signals?.meanLogprob ?? 0)
  })

  it('tells the figures of every token where it is asked to, and where each stands in the text', async () => {
    const messages = user('Name the river of Paris and the year 1889 in one sentence. \u{1F600}')
    const call = { messages, stream: true, maxOutputTokens: 24, tokenSignals: true as const }
    const events = await eventsOf(host.model.generate(call, limits()))
    const text = events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
    const finish = events.at(-1)
    if (finish?.type !== 'finish' || !finish.tokens) throw new Error('no tokens')
    expect(finish.tokens).toHaveLength(finish.usage.outputTokens)
    expect(finish.tokens.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
    const most = Math.max(...finish.tokens.map(({ entropyLowNats }) => entropyLowNats ?? Number.NaN))
    expect(most).toBeCloseTo(finish.signals?.maxTokenEntropyNats ?? -1, 10)
    const unasked = await eventsOf(host.model.generate({ messages, stream: true, maxOutputTokens: 4 }, limits()))
    expect(unasked.at(-1)).not.toHaveProperty('tokens')
  })

  it('ends with length at the token cap, and with stop before a stop string', async () => {
    const story = user('Write a long story about a dam.')
    const capped = await eventsOf(host.model.generate({ messages: story, stream: true, maxOutputTokens: 5 }, limits()))
    expect(capped.at(-1)).toMatchObject({ finishReason: 'length', usage: { outputTokens: 5 } })
    const question = user('What is the capital of France? Answer in one sentence.')
    const stopped = await eventsOf(
      host.model.generate({ messages: question, stream: true, stop: ['is Par'] }, limits()),
    )
    expect(stopped.at(-1)).toMatchObject({ finishReason: 'stop' })
    expect(stopped.map((event) => (event.type === 'text' ? event.delta : '')).join('')).toBe('The capital of France ')
  })

  it('marks signals as not full when the temperature changed the distribution, and repeats with the same seed', async () => {
    const call = { messages: user('Name a river.'), stream: true, temperature: 0.8, seed: 11, maxOutputTokens: 12 }
    const first = await eventsOf(host.model.generate(call, limits()))
    expect(first.at(-1)).toMatchObject({ signals: { fullDistribution: false } })
    const second = await textOf(host.model.generate(call, limits()))
    expect(second).toBe(first.map((event) => (event.type === 'text' ? event.delta : '')).join(''))
  })

  it('holds the exact entropy with signals: exact, inside the bracket that is read otherwise', async () => {
    const call = { messages: user('Describe a river in one sentence.'), stream: true, maxOutputTokens: 24 }
    const bracket = (await eventsOf(host.model.generate(call, limits()))).at(-1)
    const model = createEmbeddedModel({ spec: specOf(host), signals: 'exact', paths: host.paths, env: process.env })
    const exact = (await eventsOf(model.generate(call, limits()))).at(-1)
    await model.close()
    if (bracket?.type !== 'finish' || exact?.type !== 'finish') throw new Error('no finish')
    const entropy = exact.signals?.entropyLowNats ?? Number.NaN
    expect(exact.signals).toMatchObject({ level: 2, entropyHighNats: entropy, tokens: bracket.signals?.tokens })
    expect(entropy).toBeGreaterThan(bracket.signals?.entropyLowNats ?? Number.NaN)
    expect(entropy).toBeLessThan(bracket.signals?.entropyHighNats ?? Number.NaN)
    expect(exact.signals?.meanLogprob).toBeCloseTo(bracket.signals?.meanLogprob ?? Number.NaN, 2)
  })

  it('does not mix eight texts that run side by side', async () => {
    const countries = ['France', 'Italy', 'Spain', 'Germany', 'Japan', 'Russia', 'England', 'Egypt']
    const texts = await Promise.all(
      countries.map((country) => {
        const messages = user(`What is the capital of ${country}? Answer in one sentence.`)
        return textOf(host.model.generate({ messages, stream: true, maxOutputTokens: 12 }, limits()))
      }),
    )
    expect(texts.map((text) => countries.filter((country) => text.includes(country)))).toEqual(
      countries.map((country) => [country]),
    )
  })

  it('refuses a prompt beyond the context, with the counts and the fix', async () => {
    const long = user('river '.repeat(3000))
    const failure = await textOf(host.model.generate({ messages: long, stream: true }, limits())).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'request_invalid', values: { path: 'messages' } })
    expect(String(failure)).toMatch(/the prompt has 30\d\d tokens and the context of model small holds 1024/)
  })

  it('names the phase when the first token is late', async () => {
    const deadlines = { connectMs: 10_000, firstByteMs: 1, idleMs: 10_000, totalMs: 10_000 }
    const late = textOf(
      host.model.generate(
        { messages: user('dam '.repeat(800)), stream: true },
        { signal: AbortSignal.timeout(60_000), deadlines },
      ),
    )
    await expect(late).rejects.toMatchObject({
      code: 'model_timeout',
      message: 'Model small gave no first token within 1 ms.',
    })
  })
})

describe('a typed decision', () => {
  const review = {
    instruction: 'Classify the sentiment of the movie review.',
    shots: [
      { input: 'A wonderful and moving film with great actors.', output: 'positive' },
      { input: 'Dull, badly acted and far too long to sit through.', output: 'negative' },
    ],
    options: ['positive', 'negative'],
  }

  it('gives every option a probability, summing to 1, and prefers the right one on an easy case', async () => {
    const decide = host.model.decide
    if (decide === undefined) throw new Error('cannot decide')
    const good = await decide({ ...review, input: 'I loved every minute of this beautiful film.' }, limits())
    expect(good.options.map(({ value }) => value)).toEqual(['positive', 'negative'])
    expect(good.options.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9)
    expect(good.signals).toMatchObject({ pass: 'batch', level: 2, fullDistribution: true })
    expect(good.signals.margin).toBeCloseTo(
      (good.options[0]?.probability ?? 0) - (good.options[1]?.probability ?? 0),
      9,
    )
    const bad = await decide({ ...review, input: 'A boring, terrible film. I hated it.' }, limits())
    expect(bad.options[0]?.value).toBe('negative')
  })

  it('tells options apart of which one begins like another', async () => {
    const call = {
      ...review,
      shots: [],
      instruction: 'Name the part of the build.',
      input: 'x',
      options: ['test', 'test suite', 'testing'],
    }
    const result = await host.model.decide?.(call, limits())
    expect(result?.options).toHaveLength(3)
    expect(new Set(result?.options.map(({ logprob }) => logprob)).size).toBe(3)
    expect(result?.options.every(({ logprob }) => logprob < 0 && Number.isFinite(logprob))).toBe(true)
  })

  it('refuses fewer than two different options', async () => {
    await expect(
      host.model.decide?.({ ...review, input: 'x', options: ['same', 'same'] }, limits()),
    ).rejects.toMatchObject({
      code: 'request_invalid',
      message: 'The request is invalid at options: a decision needs at least two different options.',
    })
  })
})
