import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../src/spec/audit.ts'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { isLocked, openAuditDatabase, SCHEMA_VERSION } from '../../src/stores/sqlite.ts'
import { transaction } from '../../src/stores/transaction.ts'
import { auditRecord } from '../support/audit-record.ts'
import { call, intent, SETTINGS, SHADOW, settle, shadow, stateDir } from './entries.ts'

const databasePath = (dir: string): string => join(dir, 'audit.db')

describe('applying entries', () => {
  it('gives the same record in any order, in any batches, and however often an entry comes', () => {
    const entries = [intent('a'), call('a', 'big'), call('a', 'bigger'), shadow('a'), settle('a')]
    const anyOrder = fc.shuffledSubarray([...entries, ...entries], { minLength: 10, maxLength: 10 })
    const dir = stateDir()
    const database = openAuditDatabase(databasePath(dir))
    let run = 0
    fc.assert(
      fc.property(anyOrder, fc.integer({ min: 1, max: 10 }), (order, batchSize) => {
        run += 1
        const requestId = `a${run}`
        const renamed = order.map((entry) => rename(entry, requestId))
        for (let at = 0; at < renamed.length; at += batchSize) {
          const batch = renamed.slice(at, at + batchSize)
          const span = { fromByte: at, toByte: at + batch.length }
          expect(database.apply({ file: requestId, writer: 'w', entries: batch, ...span })).toBe(true)
        }
        const [record, ...others] = database.list({ requestId })
        expect(others).toEqual([])
        expect(record).toMatchObject({ outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z', shadow: SHADOW })
        expect(record?.calls.map((made) => made.model).sort()).toEqual(['big', 'bigger'])
      }),
      { numRuns: 60 },
    )
    database.close()
  })

  it('applies a part of a file once, whoever asks', () => {
    const database = openAuditDatabase(databasePath(stateDir()))
    const batch = { file: 'f', writer: 'w', entries: [intent('a')], fromByte: 0, toByte: 10 }
    expect(database.apply(batch)).toBe(true)
    expect(database.apply(batch)).toBe(false)
    expect(database.offsetOf('f')).toBe(10)
    database.close()
  })

  it('applies all of a batch or nothing', () => {
    const database = openAuditDatabase(databasePath(stateDir()))
    const broken = { type: 'intent', requestId: 'b', record: { ...auditRecord('b'), receivedAt: 'never' } } as const
    const batch = { file: 'f', writer: 'w', entries: [intent('a'), broken], fromByte: 0, toByte: 10 }
    expect(() => database.apply(batch)).toThrow(/audit\.db cannot be/)
    expect(database.list({})).toEqual([])
    expect(database.offsetOf('f')).toBe(0)
    database.close()
  })

  it('lists every record when no limit is given', () => {
    const database = openAuditDatabase(databasePath(stateDir()))
    const entries = Array.from({ length: 1500 }, (_, index) => settle(`r${index}`))
    database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    expect(database.list({})).toHaveLength(1500)
    expect(database.list({ limit: 7 })).toHaveLength(7)
    database.close()
  })
})

describe('a database that is not as it should be', () => {
  it('is refused when a newer program made it [F34]', () => {
    const path = databasePath(stateDir())
    openAuditDatabase(path).close()
    const raw = new DatabaseSync(path)
    raw.exec('PRAGMA user_version = 99')
    raw.close()
    expect(() => openAuditDatabase(path)).toThrow(
      `The audit database ${path} has schema 99, this program knows ${SCHEMA_VERSION}.`,
    )
    const after = new DatabaseSync(path)
    expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
    after.close()
  })

  it('is brought up to date from the first schema with its rows kept', () => {
    const path = databasePath(stateDir())
    const database = openAuditDatabase(path)
    database.apply({ file: 'f', writer: 'w', entries: [settle('old')], fromByte: 0, toByte: 1 })
    database.close()
    const raw = new DatabaseSync(path)
    raw.exec(
      'DROP TABLE chain; DROP TABLE early_entry; DROP TABLE content; DROP TABLE audit_event; DROP INDEX audit_route; DROP INDEX audit_tenant; PRAGMA user_version = 1',
    )
    raw.close()
    const upgraded = openAuditDatabase(path)
    upgraded.apply({ file: 'g', writer: 'w', entries: [call('late')], fromByte: 0, toByte: 1 })
    upgraded.apply({ file: 'g', writer: 'w', entries: [settle('late')], fromByte: 1, toByte: 2 })
    expect(upgraded.list({ requestId: 'old' })).toHaveLength(1)
    expect(upgraded.list({ requestId: 'late' })[0]?.calls).toHaveLength(1)
    upgraded.close()
  })

  it('is refused by name when it is no database, and not overwritten [F34]', () => {
    const dir = stateDir()
    const path = auditPaths(dir).databasePath
    mkdirSync(join(dir, 'audit'))
    writeFileSync(path, 'this is not a database, and it is long enough to look like a header')
    expect(() => openAuditLog({ stateDir: dir, ...SETTINGS })).toThrow(
      `The audit database ${path} cannot be read: file is not a database.`,
    )
    expect(readFileSync(path, 'utf8')).toContain('this is not a database')
  })

  it('is reported by name when pages inside it are damaged [F34]', () => {
    const dir = stateDir()
    const path = auditPaths(dir).databasePath
    const database = openAuditDatabase(path)
    const entries = Array.from({ length: 100 }, (_, index) => settle(`r${index}`))
    database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    database.close()
    // All but the first page.
    writeFileSync(path, readFileSync(path).fill(0xff, 8192))
    const reader = readAuditLog({ stateDir: dir })
    expect(() => reader.list({})).toThrow(
      `The audit database ${path} cannot be read: database disk image is malformed.`,
    )
    reader.close()
  })
})

describe('several processes on one database', () => {
  it('all make a new one at the same moment, and every record of each arrives', async () => {
    const dir = stateDir()
    const program = resolve(import.meta.dirname, 'audit-writer.ts')
    const writers = ['a', 'b', 'c', 'd'].map((name) => {
      const child = spawn(process.execPath, [program, dir, name, '50'], { stdio: ['ignore', 'ignore', 'inherit'] })
      return once(child, 'exit')
    })
    expect((await Promise.all(writers)).map(([code]) => code)).toEqual([0, 0, 0, 0])
    const reader = readAuditLog({ stateDir: dir })
    const records = reader.list({})
    expect(records).toHaveLength(200)
    expect(records.every((record) => record.outcome === 'accepted')).toBe(true)
    reader.close()
  })

  it('wait for the one that is making it', async () => {
    const path = databasePath(stateDir())
    const maker = spawn(process.execPath, ['-e', MAKE, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(maker, 'exit')
    await once(maker.stdout, 'data')
    // SQLite refuses the change to WAL at once here, without waiting for its own timeout.
    openAuditDatabase(path).close()
    await gone
  })

  it('lose nothing while one of them holds it exclusively [F31]', async () => {
    const dir = stateDir()
    const path = auditPaths(dir).databasePath
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    const holder = spawn(process.execPath, ['-e', HOLD, path], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    log.journal.append(settle('a'))
    expect(log.list({})).toMatchObject([{ requestId: 'a', outcome: 'accepted' }])
    expect(inDatabase(path)).toEqual([])
    const closing = log.close()
    holder.stdin.end()
    await closing
    expect(inDatabase(path)).toEqual(['a'])
  })
})

/** Holds the write lock from when it prints until its input ends. */
const HOLD = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1], { timeout: 5000 })
  database.exec('BEGIN EXCLUSIVE')
  process.stdout.write('held')
  process.stdin.resume().on('end', () => database.exec('COMMIT'))
`

/** Holds the write lock of a database without WAL; the test's thread is blocked meanwhile, so it lets go by itself. */
const MAKE = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1])
  database.exec('CREATE TABLE other (name TEXT); BEGIN IMMEDIATE')
  process.stdout.write('held')
  setTimeout(() => database.exec('COMMIT'), 100)
`

function inDatabase(path: string): readonly unknown[] {
  const raw = new DatabaseSync(path, { readOnly: true })
  const rows = raw.prepare('SELECT request_id FROM audit').all()
  raw.close()
  return rows.map((row) => row.request_id)
}

function rename(entry: JournalEntry, requestId: string): JournalEntry {
  return 'record' in entry
    ? { ...entry, requestId, record: { ...entry.record, requestId } }
    : ({ ...entry, requestId } as JournalEntry)
}

describe('a statement that fails', () => {
  it('leaves nothing half done, also when SQLite has given it up by itself', () => {
    const database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE t (x INTEGER)')
    expect(() =>
      transaction(database, () => {
        database.exec('INSERT INTO t VALUES (1)')
        throw new Error('broken')
      }),
    ).toThrow('broken')
    expect(() =>
      transaction(database, () => {
        database.exec('INSERT INTO t VALUES (2); ROLLBACK')
        throw new Error('given up')
      }),
    ).toThrow('given up')
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 })
    expect(transaction(database, () => 7)).toBe(7)
    database.close()
  })

  it('amends a record that is settled and leaves the rest of it', () => {
    const database = openAuditDatabase(databasePath(stateDir()))
    const batch = (entries: readonly JournalEntry[], at: number) =>
      database.apply({ file: 'f', writer: 'w', entries, fromByte: at, toByte: at + 1 })
    batch([call('late')], 0)
    expect(database.list({ requestId: 'late' })).toEqual([])
    batch([settle('late')], 1)
    expect(
      database.list({ requestId: 'late', route: 'local', reason: 'local_accepted', task: 'chat', sinceMs: 0 }),
    ).toMatchObject([{ calls: [{ model: 'big' }], outcome: 'accepted' }])
    expect(database.list({ route: 'held' })).toEqual([])
    expect(database.list({ newestFirst: true, limit: 1 })).toHaveLength(1)
    database.close()
  })
})

describe('what SQLite says of a failure', () => {
  it('is told by its kind: locked after five seconds, damaged when a record is no JSON', () => {
    const path = databasePath(stateDir())
    const database = openAuditDatabase(path)
    database.apply({ file: 'f', writer: 'w', entries: [settle('a')], fromByte: 0, toByte: 1 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN EXCLUSIVE')
    expect(() => database.markInterrupted('w')).toThrow(expect.objectContaining({ code: 'store_locked' }))
    other.exec(`UPDATE audit SET record = '{'; COMMIT`)
    expect(() => database.list({})).toThrow(expect.objectContaining({ code: 'store_corrupt' }))
    other.close()
    database.close()
    expect([isLocked('locked'), isLocked(new Error('locked'))]).toEqual([false, false])
  })

  it('is told by its kind: no room left', () => {
    const path = databasePath(stateDir())
    const database = openAuditDatabase(path)
    database.read((own) => own.exec('PRAGMA max_page_count = 1'))
    const entries = Array.from({ length: 500 }, (_, index) => settle(`r${index}`))
    const apply = () => database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    expect(apply).toThrow(expect.objectContaining({ code: 'disk_full', message: expect.stringContaining(path) }))
    database.read((own) => own.exec('PRAGMA max_page_count = 100000'))
    expect([apply(), database.list({}).length]).toEqual([true, 500])
    database.close()
  })

  it('keeps whole milliseconds', () => {
    const path = databasePath(stateDir())
    const database = openAuditDatabase(path)
    const entry = { ...settle('a'), record: auditRecord('a', { outcome: 'accepted', latencyMs: 12.6 }) } as JournalEntry
    database.apply({ file: 'f', writer: 'w', entries: [entry], fromByte: 0, toByte: 1 })
    const other = new DatabaseSync(path)
    expect(other.prepare('SELECT latency_ms FROM audit').get()).toEqual({ latency_ms: 13 })
    other.close()
    database.close()
  })
})
