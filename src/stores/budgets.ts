/** Ceilings in one SQLite file for all processes of a machine. Each takes blocks and spends inside them. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { BudgetBook, BudgetScope, Exhausted, Reservation } from '../spec/budget.ts'
import { type BudgetFile, type CeilingRow, openBudgetFile } from './budget-file.ts'
import { type Lease, openLease } from './budget-leases.ts'
import { forgetEnded } from './forget-budgets.ts'
import { freeByAudit, freeEnded } from './reconcile-budgets.ts'

/** What the file says of one ceiling. */
export interface BudgetState {
  readonly name: string
  readonly period: string
  /** US dollars spent, or in blocks of processes that still run or left no log that can be believed. */
  readonly takenUsd: number
  /** The part of it that lies unspent in blocks, as far as their processes wrote it down. */
  readonly heldUsd: number
}

export interface BudgetStore extends BudgetBook {
  list(): readonly BudgetState[]
  /**
   * Puts what was really booked in the place of the blocks of processes that have ended and whose log cannot be believed.
   *
   * @param bookedUsd of one ceiling, by the audit
   * @returns the ceilings that changed
   */
  reconcile(bookedUsd: (name: string, period: string) => number): readonly BudgetState[]
}

export interface BudgetSettings {
  /** Folder of `budgets.sqlite` and of what each process leaves about its blocks. */
  readonly stateDir: string
  readonly monotonicMs: () => number
  /** Sums of periods that are long over are deleted by this clock; without it none are. */
  readonly epochMs?: () => number
  /** How long records are kept, in milliseconds; null, and by default: for ever. */
  readonly keepMs?: number | null
}

/** Amounts are whole billionths of a dollar, so that sums are exact. */
const NANO = 1e9
/** A block of this share of the ceiling saves a write for most calls; near the end blocks get smaller. */
const BLOCK_SHARE = 1 / 50
/** Of what is left, so that the last dollars are not all in one process. */
const LEFT_SHARE = 1 / 8
const LOOK_MS = 1000

/** All amounts of one process in one ceiling, in billionths. */
interface Block {
  readonly scope: BudgetScope
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
    noted: () => opened?.noted(),
    exhausted: (scopes) => (scopes.length === 0 ? null : book().exhausted(scopes)),
    close: () => opened?.close(),
  }
}

/**
 * Opens the book, and gives back what killed processes held and had promised to no call.
 *
 * @throws RouterError budget_unwritable: the file cannot be opened
 */
export function openBudgets({ stateDir, monotonicMs, epochMs, keepMs = null }: BudgetSettings): BudgetStore {
  const file = openBudgetFile(join(stateDir, 'budgets.sqlite'))
  const folder = join(stateDir, 'budgets')
  const blocks = new Blocks(file, folder)
  const looks = new Map<string, { readonly at: number; readonly taken: number }>()
  let writtenMs = Number.NEGATIVE_INFINITY
  let freedMs = monotonicMs()
  freeEnded(file, folder)
  let tidiedOn = ''
  /** With the first look of each day. */
  const tidy = (): void => {
    if (!epochMs) return
    const nowMs = epochMs()
    const today = new Date(nowMs).toISOString().slice(0, 10)
    if (today !== tidiedOn) forgetEnded(file, { nowMs, keepMs })
    tidiedOn = today
  }
  tidy()

  const writeDown = (): void => {
    writtenMs = monotonicMs()
    blocks.writeDown()
    tidy()
  }
  /** At most once a second, and only by those who would be refused. */
  const freeAgain = (): boolean => {
    if (monotonicMs() - freedMs < LOOK_MS) return false
    freedMs = monotonicMs()
    return freeEnded(file, folder)
  }
  const seen = (scope: BudgetScope): number => {
    const known = looks.get(keyOf(scope))
    const now = monotonicMs()
    if (known && now - known.at < LOOK_MS) return known.taken
    freeAgain()
    const fresh = file.taken(scope)
    looks.set(keyOf(scope), { at: now, taken: fresh })
    return fresh
  }
  return {
    reserve(scopes, usd) {
      const amount = Math.ceil(usd * NANO)
      blocks.closePast(scopes)
      let refused = blocks.reserve(scopes, amount)
      if (refused !== null && freeAgain()) refused = blocks.reserve(scopes, amount)
      return refused ?? ({ scopes, usd } satisfies Reservation)
    },
    settle({ scopes, usd }, spentUsd) {
      blocks.settle(scopes, Math.ceil(usd * NANO), Math.ceil(spentUsd * NANO))
      if (monotonicMs() - writtenMs >= LOOK_MS) writeDown()
    },
    noted: () => blocks.noted(),
    exhausted(scopes) {
      const isSpent = (scope: BudgetScope) => !blocks.hasFree(scope) && seen(scope) >= Math.floor(scope.limitUsd * NANO)
      return scopes.find(isSpent) ?? null
    },
    list() {
      writeDown()
      return file.ceilings().map(stateOf)
    },
    reconcile(bookedUsd) {
      const changed = freeByAudit(file, folder, ({ name, period }) => Math.ceil(bookedUsd(name, period) * NANO))
      looks.clear()
      freeEnded(file, folder)
      return changed.map(stateOf)
    },
    close() {
      blocks.close()
      file.close()
    },
  }
}

/** The blocks of this process. */
class Blocks {
  readonly #file: BudgetFile
  readonly #folder: string
  readonly #writer = `${process.pid}-${randomUUID().slice(0, 8)}`
  readonly #blocks = new Map<string, Block>()
  /** Those that changed since the lease was told. */
  readonly #unnoted = new Set<Block>()
  /** Null before the first block is taken: who only looks needs none. */
  #lease: Lease | null = null

  constructor(file: BudgetFile, folder: string) {
    this.#file = file
    this.#folder = folder
  }

  /** @returns null when the amount is reserved under every scope; else it is under none */
  reserve(scopes: readonly BudgetScope[], amount: number): Exhausted | null {
    for (const scope of scopes) {
      const block = this.#blockOf(scope)
      const missing = amount - freeOf(block)
      const left = missing > 0 ? this.#grow(block, missing) : null
      if (left !== null) return { exhausted: scope, leftUsd: Math.max(0, left + freeOf(block)) / NANO }
    }
    for (const scope of scopes) this.#change(scope, amount, 0)
    return null
  }

  settle(scopes: readonly BudgetScope[], amount: number, spent: number): void {
    for (const scope of scopes) this.#change(scope, -amount, spent)
    for (const scope of scopes) this.#cover(this.#blockOf(scope))
  }

  /** All that changed since the last time in one line. */
  noted(): void {
    if (this.#unnoted.size === 0) return
    const changed = [...this.#unnoted]
    this.#unnoted.clear()
    this.#lease?.note(
      changed.map(({ scope: { name, period }, spent, reserved }) => ({ name, period, spent, reserved })),
    )
  }

  hasFree(scope: BudgetScope): boolean {
    return freeOf(this.#blockOf(scope)) > 0
  }

  /** What was spent of each block, for those who look on; once a second is enough. */
  writeDown(): void {
    this.#file.atomically(() => {
      for (const block of this.#blocks.values()) if (block.amount > 0) this.#write(block)
    })
  }

  /** Blocks of days that are over go back when nothing of them is reserved any more. */
  closePast(scopes: readonly BudgetScope[]): void {
    for (const block of [...this.#blocks.values()]) {
      const { name, period } = block.scope
      const now = scopes.find((scope) => scope.name === name && scope.period.length === period.length)
      if (now && now.period !== period && block.reserved === 0) this.#giveBack(block)
    }
  }

  close(): void {
    for (const block of [...this.#blocks.values()]) this.#giveBack(block)
    this.#lease?.end()
  }

  #blockOf(scope: BudgetScope): Block {
    const known = this.#blocks.get(keyOf(scope))
    if (known) return known
    const block = { scope, amount: 0, reserved: 0, spent: 0 }
    this.#blocks.set(keyOf(scope), block)
    return block
  }

  /** @returns billionths that are left when they do not suffice; null when the block has grown */
  #grow(block: Block, missing: number): number | null {
    // Before anything is taken in its name.
    this.#lease ??= openLease(this.#folder, this.#writer)
    const limit = Math.floor(block.scope.limitUsd * NANO)
    const { left, more } = this.#file.atomically(() => {
      const left = limit - this.#file.taken(block.scope)
      if (left < missing) return { left, more: 0 }
      const usual = Math.floor(Math.min(limit * BLOCK_SHARE, left * LEFT_SHARE))
      const more = Math.min(left, Math.max(missing, usual))
      this.#take(block, more)
      return { left, more }
    })
    // Only now it is in the file for certain.
    block.amount += more
    return more > 0 ? null : left
  }

  /** What was spent beyond the reservation was spent: the ceiling has to know, whatever it says. */
  #cover(block: Block): void {
    const over = -freeOf(block)
    if (over <= 0) return
    // Before the file: who is killed in between has then told of more than its block held, and it is taken as told.
    this.noted()
    this.#file.atomically(() => this.#take(block, over))
    block.amount += over
  }

  #take(block: Block, more: number): void {
    this.#file.take(block.scope, more)
    this.#write({ ...block, amount: block.amount + more })
  }

  #write({ scope, amount, spent }: Block): void {
    this.#file.writeBlock({ writer: this.#writer, name: scope.name, period: scope.period, amount, spent })
  }

  #giveBack(block: Block): void {
    const { scope } = block
    this.#file.atomically(() => {
      this.#file.take(scope, -freeOf(block))
      this.#file.dropBlock({ writer: this.#writer, name: scope.name, period: scope.period })
    })
    this.#blocks.delete(keyOf(scope))
    this.#unnoted.delete(block)
    this.#unnoted.add({ scope, amount: 0, reserved: 0, spent: 0 })
    this.noted()
  }

  #change(scope: BudgetScope, reserved: number, spent: number): void {
    const block = this.#blockOf(scope)
    block.reserved += reserved
    block.spent += spent
    this.#unnoted.add(block)
  }
}

function keyOf({ name, period }: Pick<BudgetScope, 'name' | 'period'>): string {
  return `${period} ${name}`
}

function freeOf({ amount, reserved, spent }: Block): number {
  return amount - reserved - spent
}

function stateOf({ name, period, taken, held }: CeilingRow): BudgetState {
  return { name, period, takenUsd: taken / NANO, heldUsd: held / NANO }
}
