/** The priors of this machine, a file for each task. */
import type { Prior } from '../spec/prior.ts'
import { openVersions, type VersionStore } from './versions.ts'

/** Every version of every task's prior. The key is the name of the task. */
export function openPriors(folder: string, monotonicMs: () => number): VersionStore<Prior> {
  return openVersions<Prior>({ folder, what: 'a prior', numberOf: ({ version }) => version, monotonicMs })
}
