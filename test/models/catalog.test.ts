import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cacheBytesPerToken } from '../../src/models/catalog/figures.ts'
import { fitRows, memoryBytes } from '../../src/models/catalog/fit-rows.ts'
import { findOpenModel, OPEN_MODELS } from '../../src/models/catalog/open-models.ts'
import { WORKLOAD_ROWS } from '../../src/models/catalog/workloads.ts'

function model(name: string) {
  const found = findOpenModel(name)
  if (found === null) throw new Error(`${name} is not in the table`)
  return found
}

function weight(name: string, quantisation: string) {
  const found = model(name).weights.find((row) => row.quantisation === quantisation)
  if (found === undefined) throw new Error(`${name} has no ${quantisation}`)
  return found
}

describe('the swap table', () => {
  it('has the models of each class of work', () => {
    const names = Object.groupBy(OPEN_MODELS, ({ workload }) => workload)
    expect(Object.fromEntries(Object.entries(names).map(([key, rows]) => [key, rows.map(({ name }) => name)]))).toEqual(
      {
        edge: ['qwen3-4b', 'llama-3.2-3b'],
        volume: ['qwen3-8b', 'llama-3.1-8b'],
        frontier_class: ['qwen3-32b', 'deepseek-r1-distill-32b'],
        long_context: ['llama-3.3-70b', 'deepseek-r1-distill-70b'],
        coding: ['qwen2.5-coder-32b', 'qwen3-coder-30b'],
        hosted: ['kimi-k2'],
      },
    )
    expect(WORKLOAD_ROWS.map(({ name, typicalGigabytes }) => [name, typicalGigabytes])).toEqual([
      ['edge', 3],
      ['volume', 5.5],
      ['frontier_class', 19],
      ['long_context', 42],
      ['coding', 19],
      ['hosted', null],
    ])
  })

  it('gives a page for each figure, and says how a size that no page gave was computed', () => {
    const sources = OPEN_MODELS.flatMap(({ licence, parameters, shape, weights }) => [
      licence.source,
      parameters.source,
      shape.source,
      ...weights.map(({ source }) => source),
    ])
    expect(sources.filter(({ url }) => !/^https:\/\/[\w.-]+\/\S+$/.test(url))).toEqual([])
    // Nearly all were looked up; the few that were not say so.
    expect(sources.filter(({ verified }) => !verified)).toHaveLength(2)
    expect(weight('qwen3-8b', 'Q4_K_M')).toMatchObject({
      basis: 'computed',
      bytes: 5_010_642_000,
      source: { note: '8.19 billion parameters × 4.8944 bits per weight ÷ 8' },
    })
  })

  it('computes sizes within 3 % of the published ones', () => {
    const ratios = OPEN_MODELS.filter(({ name }) => name !== 'kimi-k2').flatMap((row) =>
      row.weights
        .filter(({ basis }) => basis === 'published')
        .map(({ quantisation, bytes }) => {
          const bits = { Q4_K_M: 4.8944, Q5_K_M: 5.7036, Q8_0: 8.5008 }[quantisation] ?? 0
          return (row.parameters.value * bits) / 8 / bytes
        }),
    )
    expect(ratios).toHaveLength(21)
    expect(Math.min(...ratios)).toBeGreaterThan(0.97)
    expect(Math.max(...ratios)).toBeLessThan(1.03)
  })

  it('knows the bytes of a token of context: keys and values of each layer and head', () => {
    expect(cacheBytesPerToken(model('llama-3.1-8b').shape.value)).toBe(131_072)
    expect(cacheBytesPerToken(model('qwen3-32b').shape.value)).toBe(262_144)
    expect(cacheBytesPerToken(model('llama-3.3-70b').shape.value)).toBe(327_680)
    expect(cacheBytesPerToken(model('qwen3-coder-30b').shape.value)).toBe(98_304)
  })

  it('says that Kimi K2 fits in no laptop, and what it needs', () => {
    const kimi = model('kimi-k2')
    expect(kimi.hardware).toBe('hosted')
    expect(kimi.note).toContain('Does not fit in 19 GB')
    expect(kimi.note).toContain('about 250 GB')
    const smallest = Math.min(...kimi.weights.map((row) => memoryBytes(kimi, row)))
    expect(smallest).toBeGreaterThan(245_000_000_000)
  })

  it('names the hardware class by parameters: up to 14 billion a laptop, 30 to 70 billion a workstation', () => {
    for (const { hardware, parameters } of OPEN_MODELS) {
      const billions = parameters.value / 1e9
      expect(hardware).toBe(billions <= 14 ? 'laptop' : billions <= 71 ? 'workstation_gpu' : 'hosted')
    }
  })
})

describe('what fits', () => {
  const verdicts = (available: number, reclaimable = 0) =>
    Object.fromEntries(
      fitRows(OPEN_MODELS, { available, reclaimable })
        .filter(({ quantisation }) => quantisation === 'Q4_K_M')
        .map(({ name, verdict }) => [name, verdict]),
    )

  it('depends on the memory that is free, and on what idle models hold', () => {
    expect(verdicts(8e9)).toMatchObject({ 'qwen3-8b': 'fits', 'qwen3-32b': 'no', 'llama-3.3-70b': 'no' })
    expect(verdicts(8e9, 20e9)).toMatchObject({ 'qwen3-8b': 'fits', 'qwen3-32b': 'fits_after_unload' })
    expect(verdicts(64e9)).toMatchObject({ 'qwen3-32b': 'fits', 'llama-3.3-70b': 'fits', 'kimi-k2': 'no' })
  })

  it('gives the largest context, up to the native one, and 0 when the weights alone are too much', () => {
    const row = (name: string, available: number) =>
      fitRows([model(name)], { available, reclaimable: 0 }).find(({ quantisation }) => quantisation === 'Q4_K_M')
    expect(row('qwen3-8b', 64e9)?.largestContextTokens).toBe(32_768)
    expect(row('qwen3-32b', 8e9)?.largestContextTokens).toBe(0)
    const squeezed = row('qwen3-32b', 24e9)?.largestContextTokens ?? 0
    expect(squeezed).toBeGreaterThan(8192)
    expect(squeezed).toBeLessThan(32_768)
  })
})

describe('the guide', () => {
  it('gives the same sizes in its table', () => {
    const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guides/models.md'), 'utf8')
    const rows = [...guide.matchAll(/^\| `([\w.-]+)` \| (\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|/gm)].map((row) =>
      row.slice(1, 6),
    )
    const gigabytes = (name: string, quantisation: string): string => {
      const { basis, bytes } = weight(name, quantisation)
      return `${basis === 'computed' ? '~' : ''}${(bytes / 1e9).toFixed(1)}`
    }
    const expected = OPEN_MODELS.map(({ name, workload }) => [
      name,
      workload,
      gigabytes(name, 'Q4_K_M'),
      name === 'kimi-k2' ? '' : gigabytes(name, 'Q5_K_M'),
      gigabytes(name, 'Q8_0'),
    ])
    expect(rows).toHaveLength(11)
    expect(rows.map((row) => row.map((cell) => cell.trim()))).toEqual(expected)
  })
})
