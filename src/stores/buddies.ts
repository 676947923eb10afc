/** The switched-off buddies of this machine, a file for each task and setup. */
import type { BuddyBook, BuddySwitch } from '../spec/buddy.ts'
import { openVersions } from './versions.ts'

export interface BuddyStore extends BuddyBook {
  /** All of them, whatever the setup in force is. */
  list(): readonly BuddySwitch[]
}

/**
 * @param folder made with the first switch; who deletes a file in it starts that task's buddy again
 * @param monotonicMs files are looked at again at most once a second, so switches of other processes are seen
 */
export function openBuddies(folder: string, monotonicMs: () => number): BuddyStore {
  const numberOf = ({ version }: BuddySwitch): number => version
  const store = openVersions<BuddySwitch>({ folder, what: 'a switched-off buddy', numberOf, monotonicMs })
  return {
    find: (task, setup) => store.find([task, setup]),
    add: (off) => store.add([off.task, off.setup], off),
    list: () => store.list().flatMap(({ versions }) => versions.slice(-1)),
  }
}
