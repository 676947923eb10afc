/** The calibrations of this machine, a file for each key. */
import type { Calibration, CalibrationKey } from '../spec/calibration.ts'
import type { CalibrationBook } from '../spec/ports.ts'
import { openVersions, type VersionFile } from './versions.ts'

export interface CalibrationStore extends CalibrationBook {
  /** Every key's file. */
  list(): readonly VersionFile<Calibration>[]
  /** The last fit of a key, in force or not; null before the first. */
  lastOf(key: CalibrationKey): Calibration | null
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
  const numberOf = ({ refit }: Calibration): number => refit
  const store = openVersions<Calibration>({ folder, what: 'a calibration', numberOf, monotonicMs })
  return {
    find: (key) => store.find(nameOf(key)),
    refitsOf: (task) => store.list().flatMap(({ versions }) => versions.filter(({ key }) => key.task === task)).length,
    list: store.list,
    lastOf: (key) => store.all(nameOf(key)).at(-1) ?? null,
    add: (calibration) => store.add(nameOf(calibration.key), calibration),
    stepBack: (key) => store.stepBack(nameOf(key)),
    shut(key, refit, closed) {
      const fit = store.all(nameOf(key)).find((one) => one.refit === refit)
      if (fit && fit.closed === null) store.replace(nameOf(key), { ...fit, closed })
    },
  }
}

/** A hosted model has no digest and goes by its name; a file goes by its digest, wherever it lies. */
function nameOf({ task, digest, quantisation, servedBy, setup }: CalibrationKey): readonly (string | null)[] {
  return [task, digest ?? servedBy, quantisation, setup]
}
