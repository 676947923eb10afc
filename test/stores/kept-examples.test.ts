import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KeptExample } from '../../src/spec/learned.ts'
import { keptLimits, openKeptExamples } from '../../src/stores/kept-examples.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-kept-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ALL = { maxExamples: 1000, since: '2025-12-01T00:00:00.000Z' }

function example(at: number, label: KeptExample['label'] = null): KeptExample {
  return { requestId: `r${at}`, text: `text ${at}`, at: '2026-01-01T00:00:00.000Z', isFair: true, label }
}

describe('kept examples', () => {
  it('come back per task, with the surest label and of equal sources the latest', () => {
    const book = openKeptExamples(folder)
    book.keep('a', example(1, { value: 'build', source: 'frontier' }))
    book.keep('b', example(2))
    book.label('a', 'r1', { value: 'test', source: 'thumbs' })
    expect(book.list('a', ALL)).toEqual([example(1, { value: 'build', source: 'frontier' })])
    book.label('a', 'r1', { value: 'test', source: 'human' })
    book.label('a', 'r1', { value: 'build', source: 'human' })
    book.label('a', 'never asked', { value: 'build', source: 'gold' })
    expect(openKeptExamples(folder).list('a', ALL)).toEqual([example(1, { value: 'build', source: 'human' })])
    expect(book.list('b', ALL)).toEqual([example(2)])
  })

  it('are the newest only, on disk too, and readable by their owner alone', () => {
    const book = openKeptExamples(folder)
    for (let at = 0; at < 30; at++) book.keep('a', example(at))
    expect(book.list('a', { ...ALL, maxExamples: 10 }).map(({ requestId }) => requestId)).toEqual(
      Array.from({ length: 10 }, (_, at) => `r${20 + at}`),
    )
    const [file = ''] = readdirSync(folder)
    expect(readFileSync(join(folder, file), 'utf8').trim().split('\n')).toHaveLength(10)
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  })

  it('lose the line that a crash cut off, and no other', () => {
    const book = openKeptExamples(folder)
    book.keep('a', example(1))
    book.keep('a', example(2))
    const [file = ''] = readdirSync(folder)
    const whole = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(folder, file), whole.slice(0, -20))
    book.keep('a', example(3))
    expect(book.list('a', ALL)).toEqual([example(1), example(3)])
  })

  it('are deleted when they are too old', () => {
    const book = openKeptExamples(folder)
    book.keep('a', example(1))
    book.keep('a', { ...example(2), at: '2026-03-01T00:00:00.000Z' })
    const { since } = keptLimits({ days: 30, maxExamples: 10 }, Date.parse('2026-03-15T00:00:00.000Z'))
    expect(since).toBe('2026-02-13T00:00:00.000Z')
    expect(book.list('a', { ...ALL, since }).map(({ requestId }) => requestId)).toEqual(['r2'])
    expect(book.list('a', ALL)).toHaveLength(1)
  })

  it('can be forgotten', () => {
    const book = openKeptExamples(folder)
    book.keep('a', example(1))
    expect(book.forget('a')).toBe(1)
    expect(book.list('a', ALL)).toEqual([])
    expect(book.forget('a')).toBe(0)
  })

  it('cost no request when they cannot be written', () => {
    writeFileSync(join(folder, 'file'), '')
    const book = openKeptExamples(join(folder, 'file', 'below'))
    expect(() => book.keep('a', example(1))).not.toThrow()
    expect(book.list('a', ALL)).toEqual([])
  })
})
