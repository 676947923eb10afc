import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readGgufHeader } from '../../src/models/embedded/gguf.ts'
import { requireMemory } from '../../src/models/embedded/memory.ts'
import { RouterError } from '../../src/spec/errors.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-gguf-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** What the reader makes of a file with these bytes: the header, or the problem it names. */
function read(bytes: Buffer): ReturnType<typeof readGgufHeader> | string {
  const path = join(folder, 'model.gguf')
  writeFileSync(path, bytes)
  try {
    return readGgufHeader(path)
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'model_file_invalid') throw error
    return String(error.values.problem)
  }
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])
const entry = (key: string, value: number | string): Buffer =>
  Buffer.concat([
    text(key),
    typeof value === 'string' ? Buffer.concat([u32(8), text(value)]) : Buffer.concat([u32(4), u32(value)]),
  ])

interface Shape {
  readonly entries?: readonly Buffer[]
  readonly dimensions?: readonly (number | bigint)[]
  readonly tensorType?: number
  readonly dataBytes?: number
}

/** A whole file with one tensor of 64 16-bit values, changed where a test says so. */
function gguf(shape: Shape = {}): Buffer {
  const entries = shape.entries ?? BASE
  const dimensions = shape.dimensions ?? [64]
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(1),
    u64(entries.length),
    ...entries,
    text('w'),
    u32(dimensions.length),
    ...dimensions.map(u64),
    u32(shape.tensorType ?? 1),
    u64(0),
  ])
  return Buffer.concat([head, Buffer.alloc(32 - (head.length % 32)), Buffer.alloc(shape.dataBytes ?? 128)])
}
const BASE = [
  entry('general.architecture', 'llama'),
  entry('llama.block_count', 2),
  entry('llama.context_length', 512),
  entry('llama.embedding_length', 64),
  entry('llama.attention.head_count', 4),
  entry('llama.attention.head_count_kv', 2),
  entry('llama.vocab_size', 100),
  entry('general.file_type', 1),
]

describe('the GGUF header', () => {
  it('gives what loading needs to know', () => {
    const file = gguf()
    expect(read(file)).toEqual({
      architecture: 'llama',
      layers: 2,
      contextTokens: 512,
      quantisation: 'F16',
      vocabularySize: 100,
      cacheBytesPerToken: 256,
      embeddingLength: 64,
      feedForwardLength: null,
      fillsIn: false,
      parameters: 64,
      weightBytes: 128,
      fileBytes: file.length,
    })
  })

  it.each([
    ['an empty file', Buffer.alloc(0), 'it is empty'],
    [
      'a download page',
      Buffer.from('<!DOCTYPE html><html></html>'),
      'it is an HTML page, probably a download page saved under this name',
    ],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      'it is a Git LFS pointer, not the file itself',
    ],
    ['a header cut short', gguf().subarray(0, 60), 'its header ends in the middle: the file is truncated'],
    ['data cut short', gguf({ dataBytes: 64 }), /^it holds \d+ of at least \d+ bytes: an incomplete download$/],
    [
      'an unknown version',
      Buffer.concat([Buffer.from('GGUF'), u32(99), Buffer.alloc(16)]),
      'its GGUF version 99 is not 2 or 3',
    ],
    [
      'an impossible count',
      Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(2n ** 60n)]),
      'the number of metadata entries is impossibly large (1152921504606846976)',
    ],
    ['no architecture', gguf({ entries: [] }), 'it does not name its architecture'],
    [
      'an architecture that is a path',
      gguf({ entries: [entry('general.architecture', '../../etc/passwd')] }),
      'its architecture is unknown',
    ],
    [
      'too many layers',
      gguf({ entries: [...BASE, entry('llama.block_count', 100_000)] }),
      'it claims 100000 layers, 1 to 512 are possible',
    ],
    [
      'no attention heads',
      gguf({ entries: [...BASE, entry('llama.attention.head_count', 0)] }),
      'it claims 0 attention heads, 1 to 65536 are possible',
    ],
    [
      'an alignment of 3',
      gguf({ entries: [...BASE, entry('general.alignment', 3)] }),
      'its alignment 3 is not a power of two from 8 to 65536',
    ],
    ['a size that overflows', gguf({ dimensions: [2n ** 40n, 2n ** 40n] }), 'the size of a tensor overflows'],
    ['five dimensions', gguf({ dimensions: [2, 2, 2, 2, 2] }), 'a tensor has 5 dimensions, 1 to 4 are possible'],
    ['an unknown tensor type', gguf({ tensorType: 999 }), 'a tensor has the unknown type 999'],
  ])('names the problem of %s', (_, bytes, problem) => {
    const found = read(bytes)
    if (problem instanceof RegExp) expect(found).toMatch(problem)
    else expect(found).toBe(problem)
  })

  it('keeps a key named __proto__ away from every object', () => {
    read(gguf({ entries: [...BASE, entry('__proto__', 'polluted')] }))
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('names the file that is missing', () => {
    expect(() => readGgufHeader('/nowhere/model.gguf')).toThrow(
      'The file of model given by path is not at /nowhere/model.gguf.',
    )
  })
})

interface HostileCase {
  readonly name: string
  readonly b64: string
  readonly expect: string
}

/** Hostile headers that are not part of this repository; they lie beside it where it is developed. */
const HOSTILE = fileURLToPath(new URL('../../../shared/data/adversarial/gguf_cases.json', import.meta.url))

describe.skipIf(!existsSync(HOSTILE))(
  'hostile GGUF files (skipped where ../shared/data/adversarial/gguf_cases.json is absent)',
  () => {
    const cases = existsSync(HOSTILE)
      ? (JSON.parse(readFileSync(HOSTILE, 'utf8')) as { cases: HostileCase[] }).cases
      : []

    it.each(cases.map((row) => [row.name, row.expect, row] as const))(
      '%s: %s, and in little memory',
      (_, expected, row) => {
        const bytes = Buffer.from(row.b64, 'base64')
        read(gguf())
        const memory = process.memoryUsage.rss()
        const found = read(bytes)
        expect(process.memoryUsage.rss() - memory).toBeLessThan(8 * 1024 * 1024)
        if (expected.startsWith('parsed'))
          expect(found).toMatchObject({ architecture: 'llama', layers: 2, contextTokens: 512 })
        else expect(found).toBeTypeOf('string')
        expect(Object.keys(Object.prototype)).toEqual([])
      },
    )
  },
)

describe('a model in parts', () => {
  const split = (count: number, no: number): Buffer[] => [entry('split.count', count), entry('split.no', no)]
  const write = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }

  it('is counted whole from its first part', () => {
    const first = write('m-00001-of-00002.gguf', gguf({ entries: [...BASE, ...split(2, 0)] }))
    const second = gguf({ entries: split(2, 1), dimensions: [128], dataBytes: 256 })
    write('m-00002-of-00002.gguf', second)
    expect(readGgufHeader(first)).toMatchObject({ architecture: 'llama', parameters: 192, weightBytes: 384 })
  })

  it('is missing when one of its parts is', () => {
    const first = write('gone-00001-of-00002.gguf', gguf({ entries: [...BASE, ...split(2, 0)] }))
    expect(() => readGgufHeader(first)).toThrow('gone-00002-of-00002.gguf')
  })

  it('is named by its first part', () => {
    const later = write('late-00002-of-00002.gguf', gguf({ entries: split(2, 1) }))
    expect(() => readGgufHeader(later)).toThrow('it is one of 2 parts and not named as the first of them')
  })
})

describe('the memory of a model', () => {
  it('is refused with both figures when it is not free', () => {
    expect(() => requireMemory('huge', 3 * 1_048_576, 1_048_576)).toThrow(
      'Model huge needs about 3 MB and 1 MB are free.',
    )
  })
})
