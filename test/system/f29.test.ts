/** F29: many requests at once on one loaded model do not read each other's text. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits, type TestHost, testHost, textOf } from '../engine/support.ts'

let host: TestHost
beforeAll(async () => {
  host = await testHost({ contextTokens: 512, sequences: 8 })
})
afterAll(async () => await host.end())

const FIRST = ['zor', 'vel', 'kam', 'tix', 'bru', 'pol', 'nes', 'fad', 'gim', 'lur']
const SECOND = ['vex', 'dak', 'mon', 'pim', 'sul', 'ter', 'wog', 'hab', 'cin', 'rud']
/** 200 made-up words of which none is part of another. */
const MARKERS = ['o', 'is'].flatMap((end) => FIRST.flatMap((first) => SECOND.map((second) => first + second + end)))

describe('F29', () => {
  it('200 parallel prompts with a marker each: every answer holds its own or none', { timeout: 280_000 }, async () => {
    const patient = { ...limits().deadlines, firstByteMs: 240_000, totalMs: 260_000 }
    const answers = await Promise.all(
      MARKERS.map((marker) => {
        const messages = [{ role: 'user' as const, content: `The password is ${marker}. What is the password?` }]
        return textOf(
          host.model.generate(
            { messages, stream: true, maxOutputTokens: 12 },
            { signal: AbortSignal.timeout(270_000), deadlines: patient },
          ),
        )
      }),
    )
    const foreign = answers.filter((answer, index) =>
      MARKERS.some((marker, other) => other !== index && answer.includes(marker)),
    )
    expect(foreign).toEqual([])
    // The model spells most of them right, so a mix-up would show.
    const own = answers.filter((answer, index) => answer.includes(MARKERS[index] ?? ''))
    expect(own.length).toBeGreaterThan(120)
  })
})
