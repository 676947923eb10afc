import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { openJournal } from '../../src/stores/journal.ts'
import { journalFileName, processStart } from '../../src/stores/journal-files.ts'
import { decodeEntries, encodeEntry } from '../../src/stores/journal-format.ts'
import { adoptOrphans, moveOwn } from '../../src/stores/journal-mover.ts'
import { mergeEntry } from '../../src/stores/merge-entry.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { auditRecord } from '../support/audit-record.ts'

const folders: string[] = []

function stateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-audit-'))
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const intent = (id: string): JournalEntry => ({ type: 'intent', requestId: id, record: auditRecord(id) })
const call = (id: string): JournalEntry => ({
  type: 'call',
  requestId: id,
  model: 'big',
  actor: 'frontier',
  at: '2026-01-01T00:00:00.500Z',
})
const settle = (id: string): JournalEntry => ({
  type: 'settle',
  requestId: id,
  record: auditRecord(id, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' }),
})

const SETTINGS = { durability: 'process', onFailure: 'refuse' } as const

describe('the journal format', () => {
  const entries = ['a', 'b', 'c'].flatMap((id) => [intent(id), call(id), settle(id)])
  const bytes = Buffer.concat(entries.map(encodeEntry))

  it('gives back what was written', () => {
    expect(decodeEntries(bytes)).toEqual({ entries, bytesRead: bytes.length, corruptAt: [] })
  })

  it('keeps every whole entry when the file is torn at any byte, and never reads a wrong one', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { entries: read, corruptAt } = decodeEntries(bytes.subarray(0, cut))
      expect(read).toEqual(entries.slice(0, read.length))
      expect(corruptAt).toEqual([])
    }
  })

  it('reports a damaged entry by its offset and reads on after it', () => {
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 2 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ flip
        const { entries: read, corruptAt } = decodeEntries(damaged)
        // A flipped newline, or a newline that was made, damages two lines at most.
        expect(read.length).toBeGreaterThanOrEqual(entries.length - 2)
        expect(corruptAt.length).toBeGreaterThanOrEqual(1)
        for (const entry of read) expect(entries).toContainEqual(entry)
      }),
      { numRuns: 300 },
    )
  })
})

describe('merging entries', () => {
  it('changes nothing when an entry is applied twice', () => {
    const once = [intent('a'), call('a'), settle('a')]
    const twice = once.flatMap((entry) => [entry, entry])
    const fold = (entries: readonly JournalEntry[]) => entries.reduce<AuditRecord | undefined>(mergeEntry, undefined)
    expect(fold(twice)).toEqual(fold(once))
    expect(fold([...once, intent('a')])).toEqual(fold(once))
    expect(fold(once)?.calls).toEqual([{ model: 'big', actor: 'frontier', at: '2026-01-01T00:00:00.500Z' }])
  })
})

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
    reader.close()
    expect(readdirSync(auditPaths(dir).directory)).toEqual([])
  })

  it('filters and orders what it lists', async () => {
    const log = openAuditLog({ stateDir: stateDir(), ...SETTINGS })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      const record = auditRecord(id, {
        receivedAt: `2026-01-01T00:00:0${index}.000Z`,
        task: id === 'b' ? 'label' : 'chat',
      })
      log.journal.append({ type: 'settle', requestId: id, record })
    }
    const ids = (query: Parameters<typeof log.list>[0]) => log.list(query).map((record) => record.requestId)
    expect(ids({ newestFirst: true })).toEqual(['c', 'b', 'a'])
    expect(ids({ task: 'chat' })).toEqual(['a', 'c'])
    expect(ids({ sinceMs: Date.parse('2026-01-01T00:00:01.000Z'), limit: 1 })).toEqual(['b'])
    await log.close()
  })

  it('reads nothing where nothing was written, and creates nothing', () => {
    const dir = stateDir()
    expect(readAuditLog({ stateDir: dir }).list({})).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  })

  it('refuses to work over a database of a newer program, and leaves it as it is', () => {
    const dir = stateDir()
    const { databasePath } = auditPaths(dir)
    openAuditDatabase(databasePath).close()
    const raw = new DatabaseSync(databasePath)
    raw.exec('PRAGMA user_version = 99')
    raw.close()
    expect(() => openAuditLog({ stateDir: dir, ...SETTINGS })).toThrow(
      `The audit database ${databasePath} has schema 99, this program knows 1.`,
    )
  })

  it('refuses a damaged database by name, and does not overwrite it', () => {
    const dir = stateDir()
    const { databasePath } = auditPaths(dir)
    mkdirSync(join(dir, 'audit'))
    writeFileSync(databasePath, 'this is not a database, and it is long enough to look like a header')
    expect(() => openAuditLog({ stateDir: dir, ...SETTINGS })).toThrow(databasePath)
    expect(readFileSync(databasePath, 'utf8')).toContain('this is not a database')
  })

  it('moves nothing while another process holds the database, and everything afterwards', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const journal = openJournal({ directory, ...SETTINGS })
    journal.append(settle('a'))
    const database = openAuditDatabase(databasePath)
    const other = new DatabaseSync(databasePath)
    other.exec('BEGIN EXCLUSIVE')
    const impatient = new DatabaseSync(databasePath, { timeout: 0 })
    expect(() => impatient.exec('BEGIN IMMEDIATE')).toThrow(/locked/)
    impatient.close()
    expect(database.list({})).toEqual([])
    other.exec('COMMIT')
    other.close()
    expect(moveOwn(directory, journal.writer, database).moved).toBe(1)
    expect(database.list({})).toMatchObject([{ requestId: 'a' }])
    database.close()
  })
})

describe('the journal', () => {
  it('refuses when it cannot be written, and names the file', () => {
    const dir = stateDir()
    writeFileSync(join(dir, 'file'), '')
    const journal = openJournal({ directory: join(dir, 'file'), ...SETTINGS })
    expect(() => journal.append(intent('a'))).toThrow(
      /^The audit journal .*file.* cannot be written: E(NOTDIR|EXIST)\.$/,
    )
    expect(journal.health()).toMatchObject({ ok: false, spooled: 0 })
  })

  it('keeps entries in memory when the policy says spool, and writes them when it can again', () => {
    const dir = stateDir()
    const directory = join(dir, 'journal')
    writeFileSync(directory, '')
    const journal = openJournal({ directory, durability: 'process', onFailure: 'spool' })
    journal.append(intent('a'))
    expect(journal.health()).toMatchObject({ ok: false, spooled: 1 })
    rmSync(directory)
    journal.append(settle('a'))
    expect(journal.health()).toEqual({ ok: true, problem: null, spooled: 0 })
    const file = join(directory, readdirSync(directory)[0] ?? '')
    expect(decodeEntries(readFileSync(file)).entries.map((entry) => entry.type)).toEqual(['intent', 'settle'])
  })

  it('says disk_full when the device is full', () => {
    const dir = stateDir()
    const directory = join(dir, 'journal')
    mkdirSync(directory)
    const journal = openJournal({ directory, ...SETTINGS })
    // Whatever is written to this device fails with ENOSPC.
    symlinkSync('/dev/full', join(directory, journalFileName(journal.writer, 0)))
    expect(() => journal.append(intent('a'))).toThrow(/^No space left while writing /)
  })

  it('begins a new file when one is large, and moves all of them in order', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const journal = openJournal({ directory, ...SETTINGS, rotateBytes: 4000 })
    for (let index = 0; index < 20; index++) {
      journal.append(intent(`r${index}`))
      journal.append(settle(`r${index}`))
    }
    expect(readdirSync(directory).length).toBeGreaterThan(3)
    const database = openAuditDatabase(databasePath)
    expect(moveOwn(directory, journal.writer, database).moved).toBe(40)
    expect(moveOwn(directory, journal.writer, database).moved).toBe(0)
    expect(database.list({}).every((record) => record.outcome === 'accepted')).toBe(true)
    expect(readdirSync(directory)).toHaveLength(1)
    database.close()
  })

  it('shares one sync among all who wait when the policy asks for power-loss durability', async () => {
    let syncs = 0
    const journal = openJournal({
      directory: join(stateDir(), 'j'),
      durability: 'power',
      onFailure: 'refuse',
      sync: async () => {
        syncs += 1
      },
    })
    journal.append(intent('a'))
    await Promise.all([journal.flushed(), journal.flushed(), journal.flushed()])
    expect(syncs).toBe(1)
    journal.append(settle('a'))
    await journal.flushed()
    expect(syncs).toBe(2)
    await journal.close()
  })

  it('does not sync in process durability', async () => {
    let syncs = 0
    const journal = openJournal({
      directory: join(stateDir(), 'j'),
      ...SETTINGS,
      sync: async () => {
        syncs += 1
      },
    })
    journal.append(intent('a'))
    await journal.flushed()
    expect(syncs).toBe(0)
    await journal.close()
  })
})

describe('after kill -9', () => {
  it('every acknowledged entry is in the database, once, and what was open is marked interrupted', async () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const acknowledged: string[] = []
    for (let round = 0; round < 20; round++)
      acknowledged.push(...(await writeUntilKilled(directory, { round, after: 3 + round * 7 })))
    const database = openAuditDatabase(databasePath)
    adoptOrphans(directory, database)
    adoptOrphans(directory, database)
    const records = new Map(database.list({ limit: 100_000 }).map((record) => [record.requestId, record]))
    for (const line of acknowledged) {
      const [type = '', id = ''] = line.split(' ')
      expect(records.has(id)).toBe(true)
      if (type === 'settle') expect(records.get(id)?.outcome).toBe('accepted')
    }
    expect([...records.values()].filter((record) => record.outcome === 'open')).toEqual([])
    expect([...records.values()].some((record) => record.outcome === 'interrupted')).toBe(true)
    expect(readdirSync(directory)).toEqual([])
    database.close()
  })

  it('leaves the files of living processes alone', async () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    const journal = openJournal({ directory, ...SETTINGS })
    journal.append(intent('mine'))
    const database = openAuditDatabase(databasePath)
    expect(adoptOrphans(directory, database).moved).toBe(0)
    expect(existsSync(join(directory, journalFileName(journal.writer, 0)))).toBe(true)
    database.close()
    await journal.close()
  })

  it('takes a reused process id for another process', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const before = String(Number(processStart(process.pid)) - 1)
    appendFileSync(join(directory, journalFileName(`${process.pid}-${before}-0123abcd`, 0)), encodeEntry(intent('old')))
    const database = openAuditDatabase(databasePath)
    expect(adoptOrphans(directory, database).moved).toBe(1)
    expect(database.list({})).toMatchObject([{ requestId: 'old', outcome: 'interrupted', error: 'interrupted' }])
    database.close()
  })

  it('keeps a file with a damaged line for a person to look at, and reports the place', () => {
    const dir = stateDir()
    const { directory, databasePath } = auditPaths(dir)
    mkdirSync(directory, { recursive: true })
    const file = journalFileName('999999-1-0123abcd', 0)
    const damaged = encodeEntry(intent('a'))
    damaged[40] = (damaged[40] ?? 0) ^ 1
    writeFileSync(join(directory, file), Buffer.concat([damaged, encodeEntry(settle('b'))]))
    const database = openAuditDatabase(databasePath)
    expect(adoptOrphans(directory, database)).toEqual({ moved: 1, corrupt: [`${file}:0`] })
    expect(database.list({})).toMatchObject([{ requestId: 'b' }])
    expect(readdirSync(directory)).toEqual([file])
    database.close()
  })
})

/** Runs a writer that acknowledges each entry on stdout, and kills it after so many acknowledgements. */
async function writeUntilKilled(
  directory: string,
  run: { readonly round: number; readonly after: number },
): Promise<readonly string[]> {
  const program = resolve(import.meta.dirname, '../support/journal-writer.ts')
  const child = spawn(process.execPath, [program, directory, String(run.round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === run.after) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return lines
}
