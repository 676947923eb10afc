/** Limits by the minute in one SQLite file. Each process takes permits in blocks and hands them out from memory. */
import type { LocalRateBook, RateLimit, RateState } from '../spec/rates.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

export interface RateSettings {
  readonly path: string
  /** Milliseconds on a clock that all processes of the machine share and that nobody sets. */
  readonly machineMs: () => number
}

/** A row for each minute: a process that comes late to the turn of one must not undo the count of the next. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rate (
    name TEXT NOT NULL, minute INTEGER NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (name, minute)
  ) STRICT, WITHOUT ROWID;`

const MINUTE_MS = 60_000
/** A block of this share of a minute's permits saves a write for most requests; near the end blocks get smaller. */
export const BLOCK_SHARE = 1 / 50
export const LEFT_SHARE = 1 / 8

/** What this process knows of one limit in one minute. */
interface Cell {
  minute: number
  /** Permits in blocks of this process, and those of them that are used. */
  leased: number
  used: number
  /** By all processes, when the file was last looked at. */
  taken: number
}

/** @throws RouterError state_unwritable, here and from every call that needs the file */
export function openRates({ path, machineMs }: RateSettings): LocalRateBook {
  const database = openStateFile(path, SCHEMA)
  const cells = new Map<string, Cell>()
  const read = database.prepare('SELECT taken FROM rate WHERE name = ? AND minute = ?')
  const write = database.prepare('INSERT OR REPLACE INTO rate VALUES (?, ?, ?)')
  // The clock of a machine begins anew when it starts: a minute far ahead is one of an earlier life.
  const forget = database.prepare('DELETE FROM rate WHERE name = ? AND (minute < ? OR minute > ?)')

  const cellOf = (name: string, minute: number): Cell => {
    const known = cells.get(name)
    if (known?.minute === minute) return known
    const fresh = { minute, leased: 0, used: 0, taken: 0 }
    cells.set(name, fresh)
    return fresh
  }
  /** @param wish how much to take, given what all have taken; null for nothing */
  const lease = (name: string, cell: Cell, wish: (taken: number) => number | null): boolean =>
    naming(path, () =>
      transaction(database, () => {
        const taken = Number((read.get(name, cell.minute) as { taken: number } | undefined)?.taken ?? 0)
        cell.taken = taken
        const more = wish(taken)
        if (more === null) return false
        write.run(name, cell.minute, taken + more)
        if (cell.leased === 0) forget.run(name, cell.minute - 1, cell.minute + 1)
        cell.taken += more
        cell.leased += more
        return true
      }),
    )
  const grow = ({ name, limit }: RateLimit, cell: Cell, missing: number): boolean => {
    // Within a minute nothing comes back to the file: what was not left before is not left now.
    if (limit - cell.taken < missing) return false
    return lease(name, cell, (taken) => {
      const left = limit - taken
      const block = Math.floor(Math.min(limit * BLOCK_SHARE, left * LEFT_SHARE))
      return left < missing ? null : Math.min(left, Math.max(missing, block))
    })
  }
  return {
    take(rate, wanted): RateState {
      const now = machineMs()
      const minute = Math.floor(now / MINUTE_MS)
      const cell = cellOf(rate.name, minute)
      const amount = Math.min(wanted, rate.limit)
      const missing = amount - (cell.leased - cell.used)
      const granted = missing <= 0 || grow(rate, cell, missing)
      if (granted) cell.used += amount
      const remaining = Math.max(0, rate.limit - cell.taken + cell.leased - cell.used)
      return { granted, remaining, resetMs: MINUTE_MS - (now % MINUTE_MS), minute }
    },
    correct({ name }, difference, { minute }) {
      const now = Math.floor(machineMs() / MINUTE_MS)
      if (difference < 0 && now !== minute) return
      const cell = cellOf(name, now)
      cell.used = Math.max(0, cell.used + difference)
      const over = cell.used - cell.leased
      if (over > 0) lease(name, cell, () => over)
    },
    health: () => null,
    close: () => database.close(),
  }
}
