/** One append-only file per process: on disk, in the page cache at least, when `append` returns. */
import { randomBytes } from 'node:crypto'
import { closeSync, fdatasync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { JournalEntry } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { Journal } from '../spec/ports.ts'
import { journalFileName, processStart } from './journal-files.ts'
import { encodeEntry } from './journal-format.ts'

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
}

/** A few minutes of moving for a busy gateway, and small enough to read back at once. */
const ROTATE_BYTES = 8 * 1024 * 1024
/** About 4 MB of records; beyond it, losing them in a crash would no longer be a small loss. */
const SPOOL_LIMIT = 1000

/** @throws nothing now; the file is opened by the first append */
export function openJournal(settings: JournalSettings): FileJournal {
  const writer = `${process.pid}-${processStart(process.pid)}-${randomBytes(4).toString('hex')}`
  const file = new JournalFile(settings, writer)
  const spool: JournalEntry[] = []
  let problem: RouterError | null = null
  const write = (entry: JournalEntry): void => {
    while (spool[0]) {
      file.append(encodeEntry(spool[0]))
      spool.shift()
    }
    file.append(encodeEntry(entry))
    problem = null
  }
  return {
    writer,
    append(entry) {
      try {
        write(entry)
      } catch (error) {
        problem = writeFailure(file.path, error)
        if (settings.onFailure === 'refuse' || spool.length >= SPOOL_LIMIT) throw problem
        spool.push(entry)
      }
      settings.onAppend?.()
    },
    flushed: () => (settings.durability === 'power' ? file.synced() : Promise.resolve()),
    health: () => ({ ok: problem === null, problem: problem?.message ?? null, spooled: spool.length }),
    async close() {
      file.close()
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

  append(line: Buffer): void {
    if (this.#bytes > 0 && this.#bytes + line.length > (this.#settings.rotateBytes ?? ROTATE_BYTES)) this.#rotate()
    const descriptor = this.#descriptor ?? this.#open()
    try {
      let written = 0
      while (written < line.length) written += writeSync(descriptor, line, written)
    } catch (error) {
      // Half a line in the middle would cost the line after it.
      ftruncateQuietly(descriptor, this.#bytes)
      throw error
    }
    this.#bytes += line.length
  }

  /** One fdatasync serves everybody who waits when it starts. */
  synced(): Promise<void> {
    this.#waiting ??= this.#syncing.then(() => {
      this.#waiting = null
      this.#syncing = this.#descriptor === null ? Promise.resolve() : this.#sync(this.#descriptor)
      return this.#syncing
    })
    return this.#waiting
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }

  #open(): number {
    mkdirSync(this.#settings.directory, { recursive: true, mode: 0o700 })
    this.#descriptor = openSync(this.path, 'a', 0o600)
    return this.#descriptor
  }

  #rotate(): void {
    this.close()
    this.#sequence += 1
    this.#bytes = 0
  }
}

function ftruncateQuietly(descriptor: number, bytes: number): void {
  try {
    ftruncateSync(descriptor, bytes)
  } catch {
    // The reader reports the damaged line; there is nothing better to do on a device that cannot truncate.
  }
}

function writeFailure(path: string, error: unknown): RouterError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new RouterError('disk_full', { path }, error)
  return new RouterError('audit_unwritable', { path, problem: code ?? String(error) }, error)
}
