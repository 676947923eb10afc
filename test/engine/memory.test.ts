import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitVerdict, largestContext, loadBytes, loadParts } from '../../src/models/embedded/memory.ts'
import { largestQuantisation } from '../../src/models/embedded/quantisations.ts'

const HEADER = {
  weightBytes: 96_576_768,
  cacheBytesPerToken: 23_040,
  vocabularySize: 49_152,
  embeddingLength: 576,
  feedForwardLength: 1536,
}

/** What a process that loads SmolLM2-135M Q4_1 grew by until after its first full batch; from `npm run bench:memory`. */
const MEASURED = [
  { contextTokens: 512, sequences: 1, grewBytes: 201_580_544 },
  { contextTokens: 512, sequences: 8, grewBytes: 286_404_608 },
  { contextTokens: 2048, sequences: 1, grewBytes: 239_181_824 },
  { contextTokens: 2048, sequences: 8, grewBytes: 568_901_632 },
  { contextTokens: 8192, sequences: 1, grewBytes: 376_573_952 },
  { contextTokens: 8192, sequences: 8, grewBytes: 1_707_712_512 },
]

describe('the memory of a load', () => {
  it('is weights, a cache for each sequence, and buffers', () => {
    expect(loadParts(HEADER, { contextTokens: 1024, sequences: 1 })).toEqual({
      weights: 96_576_768,
      cache: 23_592_960,
      buffers: 92_975_488,
    })
    expect(loadParts(HEADER, { contextTokens: 1024, sequences: 2 })).toMatchObject({ cache: 47_185_920 })
  })

  it('rounds the cache of each sequence up to whole blocks of 256 tokens', () => {
    const cacheOf = (contextTokens: number) => loadParts(HEADER, { contextTokens, sequences: 8 }).cache
    expect(cacheOf(257)).toBe(94_371_840)
    expect(cacheOf(512)).toBe(94_371_840)
  })

  it.each(MEASURED)('is within 15 % of what was measured: %j', ({ grewBytes, ...plan }) => {
    expect(loadBytes(HEADER, plan) / grewBytes).toBeGreaterThan(0.85)
    expect(loadBytes(HEADER, plan) / grewBytes).toBeLessThan(1.15)
  })

  it('is taken for that of a large model when the file does not say', () => {
    const unknown = { weightBytes: 96_576_768, cacheBytesPerToken: null, vocabularySize: null }
    const plan = { contextTokens: 1000, sequences: 1 }
    expect(loadBytes(unknown, plan)).toBeGreaterThan(loadBytes(HEADER, plan))
  })
})

describe('the verdict', () => {
  it('counts what idle models would give back', () => {
    const free = { available: 100, reclaimable: 50 }
    expect([100, 101, 150, 151].map((need) => fitVerdict(need, free))).toEqual([
      'fits',
      'fits_after_unload',
      'fits_after_unload',
      'no',
    ])
  })
})

describe('the largest context', () => {
  it('fits, and one batch more does not', () => {
    const anyFree = fc.record({
      available: fc.integer({ min: 0, max: 2_000_000_000 }),
      reclaimable: fc.integer({ min: 0, max: 500_000_000 }),
    })
    fc.assert(
      fc.property(anyFree, fc.integer({ min: 1, max: 8 }), (free, sequences) => {
        const limitTokens = 8192
        const tokens = largestContext(HEADER, free, { sequences, limitTokens })
        const verdictAt = (contextTokens: number) => fitVerdict(loadBytes(HEADER, { contextTokens, sequences }), free)
        expect(tokens).toBeLessThanOrEqual(limitTokens)
        if (tokens > 0) expect(verdictAt(tokens)).not.toBe('no')
        if (tokens < limitTokens) expect(verdictAt(tokens + 512)).toBe('no')
      }),
    )
  })
})

describe('the largest quantisation', () => {
  it.each([
    [8_030_000_000, 5_000_000_000, 'Q4_K_M'],
    [8_030_000_000, 16_100_000_000, 'F16'],
    [8_030_000_000, 3_000_000_000, null],
    [null, 16_000_000_000, null],
  ])('of %s weights in %s bytes is %s', (parameters, bytes, name) => {
    expect(largestQuantisation(parameters, bytes)).toBe(name)
  })
})
