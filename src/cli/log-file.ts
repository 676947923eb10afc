/** A log file of bounded size: when it is full it becomes `<file>.1`, what was `.1` becomes `.2`, and so on. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { atLeastOne } from './duration.ts'
import { usage } from './failure.ts'

export interface LogFile {
  /** One line, without its line break. A disk that is full or gone loses lines, and nothing else. */
  write(line: string): void
  close(): void
}

export interface LogBounds {
  /** Of one file. */
  readonly maxBytes: number
  /** How many full ones stay. */
  readonly keep: number
}

const KEPT = 5
const MEGABYTE = 1_048_576

/**
 * @param maxMb as it was written on the command line
 * @throws RouterError usage: the file cannot be opened, or the size is none
 */
export function openLogFile(file: string, maxMb: string): LogFile {
  const bounds = { maxBytes: atLeastOne(maxMb, '--log-max-mb') * MEGABYTE, keep: KEPT }
  try {
    return boundedLog(file, bounds)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`The log file ${file} cannot be opened (${code})`, 'Name a file in a folder that you may write to.')
  }
}

/** Several processes may write to one file. @throws what the file system has against it */
export function boundedLog(file: string, { maxBytes, keep }: LogBounds): LogFile {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const open = (): number => openSync(file, 'a', 0o600)
  let descriptor: number | null = open()
  let sizeBytes = fstatSync(descriptor).size
  const reopen = (): void => {
    if (descriptor !== null) closeSync(descriptor)
    descriptor = null
    descriptor = open()
    sizeBytes = fstatSync(descriptor).size
  }
  const write = (line: string): void => {
    try {
      const bytes = Buffer.from(`${line}\n`)
      if (descriptor === null) reopen()
      else if (sizeBytes > 0 && sizeBytes + bytes.length > maxBytes) {
        // Another process may have moved the file already; what it has begun since is not full.
        if (isSameFile(file, descriptor)) shift(file, keep)
        reopen()
      }
      if (descriptor === null) return
      writeSync(descriptor, bytes)
      sizeBytes += bytes.length
    } catch {
      // The server goes on without its log.
    }
  }
  return {
    write,
    close() {
      if (descriptor !== null) closeSync(descriptor)
      descriptor = null
    },
  }
}

function isSameFile(file: string, descriptor: number): boolean {
  const found = statSync(file, { throwIfNoEntry: false })
  return found !== undefined && found.ino === fstatSync(descriptor).ino
}

function shift(file: string, keep: number): void {
  rmSync(`${file}.${keep}`, { force: true })
  for (let at = keep - 1; at >= 1; at -= 1) move(`${file}.${at}`, `${file}.${at + 1}`)
  move(file, `${file}.1`)
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
