/**
 * Sessions of the console as files of the state directory, because several gateways may serve one port: what one of them opened,
 * all open, and what one of them ended is over. A file is named by a digest of the cookie, so whoever reads the folder has no cookie.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../../spec/errors.ts'

const keptSchema = z.strictObject({
  holderId: z.string(),
  /** Who sits at the console; null where nobody said. */
  name: z.string().nullable(),
  /** Epoch milliseconds. */
  until: z.number(),
})

export type KeptSession = z.infer<typeof keptSchema>

export interface SessionFiles {
  /** @throws RouterError state_unwritable */
  keep(digest: string, session: KeptSession, nowMs: number): void
  /** Whoever asks has looked. @returns null for what is over, unknown or damaged */
  look(digest: string, nowMs: number): KeptSession | null
  drop(digest: string): void
}

/** An hour without a look. */
const IDLE_MS = 3_600_000
/** A page asks several times a second, and the disk need not hear of each. */
const NOTED_EVERY_MS = 10_000
/** More people than look at one console; the one that was idle longest makes room. */
const MOST = 100

/** @param folder made with the first session */
export function openSessionFiles(folder: string): SessionFiles {
  const fileOf = (digest: string): string => join(folder, `${digest}.json`)
  const drop = (digest: string): void => rmSync(fileOf(digest), { force: true })
  return {
    drop,
    keep(digest, session, nowMs) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        makeRoom(folder, nowMs)
        writeFileSync(fileOf(digest), JSON.stringify(session), { mode: 0o600, flag: 'wx' })
        seen(fileOf(digest), nowMs)
      } catch (error) {
        throw new RouterError('state_unwritable', { path: folder, problem: (error as Error).message }, error)
      }
    },
    look(digest, nowMs) {
      const file = fileOf(digest)
      const seenAt = seenAtOf(file)
      const session = seenAt === null ? null : read(file)
      if (seenAt === null || session === null) return null
      if (nowMs >= session.until || nowMs >= seenAt + IDLE_MS) {
        drop(digest)
        return null
      }
      if (nowMs - seenAt >= NOTED_EVERY_MS) seen(file, nowMs)
      return session
    },
  }
}

/** The time of the file, and not a line in it: a file that another process has just removed must not come back. */
function seen(file: string, nowMs: number): void {
  try {
    utimesSync(file, nowMs / 1000, nowMs / 1000)
  } catch {
    // Gone meanwhile, or the disk may not be written: whoever looks still looks, and is idle sooner.
  }
}

/** @returns epoch milliseconds; null without the file */
function seenAtOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null
}

function read(file: string): KeptSession | null {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Gone meanwhile, or cut off by a crash: it opens nothing.
    return null
  }
}

/** Removes what is over, and so many of those that were idle longest that one more has room. */
function makeRoom(folder: string, nowMs: number): void {
  const found = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    const seenAt = seenAtOf(path)
    return seenAt === null ? [] : [{ path, seenAt }]
  })
  const latest = found.toSorted((a, b) => b.seenAt - a.seenAt)
  for (const [at, { path, seenAt }] of latest.entries())
    if (at >= MOST - 1 || nowMs >= seenAt + IDLE_MS) rmSync(path, { force: true })
}
