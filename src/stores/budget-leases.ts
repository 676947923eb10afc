/**
 * Who holds blocks of ceilings, and what of them is promised to calls. Each process keeps two files: a lock that the operating
 * system frees when the process ends, whatever ended it and in whichever container it ran, and a log of what it has
 * reserved and spent. A log that its writer's death left whole says what of its blocks nobody can spend any more.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

/** What of one block is spent or held for calls under way, in billionths of a dollar. */
export interface Used {
  readonly name: string
  readonly period: string
  readonly spent: number
  readonly reserved: number
}

export interface Lease {
  /** On disk, in the page cache at least, when it returns. */
  note(changed: readonly Used[]): void
  /** Removes both files: every block has been given back. */
  end(): void
}

export interface EndedLease {
  readonly writer: string
  /** Null: nobody can say, because the log is damaged, gone, or was written before this machine was started. */
  readonly used: readonly Used[] | null
  /** Removes what the writer left. */
  forget(): void
}

/** About ten thousand calls; then the log is begun anew with one line. */
const LOG_BYTES = 1024 * 1024
const HEADER_CHARS = 9
/**
 * Nothing is written to it. SQLite's lock is one of the operating system, on a file: opening and closing that file by other means
 * in this process would free it.
 */
const LOCK = 'PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE;'

/** @param boot names this run of the operating system; null where there is no name, then no log is believed */
export function openLease(folder: string, writer: string, boot: string | null = bootId()): Lease {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockFile(folder, writer)
  const path = logPath(folder, writer)
  const totals = new Map<string, Used>()
  let bytes = 0
  let descriptor = openSync(path, 'w', 0o600)
  const write = (lines: string): void => {
    const data = Buffer.from(lines)
    if (writeSync(descriptor, data) !== data.length) throw new Error('the disk took half a line')
    bytes += data.length
  }
  const startAnew = (): void => {
    const [old, fresh] = [descriptor, `${path}.new`]
    descriptor = openSync(fresh, 'w', 0o600)
    closeSync(old)
    bytes = 0
    write(line({ boot }) + line([...totals.values()]))
    renameSync(fresh, path)
  }
  write(line({ boot }))
  return {
    note(changed) {
      for (const used of changed) {
        if (used.spent === 0 && used.reserved === 0) totals.delete(keyOf(used))
        else totals.set(keyOf(used), used)
      }
      try {
        write(line(changed))
        if (bytes > LOG_BYTES) startAnew()
      } catch {
        // Without its end the log would call money free that is promised: better none, and the blocks wait for a person.
        rmSync(path, { force: true })
      }
    },
    end() {
      closeSync(descriptor)
      lock.close()
      remove(folder, writer)
    },
  }
}

/** It gets the name that others look for when it is locked; before, they would take it for that of an ended process. */
function lockFile(folder: string, writer: string): DatabaseSync {
  const starting = join(folder, `${writer}.starting`)
  const lock = new DatabaseSync(starting, { timeout: 0 })
  lock.exec(LOCK)
  renameSync(starting, lockPath(folder, writer))
  return lock
}

/** The leases of processes that have ended; each is locked for the time of `work`, so no two take over the same. */
export function withEndedLeases(folder: string, work: (ended: readonly EndedLease[]) => void): void {
  const held = writersIn(folder).flatMap((writer) => {
    const lock = tryLock(lockPath(folder, writer))
    return lock === null ? [] : [{ writer, lock }]
  })
  const forgotten: string[] = []
  try {
    work(
      held.map(({ writer }) => ({
        writer,
        used: readLog(logPath(folder, writer), bootId()),
        forget: () => forgotten.push(writer),
      })),
    )
  } finally {
    for (const { lock } of held) lock.close()
    // Files that are open cannot be removed everywhere.
    for (const writer of forgotten) remove(folder, writer)
  }
}

/** Whether a process that holds this lease is there, in this container or another one of the machine. */
export function isHeld(folder: string, writer: string): boolean {
  if (!writersIn(folder).includes(writer)) return false
  const lock = tryLock(lockPath(folder, writer))
  lock?.close()
  return lock === null
}

/** Changes with every start of the system; null where the system gives none. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

/**
 * @returns what the last complete lines say; null when a line before the torn end is damaged, and when the log is of
 *   another start of the system: a power cut may have cost its end
 */
export function readLog(path: string, boot: string | null): readonly Used[] | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  const [head, ...lines] = text.split('\n').slice(0, -1).map(parse)
  const from = (head as { readonly boot?: unknown } | null | undefined)?.boot
  if (boot === null || from !== boot || lines.includes(null)) return null
  const totals = new Map<string, Used>()
  for (const used of (lines as readonly (readonly Used[])[]).flat()) totals.set(keyOf(used), used)
  return [...totals.values()]
}

function keyOf({ name, period }: Used): string {
  return `${period} ${name}`
}

function line(value: unknown): string {
  const json = JSON.stringify(value)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

function parse(text: string): unknown {
  const json = text.slice(HEADER_CHARS)
  return `${crc32(json).toString(16).padStart(8, '0')} ` === text.slice(0, HEADER_CHARS) ? JSON.parse(json) : null
}

function writersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).flatMap((file) => (file.endsWith('.lock') ? [file.slice(0, -'.lock'.length)] : []))
  } catch {
    return []
  }
}

/** @returns null when somebody else holds it */
function tryLock(path: string): DatabaseSync | null {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec(LOCK)
    return lock
  } catch {
    // Also what cannot be read, such as another user's lock, counts as held.
    lock.close()
    return null
  }
}

function remove(folder: string, writer: string): void {
  const [log, lock] = [logPath(folder, writer), lockPath(folder, writer)]
  for (const path of [log, `${log}.new`, lock]) rmSync(path, { force: true })
}

function lockPath(folder: string, writer: string): string {
  return join(folder, `${writer}.lock`)
}

function logPath(folder: string, writer: string): string {
  return join(folder, `${writer}.log`)
}
