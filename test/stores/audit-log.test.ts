import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { journalFileName } from '../../src/stores/journal-files.ts'
import { encodeEntry } from '../../src/stores/journal-format.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { auditRecord } from '../support/audit-record.ts'
import { call, intent, SETTINGS, SHADOW, settle, shadow, stateDir } from './entries.ts'

describe('the audit log', () => {
  it('shows a record at once, before and after it is moved, to this process and to others', async () => {
    const dir = stateDir()
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(intent('a'))
    expect(log.list({})).toMatchObject([{ requestId: 'a', outcome: 'open' }])
    log.journal.append(settle('a'))
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({ requestId: 'a' })).toMatchObject([{ requestId: 'a', outcome: 'accepted' }])
    await log.close()
    expect(reader.list({})).toMatchObject([{ requestId: 'a', outcome: 'accepted' }])
    expect(reader.purgedSince(0)).toBe(0)
    reader.close()
    expect(readdirSync(auditPaths(dir).directory)).toEqual([])
  })

  it('reads nothing where nothing was written, and journals alone where there is no database yet', () => {
    const dir = stateDir()
    const empty = readAuditLog({ stateDir: dir })
    expect([empty.list({}), [...empty.each({})], empty.verify([])]).toEqual([[], [], null])
    expect(empty.purgedSince(0)).toBe(0)
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const lines = [call('lost'), intent('a'), settle('a')].map(encodeEntry)
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), Buffer.concat(lines))
    expect(empty.list({})).toMatchObject([{ requestId: 'a' }])
    expect([...empty.each({ newestFirst: true })]).toMatchObject([{ requestId: 'a' }])
    empty.close()
  })

  it('shows of records that are not moved yet those of a tenant, and those up to a time', () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const record = (id: string, tenant: string | null, second: number) =>
      ({
        type: 'intent',
        requestId: id,
        record: auditRecord(id, { tenant, receivedAt: new Date(second * 1000).toISOString() }),
      }) as const
    const lines = [record('a', 'acme', 1), record('b', 'other', 2), record('c', null, 3)].map(encodeEntry)
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), Buffer.concat(lines))
    const reader = readAuditLog({ stateDir: dir })
    const ids = (query: Parameters<typeof reader.list>[0]) => reader.list(query).map(({ requestId }) => requestId)
    expect(ids({ tenants: ['acme'] })).toEqual(['a'])
    expect(ids({ tenants: ['acme', 'other'], untilMs: 1500 })).toEqual(['a'])
    expect(ids({ untilMs: 2000 }).toSorted()).toEqual(['a', 'b'])
    expect(ids({ sinceMs: 2000 }).toSorted()).toEqual(['b', 'c'])
    reader.close()
  })

  it('shows the calls and the shadow of a record that is not moved yet', async () => {
    const log = openAuditLog({ stateDir: stateDir(), ...SETTINGS })
    for (const entry of [call('a'), shadow('a'), intent('a'), settle('a')]) log.journal.append(entry)
    expect(log.list({})).toMatchObject([{ calls: [{ model: 'big' }], shadow: SHADOW, outcome: 'accepted' }])
    await log.close()
  })

  it('filters and orders what it lists', async () => {
    const log = openAuditLog({ stateDir: stateDir(), ...SETTINGS })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      const receivedAt = `2026-01-01T00:00:0${index}.000Z`
      const record = auditRecord(id, { receivedAt, task: id === 'b' ? 'label' : 'chat' })
      log.journal.append({ type: 'settle', requestId: id, record })
    }
    const ids = (query: Parameters<typeof log.list>[0]) => log.list(query).map((record) => record.requestId)
    expect(ids({ newestFirst: true })).toEqual(['c', 'b', 'a'])
    expect(ids({ task: 'chat' })).toEqual(['a', 'c'])
    expect(ids({ sinceMs: Date.parse('2026-01-01T00:00:01.000Z'), limit: 1 })).toEqual(['b'])
    await log.close()
  })

  it('fills the limit when a write that is not moved yet takes a row out of the result', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const database = openAuditDatabase(databasePath)
    database.apply({ file: 'f', writer: 'w', entries: [intent('a'), intent('b')], fromByte: 0, toByte: 1 })
    database.close()
    mkdirSync(directory)
    const record = auditRecord('a', { reason: 'refusal' })
    const line = encodeEntry({ type: 'settle', requestId: 'a', record })
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), line)
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({ reason: 'local_accepted', limit: 1 })).toMatchObject([{ requestId: 'b' }])
    reader.close()
  })

  it('gives the same a page at a time, in both directions, with what is not moved yet in its place', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const at = (index: number): string => new Date(Date.UTC(2026, 0, 1) + Math.floor(index / 3) * 1000).toISOString()
    const record = (index: number, reason = 'local_accepted') =>
      auditRecord(`r${index}`, { receivedAt: at(index), outcome: 'accepted', reason, task: index % 2 ? 'a' : 'b' })
    const entries = Array.from({ length: 1234 }, (_, index) => index)
      .filter((index) => index % 100 !== 7)
      .map((index) => ({ type: 'settle', requestId: `r${index}`, record: record(index) }) as const)
    const database = openAuditDatabase(databasePath)
    database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    database.close()
    mkdirSync(directory)
    const late = [7, 107, 1207, 3, 600].map((index) => record(index, 'refusal'))
    const lines = late.map((one) => encodeEntry({ type: 'settle', requestId: one.requestId, record: one }))
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), Buffer.concat(lines))
    const reader = readAuditLog({ stateDir: dir })
    const sorted = (found: readonly unknown[]) => found.map((one) => JSON.stringify(one)).toSorted()
    const queries = [
      {},
      { newestFirst: true },
      { task: 'a' },
      { reason: 'refusal' },
      { limit: 700 },
      { newestFirst: true, limit: 4 },
      { sinceMs: Date.parse(at(1207)), limit: 1 },
      { sinceMs: Date.parse(at(1200)) },
      { route: 'local', sinceMs: Date.parse(at(590)), limit: 33 },
    ]
    for (const query of queries) {
      const paged = [...reader.each(query)]
      const whole = reader.list(query)
      const times = (found: typeof paged) => found.map(({ receivedAt }) => receivedAt)
      expect(times(paged)).toEqual(times([...whole]))
      expect(new Set(paged.map(({ requestId }) => requestId)).size).toBe(paged.length)
      if (!('limit' in query)) expect(sorted(paged)).toEqual(sorted(whole))
    }
    expect([...reader.each({})]).toHaveLength(1224)
    expect([...reader.each({ limit: 0 })]).toEqual([])
    expect([...reader.each({ requestId: 'r3' })]).toMatchObject([{ reason: 'refusal' }])
    reader.close()
  })

  it('stops at the limit when the rows it gives are not moved yet', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const database = openAuditDatabase(databasePath)
    const later = auditRecord('b', { receivedAt: '2026-01-02T00:00:00.000Z' })
    const entries = [{ type: 'settle', requestId: 'b', record: later } as const]
    database.apply({ file: 'f', writer: 'w', entries, fromByte: 0, toByte: 1 })
    database.close()
    mkdirSync(directory)
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), encodeEntry(settle('a')))
    const reader = readAuditLog({ stateDir: dir })
    const ids = (limit: number) => [...reader.each({ limit })].map(({ requestId }) => requestId)
    expect([ids(1), ids(2)]).toEqual([['a'], ['a', 'b']])
    reader.close()
  })

  it('does without a journal that is gone when it is its turn', () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, journalFileName('999999-1-0123abcd', 0)), encodeEntry(settle('a')))
    // What is listed and cannot be found any more: somebody else has moved it.
    symlinkSync(join(dir, 'gone'), join(directory, journalFileName('999999-1-0123abcd', 1)))
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({})).toMatchObject([{ requestId: 'a' }])
    reader.close()
  })

  it('reads nothing where nothing was written, and creates nothing', () => {
    const dir = stateDir()
    expect(readAuditLog({ stateDir: dir }).list({})).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  })

  it('shows what it could not write yet, and says so', async () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(join(dir, 'audit'))
    writeFileSync(directory, '')
    const log = openAuditLog({ stateDir: dir, durability: 'process', onFailure: 'spool' })
    log.journal.append(settle('a'))
    expect(log.list({})).toMatchObject([{ requestId: 'a' }])
    expect(log.health()).toMatchObject({ ok: false, spooled: 1 })
    expect(log.health().problem).toMatch(/^The audit journal .* cannot be written: E(NOTDIR|EXIST)\.$/)
    rmSync(directory)
    await log.close()
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({})).toMatchObject([{ requestId: 'a', outcome: 'accepted' }])
    reader.close()
  })

  it('marks what is still open when it closes, and takes a late settlement for the truth', async () => {
    const dir = stateDir()
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(intent('a'))
    await log.close()
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({})).toMatchObject([{ outcome: 'interrupted', settledAt: null }])
    log.journal.append(settle('a'))
    expect(reader.list({})).toMatchObject([{ outcome: 'accepted', error: null }])
    reader.close()
    await log.journal.close()
  })

  it('closes what a dead process left open when the next one starts', async () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const file = join(directory, journalFileName('999999-1-0123abcd', 0))
    writeFileSync(file, Buffer.concat([intent('a'), call('a')].map(encodeEntry)))
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    await log.close()
    const reader = readAuditLog({ stateDir: dir })
    expect(reader.list({})).toMatchObject([
      { requestId: 'a', outcome: 'interrupted', error: 'interrupted', settledAt: null, calls: [{ model: 'big' }] },
    ])
    reader.close()
  })
})

describe('what is listed while it is not moved yet', () => {
  it('is filtered by every part of the query like what is in the database', () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const file = join(directory, journalFileName('999999-1-0123abcd', 0))
    const lines = [call('a'), intent('a'), settle('a'), shadow('b'), intent('b'), call('nobody')]
    writeFileSync(file, Buffer.concat(lines.map(encodeEntry)))
    const reader = readAuditLog({ stateDir: dir })
    const ids = (query: Parameters<typeof reader.list>[0]) => reader.list(query).map(({ requestId }) => requestId)
    expect(ids({})).toEqual(['a', 'b'])
    expect(ids({ requestId: 'b' })).toEqual(['b'])
    expect([ids({ task: 'chat' }).length, ids({ task: 'other' }).length]).toEqual([2, 0])
    expect([ids({ route: 'local' }).length, ids({ route: 'held' }).length]).toEqual([2, 0])
    expect([ids({ reason: 'local_accepted' }).length, ids({ reason: 'cancelled' }).length]).toEqual([2, 0])
    expect([ids({ sinceMs: 0 }).length, ids({ sinceMs: Date.now() }).length]).toEqual([2, 0])
    expect(ids({ limit: 1, newestFirst: true })).toHaveLength(1)
    expect(reader.verify([])).toBeNull()
    reader.close()
  })

  it('is refused at once when there is a database that cannot be opened', () => {
    const dir = stateDir()
    mkdirSync(join(dir, 'audit', 'audit.db'), { recursive: true })
    expect(() => openAuditLog({ stateDir: dir, durability: 'process', onFailure: 'spool' })).toThrow(
      expect.objectContaining({ code: 'audit_unwritable' }),
    )
  })
})

describe('a database that fails under a running log', () => {
  it('is told by health, and nothing is lost', async () => {
    const dir = stateDir()
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    const other = new DatabaseSync(auditPaths(dir).databasePath, { timeout: 5000 })
    other.exec('ALTER TABLE audit RENAME TO away')
    log.journal.append(settle('a'))
    await expect.poll(() => log.health().problem).toContain('no such table')
    expect(log.health().ok).toBe(false)
    other.exec('ALTER TABLE away RENAME TO audit')
    other.close()
    await expect.poll(() => log.health().ok).toBe(true)
    expect(log.list({})).toMatchObject([{ requestId: 'a' }])
    await log.close()
  })

  it('is waited for when it is locked at the start', async () => {
    const dir = stateDir()
    const { databasePath } = auditPaths(dir)
    openAuditDatabase(databasePath).close()
    const other = new DatabaseSync(databasePath)
    other.exec('BEGIN EXCLUSIVE')
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(settle('a'))
    other.exec('COMMIT')
    other.close()
    expect(log.list({})).toMatchObject([{ requestId: 'a' }])
    await log.close()
  })

  it('is waited for when somebody else is just making it', async () => {
    const dir = stateDir()
    const { databasePath } = auditPaths(dir)
    mkdirSync(join(dir, 'audit'))
    const other = new DatabaseSync(databasePath)
    other.exec('BEGIN EXCLUSIVE')
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(settle('a'))
    other.exec('COMMIT')
    other.close()
    expect(log.list({})).toMatchObject([{ requestId: 'a' }])
    await expect.poll(() => log.health().ok).toBe(true)
    await log.close()
  })
})
