/** What processes of this machine write into their journals from now on, as they write it: the audit while it is still warm. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalEntry } from '../spec/audit.ts'
import { type JournalName, listJournals } from './journal-files.ts'
import { decodeEntries } from './journal-format.ts'

export interface FollowedJournals {
  /** What came since the last call, of each writer in its order. A writer that came and went between two calls is not seen. */
  read(): readonly JournalEntry[]
  close(): void
}

interface Followed {
  readonly descriptor: number
  /** Of the first byte that was not read yet. */
  at: number
}

/** @param wanted whose journals */
export function followJournals(directory: string, wanted: (journal: JournalName) => boolean): FollowedJournals {
  const open = new Map<string, Followed>()
  const look = (): ReadonlySet<string> => {
    const files = listJournals(directory).filter(wanted)
    for (const { file } of files) {
      if (open.has(file)) continue
      const descriptor = openOrNone(join(directory, file))
      if (descriptor !== null) open.set(file, { descriptor, at: 0 })
    }
    return new Set(files.map(({ file }) => file))
  }
  look()
  for (const followed of open.values()) followed.at = fstatSync(followed.descriptor).size
  return {
    read() {
      const there = look()
      return [...open].flatMap(([file, followed]) => {
        const entries = newOf(followed)
        // Moved and deleted meanwhile: what its last bytes say was read all the same, because it was open.
        if (!there.has(file)) {
          closeSync(followed.descriptor)
          open.delete(file)
        }
        return entries
      })
    },
    close() {
      for (const { descriptor } of open.values()) closeSync(descriptor)
      open.clear()
    },
  }
}

/** A line that is being written is read the next time. */
function newOf(followed: Followed): readonly JournalEntry[] {
  const { descriptor, at } = followed
  const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - at))
  const count = bytes.length === 0 ? 0 : readSync(descriptor, bytes, 0, bytes.length, at)
  const { entries, bytesRead } = decodeEntries(bytes.subarray(0, count), 'needed')
  followed.at += bytesRead
  return entries
}

/** Gone meanwhile, or no descriptor is left: whoever looks on must not fail by it, and tries again. */
function openOrNone(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch {
    return null
  }
}
