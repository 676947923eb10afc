import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import { auditPaths } from '../../src/stores/audit-log.ts'
import { openJournal } from '../../src/stores/journal.ts'
import { journalFileName } from '../../src/stores/journal-files.ts'
import { decodeEntries } from '../../src/stores/journal-format.ts'
import { moveOwn } from '../../src/stores/journal-mover.ts'
import { mergeEntry } from '../../src/stores/merge-entry.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { call, intent, SETTINGS, settle, stateDir } from './entries.ts'

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

  it('takes entries again once there is room for more than one, and leaves nothing of the try in the file', async () => {
    const directory = join(stateDir(), 'journal')
    writeFileSync(directory, '')
    const journal = openJournal({ directory, durability: 'process', onFailure: 'refuse' })
    expect(() => journal.append(intent('a'))).toThrow(/cannot be written/)
    await expect(journal.write([intent('b'), call('b')])).rejects.toThrow(/cannot be written/)
    rmSync(directory)
    await journal.write([intent('c'), call('c')])
    journal.append(settle('c'))
    expect(journal.health()).toEqual({ ok: true, problem: null, spooled: 0 })
    const file = join(directory, readdirSync(directory)[0] ?? '')
    const bytes = readFileSync(file)
    const { entries, bytesRead, corruptAt } = decodeEntries(bytes)
    expect(entries.map(({ type }) => type)).toEqual(['intent', 'call', 'settle'])
    expect([bytesRead, corruptAt]).toEqual([bytes.length, []])
  })

  it('keeps entries in memory when the policy says spool, and writes them when it can again [F30]', () => {
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

  it('refuses when the spool is full, and loses nothing of it', () => {
    const directory = join(stateDir(), 'journal')
    writeFileSync(directory, '')
    const journal = openJournal({ directory, durability: 'process', onFailure: 'spool' })
    for (let index = 0; index < 1000; index++) journal.append(intent(`r${index}`))
    expect(() => journal.append(intent('one more'))).toThrow(/cannot be written/)
    expect(journal.health().spooled).toBe(1000)
    rmSync(directory)
    journal.append(intent('after'))
    const file = join(directory, readdirSync(directory)[0] ?? '')
    const ids = decodeEntries(readFileSync(file)).entries.map((entry) => entry.requestId)
    expect(ids).toHaveLength(1001)
    expect([ids[0], ids[999], ids[1000]]).toEqual(['r0', 'r999', 'after'])
  })

  it('warns the process when it closes with entries it cannot write', async () => {
    const directory = join(stateDir(), 'journal')
    writeFileSync(directory, '')
    const journal = openJournal({ directory, durability: 'process', onFailure: 'spool' })
    journal.append(intent('a'))
    const warned = once(process, 'warning')
    await journal.close()
    const [warning] = await warned
    expect(warning).toMatchObject({ code: 'audit_unwritable' })
    expect(String(warning)).toContain('The last audit entries may be lost, 1 of them were only in memory.')
  })

  it('keeps its files to their owner', () => {
    const directory = join(stateDir(), 'journal')
    const journal = openJournal({ directory, ...SETTINGS })
    journal.append(intent('a'))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, journalFileName(journal.writer, 0))).mode & 0o777).toBe(0o600)
  })

  it('goes on in a new file when somebody deletes the one it writes', () => {
    const directory = join(stateDir(), 'journal')
    const journal = openJournal({ directory, ...SETTINGS })
    journal.append(intent('a'))
    rmSync(directory, { recursive: true })
    journal.append(settle('a'))
    const [file = '', ...others] = readdirSync(directory)
    expect(others).toEqual([])
    expect(decodeEntries(readFileSync(join(directory, file))).entries).toEqual([settle('a')])
  })

  it('leaves no half line when the disk fills up in the middle of one [F30]', () => {
    const directory = join(stateDir(), 'journal')
    const program = resolve(import.meta.dirname, '../support/journal-writer.ts')
    // A process may be limited in the size of its files; the write that crosses the limit is cut short.
    const limited = 'ulimit -f 64; "$0" "$1" "$2" full 2>/dev/null; exit 0'
    const said = execFileSync('sh', ['-c', limited, process.execPath, program, directory], { encoding: 'utf8' })
    const acknowledged = said.trim().split('\n')
    const [file = ''] = readdirSync(directory)
    const bytes = readFileSync(join(directory, file))
    const { entries, bytesRead, corruptAt } = decodeEntries(bytes)
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(entries.map((entry) => `${entry.type} ${entry.requestId}`)).toEqual(acknowledged)
    expect({ bytesRead, corruptAt }).toEqual({ bytesRead: bytes.length, corruptAt: [] })
  })

  it('says disk_full when the device is full [F30]', () => {
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

  it('syncs the full file too when a new one was begun before the sync', async () => {
    const synced = new Set<number>()
    const sync = async (descriptor: number) => void synced.add(fstatSync(descriptor).ino)
    const directory = join(stateDir(), 'j')
    const journal = openJournal({ directory, durability: 'power', onFailure: 'refuse', rotateBytes: 1000, sync })
    journal.append(intent('a'))
    journal.append(intent('b'))
    await journal.flushed()
    const files = readdirSync(directory).map((file) => statSync(join(directory, file)).ino)
    expect(files).toHaveLength(2)
    expect([...synced].sort()).toEqual(files.sort())
    await journal.close()
  })

  it('refuses all who wait for a sync that fails, and goes on in a new file', async () => {
    let syncs = 0
    const sync = async () => {
      syncs += 1
      if (syncs === 1) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    }
    const directory = join(stateDir(), 'j')
    const journal = openJournal({ directory, durability: 'power', onFailure: 'refuse', sync })
    journal.append(intent('a'))
    const waiting = await Promise.allSettled([journal.flushed(), journal.flushed()])
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(journal.health().problem).toMatch(/000000\.journal cannot be written: EIO\.$/)
    journal.append(settle('a'))
    await journal.flushed()
    expect(journal.health()).toEqual({ ok: true, problem: null, spooled: 0 })
    expect(readdirSync(directory)).toHaveLength(2)
    await journal.close()
  })

  it('writes what comes in one turn together, each request in its own order, and says so once it is on disk', async () => {
    const directory = join(stateDir(), 'j')
    const journal = openJournal({ directory, ...SETTINGS })
    const onDisk = () =>
      readdirSync(directory).flatMap((file) => decodeEntries(readFileSync(join(directory, file))).entries)
    const first = journal.write([intent('a'), call('a')])
    const second = journal.write([intent('b')])
    expect(existsSync(directory)).toBe(false)
    await first
    expect(onDisk()).toEqual([intent('a'), call('a'), intent('b')])
    await second
    await journal.close()
  })

  it('does once what several ask for before their write, and nothing is on disk before it is done', async () => {
    const directory = join(stateDir(), 'j')
    const journal = openJournal({ directory, ...SETTINGS })
    const seen: boolean[] = []
    const first = () => void seen.push(existsSync(directory))
    const both = [journal.write([intent('a')], first), journal.write([intent('b')], first)]
    expect(seen).toEqual([])
    await Promise.all(both)
    expect(seen).toEqual([false])
    await journal.write([settle('a')])
    expect(seen).toEqual([false])
    await journal.close()
  })

  it('puts what waits before what is written at once, and before its end', async () => {
    const directory = join(stateDir(), 'j')
    const journal = openJournal({ directory, ...SETTINGS })
    const onDisk = () =>
      readdirSync(directory).flatMap((file) => decodeEntries(readFileSync(join(directory, file))).entries)
    const waiting = journal.write([intent('a')])
    journal.append(settle('a'))
    expect(onDisk()).toEqual([intent('a'), settle('a')])
    const last = journal.write([intent('b')])
    await journal.close()
    await Promise.all([waiting, last])
    expect(onDisk()).toEqual([intent('a'), settle('a'), intent('b')])
  })

  it('makes no file of nothing', async () => {
    const directory = join(stateDir(), 'journal')
    const journal = openJournal({ directory, ...SETTINGS })
    await journal.write([])
    expect(existsSync(directory)).toBe(false)
    await journal.close()
  })

  it('refuses all whose entries could not be written together', async () => {
    const dir = stateDir()
    writeFileSync(join(dir, 'file'), '')
    const journal = openJournal({ directory: join(dir, 'file'), ...SETTINGS })
    const waiting = await Promise.allSettled([journal.write([intent('a')]), journal.write([intent('b')])])
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(journal.health().ok).toBe(false)
  })

  it('waits for the sync before it says that entries are written, when the policy asks for it', async () => {
    let syncs = 0
    const sync = async () => {
      syncs += 1
    }
    const journal = openJournal({ directory: join(stateDir(), 'j'), durability: 'power', onFailure: 'refuse', sync })
    await Promise.all([journal.write([intent('a')]), journal.write([intent('b')])])
    expect(syncs).toBe(1)
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

describe('a sync for power loss', () => {
  it('has nothing to do before the first entry', async () => {
    const journal = openJournal({ directory: join(stateDir(), 'journal'), durability: 'power', onFailure: 'refuse' })
    await journal.flushed()
    expect(journal.health().ok).toBe(true)
    await journal.close()
  })

  it('that fails lets requests go on where the policy says so, and health tells', async () => {
    const sync = () => Promise.reject(new Error('the disk is gone'))
    const directory = join(stateDir(), 'journal')
    const journal = openJournal({ directory, durability: 'power', onFailure: 'spool', sync })
    journal.append(intent('a'))
    await journal.flushed()
    expect(journal.health()).toMatchObject({ ok: false, problem: expect.stringContaining('the disk is gone') })
  })

  it('that fails after a new file was begun leaves the new one alone', async () => {
    const started = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const sync = () => {
      started.resolve()
      return gate.promise
    }
    const directory = join(stateDir(), 'journal')
    const journal = openJournal({ directory, durability: 'power', onFailure: 'refuse', rotateBytes: 10, sync })
    journal.append(intent('a'))
    const flushed = journal.flushed()
    await started.promise
    journal.append(intent('b'))
    gate.reject(new Error('EIO'))
    await expect(flushed).rejects.toMatchObject({ code: 'audit_unwritable' })
    journal.append(intent('c'))
    expect(readdirSync(directory)).toHaveLength(3)
  })
})
