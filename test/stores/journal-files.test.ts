/** What is left of journals: after a crash, between files, in folders of others. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { auditPaths } from '../../src/stores/audit-log.ts'
import { openJournal } from '../../src/stores/journal.ts'
import { journalFileName, listJournals, processStart } from '../../src/stores/journal-files.ts'
import { decodeEntries, encodeEntry } from '../../src/stores/journal-format.ts'
import { adoptOrphans, discardBefore, moveOwn, readJournal, retireOwn } from '../../src/stores/journal-mover.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { intent, SETTINGS, settle, stateDir } from './entries.ts'

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

describe('after kill -9', () => {
  it('every acknowledged entry is in the database, once, and what was open is marked interrupted [F36]', async () => {
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

  it('keeps a file with a damaged line for a person to look at, and reports the place every time', () => {
    const { directory, databasePath } = auditPaths(stateDir())
    mkdirSync(directory, { recursive: true })
    const file = journalFileName('999999-1-0123abcd', 0)
    const damaged = encodeEntry(intent('a'))
    damaged[40] = (damaged[40] ?? 0) ^ 1
    const bytes = Buffer.concat([damaged, encodeEntry(settle('b'))])
    writeFileSync(join(directory, file), bytes)
    const database = openAuditDatabase(databasePath)
    expect(adoptOrphans(directory, database)).toEqual({ moved: 1, corrupt: [`${file}.damaged:0`] })
    expect(adoptOrphans(directory, database)).toEqual({ moved: 0, corrupt: [`${file}.damaged:0`] })
    expect(database.list({})).toMatchObject([{ requestId: 'b' }])
    expect(readdirSync(directory)).toEqual([`${file}.damaged`])
    expect(readFileSync(join(directory, `${file}.damaged`))).toEqual(bytes)
    database.close()
  })

  it('drops the line that was being written when the process died, and nothing else', () => {
    const { directory, databasePath } = auditPaths(stateDir())
    mkdirSync(directory, { recursive: true })
    const file = journalFileName('999999-1-0123abcd', 0)
    writeFileSync(
      join(directory, file),
      Buffer.concat([encodeEntry(settle('a')), encodeEntry(settle('b')).subarray(0, 90)]),
    )
    const database = openAuditDatabase(databasePath)
    expect(adoptOrphans(directory, database)).toEqual({ moved: 1, corrupt: [] })
    expect(database.list({}).map((record) => record.requestId)).toEqual(['a'])
    expect(readdirSync(directory)).toEqual([])
    database.close()
  })
})

describe('a line of the journal', () => {
  it.each([
    ['no header', 'not a header, though long enough\n'],
    [
      'another length',
      encodeEntry(intent('a'))
        .toString('latin1')
        .replace(/^\w{8}/, '00000001'),
    ],
    [
      'another checksum',
      encodeEntry(intent('a'))
        .toString('latin1')
        .replace(/^(\w{8}) \w{8}/, '$1 00000000'),
    ],
  ])('with %s is reported and not read', (_name, text) => {
    const bytes = Buffer.concat([Buffer.from(text, 'latin1'), encodeEntry(intent('b'))])
    expect(decodeEntries(bytes)).toMatchObject({ entries: [{ requestId: 'b' }], corruptAt: [0] })
  })
})

describe('the files of a journal', () => {
  it('are none where there is no folder, and others in it are not theirs', () => {
    const dir = stateDir()
    expect(listJournals(join(dir, 'none'))).toEqual([])
    writeFileSync(join(dir, 'notes.txt'), '')
    writeFileSync(join(dir, journalFileName('1-2-0123abcd', 3)), '')
    expect(listJournals(dir)).toMatchObject([{ writer: '1-2-0123abcd', pid: 1, start: '2', sequence: 3 }])
  })

  it('name the start of a process that runs, and none of one that does not', () => {
    expect(Number(processStart(process.pid))).toBeGreaterThan(0)
    expect(processStart(999_999_999)).toBe('0')
  })

  it('may be gone before they are moved', () => {
    expect(readJournal(join(stateDir(), 'gone'), 0)).toBeNull()
    expect(() => readJournal(stateDir(), 0)).toThrow(/EISDIR/)
  })

  it('are no damage when they are gone before they are looked at', () => {
    const dir = stateDir()
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    symlinkSync(join(dir, 'gone'), join(dir, `${journalFileName('999999999-1-0123abcd', 0)}.damaged`))
    expect(adoptOrphans(dir, database)).toEqual({ moved: 0, corrupt: [] })
    database.close()
  })

  it.runIf(process.platform === 'linux')('are read to their end when that comes sooner than they said', () => {
    // The kernel says a page for every one of its files, and has a few bytes.
    const file = '/sys/kernel/mm/transparent_hugepage/enabled'
    expect(readJournal(file, 0)?.toString()).toBe(readFileSync(file, 'utf8'))
  })

  it('of one writer go once a later one is begun, and what they held stays', () => {
    const dir = stateDir()
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    const [mine, other] = ['999999999-1-0123abcd', '999999999-1-ffffffff']
    for (const [index, id] of ['a', 'b', 'c'].entries())
      writeFileSync(join(dir, journalFileName(mine, index)), encodeEntry(settle(id)))
    writeFileSync(join(dir, journalFileName(other, 0)), encodeEntry(settle('d')))
    discardBefore(dir, mine, { sequence: 2, database })
    expect(listJournals(dir).map(({ writer, sequence }) => [writer, sequence])).toEqual([
      [mine, 2],
      [other, 0],
    ])
    expect(database.list({}).map(({ requestId }) => requestId)).toEqual(['a', 'b'])
    database.close()
  })

  it('are moved once when somebody else is faster, and on from where they stopped', () => {
    const dir = stateDir()
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    const file = journalFileName('999999999-1-0123abcd', 0)
    const lines = [intent('a'), settle('a'), intent('b')].map(encodeEntry)
    const first = lines[0]?.length ?? 0
    writeFileSync(join(dir, file), Buffer.concat(lines))
    let raced = false
    // Another process moves the first line between the look at the offset and the move.
    const rival = {
      ...database,
      apply(batch: Parameters<typeof database.apply>[0]) {
        if (!raced) database.apply({ ...batch, entries: [intent('a')], toByte: first })
        raced = true
        return database.apply(batch)
      },
    }
    expect(moveOwn(dir, '999999999-1-0123abcd', rival)).toEqual({ moved: 2, corrupt: [] })
    expect(database.list({}).map(({ requestId, outcome }) => [requestId, outcome])).toEqual([
      ['a', 'accepted'],
      ['b', 'open'],
    ])
    database.close()
  })

  it('are retired with what they left open', () => {
    const dir = stateDir()
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    const writer = '999999999-1-0123abcd'
    writeFileSync(join(dir, journalFileName(writer, 0)), encodeEntry(intent('a')))
    writeFileSync(join(dir, journalFileName('999999999-1-ffffffff', 0)), encodeEntry(intent('b')))
    moveOwn(dir, writer, database)
    retireOwn(dir, writer, database)
    expect(database.list({})).toMatchObject([{ requestId: 'a', outcome: 'interrupted' }])
    expect(listJournals(dir).map((journal) => journal.writer)).toEqual(['999999999-1-ffffffff'])
    database.close()
  })
})

describe('a process that ended and was not waited for', () => {
  it.runIf(process.platform === 'linux')('counts as dead', async () => {
    // The shell becomes a program that never asks after the child it was left with.
    const parent = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = await once(parent.stdout, 'data')
    await expect.poll(() => processStart(Number(pid))).toBe('dead')
    parent.kill('SIGKILL')
  })
})

describe('a folder of journals', () => {
  it('is in the order of writing, may be absent, and must be a folder', () => {
    const dir = stateDir()
    for (const sequence of [2, 0, 10, 1]) writeFileSync(join(dir, journalFileName('1-2-0123abcd', sequence)), '')
    expect(listJournals(dir).map(({ sequence }) => sequence)).toEqual([0, 1, 2, 10])
    const database = openAuditDatabase(auditPaths(dir).databasePath)
    expect(adoptOrphans(join(dir, 'none'), database)).toEqual({ moved: 0, corrupt: [] })
    writeFileSync(join(dir, 'file'), '')
    expect(() => adoptOrphans(join(dir, 'file'), database)).toThrow(/ENOTDIR/)
    expect(() => readJournal(join(dir, 'file', 'x'), 0)).toThrow(/ENOTDIR/)
    database.close()
  })
})
