/** One append-only file per process: on disk, in the page cache at least, when `append` returns. */
import { randomBytes } from 'node:crypto'
import { closeSync, fdatasync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { JournalEntry } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { Journal } from '../spec/ports.ts'
import { journalFileName, processStart } from './journal-files.ts'
import { encodeEntries, encodeEntry } from './journal-format.ts'

export interface JournalSettings {
  readonly directory: string
  readonly durability: Policy['audit']['durability']
  readonly onFailure: Policy['audit']['onFailure']
  /** Called after each append, to wake whoever moves entries on. */
  readonly onAppend?: () => void
  /** Bytes after which a new file is begun. */
  readonly rotateBytes?: number
  /** Replaced in tests that count or fail it. */
  readonly sync?: (descriptor: number) => Promise<void>
}

export interface JournalHealth {
  readonly ok: boolean
  /** Why writing failed last; null when it works. */
  readonly problem: string | null
  /** Entries that wait in memory until writing works again. */
  readonly spooled: number
}

export interface FileJournal extends Journal {
  /** Names all files of this journal: `<writer>-<sequence>.journal`. */
  readonly writer: string
  health(): JournalHealth
  /** Ends the present file, so that it can be deleted once it is moved. @returns the number of the next one */
  beginNext(): number
  /** The entries that wait in memory, oldest first. */
  spooled(): readonly JournalEntry[]
}

/** After a failure writing counts as possible again when this fits, since a request that was let in will write more. */
const ROOM_BYTES = 128 * 1024
/** A few minutes of moving for a busy gateway, and small enough to read back at once. */
const ROTATE_BYTES = 8 * 1024 * 1024
/** About 4 MB of records; beyond it, losing them in a crash would no longer be a small loss. */
const SPOOL_LIMIT = 1000

/**
 * Opens the journal of this process; its file is made by the first append.
 *
 * `append` throws RouterError audit_unwritable or disk_full when the policy says `refuse`, and when the spool is full.
 * `flushed` rejects with the same when the disk does not take what was written; under `spool` it resolves, and `health`
 * has the problem. `close` emits a process warning when spooled entries still cannot be written.
 */
export function openJournal(settings: JournalSettings): FileJournal {
  const writer = `${process.pid}-${processStart(process.pid)}-${randomBytes(4).toString('hex')}`
  const file = new JournalFile(settings, writer)
  const spool: JournalEntry[] = []
  let writeProblem: RouterError | null = null
  let syncProblem: RouterError | null = null
  const writeSpool = (): void => {
    while (spool[0]) {
      file.append(encodeEntry(spool[0]))
      spool.shift()
    }
  }
  const append = (entries: readonly JournalEntry[]): void => {
    try {
      writeSpool()
      if (writeProblem && settings.onFailure === 'refuse') file.requireRoom(ROOM_BYTES)
      if (entries.length > 0) file.append(encodeEntries(entries))
      writeProblem = null
    } catch (error) {
      writeProblem = writeFailure(file.path, error)
      if (settings.onFailure === 'refuse' || spool.length + entries.length > SPOOL_LIMIT) throw writeProblem
      spool.push(...entries)
    }
    settings.onAppend?.()
  }
  const flushed = async (): Promise<void> => {
    if (settings.durability === 'process') return
    const { path } = file
    try {
      await file.synced()
      syncProblem = null
    } catch (error) {
      syncProblem = writeFailure(path, error)
      if (settings.onFailure === 'refuse') throw syncProblem
    }
  }
  const group = createGroup(append)
  return {
    writer,
    append(entry) {
      group.writeNow()
      append([entry])
    },
    write(entries, first) {
      const written = group.add(entries, first)
      return settings.durability === 'process' ? written : written.then(flushed)
    },
    flushed,
    health() {
      const problem = writeProblem ?? syncProblem
      return { ok: problem === null, problem: problem?.message ?? null, spooled: spool.length }
    },
    beginNext: () => file.beginNext(),
    spooled: () => [...spool],
    async close() {
      try {
        group.writeNow()
        writeSpool()
        if (settings.durability === 'power') await file.synced()
      } catch (error) {
        const { message } = writeFailure(file.path, error)
        // The policy may have asked to go on without the record, so answers stand; that it is missing must be seen.
        const lost = `${message} The last audit entries may be lost, ${spool.length} of them were only in memory.`
        process.emitWarning(lost, { code: 'audit_unwritable' })
      }
      await file.close()
    },
  }
}

interface Group {
  /** Resolves when the entries are written, rejects when they could not be. */
  add(entries: readonly JournalEntry[], first: (() => void) | undefined): Promise<void>
  /** For whoever must not come before those that wait. */
  writeNow(): void
}

/** Entries of one turn of the event loop in one write: under load that is one for many requests. */
function createGroup(append: (entries: readonly JournalEntry[]) => void): Group {
  let waiting: JournalEntry[] = []
  const before = new Set<() => void>()
  let written: PromiseWithResolvers<void> | null = null
  const writeNow = (): void => {
    const [entries, done] = [waiting, written]
    if (!done) return
    waiting = []
    written = null
    try {
      for (const first of before) first()
      before.clear()
      append(entries)
      done.resolve()
    } catch (error) {
      done.reject(error)
    }
  }
  return {
    writeNow,
    add(entries, first) {
      waiting.push(...entries)
      if (first) before.add(first)
      if (!written) {
        written = Promise.withResolvers()
        setImmediate(writeNow)
      }
      return written.promise
    },
  }
}

class JournalFile {
  readonly #settings: JournalSettings
  readonly #writer: string
  readonly #sync: (descriptor: number) => Promise<void>
  #sequence = 0
  #descriptor: number | null = null
  #bytes = 0
  /** Full files that a sync still has to reach before they may be closed. */
  #unsynced: number[] = []
  #countsLinks = false
  #waiting: Promise<void> | null = null
  #syncing: Promise<void> = Promise.resolve()

  constructor(settings: JournalSettings, writer: string) {
    this.#settings = settings
    this.#writer = writer
    this.#sync = settings.sync ?? promisify(fdatasync)
  }

  get path(): string {
    return join(this.#settings.directory, journalFileName(this.#writer, this.#sequence))
  }

  beginNext(): number {
    if (this.#bytes > 0) this.#rotate()
    return this.#sequence
  }

  append(line: Buffer): void {
    if (this.#bytes > 0 && this.#bytes + line.length > (this.#settings.rotateBytes ?? ROTATE_BYTES)) this.#rotate()
    this.#write(line)
    if (!this.#wasDeleted()) return
    // Somebody removed the file under the writer; what went into it is gone with it, so the line is written again.
    this.#rotate()
    this.#write(line)
  }

  /** Throws unless so much can be written; leaves the file as it was. */
  requireRoom(bytes: number): void {
    const descriptor = this.#descriptor ?? this.#open()
    const before = this.#bytes
    this.#write(Buffer.alloc(bytes))
    this.#bytes = before
    if (!truncated(descriptor, before)) this.#rotate()
  }

  /** One fdatasync serves everybody who waits when it starts. */
  synced(): Promise<void> {
    this.#waiting ??= this.#syncing.then(() => {
      this.#waiting = null
      const done = this.#syncAll()
      this.#syncing = done.catch(() => undefined)
      return done
    })
    return this.#waiting
  }

  async close(): Promise<void> {
    await this.#syncing
    this.#rotate()
    for (const descriptor of this.#unsynced.splice(0)) closeSync(descriptor)
  }

  #write(line: Buffer): void {
    const descriptor = this.#descriptor ?? this.#open()
    let written = 0
    try {
      while (written < line.length) written += writeSync(descriptor, line, written)
    } catch (error) {
      // Half a line would spoil the next one. Where it cannot be cut off, it stays the torn tail of a finished file.
      if (written > 0 && !truncated(descriptor, this.#bytes)) this.#rotate()
      throw error
    }
    this.#bytes += line.length
  }

  async #syncAll(): Promise<void> {
    const full = [...this.#unsynced]
    const current = this.#descriptor
    try {
      for (const descriptor of full) await this.#sync(descriptor)
      if (current !== null) await this.#sync(current)
    } catch (error) {
      // After a failed sync the kernel may call lost pages clean (fsync(2), EIO), so this file is not trusted again.
      if (current !== null && current === this.#descriptor) this.#rotate()
      throw error
    } finally {
      for (const descriptor of full) closeSync(descriptor)
      this.#unsynced = this.#unsynced.filter((descriptor) => !full.includes(descriptor))
    }
  }

  #open(): number {
    const { directory, durability } = this.#settings
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const descriptor = openSync(this.path, 'a', 0o600)
    try {
      if (durability === 'power') syncDirectory(directory)
      // Some file systems always say 0; there a deletion cannot be seen.
      this.#countsLinks = fstatSync(descriptor).nlink > 0
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
    this.#descriptor = descriptor
    return descriptor
  }

  #rotate(): void {
    if (this.#descriptor !== null && this.#settings.durability === 'power') this.#unsynced.push(this.#descriptor)
    else if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
    this.#sequence += 1
    this.#bytes = 0
  }

  /** Costs 0.7 µs, a tenth of an append. */
  #wasDeleted(): boolean {
    return this.#countsLinks && this.#descriptor !== null && fstatSync(this.#descriptor).nlink === 0
  }
}

/** A synced file whose name is lost in a power cut would be lost too. Windows has no such call and does not need it. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function truncated(descriptor: number, bytes: number): boolean {
  try {
    ftruncateSync(descriptor, bytes)
    return true
  } catch {
    return false
  }
}

function writeFailure(path: string, error: unknown): RouterError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new RouterError('disk_full', { path }, error)
  return new RouterError('audit_unwritable', { path, problem: code ?? String(error) }, error)
}
