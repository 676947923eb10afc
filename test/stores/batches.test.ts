import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BatchBook, BatchOwner } from '../../src/spec/batch-book.ts'
import { openBatches } from '../../src/stores/batches.ts'
import { forgetBatches } from '../../src/stores/forget-batches.ts'

let folder: string
let nowMs = 1_000_000
let book: BatchBook
const ACME: BatchOwner = { holder: 'k1', tenant: 'acme' }
const NONE: BatchOwner = { holder: 'k1', tenant: null }

function opened(writer = `${process.pid} one`): BatchBook {
  return openBatches({ folder, writer, machineMs: () => nowMs, epochMs: () => nowMs })
}

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'spillway-batches-')), 'batches')
  nowMs = 1_000_000
  book = opened()
})
afterEach(() => {
  book.close()
  rmSync(folder, { recursive: true, force: true })
})

const addFile = (owner: BatchOwner, text = 'row', keptMs = 1000) =>
  book.addFile({ owner, filename: 'rows.jsonl', keptUntilMs: nowMs + keptMs }, Buffer.from(text))

const addBatch = (owner: BatchOwner, inputFile: string, headers: Record<string, string> = {}) =>
  book.addBatch({ owner, inputFile, endpoint: '/v1/responses', headers, metadata: null, expiresMs: nowMs + 500 })

const contents = () => readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

describe('a file', () => {
  it('lies in a folder for its owner alone, and is found by its owner alone', async () => {
    const file = await addFile(ACME, 'one\ntwo')
    expect(statSync(join(folder, `${file.id}.jsonl`)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(book.file(file.id, ACME)).toEqual(file)
    for (const other of [NONE, { holder: 'k2', tenant: 'acme' }]) expect(book.file(file.id, other)).toBeNull()
    const lines: unknown[] = []
    for await (const { line, offset, text } of book.lines(file.id, 100)) lines.push([line, offset, text])
    expect(lines).toEqual([
      [1, 0, 'one'],
      [2, 4, 'two'],
    ])
    expect(await book.lineAt(file.id, { offset: 4, bytes: 3 })).toBe('two')
  })

  it('tells of a line that is too long without its text, and goes on behind it', async () => {
    const file = await addFile(ACME, `${'x'.repeat(200_000)}\n\ntwo\r\n`)
    const lines: unknown[] = []
    for await (const { line, bytes, text } of book.lines(file.id, 100)) lines.push([line, bytes, text])
    expect(lines).toEqual([
      [1, 200_000, null],
      [3, 4, 'two\r'],
    ])
  })

  it('is gone when its time is over, unless an open batch reads it', async () => {
    const free = await addFile(ACME)
    const used = await addFile(ACME)
    const batch = addBatch(ACME, used.id)
    nowMs += 1001
    expect(book.file(free.id, ACME)).toBeNull()
    book.close()
    book = opened()
    expect(contents()).toEqual([`${used.id}.jsonl`])
    expect(book.dropFile(used.id)).toBe(false)
    book.end(batch.id, { status: 'failed', keptUntilMs: nowMs })
    book.close()
    nowMs += 1
    book = opened()
    expect(contents()).toEqual([])
  })
})

describe('an open batch', () => {
  it('is run by one process at a time, and by another once that one is gone', async () => {
    const { id } = addBatch(ACME, (await addFile(ACME)).id)
    expect(book.take(5).map((batch) => batch.id)).toEqual([id])
    expect(book.take(5)).toEqual([])
    const other = opened(`${process.pid} two`)
    expect(other.take(5)).toEqual([])
    book.close()
    expect(other.take(5).map((batch) => batch.id)).toEqual([id])
    other.close()
    book = opened()
  })

  it('ends with its rows as files, and what was asked is deleted', async () => {
    const batch = addBatch(ACME, (await addFile(ACME)).id)
    const log = book.log(batch)
    log.asking('row a', { requestId: 'request-1', isTogether: false })
    log.answered('row a', { custom_id: 'a' })
    log.close()
    book.end(batch.id, { status: 'completed', keptUntilMs: nowMs + 10 })
    const ended = book.batch(batch.id, ACME)
    expect(ended).toMatchObject({ status: 'completed', errorFile: null, times: { completed: nowMs } })
    const result = book.file(ended?.outputFile ?? '', ACME)
    expect(result).toMatchObject({ purpose: 'batch_output', bytes: 18 })
    expect(readdirSync(folder).filter((name) => name.startsWith(batch.id))).toEqual([`${batch.id}.output.jsonl`])
    expect(book.take(5)).toEqual([])
  })
})

describe('a purge', () => {
  it('deletes files and batches of a tenant, of a time, or with rows of a user', async () => {
    const named = JSON.stringify({ custom_id: '1', body: { metadata: { user: 'ann' } } })
    const ann = await addFile(ACME, named)
    const batch = addBatch(ACME, ann.id)
    const log = book.log(batch)
    log.answered('row 1', { custom_id: '1' })
    log.close()
    book.end(batch.id, { status: 'completed', keptUntilMs: nowMs + 1000 })
    const bob = await addFile(NONE, '{"text":"ann"}')
    const said = addBatch(NONE, bob.id, { 'x-spillway-user': 'ann' })
    expect(forgetBatches(folder, { subject: 'ann' }, true)).toBe(4)
    expect(contents()).toHaveLength(3)
    expect(forgetBatches(folder, { subject: 'ann' }, false)).toBe(4)
    expect(contents()).toEqual([`${bob.id}.jsonl`])
    expect([book.batch(batch.id, ACME), book.batch(said.id, NONE)]).toEqual([null, null])
    expect(forgetBatches(folder, { tenant: 'acme' }, false)).toBe(0)
    expect(forgetBatches(folder, { beforeMs: nowMs }, false)).toBe(0)
    expect(forgetBatches(folder, { beforeMs: nowMs + 1 }, false)).toBe(1)
    expect(contents()).toEqual([])
    expect(existsSync(join(folder, 'batches.sqlite'))).toBe(true)
  })

  it('makes nothing where there is nothing', () => {
    expect(forgetBatches(join(folder, 'none'), {}, false)).toBe(0)
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })
})
