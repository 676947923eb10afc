/** F15 to F20 at random: 1,000 broken streams with each run; `npm run fuzz:streams` takes more and measures. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fuzzStreams } from '../support/stream-fuzz.ts'

const unhandled: unknown[] = []
const keep = (reason: unknown): void => void unhandled.push(reason)

beforeAll(() => void process.on('unhandledRejection', keep))
afterAll(() => void process.off('unhandledRejection', keep))

describe('mutated upstream streams', () => {
  it.each([1, 2, 3, 4])(
    'F15 F16 F18 F19 F20 fuzz: 250 streams of seed %i end typed, and complete only with their terminal event',
    async (seed) => {
      const { problems, ends } = await fuzzStreams(250, seed)
      expect(problems).toEqual([])
      // All ways to end are met, else the mutations are too tame or too wild.
      expect(Object.keys(ends)).toEqual(expect.arrayContaining(['complete', 'model_malformed', 'model_incomplete']))
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).toEqual([])
    },
  )
})
