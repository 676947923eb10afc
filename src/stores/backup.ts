/** Copies of the audit database: made while it is in use, and put back in its place. */
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import type { ChainReport } from './audit-chain.ts'
import { auditPaths } from './audit-log.ts'
import { isAlive, listJournals } from './journal-files.ts'
import { moveAll } from './journal-mover.ts'
import { REPLACED } from './purge.ts'
import { openAuditDatabase, SCHEMA_VERSION } from './sqlite.ts'

export interface BackupReport {
  readonly file: string
  readonly sizeBytes: number
  readonly records: number
  readonly schema: number
}

/**
 * Copies the database of a state directory, and with it what journals still hold, while processes go on writing.
 *
 * @param file must not exist; it is there whole or not at all
 * @throws RouterError not_found, in_use (the file exists), audit_unwritable, disk_full, store_*
 */
export function backupStore(stateDir: string, file: string): BackupReport {
  const { directory, databasePath } = auditPaths(stateDir)
  if (!existsSync(databasePath) && listJournals(directory).length === 0) throw noStore(databasePath)
  const target = resolve(file)
  const taken = { path: target, problem: 'there is a file of this name', fix: 'Name a file that does not exist.' }
  if (existsSync(target)) throw new RouterError('in_use', taken)
  const draft = `${target}.${randomUUID()}.part`
  const database = openAuditDatabase(databasePath)
  try {
    moveAll(directory, database)
    // Made before SQLite opens it, so that it is private from its first byte.
    closeSync(onDisk(target, () => openSync(draft, 'wx', 0o600)))
    database.read((raw) => raw.prepare('VACUUM INTO ?').run(draft))
    const found = inspect(draft)
    onDisk(target, () => {
      sync(draft)
      // A link fails where a rename would replace what somebody wrote meanwhile.
      linkOrCopy(draft, target)
      sync(dirname(target))
    })
    return { file: target, sizeBytes: statSync(target).size, ...found }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new RouterError('in_use', taken, error)
    throw error
  } finally {
    database.close()
    rmSync(draft, { force: true })
  }
}

export interface RestoreReport extends BackupReport {
  /** Where the store of before lies now; null when there was none. */
  readonly replaced: string | null
  /** Of the restored store, with the key of this state directory; null when there is no key here. */
  readonly chain: Pick<ChainReport, 'problems' | 'records' | 'purged'> | null
}

/**
 * Puts a backup in the place of the database. The store of before is set aside under another name, with all that its journals
 * held. At every moment there is a whole store in the place.
 *
 * @throws RouterError backup_unusable, store_newer, in_use, audit_unwritable, disk_full
 */
export function restoreStore(stateDir: string, file: string): RestoreReport {
  const { directory, databasePath } = auditPaths(stateDir)
  const source = resolve(file)
  if (!existsSync(source))
    throw unusable(source, 'there is no such file', 'Give the file that a backup was written to.')
  const writers = [
    ...new Set(
      listJournals(directory)
        .filter(isAlive)
        .map(({ pid }) => pid),
    ),
  ]
  if (writers.length > 0) throw running(databasePath, writers)
  const draft = `${databasePath}.${randomUUID()}.part`
  try {
    onDisk(databasePath, () => {
      mkdirSync(dirname(databasePath), { recursive: true, mode: 0o700 })
      copyFileSync(source, draft)
      chmodSync(draft, 0o600)
    })
    // The copy is looked at, not the file: what is checked is what is used.
    const found = inspect(draft, source)
    onDisk(databasePath, () => sync(draft))
    const replaced = existsSync(databasePath) ? setAside(directory, databasePath) : null
    onDisk(databasePath, () => {
      renameSync(draft, databasePath)
      sync(dirname(databasePath))
    })
    const chain = chainOf(databasePath)
    return { file: source, sizeBytes: statSync(databasePath).size, ...found, replaced, chain }
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(draft + end, { force: true })
  }
}

/** @returns where it lies now */
function setAside(directory: string, databasePath: string): string {
  const aside = join(dirname(databasePath), `${REPLACED}${new Date().toISOString().replace(/[:.]/g, '-')}`)
  const isWhole = foldLog(directory, databasePath)
  onDisk(aside, () => {
    linkOrCopy(databasePath, aside)
    // A log that stayed beside the restored store would be played into it.
    for (const end of ['-wal', '-shm'])
      if (!isWhole && existsSync(databasePath + end)) renameSync(databasePath + end, aside + end)
  })
  return aside
}

/** Brings journals and log into the one file. @returns false for a store that this program cannot read: it stays as it is */
function foldLog(directory: string, databasePath: string): boolean {
  try {
    const database = openAuditDatabase(databasePath)
    try {
      moveAll(directory, database)
      const told = database.read((raw) => raw.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get())
      if (told?.busy !== 0) throw running(databasePath, [])
      database.read((raw) => raw.exec('PRAGMA journal_mode = DELETE'))
      return true
    } finally {
      database.close()
    }
  } catch (error) {
    const code = error instanceof RouterError ? error.code : null
    if (code === 'store_corrupt' || code === 'store_newer') return false
    throw code === 'store_locked' ? running(databasePath, []) : error
  }
}

/** @param name what errors call it */
function inspect(path: string, name = path): { readonly records: number; readonly schema: number } {
  const again = 'Take another backup; this one was damaged or cut off.'
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { readOnly: true })
    const schema = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    const isOurs = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audit'`).get()
    if (!isOurs || schema === 0)
      throw unusable(name, 'it is no audit database', 'Give a file that `spillway store backup` wrote.')
    if (schema > SCHEMA_VERSION)
      throw new RouterError('store_newer', { path: name, found: schema, known: SCHEMA_VERSION })
    const [problem] = database.prepare('PRAGMA integrity_check(1)').all()
    if (problem?.integrity_check !== 'ok') throw unusable(name, String(problem?.integrity_check), again)
    return { schema, records: Number(database.prepare('SELECT count(*) AS n FROM audit').get()?.n) }
  } catch (error) {
    if (error instanceof RouterError) throw error
    throw unusable(name, error instanceof Error ? error.message : String(error), again)
  } finally {
    database?.close()
  }
}

/** A key is not made for this: a new one would call every link wrong. */
function chainOf(databasePath: string): RestoreReport['chain'] {
  if (!existsSync(join(dirname(databasePath), 'chain.key'))) return null
  const database = openAuditDatabase(databasePath)
  try {
    const { problems, records, purged } = database.verify([])
    return { problems, records, purged }
  } finally {
    database.close()
  }
}

/** Half-made files of backups and restores that were killed. */
export function abandonedFiles(stateDir: string): readonly string[] {
  const folder = dirname(auditPaths(stateDir).databasePath)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.filter((name) => name.endsWith('.part')).map((name) => join(folder, name))
}

/** Some file systems know no links. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    const draft = `${to}.${randomUUID()}.part`
    try {
      copyFileSync(from, draft)
      sync(draft)
      renameSync(draft, to)
    } finally {
      rmSync(draft, { force: true })
    }
  }
}

/** Windows has no such call for folders and does not need it. */
function sync(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (error instanceof RouterError || code === 'EEXIST') throw error
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new RouterError('disk_full', { path }, error)
    throw new RouterError('backup_unwritable', { path, problem: code ?? String(error) }, error)
  }
}

function noStore(path: string): RouterError {
  const fix = 'Nothing was recorded yet, or XDG_STATE_HOME names another folder.'
  return new RouterError('not_found', { subject: 'audit database', value: path, fix })
}

function unusable(path: string, problem: string, fix: string): RouterError {
  return new RouterError('backup_unusable', { path, problem: problem.replace(/\s+/g, ' '), fix })
}

function running(path: string, pids: readonly number[]): RouterError {
  const who = pids.length === 0 ? 'another process reads it' : `process ${pids.join(', ')} writes to it`
  return new RouterError('in_use', {
    path,
    problem: who,
    fix: 'Stop `spillway serve` and programs that use the library.',
  })
}
