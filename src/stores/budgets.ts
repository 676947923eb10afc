/** Ceilings in one SQLite file for all processes of a machine. Each takes blocks and spends inside them. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { BudgetBook, BudgetScope, Exhausted, Reservation } from '../spec/budget.ts'
import { RouterError } from '../spec/errors.ts'
import { transaction } from './transaction.ts'

/** What the file says of one ceiling. */
export interface BudgetState {
  readonly name: string
  readonly period: string
  /** US dollars spent, or in blocks of processes that still run or ended without a word. */
  readonly takenUsd: number
  /** The part of it that lies unspent in blocks of running processes, as far as they wrote it down. */
  readonly heldUsd: number
}

export interface BudgetStore extends BudgetBook {
  list(): readonly BudgetState[]
  /**
   * Puts what was really booked in the place of the blocks of processes that have ended without giving them back.
   *
   * @param bookedUsd of one ceiling, by the audit
   * @returns the ceilings that changed
   */
  reconcile(bookedUsd: (name: string, period: string) => number): readonly BudgetState[]
}

export interface BudgetSettings {
  readonly path: string
  /** Of this process; must be another for each. */
  readonly writer: string
  readonly isAlive: (writer: string) => boolean
  readonly monotonicMs: () => number
}

/** @param writer begins with the number of its process */
export function isRunning(writer: string): boolean {
  try {
    process.kill(Number.parseInt(writer, 10), 0)
    return true
  } catch (error) {
    // The process of another user is there, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ceiling (
    name TEXT NOT NULL, period TEXT NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (name, period)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (
    writer TEXT NOT NULL, name TEXT NOT NULL, period TEXT NOT NULL, amount INTEGER NOT NULL, spent INTEGER NOT NULL,
    PRIMARY KEY (writer, name, period)
  ) STRICT, WITHOUT ROWID;`

/** Amounts are whole billionths of a dollar, so that sums are exact. */
const NANO = 1e9
/** A block of this share of the ceiling saves a write for most calls; near the end blocks get smaller. */
const BLOCK_SHARE = 1 / 50
/** Of what is left, so that the last dollars are not all in one process. */
const LEFT_SHARE = 1 / 8
const BUSY_TIMEOUT_MS = 5000
const LOOK_MS = 1000

/** All amounts of one process in one ceiling, in billionths. */
interface Block {
  amount: number
  reserved: number
  spent: number
}

/** A book whose file is made when the first ceiling is met: keys may come to have one while a server runs. */
export function openBudgetsLater(settings: BudgetSettings): BudgetBook {
  let opened: BudgetStore | null = null
  const book = (): BudgetStore => {
    opened ??= openBudgets(settings)
    return opened
  }
  return {
    reserve: (scopes, usd) => book().reserve(scopes, usd),
    settle: (reservation, usd) => book().settle(reservation, usd),
    exhausted: (scopes) => (scopes.length === 0 ? null : book().exhausted(scopes)),
    close: () => opened?.close(),
  }
}

/** @throws RouterError budget_unwritable: the file cannot be opened */
export function openBudgets({ path, writer, isAlive, monotonicMs }: BudgetSettings): BudgetStore {
  const database = open(path)
  const blocks = new Map<string, Block & { readonly scope: BudgetScope }>()
  let writtenMs = Number.NEGATIVE_INFINITY
  const looks = new Map<string, { readonly at: number; readonly taken: number }>()
  const taken = database.prepare('SELECT taken FROM ceiling WHERE name = ? AND period = ?')
  const take = database.prepare(
    'INSERT INTO ceiling VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET taken = taken + excluded.taken',
  )
  const write = database.prepare(
    'INSERT INTO block VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = excluded.amount, spent = excluded.spent',
  )
  const drop = database.prepare('DELETE FROM block WHERE writer = ? AND name = ? AND period = ?')

  const keyOf = ({ name, period }: BudgetScope): string => `${period} ${name}`
  const takenOf = ({ name, period }: BudgetScope): number =>
    Number((taken.get(name, period) as { taken: number } | undefined)?.taken ?? 0)
  const blockOf = (scope: BudgetScope): Block => {
    const known = blocks.get(keyOf(scope))
    if (known) return known
    const block = { scope, amount: 0, reserved: 0, spent: 0 }
    blocks.set(keyOf(scope), block)
    return block
  }
  const freeOf = ({ amount, reserved, spent }: Block): number => amount - reserved - spent

  /** @returns billionths that are left when they do not suffice; null when the block has grown */
  const grow = (scope: BudgetScope, missing: number, limit: number): number | null =>
    transaction(database, () => {
      const left = limit - takenOf(scope)
      if (left < missing) return left
      const block = blockOf(scope)
      const more = Math.min(left, Math.max(missing, Math.floor(Math.min(limit * BLOCK_SHARE, left * LEFT_SHARE))))
      take.run(scope.name, scope.period, more)
      block.amount += more
      write.run(writer, scope.name, scope.period, block.amount, block.spent)
      return null
    })

  const giveBack = (scope: BudgetScope, block: Block): void => {
    transaction(database, () => {
      take.run(scope.name, scope.period, -freeOf(block))
      drop.run(writer, scope.name, scope.period)
    })
    blocks.delete(keyOf(scope))
  }

  return {
    reserve(scopes, usd) {
      const amount = Math.ceil(usd * NANO)
      closePast(scopes)
      for (const [index, scope] of scopes.entries()) {
        const block = blockOf(scope)
        const missing = amount - freeOf(block)
        const left = missing > 0 ? grow(scope, missing, Math.floor(scope.limitUsd * NANO)) : null
        if (left === null) {
          block.reserved += amount
          continue
        }
        for (const before of scopes.slice(0, index)) blockOf(before).reserved -= amount
        return { exhausted: scope, leftUsd: Math.max(0, left + freeOf(block)) / NANO } satisfies Exhausted
      }
      return { scopes, usd } satisfies Reservation
    },
    settle({ scopes, usd }, spentUsd) {
      const [amount, spent] = [Math.ceil(usd * NANO), Math.ceil(spentUsd * NANO)]
      for (const scope of scopes) {
        const block = blockOf(scope)
        block.reserved -= amount
        block.spent += spent
        const over = -freeOf(block)
        if (over > 0) force(scope, over)
      }
      if (monotonicMs() - writtenMs >= LOOK_MS) writeDown()
    },
    exhausted(scopes) {
      return (
        scopes.find((scope) => freeOf(blockOf(scope)) <= 0 && seen(scope) >= Math.floor(scope.limitUsd * NANO)) ?? null
      )
    },
    list() {
      writeDown()
      return states(database)
    },
    reconcile(bookedUsd) {
      const before = states(database)
      for (const { name, period } of before) {
        transaction(database, () => {
          const rows = database
            .prepare('SELECT writer, amount FROM block WHERE name = ? AND period = ?')
            .all(name, period)
          const own = rows as unknown as readonly { readonly writer: string; readonly amount: number }[]
          const dead = own.filter((row) => row.writer !== writer && !isAlive(row.writer))
          if (dead.length === 0) return
          for (const row of dead) drop.run(row.writer, name, period)
          const live = own.filter((row) => !dead.includes(row)).reduce((sum, row) => sum + row.amount, 0)
          const total = Math.max(live, Math.ceil(bookedUsd(name, period) * NANO))
          database.prepare('UPDATE ceiling SET taken = ? WHERE name = ? AND period = ?').run(total, name, period)
        })
      }
      looks.clear()
      const after = states(database)
      return after.filter((state, at) => JSON.stringify(state) !== JSON.stringify(before[at]))
    },
    close() {
      for (const [, block] of [...blocks]) giveBack(block.scope, block)
      database.close()
    },
  }

  /** What was spent of each block, for those who look on; once a second is enough. */
  function writeDown(): void {
    writtenMs = monotonicMs()
    transaction(database, () => {
      for (const [, { scope, amount, spent }] of blocks)
        if (amount > 0) write.run(writer, scope.name, scope.period, amount, spent)
    })
  }

  function seen(scope: BudgetScope): number {
    const known = looks.get(keyOf(scope))
    const now = monotonicMs()
    if (known && now - known.at < LOOK_MS) return known.taken
    const fresh = takenOf(scope)
    looks.set(keyOf(scope), { at: now, taken: fresh })
    return fresh
  }

  /** What was spent beyond the reservation was spent: the ceiling has to know, whatever it says. */
  function force(scope: BudgetScope, amount: number): void {
    transaction(database, () => {
      const block = blockOf(scope)
      take.run(scope.name, scope.period, amount)
      block.amount += amount
      write.run(writer, scope.name, scope.period, block.amount, block.spent)
    })
  }

  /** Blocks of days that are over go back when nothing of them is reserved any more. */
  function closePast(scopes: readonly BudgetScope[]): void {
    for (const [, block] of [...blocks]) {
      const now = scopes.find(
        ({ name, period }) => name === block.scope.name && period.length === block.scope.period.length,
      )
      if (now && now.period !== block.scope.period && block.reserved === 0) giveBack(block.scope, block)
    }
  }
}

function open(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    database.exec(SCHEMA)
    return database
  } catch (error) {
    throw new RouterError(
      'budget_unwritable',
      { path, problem: error instanceof Error ? error.message : 'unknown' },
      error,
    )
  }
}

function states(database: DatabaseSync): readonly BudgetState[] {
  const rows = database
    .prepare(
      `SELECT name, period, taken, (SELECT coalesce(sum(amount - spent), 0) FROM block
       WHERE block.name = ceiling.name AND block.period = ceiling.period) AS held FROM ceiling ORDER BY period, name`,
    )
    .all() as unknown as readonly { name: string; period: string; taken: number; held: number }[]
  return rows.map(({ name, period, taken, held }) => ({ name, period, takenUsd: taken / NANO, heldUsd: held / NANO }))
}
