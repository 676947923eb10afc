/** A small JSON file in the state directory that every process of the machine looks at now and then. */
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { RouterError } from '../spec/errors.ts'

/** A fifth of a second: with the time of a request, what somebody wrote is obeyed well within one. */
const LOOK_MS = 200

export interface WatchedFile<T> {
  /** What stood there a fifth of a second ago at most; the last problem, where it cannot be read. */
  look(): { readonly value: T; readonly problem: null } | { readonly value: null; readonly problem: Error }
  /** What stands there now. @throws as `unreadable` makes it */
  read(): T
  /** For its owner alone, and whole at every moment. @throws Error of the file system */
  write(value: T): void
  /**
   * What is read and then written by several processes is read and written under the file's lock, or one of two changes is lost.
   *
   * @returns null when somebody else holds the lock for longer than `waitMs`
   * @throws RouterError state_unwritable; whatever `work` throws
   */
  alone<R>(waitMs: number, work: () => R): R | null
  /** The same for what must hold whoever else is stuck: after a second it goes on without the lock. */
  inTurn<R>(work: () => R): R
}

export interface WatchedFileSettings<T> {
  readonly path: string
  readonly schema: z.ZodType<T>
  /** Where there is no file. */
  readonly nothing: T
  readonly unreadable: (error: unknown) => Error
  readonly monotonicMs: () => number
}

export function openWatchedFile<T>(settings: WatchedFileSettings<T>): WatchedFile<T> {
  const { path, monotonicMs } = settings
  let known: {
    readonly at: number
    readonly version: string
    readonly found: ReturnType<WatchedFile<T>['look']>
  } | null = null
  const read = (): T => readNow(settings)
  return {
    look() {
      const now = monotonicMs()
      if (known && now - known.at < LOOK_MS) return known.found
      const version = versionOf(path)
      const found = known?.version === version ? known.found : lookAt(read)
      known = { at: now, version, found }
      return found
    },
    read,
    write(value) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      const draft = `${path}.${randomUUID()}`
      writeFileSync(draft, JSON.stringify(value), { mode: 0o600 })
      renameSync(draft, path)
      known = null
    },
    alone: (waitMs, work) => locked({ path, waitMs }, work),
    inTurn(work) {
      const done = locked({ path, waitMs: PATIENCE_MS }, () => ({ result: work() }))
      return done ? done.result : work()
    },
  }
}

function lookAt<T>(read: () => T): ReturnType<WatchedFile<T>['look']> {
  try {
    return { value: read(), problem: null }
  } catch (error) {
    return { value: null, problem: error as Error }
  }
}

function versionOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : 'none'
}

function readNow<T>({ path, schema, nothing, unreadable }: WatchedFileSettings<T>): T {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing
    throw unreadable(error)
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw unreadable(error)
  }
}

/** The audit waits five seconds for its database; whoever holds the lock for longer is dead. */
const STALE_MS = 10_000
const LOOK_AGAIN_MS = 5
const PATIENCE_MS = 1000

/** @returns null when somebody else holds the lock */
function locked<T>({ path, waitMs }: { readonly path: string; readonly waitMs: number }, work: () => T): T | null {
  const lock = `${path}.lock`
  const problem = (error: unknown): RouterError =>
    new RouterError('state_unwritable', { path, problem: (error as Error).message }, error)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if (!take(lock, waitMs)) return null
  } catch (error) {
    throw problem(error)
  }
  try {
    return work()
  } catch (error) {
    throw error instanceof RouterError ? error : problem(error)
  } finally {
    rmSync(lock, { force: true })
  }
}

function take(lock: string, waitMs: number): boolean {
  for (let waited = 0; waited <= waitMs; waited += LOOK_AGAIN_MS) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const heldSince = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
      if (heldSince !== undefined && Date.now() - heldSince > STALE_MS) {
        rmSync(lock, { force: true })
        waited -= LOOK_AGAIN_MS
      } else if (waited < waitMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS)
    }
  }
  return false
}
