import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitVerdict, largestContext, loadBytes, loadParts } from '../../src/models/embedded/memory.ts'

const HEADER = { weightBytes: 98_000_000, cacheBytesPerToken: 23_040, vocabularySize: 49_152 }

describe('the memory of a load', () => {
  it('is weights, a cache for each sequence, and buffers', () => {
    const one = loadParts(HEADER, { contextTokens: 1000, sequences: 1 })
    const two = loadParts(HEADER, { contextTokens: 1000, sequences: 2 })
    expect(one).toMatchObject({ weights: 98_000_000, cache: 23_040_000 })
    expect(two).toEqual({ ...one, cache: 46_080_000 })
  })

  it('is taken for that of a large model when the file does not say', () => {
    const unknown = { ...HEADER, cacheBytesPerToken: null, vocabularySize: null }
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
