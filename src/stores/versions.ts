/** Fitted things of this machine: one file per key, every version kept, one of them in force. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RouterError } from '../spec/errors.ts'

/** All versions of one key. */
export interface VersionFile<T> {
  readonly form: typeof FORM
  readonly versions: readonly T[]
  /** Number of the version in force; null after a step back behind the first. */
  readonly inForce: number | null
}

export interface VersionSettings<T> {
  /** Made with the first version. */
  readonly folder: string
  /** For messages, for example `a calibration`. */
  readonly what: string
  readonly numberOf: (version: T) => number
  /** Files are looked at again at most once a second, so what other processes write is seen. */
  readonly monotonicMs: () => number
}

/** A key is anything that is the same JSON for the same thing. */
export interface VersionStore<T> {
  /** The version in force, or null; never older than a second. */
  find(key: unknown): T | null
  /** Every version of one key, oldest first. */
  all(key: unknown): readonly T[]
  list(): readonly VersionFile<T>[]
  /** Adds a version and puts it in force. */
  add(key: unknown, version: T): void
  /** Puts another in the place of the version with the same number; nothing happens when there is none. */
  replace(key: unknown, version: T): void
  /**
   * Puts the version before the one in force into force again.
   *
   * @returns the version in force now; null when there is none before
   */
  stepBack(key: unknown): T | null
}

/** Every call may throw RouterError fit_corrupt for a file that is none of ours: guessing would break a promise. */
export function openVersions<T>({ folder, what, numberOf, monotonicMs }: VersionSettings<T>): VersionStore<T> {
  const known = new Map<
    string,
    { readonly checkedMs: number; readonly changedMs: number; readonly file: VersionFile<T> | null }
  >()
  const read = (path: string): VersionFile<T> | null => {
    const cached = known.get(path)
    const now = monotonicMs()
    if (cached && now - cached.checkedMs < CHECK_MS) return cached.file
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    const file = cached && cached.changedMs === changedMs ? cached.file : changedMs === 0 ? null : parse<T>(path, what)
    known.set(path, { checkedMs: now, changedMs, file })
    return file
  }
  const fresh = (path: string): VersionFile<T> | null => {
    known.delete(path)
    return read(path)
  }
  const write = (path: string, file: VersionFile<T>): void => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const draft = `${path}.${randomUUID()}`
    // Renamed into place: a reader sees the old version or the new one, never half of one.
    writeFileSync(draft, JSON.stringify(file), { mode: 0o600 })
    renameSync(draft, path)
    known.delete(path)
  }
  const inForce = (file: VersionFile<T> | null): T | null =>
    file?.versions.find((version) => numberOf(version) === file.inForce) ?? null
  const pathOf = (key: unknown): string =>
    join(folder, `${createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)}.json`)
  return {
    find: (key) => inForce(read(pathOf(key))),
    all: (key) => fresh(pathOf(key))?.versions ?? [],
    list: () => filesIn(folder).map((path) => parse<T>(path, what)),
    add(key, version) {
      const versions = [...(fresh(pathOf(key))?.versions ?? []), version]
      write(pathOf(key), { form: FORM, versions, inForce: numberOf(version) })
    },
    replace(key, version) {
      const file = fresh(pathOf(key))
      if (!file?.versions.some((one) => numberOf(one) === numberOf(version))) return
      const versions = file.versions.map((one) => (numberOf(one) === numberOf(version) ? version : one))
      write(pathOf(key), { ...file, versions })
    },
    stepBack(key) {
      const file = fresh(pathOf(key))
      const now = inForce(file)
      if (!file || !now) return null
      const before = file.versions.filter((version) => numberOf(version) < numberOf(now)).at(-1) ?? null
      write(pathOf(key), { ...file, inForce: before && numberOf(before) })
      return before
    },
  }
}

const FORM = 2
const CHECK_MS = 1000

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

function parse<T>(path: string, what: string): VersionFile<T> {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as VersionFile<T>
    if (file.form === FORM && Array.isArray(file.versions)) return file
  } catch (error) {
    throw new RouterError('fit_corrupt', { path, what }, error)
  }
  throw new RouterError('fit_corrupt', { path, what })
}
