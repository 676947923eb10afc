/** The calibrations of this machine: one file per key, every fit kept, one of them in force. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Calibration, CalibrationKey } from '../spec/calibration.ts'
import { RouterError } from '../spec/errors.ts'
import type { CalibrationBook } from '../spec/ports.ts'

/** All fits of one key. */
export interface CalibrationFile {
  readonly form: typeof FORM
  readonly fits: readonly Calibration[]
  /** Number of the fit in force; null after a step back behind the first. */
  readonly inForce: number | null
}

export interface CalibrationStore extends CalibrationBook {
  /** Every key's file. */
  list(): readonly CalibrationFile[]
  /** Adds a fit and puts it in force. */
  add(calibration: Calibration): void
  /**
   * Puts the fit before the one in force into force again.
   *
   * @returns the fit in force now; null when there is none before
   */
  stepBack(key: CalibrationKey): Calibration | null
}

/**
 * @param folder made with the first fit
 * @param monotonicMs files are looked at again at most once a second, so other processes' fits are seen
 */
export function openCalibrations(folder: string, monotonicMs: () => number): CalibrationStore {
  const known = new Map<
    string,
    { readonly checkedMs: number; readonly changedMs: number; readonly file: CalibrationFile | null }
  >()
  const read = (key: CalibrationKey): CalibrationFile | null => {
    const path = pathOf(folder, key)
    const cached = known.get(path)
    const now = monotonicMs()
    if (cached && now - cached.checkedMs < CHECK_MS) return cached.file
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    const file = cached && cached.changedMs === changedMs ? cached.file : changedMs === 0 ? null : parse(path)
    known.set(path, { checkedMs: now, changedMs, file })
    return file
  }
  const write = (key: CalibrationKey, file: CalibrationFile): void => {
    const path = pathOf(folder, key)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const draft = `${path}.${randomUUID()}`
    // Renamed into place: a reader sees the old fit or the new one, never half of one.
    writeFileSync(draft, JSON.stringify(file), { mode: 0o600 })
    renameSync(draft, path)
    known.delete(path)
  }
  const fresh = (key: CalibrationKey): CalibrationFile | null => {
    known.delete(pathOf(folder, key))
    return read(key)
  }
  return {
    find: (key) => inForce(read(key)),
    refitsOf: (key) => read(key)?.fits.length ?? 0,
    list: () => filesIn(folder).map(parse),
    add(calibration) {
      const fits = [...(fresh(calibration.key)?.fits ?? []), calibration]
      write(calibration.key, { form: FORM, fits, inForce: calibration.refit })
    },
    stepBack(key) {
      const file = fresh(key)
      const now = inForce(file)
      if (!file || !now) return null
      const before = file.fits.filter(({ refit }) => refit < now.refit).at(-1) ?? null
      write(key, { ...file, inForce: before?.refit ?? null })
      return before
    },
    shut(key, refit, closed) {
      const file = fresh(key)
      if (!file || file.fits.every((fit) => fit.refit !== refit || fit.closed !== null)) return
      write(key, { ...file, fits: file.fits.map((fit) => (fit.refit === refit ? { ...fit, closed } : fit)) })
    },
  }
}

const FORM = 1
const CHECK_MS = 1000

function inForce(file: CalibrationFile | null): Calibration | null {
  return file?.fits.find(({ refit }) => refit === file.inForce) ?? null
}

function pathOf(folder: string, { task, digest, quantisation, servedBy, setup }: CalibrationKey): string {
  // A hosted model has no digest and goes by its name; a file goes by its digest, wherever it lies.
  const parts = [task, digest ?? servedBy, quantisation, setup]
  return join(folder, `${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}.json`)
}

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

/** @throws RouterError store_corrupt for a file that is none of ours; guessing a threshold would break a promise */
function parse(path: string): CalibrationFile {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as CalibrationFile
    if (file.form === FORM && Array.isArray(file.fits)) return file
  } catch (error) {
    throw new RouterError('store_corrupt', { path, problem: 'it is no calibration' }, error)
  }
  throw new RouterError('store_corrupt', { path, problem: `it is no calibration of form ${FORM}` })
}
