import { describe, expect, it } from 'vitest'
import { type Reading, viewersOf } from '../../src/models/head-views.ts'
import type { CallLimits, DecideCall, EmbedFrame } from '../../src/spec/ports.ts'

const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1, firstByteMs: 1, idleMs: 1, totalMs: 1 },
}
const rows = (labels: readonly string[], each: number) =>
  labels.flatMap((label) =>
    Array.from({ length: each }, (_, index) => ({ text: `${label} ${'x'.repeat(10 + index)}`, label })),
  )

function reading(labels: readonly string[], each: number) {
  const frames: (EmbedFrame | undefined)[] = []
  const calls: DecideCall[] = []
  const usage = { inputTokens: 3, outputTokens: 1, source: 'reported' } as const
  const identity = { digest: 'sha256:w', quantisation: null, servedBy: 'small' }
  const given: Reading = {
    instruction: 'Which colour is it?',
    examples: { options: labels, rows: rows(labels, each), digest: 'sha256:e' },
    embed: async (_, __, frame) => {
      frames.push(frame)
      return { vector: [1, 2], usage, identity, recipe: 'r' }
    },
    decide: async (call) => {
      calls.push(call)
      const options = call.options.map((value, index) => ({ value, probability: index === 0 ? 0.8 : 0.2, logprob: -1 }))
      const signals = {
        pass: 'batch' as const,
        level: 2 as const,
        fullDistribution: true,
        tokens: 1,
        meanLogprob: -1,
        minLogprob: -1,
        entropyLowNats: 0,
        entropyHighNats: 0,
        maxTokenEntropyNats: 0,
        options,
        margin: 0.6,
      }
      return { options, signals, usage, identity }
    },
  }
  return { given, frames, calls }
}

describe('the ways a head reads a text', () => {
  it('are its gist, the options in view, and the scores of the labels', async () => {
    const { given, frames, calls } = reading(['red', 'blue'], 10)
    const viewers = viewersOf(given)
    const views = []
    for (const viewer of viewers) views.push(await viewer.read('a rose', LIMITS))
    expect(frames.map((frame) => frame?.after)).toEqual(['" means in one word: "', '\n\nOf red and blue, this text is'])
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ instruction: 'Which colour is it?', input: 'a rose', options: ['red', 'blue'] })
    expect(calls[0]).not.toHaveProperty('head')
    expect(views[2]?.vector).toEqual([Math.log(0.8), Math.log(0.2)])
    expect(new Set(viewers.map(({ recipe }) => recipe)).size).toBe(3)
  })

  it('take the shortest examples as shots, by turns, and do not fit the scores on them', async () => {
    const { given, calls } = reading(['red', 'blue'], 10)
    const [gist, , scores] = viewersOf(given)
    await scores?.read('a rose', LIMITS)
    const shots = calls[0]?.shots ?? []
    expect(shots.map(({ output }) => output)).toEqual(['red', 'blue', 'red', 'blue', 'red', 'blue', 'red', 'blue'])
    expect(shots[0]?.input).toBe(`red ${'x'.repeat(10)}`)
    expect(gist?.rows).toHaveLength(20)
    expect(scores?.rows).toHaveLength(12)
    expect(scores?.rows.some(({ text }) => shots.some(({ input }) => input === text))).toBe(false)
  })

  it.each([
    ['the examples are too few to spare some', ['red', 'blue'], 6],
    ['there are more options than shots', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'], 10],
  ])('leave the scores out where %s', (_, labels, each) => {
    expect(viewersOf(reading(labels, each).given)).toHaveLength(2)
  })
})
