/** The ceilings of a machine in one SQLite file: what is taken of each, and the blocks it is taken in. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import { makeOwners } from './owners-file.ts'
import { transaction } from './transaction.ts'

/** All amounts are whole billionths of a dollar, so that sums are exact. */
export interface Ceiling {
  readonly name: string
  readonly period: string
}

export interface BlockRow extends Ceiling {
  readonly writer: string
  readonly amount: number
  /** As far as the writer has written it down here. */
  readonly spent: number
}

export interface CeilingRow extends Ceiling {
  readonly taken: number
  /** Of it in blocks and not written down as spent. */
  readonly held: number
}

export interface BudgetFile {
  /** All of the work under the write lock, or nothing of it. */
  atomically<T>(work: () => T): T
  taken(ceiling: Ceiling): number
  /** @param amount is given back when it is negative; to a ceiling that was forgotten nothing is */
  take(ceiling: Ceiling, amount: number): void
  setTaken(ceiling: Ceiling, amount: number): void
  writeBlock(row: BlockRow): void
  dropBlock(row: Ceiling & { readonly writer: string }): void
  blocks(): readonly BlockRow[]
  ceilings(): readonly CeilingRow[]
  /** Deletes what is written of a ceiling. */
  forget(ceiling: Ceiling): void
  /** It is to be forgotten once its period is over. */
  mark(ceiling: Ceiling): void
  marked(): readonly Ceiling[]
  /** What was deleted stands in the log of SQLite until then. */
  emptyLog(): void
  close(): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ceiling (
    name TEXT NOT NULL, period TEXT NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (name, period)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (
    writer TEXT NOT NULL, name TEXT NOT NULL, period TEXT NOT NULL, amount INTEGER NOT NULL, spent INTEGER NOT NULL,
    PRIMARY KEY (writer, name, period)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS mark (
    name TEXT NOT NULL, period TEXT NOT NULL, PRIMARY KEY (name, period)
  ) STRICT, WITHOUT ROWID;`
const BUSY_TIMEOUT_MS = 5000

/** @throws RouterError budget_unwritable: the file cannot be opened */
export function openBudgetFile(path: string): BudgetFile {
  const database = open(path)
  const taken = database.prepare('SELECT taken FROM ceiling WHERE name = ? AND period = ?')
  const take = database.prepare(
    'INSERT INTO ceiling VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET taken = taken + excluded.taken',
  )
  const giveBack = database.prepare('UPDATE ceiling SET taken = taken + ? WHERE name = ? AND period = ?')
  const setTaken = database.prepare('UPDATE ceiling SET taken = ? WHERE name = ? AND period = ?')
  const write = database.prepare(
    'INSERT INTO block VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = excluded.amount, spent = excluded.spent',
  )
  const drop = database.prepare('DELETE FROM block WHERE writer = ? AND name = ? AND period = ?')
  const blocks = database.prepare('SELECT writer, name, period, amount, spent FROM block')
  const ceilings = database.prepare(
    `SELECT name, period, taken, (SELECT coalesce(sum(amount - spent), 0) FROM block
     WHERE block.name = ceiling.name AND block.period = ceiling.period) AS held FROM ceiling ORDER BY period, name`,
  )
  const forget = ['ceiling', 'block', 'mark'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE name = ? AND period = ?`),
  )
  const mark = database.prepare('INSERT OR IGNORE INTO mark VALUES (?, ?)')
  const marked = database.prepare('SELECT name, period FROM mark')
  return {
    atomically: (work) => transaction(database, work),
    taken: ({ name, period }) => Number(taken.get(name, period)?.taken ?? 0),
    take: ({ name, period }, amount) =>
      amount < 0 ? giveBack.run(amount, name, period) : take.run(name, period, amount),
    setTaken: ({ name, period }, amount) => setTaken.run(amount, name, period),
    writeBlock: ({ writer, name, period, amount, spent }) => write.run(writer, name, period, amount, spent),
    dropBlock: ({ writer, name, period }) => drop.run(writer, name, period),
    blocks: () => blocks.all() as unknown as readonly BlockRow[],
    ceilings: () => ceilings.all() as unknown as readonly CeilingRow[],
    forget: ({ name, period }) => {
      for (const one of forget) one.run(name, period)
    },
    mark: ({ name, period }) => mark.run(name, period),
    marked: () => marked.all() as unknown as readonly Ceiling[],
    emptyLog: () => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    close: () => database.close(),
  }
}

function open(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    makeOwners(path)
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;')
    database.exec(SCHEMA)
    return database
  } catch (error) {
    throw new RouterError('budget_unwritable', { path, problem: (error as Error).message }, error)
  }
}
