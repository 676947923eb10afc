import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { abandonedFiles, backupStore, restoreStore } from '../../src/stores/backup.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import { openAuditDatabase, SCHEMA_VERSION } from '../../src/stores/sqlite.ts'
import { storeStatus } from '../../src/stores/store-status.ts'
import { auditRecord } from '../support/audit-record.ts'
import { SETTINGS, settle, stateDir } from './entries.ts'

async function recorded(dir: string, names: readonly string[]): Promise<void> {
  const log = openAuditLog({ stateDir: dir, ...SETTINGS })
  for (const name of names) log.journal.append(settle(name))
  await log.close()
}

function ids(dir: string): readonly string[] {
  const log = readAuditLog({ stateDir: dir })
  const found = log.list({}).map(({ requestId }) => requestId)
  log.close()
  return found
}

describe('a backup', () => {
  it('is whole while processes write, private, and holds what journals held; the key is not in it', async () => {
    const dir = stateDir()
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(settle('a'))
    log.journal.append(settle('b'))
    const file = join(stateDir(), 'copy.db')
    expect(backupStore(dir, file)).toMatchObject({ file, records: 2, schema: SCHEMA_VERSION })
    log.journal.append(settle('c'))
    await log.close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file).includes(readFileSync(join(dir, 'audit', 'chain.key')))).toBe(false)
    expect(readdirSync(join(file, '..'))).toEqual(['copy.db'])
    expect(ids(dir)).toEqual(['a', 'b', 'c'])
    const report = restoreStore(dir, file)
    expect(report).toMatchObject({ records: 2, chain: { problems: [], records: 2 } })
    expect(ids(dir)).toEqual(['a', 'b'])
    // What was there is set aside, whole.
    const aside = openAuditDatabase(report.replaced ?? '')
    expect(aside.list({})).toHaveLength(3)
    aside.close()
    await recorded(dir, ['d'])
    const after = readAuditLog({ stateDir: dir })
    expect(after.verify([])).toMatchObject({ problems: [], records: 3 })
    after.close()
  })

  it('replaces no file, and says what is wrong with a place', async () => {
    const dir = stateDir()
    expect(() => backupStore(dir, join(dir, 'x'))).toThrow(/There is no audit database/)
    await recorded(dir, ['a'])
    writeFileSync(join(dir, 'taken'), 'mine')
    expect(() => backupStore(dir, join(dir, 'taken'))).toThrow(/taken is in use: there is a file of this name/)
    expect(readFileSync(join(dir, 'taken'), 'utf8')).toBe('mine')
    expect(() => backupStore(dir, join(dir, 'absent', 'x'))).toThrow(/cannot be written: ENOENT/)
  })
})

describe('a restore', () => {
  it.each([
    ['that is not there', (_: string) => undefined, /there is no such file/],
    [
      'that is no database',
      (file: string) => writeFileSync(file, 'no database, and long enough for a header of one'),
      /file is not a database/,
    ],
    ['that is empty', (file: string) => writeFileSync(file, ''), /it is no audit database/],
    ['that was cut off', (file: string) => truncateSync(file, 8192), /cannot be used/],
    [
      'of another program',
      (file: string) => {
        rmSync(file)
        new DatabaseSync(file).exec('CREATE TABLE t (a)')
      },
      /it is no audit database/,
    ],
    [
      'of a newer schema',
      (file: string) => new DatabaseSync(file).exec('PRAGMA user_version = 99'),
      /has schema 99, this program knows/,
    ],
  ])('refuses a file %s, and changes nothing', async (_, spoil, message) => {
    const dir = stateDir()
    await recorded(dir, ['a'])
    const file = join(stateDir(), 'copy.db')
    if (!/not there/.test(_)) backupStore(dir, file)
    spoil(file)
    expect(() => restoreStore(dir, file)).toThrow(message)
    expect(ids(dir)).toEqual(['a'])
    expect(abandonedFiles(dir)).toEqual([])
    expect(storeStatus(dir).replaced).toEqual([])
  })

  it('refuses while a process writes or reads', async () => {
    const dir = stateDir()
    const file = join(stateDir(), 'copy.db')
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(settle('a'))
    backupStore(dir, file)
    expect(() => restoreStore(dir, file)).toThrow(`is in use: process ${process.pid} writes to it`)
    await log.close()
    const reader = readAuditLog({ stateDir: dir })
    reader.list({})
    expect(() => restoreStore(dir, file)).toThrow(/is in use: another process reads it/)
    reader.close()
    expect(restoreStore(dir, file).records).toBe(1)
  }, 60_000)

  it('brings an older schema up to date', async () => {
    const dir = stateDir()
    await recorded(dir, ['a'])
    const file = join(stateDir(), 'copy.db')
    backupStore(dir, file)
    const raw = new DatabaseSync(file)
    raw.exec(
      'DROP TABLE content; DROP TABLE audit_event; DROP INDEX audit_tenant; ALTER TABLE early_entry DROP COLUMN kept_ms',
    )
    raw.exec('PRAGMA user_version = 3')
    raw.close()
    expect(restoreStore(dir, file)).toMatchObject({ schema: 3, chain: { problems: [] } })
    expect(storeStatus(dir).database).toMatchObject({ schema: SCHEMA_VERSION, rows: { records: 1 } })
  })

  it('takes the place of a store that cannot be read, and keeps that one', async () => {
    const dir = stateDir()
    await recorded(dir, ['a'])
    const file = join(stateDir(), 'copy.db')
    backupStore(dir, file)
    const { databasePath } = auditPaths(dir)
    writeFileSync(databasePath, 'this is not a database, and it is long enough to look like a header')
    const { replaced } = restoreStore(dir, file)
    expect(readFileSync(replaced ?? '', 'utf8')).toContain('this is not a database')
    expect(ids(dir)).toEqual(['a'])
  })

  it('works on a machine without a store; without the key nothing is called verified', async () => {
    const dir = stateDir()
    await recorded(dir, ['a'])
    const file = join(stateDir(), 'copy.db')
    backupStore(dir, file)
    const other = stateDir()
    expect(restoreStore(other, file)).toMatchObject({ replaced: null, chain: null, records: 1 })
    expect(existsSync(join(other, 'audit', 'chain.key'))).toBe(false)
    copyFileSync(join(dir, 'audit', 'chain.key'), join(other, 'audit', 'chain.key'))
    expect(restoreStore(other, file)).toMatchObject({ chain: { problems: [] } })
  })

  it('is purged with the rest: what was set aside, too', async () => {
    const dir = stateDir()
    await recorded(dir, ['a'])
    const file = join(stateDir(), 'copy.db')
    backupStore(dir, file)
    restoreStore(dir, file)
    const order = { stateDir: dir, dryRun: false, monotonicMs: () => performance.now(), sleep: async () => {} }
    expect(await purgeStore({ ...order, filter: { beforeMs: Date.now() } })).toMatchObject({ records: 2 })
    writeFileSync(storeStatus(dir).replaced[0] ?? '', 'spoilt')
    const report = await purgeStore({ ...order, filter: { beforeMs: Date.now() } })
    expect(report.unreadable).toEqual(storeStatus(dir).replaced)
  })
})

describe('the state of the store', () => {
  it('tells sizes, rows and dates, and changes nothing', async () => {
    const dir = stateDir()
    expect(storeStatus(dir)).toMatchObject({ database: null, journals: { files: 0 } })
    expect(readdirSync(dir)).toEqual([])
    await recorded(dir, ['a', 'b'])
    mkdirSync(join(dir, 'examples'))
    writeFileSync(join(dir, 'audit', 'audit.db.x.part'), 'half')
    expect(storeStatus(dir)).toMatchObject({
      database: {
        schema: SCHEMA_VERSION,
        rows: { records: 2, open: 0, links: 2, events: 0, contents: 0, early: 0 },
        oldestRecord: '2026-01-01T00:00:00.000Z',
      },
      journals: { files: 0, writers: [] },
      abandoned: [join(dir, 'audit', 'audit.db.x.part')],
    })
  })
})

async function killedAfter(ms: number, program: string, args: readonly string[]): Promise<void> {
  const file = resolve(import.meta.dirname, '../support', program)
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  await delay(ms)
  child.kill('SIGKILL')
  await ended
}

describe('kill -9', () => {
  it('in a purge leaves each record whole or deleted with its link, and the next purge goes on', async () => {
    const dir = stateDir()
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    const names = Array.from({ length: 3000 }, (_, index) => `r${index}`)
    const entries = names.map((requestId, index) => {
      const record = auditRecord(requestId, { outcome: 'accepted', tenant: index % 2 === 0 ? 'acme' : 'other' })
      return { type: 'settle', requestId, record } as const
    })
    database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    database.close()
    let before = 3000
    for (const afterMs of [5, 10, 20, 40, 80]) {
      await killedAfter(afterMs, 'purger.ts', [dir, 'acme'])
      const log = readAuditLog({ stateDir: dir })
      const report = log.verify([])
      const records = log.list({})
      log.close()
      expect(report?.problems).toEqual([])
      expect((report?.purged ?? 0) + records.length).toBe(3000)
      expect(records.filter(({ tenant }) => tenant === 'other')).toHaveLength(1500)
      expect(records.length).toBeLessThanOrEqual(before)
      before = records.length
    }
    const program = resolve(import.meta.dirname, '../support/purger.ts')
    expect(await once(spawn(process.execPath, [program, dir, 'acme'], { stdio: 'ignore' }), 'exit')).toEqual([0, null])
    expect(ids(dir)).toHaveLength(1500)
  })

  it('in a restore leaves a whole store in the place: the one before, or the restored one', async () => {
    const dir = stateDir()
    await recorded(dir, ['a', 'b'])
    const file = join(stateDir(), 'copy.db')
    backupStore(dir, file)
    await recorded(dir, ['c'])
    for (const afterMs of [0, 3, 6, 10, 15, 25, 40]) {
      await killedAfter(afterMs, 'restorer.ts', [dir, file])
      const log = readAuditLog({ stateDir: dir })
      expect([2, 3]).toContain(log.list({}).length)
      expect(log.verify([])?.problems).toEqual([])
      log.close()
      // What is no longer in the place is set aside.
      const aside = storeStatus(dir).replaced.map((path) => {
        const store = openAuditDatabase(path)
        const count = store.list({}).length
        store.close()
        return count
      })
      if (ids(dir).length === 2) expect(aside).toContain(3)
    }
  })
})
