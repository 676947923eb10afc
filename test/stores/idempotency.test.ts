import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IdempotencyBook } from '../../src/spec/idempotency.ts'
import { openIdempotency } from '../../src/stores/idempotency.ts'

const HOUR_MS = 3_600_000

let folder = ''
let path = ''
const time = { machineMs: 0, epochMs: 0 }
const books: IdempotencyBook[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-idempotency-'))
  path = join(folder, 'i.sqlite')
  Object.assign(time, { machineMs: 1e9, epochMs: 1.8e12 })
})
afterEach(() => {
  for (const book of books.splice(0)) book.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(writer = `${process.pid} a`): IdempotencyBook {
  const book = openIdempotency({ path, writer, machineMs: () => time.machineMs, epochMs: () => time.epochMs })
  books.push(book)
  return book
}

/** The number of a process that has ended. */
const gonePid = (): number => spawnSync(process.execPath, ['--version']).pid

const SEALED = new Uint8Array([1, 2, 3])

describe('a request', () => {
  it('is claimed by one, seen by others as running, and given to all once it is finished', () => {
    const [one, other] = [open(), open(`${process.pid} b`)]
    expect(one.claim('n', 'h')).toEqual({ state: 'first' })
    expect(other.claim('n', 'h')).toEqual({ state: 'running' })
    expect(other.claim('n', 'another')).toEqual({ state: 'other_request' })
    one.finish('n', SEALED)
    expect(other.claim('n', 'h')).toEqual({ state: 'done', sealed: SEALED })
    expect(other.claim('n', 'another')).toEqual({ state: 'other_request' })
  })

  it('that is forgotten is claimed anew, by whom it may concern', () => {
    const [one, other] = [open(), open(`${process.pid} b`)]
    one.claim('n', 'h')
    other.forget('n')
    expect(other.claim('n', 'h')).toEqual({ state: 'running' })
    one.forget('n')
    expect(other.claim('n', 'another')).toEqual({ state: 'first' })
  })

  it('is known for 24 hours', () => {
    const book = open()
    book.claim('n', 'h')
    book.finish('n', SEALED)
    time.epochMs += 24 * HOUR_MS - 1
    expect(book.claim('n', 'h').state).toBe('done')
    time.epochMs += 1
    expect(book.claim('n', 'another')).toEqual({ state: 'first' })
  })
})

describe('a claim of a process that is gone', () => {
  it('is taken over at once when the process does not run', () => {
    open(`${gonePid()} x`).claim('n', 'h')
    const book = open()
    expect(book.claim('n', 'h')).toEqual({ state: 'rerun' })
    book.finish('n', SEALED)
    expect(book.claim('n', 'h').state).toBe('done')
  })

  it('is taken over after half a minute of silence when another process has its number', () => {
    open(`${process.pid} before`).claim('n', 'h')
    const book = open()
    time.machineMs += 29_000
    expect(book.claim('n', 'h')).toEqual({ state: 'running' })
    time.machineMs += 1000
    expect(book.claim('n', 'h')).toEqual({ state: 'rerun' })
  })

  it('is taken over when the machine was started anew', () => {
    open(`${process.pid} before`).claim('n', 'h')
    time.machineMs = 5000
    expect(open().claim('n', 'h')).toEqual({ state: 'rerun' })
  })

  it('is taken over at once when it ended in an orderly way', () => {
    open(`${process.pid} before`).claim('n', 'h')
    books.pop()?.close()
    expect(open().claim('n', 'h')).toEqual({ state: 'rerun' })
  })

  it('can no longer be finished by who lost it', () => {
    const slow = open(`${process.pid} slow`)
    slow.claim('n', 'h')
    time.machineMs += 30_000
    const book = open()
    expect(book.claim('n', 'h')).toEqual({ state: 'rerun' })
    slow.finish('n', SEALED)
    expect(book.claim('n', 'h').state).toBe('rerun')
  })
})

describe('the file', () => {
  it('loses what is older than a day when it is opened', () => {
    const book = open()
    book.claim('n', 'h')
    book.finish('n', SEALED)
    time.epochMs += 25 * HOUR_MS
    open(`${process.pid} b`)
    const database = new DatabaseSync(path)
    expect(database.prepare('SELECT count(*) AS n FROM request').get()).toMatchObject({ n: 0 })
    database.close()
  })

  it('that is none is told', () => {
    writeFileSync(path, 'this is no database, and was never meant to be one at all')
    expect(() => open()).toThrow(/^The file .*i\.sqlite cannot be written: /)
  })
})
