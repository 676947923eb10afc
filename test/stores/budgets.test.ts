import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BudgetScope, Reservation } from '../../src/spec/budget.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'

const SPENDER = resolve(import.meta.dirname, '../support/budget-spender.ts')

let folder = ''
const open: BudgetStore[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-budgets-'))
})
afterEach(() => {
  for (const store of open.splice(0)) store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Wanted {
  readonly writer?: string
  readonly alive?: readonly string[]
}

function store({ writer = 'a', alive = ['a', 'b'] }: Wanted = {}): BudgetStore {
  const path = join(folder, 'budgets.sqlite')
  const made = openBudgets({
    path,
    writer,
    isAlive: (name) => alive.includes(name),
    monotonicMs: () => performance.now() * 1e6,
  })
  open.push(made)
  return made
}

const day = (limitUsd: number, name = 'all'): BudgetScope => ({ name, period: '2026-01-01', limitUsd })
const taken = (book: BudgetStore) => book.list().map(({ name, takenUsd }) => [name, Number(takenUsd.toFixed(6))])

function reserved(book: BudgetStore, scopes: readonly BudgetScope[], usd: number): Reservation {
  const found = book.reserve(scopes, usd)
  if ('exhausted' in found) throw new Error(`nothing left of ${found.exhausted.name}`)
  return found
}

describe('a ceiling', () => {
  it('is never passed by reservations, whatever is settled in between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.float({ min: 0, max: 1, noNaN: true })), {
          maxLength: 60,
        }),
        (calls) => {
          const path = join(folder, `${Math.random()}.sqlite`)
          const book = openBudgets({ path, writer: 'a', isAlive: () => true, monotonicMs: () => 0 })
          let spent = 0
          for (const [cents, share] of calls) {
            const found = book.reserve([day(1)], cents / 100)
            if ('exhausted' in found) continue
            book.settle(found, (cents / 100) * share)
            spent += (cents / 100) * share
          }
          expect(spent).toBeLessThanOrEqual(1)
          book.close()
        },
      ),
      { numRuns: 30 },
    )
  })

  it('is shared by processes, and what one gives back another may spend', () => {
    const [one, other] = [store(), store({ writer: 'b' })]
    const first = reserved(one, [day(1)], 0.6)
    expect(other.reserve([day(1)], 0.5)).toMatchObject({ exhausted: { name: 'all' } })
    one.settle(first, 0.1)
    one.close()
    open.shift()
    expect(other.reserve([day(1)], 0.9)).toMatchObject({ usd: 0.9 })
    expect(taken(other)).toEqual([['all', 1]])
  })

  it('is reserved under every scope or under none', () => {
    const book = store()
    const scopes = [day(10), day(1, 'task:triage')]
    reserved(book, scopes, 0.9)
    const refused = book.reserve(scopes, 0.2)
    expect(refused).toMatchObject({ exhausted: { name: 'task:triage' } })
    expect('leftUsd' in refused && refused.leftUsd).toBeCloseTo(0.1)
    expect(book.reserve([day(10)], 9.1)).toMatchObject({ usd: 9.1 })
  })

  it('books what was spent beyond the reservation, and is exhausted then', () => {
    const book = store()
    expect(book.exhausted([day(1)])).toBeNull()
    book.settle(reserved(book, [day(1)], 0.5), 1.2)
    expect(taken(book)).toEqual([['all', 1.2]])
    expect(book.exhausted([day(1)])).toEqual(day(1))
    expect(book.reserve([day(1)], 0.000001)).toMatchObject({ exhausted: { name: 'all' }, leftUsd: 0 })
  })

  it('starts anew with the next period, and gives back what lay unspent in the last', () => {
    const book = store()
    book.settle(reserved(book, [day(1)], 0.5), 0.2)
    const tomorrow = { ...day(1), period: '2026-01-02' }
    reserved(book, [tomorrow], 0.9)
    expect(book.list()).toMatchObject([{ period: '2026-01-01', takenUsd: 0.2, heldUsd: 0 }, { period: '2026-01-02' }])
  })

  it('counts the blocks of a process that ended without a word until they are reconciled with what was booked', () => {
    const lost = store({ writer: 'gone', alive: ['a'] })
    reserved(lost, [day(1)], 0.8)
    open.splice(open.indexOf(lost), 1)
    const book = store({ alive: ['a'] })
    expect(book.reserve([day(1)], 0.5)).toMatchObject({ exhausted: { name: 'all' } })
    const changed = book.reconcile((name, period) => (name === 'all' && period === '2026-01-01' ? 0.3 : 0))
    expect(changed).toMatchObject([{ name: 'all', takenUsd: 0.3 }])
    expect(book.reserve([day(1)], 0.6)).toMatchObject({ usd: 0.6 })
    expect(book.reconcile(() => 0)).toEqual([])
  })

  it('holds over four processes with two hundred calls at once in each [F56]', async () => {
    const path = join(folder, 'shared.sqlite')
    const spent = await Promise.all(
      [1, 2, 3, 4].map(
        (seed) =>
          new Promise<number>((done, failed) => {
            const child = spawn(process.execPath, [SPENDER, path, String(seed)], {
              stdio: ['ignore', 'pipe', 'inherit'],
            })
            let text = ''
            child.stdout.on('data', (piece: Buffer) => {
              text += piece.toString()
            })
            child.once('exit', (code) => (code === 0 ? done(Number(text)) : failed(new Error(`exit ${code}`))))
          }),
      ),
    )
    const total = spent.reduce((sum, one) => sum + one, 0)
    expect(total).toBeLessThanOrEqual(5)
    // The last dollars are spent as well: little of the ceiling lies idle.
    expect(total).toBeGreaterThan(4.5)
  })
})
