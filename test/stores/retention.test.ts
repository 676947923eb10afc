import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import { applyRetention, isRetentionDue } from '../../src/stores/apply-retention.ts'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { lostRecords } from '../../src/stores/copy-feed.ts'
import { openLearnedHeads } from '../../src/stores/heads-in-force.ts'
import { journalFileName, processStart } from '../../src/stores/journal-files.ts'
import { encodeEntry } from '../../src/stores/journal-format.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { openKeptExamples } from '../../src/stores/kept-examples.ts'
import { type PurgeOrder, purgeStore } from '../../src/stores/purge.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { auditRecord } from '../support/audit-record.ts'
import { intent, SETTINGS, shadow, stateDir } from './entries.ts'

const DAY_MS = 86_400_000
const DAY = '2026-01-01T00:00:00.000Z'
const DAY_ONE = Date.parse(DAY)

function settled(id: string, change: Partial<AuditRecord> = {}): JournalEntry {
  const record = auditRecord(id, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z', ...change })
  return { type: 'settle', requestId: id, record }
}

function on(day: number): Partial<AuditRecord> {
  return { receivedAt: new Date(DAY_ONE + day * DAY_MS).toISOString() }
}

function write(dir: string, entries: readonly JournalEntry[], file = 'one'): void {
  const database = openAuditDatabase(auditPaths(dir).databasePath)
  database.apply({ file, writer: 'w', entries, fromByte: 0, toByte: 1 })
  database.close()
}

function purge(dir: string, filter: PurgeOrder['filter'], dryRun = false) {
  return purgeStore({ stateDir: dir, filter, dryRun, monotonicMs: () => performance.now(), sleep: (ms) => delay(ms) })
}

function ids(dir: string): readonly string[] {
  const log = readAuditLog({ stateDir: dir })
  const found = log.list({}).map(({ requestId }) => requestId)
  log.close()
  return found
}

function verified(dir: string) {
  const log = readAuditLog({ stateDir: dir })
  const report = log.verify([])
  log.close()
  return report
}

function contents(dir: string): unknown {
  const database = new DatabaseSync(auditPaths(dir).databasePath)
  const row = database.prepare('SELECT count(*) AS n FROM content').get()
  database.close()
  return row?.n
}

function tamper(dir: string, sql: string): void {
  const database = new DatabaseSync(auditPaths(dir).databasePath)
  database.exec(sql)
  database.close()
}

/** Every file below a folder that holds the text. */
function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text))
}

describe('a purge', () => {
  it('deletes by age, tenant and user, all of which must hold, and leaves a chain that verifies', async () => {
    const dir = stateDir()
    write(dir, [
      settled('a', { ...on(0), tenant: 'acme', user: 'ann' }),
      settled('b', { ...on(0), tenant: 'acme', user: 'bob' }),
      settled('c', { ...on(9), tenant: 'acme', user: 'ann' }),
      settled('d', { ...on(0), user: 'ann' }),
      settled('e', on(0)),
    ])
    const filter = { beforeMs: DAY_ONE + 5 * DAY_MS, tenant: 'acme', subject: 'ann' }
    expect(await purge(dir, filter, true)).toMatchObject({ records: 1 })
    expect(ids(dir)).toHaveLength(5)
    expect(await purge(dir, filter)).toMatchObject({ records: 1, journalsLeft: [] })
    expect(ids(dir)).toEqual(['b', 'd', 'e', 'c'])
    expect(await purge(dir, { subject: 'ann' })).toMatchObject({ records: 2 })
    expect(await purge(dir, { beforeMs: DAY_ONE + DAY_MS })).toMatchObject({ records: 2 })
    expect(ids(dir)).toEqual([])
    expect(verified(dir)).toMatchObject({ problems: [], purged: 5, records: 0, events: 3 })
    const what = readEvents(dir, 0).map((event) => event.what)
    expect(what[0]).toMatchObject({
      tenant: expect.stringMatching(/^hmac:[0-9a-f]{32}$/),
      subject: expect.stringMatching(/^hmac:[0-9a-f]{32}$/),
    })
    expect(filesWith(dir, 'ann')).toEqual([])
  })

  it('is told apart from a deletion that nobody ordered, and from one that somebody without the key makes up', async () => {
    const dir = stateDir()
    write(dir, [settled('a', { tenant: 'acme' }), settled('b'), settled('c'), settled('d')])
    await purge(dir, { tenant: 'acme' })
    expect(verified(dir)?.problems).toEqual([])
    tamper(dir, `DELETE FROM audit WHERE request_id = 'b'`)
    expect(verified(dir)?.problems).toEqual([{ kind: 'missing', subject: 'b' }])
    tamper(
      dir,
      `INSERT INTO chain (writer, n, request_id, digest, mac, received_ms)
       SELECT writer, n + 1, 'b', digest, mac, received_ms FROM chain WHERE request_id = 'a' AND digest LIKE 'purged:%'`,
    )
    expect(verified(dir)?.problems).toEqual([{ kind: 'link', subject: 'purge 2' }])
    tamper(dir, `DELETE FROM chain WHERE writer = 'purge'; DELETE FROM audit_event`)
    expect(verified(dir)?.problems.map(({ kind }) => kind)).toEqual(['missing', 'missing', 'missing'])
  })

  it('shows a change of what is left, and a deleted line of the log of deletions', async () => {
    const dir = stateDir()
    write(dir, [settled('a', { tenant: 'acme' }), settled('b')])
    await purge(dir, { tenant: 'acme' })
    tamper(dir, `UPDATE audit SET record = replace(record, 'accepted', 'escalated') WHERE request_id = 'b'`)
    expect(verified(dir)?.problems).toEqual([{ kind: 'changed', subject: 'b' }])
    tamper(dir, `UPDATE audit_event SET record = replace(record, 'hmac:', 'other')`)
    expect(verified(dir)?.problems).toHaveLength(2)
  })

  it('is not undone by a journal that is moved again or by what comes late; a new request of the name is recorded', async () => {
    const dir = stateDir()
    const entries = [intent('a'), settled('a', { tenant: 'acme' })]
    write(dir, entries)
    await purge(dir, { tenant: 'acme' })
    const content = { type: 'content', requestId: 'a', tenant: 'acme', at: DAY, sealed: 'c2VhbGVk' } as const
    write(dir, [...entries, shadow('a'), content], 'again')
    expect(contents(dir)).toBe(0)
    expect(ids(dir)).toEqual([])
    expect(filesWith(dir, 'wouldAccept')).toEqual([])
    write(dir, [settled('a', on(3))], 'new')
    expect(ids(dir)).toEqual(['a'])
    expect(verified(dir)?.problems).toEqual([])
  })

  it('leaves requests under way, and counts them', async () => {
    const dir = stateDir()
    write(dir, [{ type: 'intent', requestId: 'a', record: auditRecord('a', { user: 'ann' }) }])
    expect(await purge(dir, { subject: 'ann' })).toMatchObject({ records: 0, underWay: 1 })
    expect(await purge(dir, { beforeMs: DAY_ONE })).toMatchObject({ underWay: 0 })
    expect(ids(dir)).toEqual(['a'])
  })

  it('deletes entries whose record never came by their age', async () => {
    const dir = stateDir()
    write(dir, [shadow('never')])
    expect(await purge(dir, { beforeMs: DAY_ONE })).toMatchObject({ early: 0 })
    expect(await purge(dir, { beforeMs: Date.now() + DAY_MS }, true)).toMatchObject({ early: 1 })
    expect(await purge(dir, { beforeMs: Date.now() + DAY_MS })).toMatchObject({ early: 1 })
  })

  it('creates nothing where nothing was recorded', async () => {
    const dir = stateDir()
    expect(await purge(dir, { tenant: 'acme' })).toMatchObject({ records: 0, examples: 0 })
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('a purge beside a running process', () => {
  it('reaches what stands in its journal', async () => {
    const dir = stateDir()
    const log = openAuditLog({ stateDir: dir, ...SETTINGS })
    log.journal.append(settled('a', { user: 'ann-of-cleves' }))
    log.journal.append(settled('b'))
    await expect.poll(() => existsSync(auditPaths(dir).databasePath)).toBe(true)
    expect(filesWith(dir, 'ann-of-cleves').length).toBeGreaterThan(0)
    expect(await purge(dir, { subject: 'ann-of-cleves' })).toMatchObject({ records: 1, journalsLeft: [] })
    expect(filesWith(dir, 'ann-of-cleves')).toEqual([])
    log.journal.append(settled('c'))
    expect(ids(dir)).toEqual(['b', 'c'])
    await log.close()
    expect(ids(dir)).toEqual(['b', 'c'])
    expect(verified(dir)?.problems).toEqual([])
  })

  it('names the journal of one that does not answer', async () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    // This process lives, and nobody in it listens.
    const file = journalFileName(`${process.pid}-${processStart(process.pid)}-0123abcd`, 0)
    writeFileSync(join(directory, file), encodeEntry(settled('a', { user: 'ann' })))
    let now = 0
    const hurried = { monotonicMs: () => (now += 1000), sleep: async () => {} }
    const report = await purgeStore({ stateDir: dir, filter: { subject: 'ann' }, dryRun: false, ...hurried })
    expect(report).toMatchObject({ records: 1, journalsLeft: [file] })
  })
})

describe('what is kept beside records', () => {
  const example = (requestId: string, day: number) => ({
    requestId,
    text: `text of ${requestId}`,
    at: on(day).receivedAt ?? '',
    isFair: true,
    label: null,
  })

  it('goes with its owner, with its age, and out of learned heads', async () => {
    const dir = stateDir()
    write(dir, [settled('old', { user: 'ann' })])
    const book = openKeptExamples(join(dir, 'examples'))
    book.keep('t', example('a', 0), { tenant: 'acme', user: 'ann' })
    book.keep('t', example('b', 0), { tenant: 'acme', user: 'bob' })
    book.keep('t', example('c', 9), { tenant: null, user: null })
    // Kept by an earlier version, which wrote no owner: known by its record, or not at all.
    book.keep('t', example('old', 0))
    book.keep('t', example('older', 0))
    const heads = openLearnedHeads(join(dir, 'heads'), () => performance.now())
    const rows = ['a', 'b'].map((id) => ({ text: `text of ${id}`, label: 'x' }))
    heads.add('t', { task: 't', version: 1, rows, digest: 'sha256:0', fittedAt: '', gain: null })
    const found = { examples: 2, learnedRows: 1, ownerlessExamples: 1 }
    expect(await purge(dir, { subject: 'ann' }, true)).toMatchObject(found)
    expect(filesWith(dir, 'text of a')).toHaveLength(2)
    expect(await purge(dir, { subject: 'ann' })).toMatchObject(found)
    expect(filesWith(dir, 'text of a')).toEqual([])
    expect(heads.list()[0]?.versions[0]?.rows).toEqual([{ text: 'text of b', label: 'x' }])
    const left = book.list('t', { maxExamples: 9, since: '2025-01-01T00:00:00.000Z' })
    expect(left.map(({ requestId }) => requestId)).toEqual(['b', 'c', 'older'])
    expect(left[0]).toEqual(example('b', 0))
    expect(filesWith(join(dir, 'examples'), 'acme')).toEqual([])
    expect(await purge(dir, { beforeMs: DAY_ONE + DAY_MS })).toMatchObject({ examples: 2 })
    expect(await purge(dir, { beforeMs: Date.now() })).toMatchObject({ examples: 1 })
    expect(readdirSync(join(dir, 'examples'))).toEqual(['owner.key'])
  })

  it('deletes nothing of anybody when the key of the owners is not usable', async () => {
    const dir = stateDir()
    const book = openKeptExamples(join(dir, 'examples'))
    book.keep('t', example('a', 0), { tenant: 'acme', user: 'ann' })
    writeFileSync(join(dir, 'examples', 'owner.key'), 'short')
    const filter = { tenant: 'other', beforeMs: Date.now() }
    expect(await purge(dir, filter)).toMatchObject({ examples: 0 })
  })

  it('deletes old copies of damaged journals, and what can be read in newer ones', async () => {
    const dir = stateDir()
    const { directory } = auditPaths(dir)
    write(dir, [settled('a', { user: 'ann' })])
    mkdirSync(directory, { recursive: true })
    const path = join(directory, `${journalFileName('999999-1-0123abcd', 0)}.damaged`)
    const broken = Buffer.from('00000002 00000000 {}\n')
    writeFileSync(path, Buffer.concat([encodeEntry(settled('a', { user: 'ann' })), broken]))
    const report = await purge(dir, { subject: 'ann' })
    expect(report.unreadable).toEqual([`${journalFileName('999999-1-0123abcd', 0)}.damaged`])
    expect(readFileSync(path)).toEqual(broken)
    utimesSync(path, new Date(DAY_ONE), new Date(DAY_ONE))
    await purge(dir, { beforeMs: DAY_ONE + DAY_MS })
    expect(existsSync(path)).toBe(false)
  })
})

describe('retention', () => {
  it('is applied by a running process, in the background, and reaches its journal', async () => {
    const dir = stateDir()
    write(
      dir,
      Array.from({ length: 450 }, (_, index) => settled(`old${index}`, { user: 'ann-of-cleves' })),
    )
    const retention = { recordsMs: DAY_MS, contentMs: null, everyMs: 50 }
    const log = openAuditLog({ stateDir: dir, ...SETTINGS, retention })
    log.journal.append(settled('late', { user: 'ann-of-cleves' }))
    log.journal.append(settled('new', { receivedAt: new Date().toISOString() }))
    await expect.poll(() => ids(dir)).toEqual(['new'])
    await expect.poll(() => filesWith(join(dir, 'audit', 'journal'), 'ann-of-cleves')).toEqual([])
    expect(log.health()).toMatchObject({ ok: true, problem: null })
    await log.close()
    expect(verified(dir)).toMatchObject({ problems: [], purged: 451, records: 1 })
    expect(readEvents(dir, 0).map(({ kind }) => kind)).toContain('retention')
  })

  it('keeps everything when it is not asked for', async () => {
    const dir = stateDir()
    write(dir, [settled('old')])
    const log = openAuditLog({ stateDir: dir, ...SETTINGS, retention: { recordsMs: null, contentMs: 1, everyMs: 20 } })
    await delay(200)
    await log.close()
    expect(ids(dir)).toEqual(['old'])
    rmSync(dir, { recursive: true, force: true })
  })
})

describe('retention where records are copied elsewhere', () => {
  it('leaves what is not copied yet for as long as it is held, then deletes it and counts what was lost', () => {
    const dir = stateDir()
    write(dir, [settled('a', on(0)), settled('b', on(1)), settled('c', on(2))])
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    const retain = (day: number) => {
      // Of the three links the first is copied.
      const spans = { recordsMs: DAY_MS, contentMs: null, uncopied: { afterLink: 1, holdForMs: 10 * DAY_MS } }
      for (const _ of applyRetention(database, spans, DAY_ONE + day * DAY_MS));
      return isRetentionDue(database, spans, DAY_ONE + day * DAY_MS)
    }
    expect(retain(5)).toBe(false)
    expect(ids(dir)).toEqual(['b', 'c'])
    expect(database.read(lostRecords)).toEqual({ rows: 0, latestMs: null })
    expect(retain(12.5)).toBe(false)
    expect(ids(dir)).toEqual(['c'])
    expect(database.read(lostRecords)).toMatchObject({ rows: 1 })
    retain(30)
    expect(ids(dir)).toEqual([])
    expect(database.read(lostRecords)).toMatchObject({ rows: 2, latestMs: expect.any(Number) })
    database.close()
    expect(verified(dir)).toMatchObject({ purged: 3, problems: [] })
  })

  it.each([
    { holdForMs: 3650 * DAY_MS, left: ['a'], lostRows: 0 },
    { holdForMs: 1, left: [], lostRows: 1 },
  ])(
    'waits for $holdForMs ms where nothing is copied, and tells how much it lost',
    async ({ holdForMs, left, lostRows }) => {
      const dir = stateDir()
      write(dir, [settled('a', on(0)), settled('b', { receivedAt: new Date().toISOString() })])
      const retention = { recordsMs: DAY_MS, contentMs: null, everyMs: 20 }
      const copy = { variable: 'DB', url: null, place: null, machine: 'box', holdForMs, alarmAfterMs: DAY_MS }
      const log = openAuditLog({ ...SETTINGS, stateDir: dir, retention, copy })
      // Each look of the thread that deletes comes before it tells of the next.
      await expect.poll(() => log.health().copy).toMatchObject({ state: 'down', lostRows })
      await expect.poll(() => ids(dir)).toEqual([...left, 'b'])
      expect(log.health().copy?.alarm).toBe(
        lostRows === 0 ? null : '1 records were deleted by retention before they were copied',
      )
      await log.close()
    },
  )
})
