import { describe, expect, it } from 'vitest'
import { fuzzStreams } from '../support/stream-fuzz.ts'

describe('mutated upstream streams', () => {
  it.each(Array.from({ length: 10 }, (_, index) => 100 + index))(
    'F15 F16 F18 F19 F20 fuzz: 1,000 streams of seed %i',
    async (seed) => {
      const { problems } = await fuzzStreams(1000, seed)
      expect(problems).toEqual([])
    },
  )
})
