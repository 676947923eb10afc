import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BudgetScope, Reservation } from '../../src/spec/budget.ts'
import { type BudgetStore, openBudgets, openBudgetsLater } from '../../src/stores/budgets.ts'
import { figure } from '../support/figure.ts'

const SPENDER = resolve(import.meta.dirname, '../support/budget-spender.ts')
const HOLDER = resolve(import.meta.dirname, '../support/budget-holder.ts')

let folder = ''
const open: BudgetStore[] = []
const running: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-budgets-'))
})
afterEach(() => {
  for (const store of open.splice(0)) store.close()
  for (const child of running.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Looks as often as it is asked. */
function store(): BudgetStore {
  const made = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() * 1e6 })
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

interface Holder {
  /** All that it has said. */
  readonly said: () => readonly string[]
  readonly kill: () => Promise<void>
}

/** Its ceiling is one dollar a day. */
async function holder(seed: number | 'still'): Promise<Holder> {
  const child = spawn(process.execPath, [HOLDER, folder, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  await vi.waitUntil(() => text.includes('ready'), { timeout: 20_000 })
  return {
    said: () => text.split('\n').slice(0, -1),
    kill: () =>
      new Promise((done) => {
        child.once('close', () => done())
        child.kill('SIGKILL')
      }),
  }
}

/** Who holds blocks, or held them and was not cleared away. */
const locks = () => readdirSync(join(folder, 'budgets')).filter((file) => file.endsWith('.lock'))

/** The most that a provider may bill for what a process said: its calls under way at their most. */
function billable(lines: readonly string[]): number {
  return lines.reduce((sum, line) => {
    const [word, first = '0', second = '0'] = line.split(' ')
    if (word === 'call') return sum + Number(first)
    return word === 'cost' ? sum + Number(first) - Number(second) : sum
  }, 0)
}

describe('a ceiling', () => {
  it('is never passed by reservations, whatever is settled in between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.float({ min: 0, max: 1, noNaN: true })), {
          maxLength: 60,
        }),
        (calls) => {
          const book = openBudgets({ stateDir: join(folder, `${Math.random()}`), monotonicMs: () => 0 })
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

  it('is shared, and what one gives back another may spend', () => {
    const [one, other] = [store(), store()]
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
    // The store cannot refuse what a provider has billed: reserving enough is the pipeline's part (test/gateway/ceilings.test.ts).
    const book = store()
    expect(book.exhausted([day(1)])).toBeNull()
    book.settle(reserved(book, [day(1)], 0.5), 1.2)
    expect(taken(book)).toEqual([['all', 1.2]])
    expect(book.exhausted([day(1)])).toEqual(day(1))
    expect(book.reserve([day(1)], 0.000001)).toMatchObject({ exhausted: { name: 'all' }, leftUsd: 0 })
  })

  it('is read at most once a second by those who only ask whether it is spent', () => {
    let now = 0
    const book = openBudgets({ stateDir: folder, monotonicMs: () => now })
    const other = store()
    open.push(book)
    expect(book.exhausted([day(1)])).toBeNull()
    reserved(other, [day(1)], 1)
    expect(book.exhausted([day(1)])).toBeNull()
    now = 1000
    expect(book.exhausted([day(1)])).toEqual(day(1))
  })

  it('starts anew with the next period, and gives back what lay unspent in the last', () => {
    const book = store()
    book.settle(reserved(book, [day(1)], 0.5), 0.2)
    const tomorrow = { ...day(1), period: '2026-01-02' }
    reserved(book, [tomorrow], 0.9)
    expect(book.list()).toMatchObject([{ period: '2026-01-01', takenUsd: 0.2, heldUsd: 0 }, { period: '2026-01-02' }])
  })

  it('keeps what is promised to a call beyond the end of its period', () => {
    const book = store()
    const late = reserved(book, [day(1)], 0.5)
    reserved(book, [{ ...day(1), period: '2026-01-02' }], 0.1)
    book.settle(late, 0.4)
    expect(book.list()[0]).toMatchObject({ period: '2026-01-01', heldUsd: expect.closeTo(0.1) })
  })

  it('makes no file before a ceiling is met', () => {
    let nowMs = 0
    const later = openBudgetsLater({ stateDir: join(folder, 'later'), monotonicMs: () => (nowMs += 2000) })
    expect(later.exhausted([])).toBeNull()
    expect(existsSync(join(folder, 'later'))).toBe(false)
    expect(later.exhausted([day(1)])).toBeNull()
    const held = later.reserve([day(1)], 1)
    if ('exhausted' in held) throw new Error('there was money')
    later.settle(held, 1)
    expect(later.exhausted([day(1)])).toMatchObject({ name: 'all' })
    later.close()
    openBudgetsLater({ stateDir: join(folder, 'never'), monotonicMs: () => 0 }).close()
    expect(existsSync(join(folder, 'never'))).toBe(false)
  })

  it('says where the file cannot be opened', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => openBudgets({ stateDir: join(folder, 'file'), monotonicMs: () => 0 })).toThrow(
      expect.objectContaining({ code: 'budget_unwritable' }),
    )
  })

  it('holds over four processes with two hundred calls at once in each [F56]', async (context) => {
    const spent = await Promise.all(
      [1, 2, 3, 4].map(
        (seed) =>
          new Promise<number>((done, failed) => {
            const child = spawn(process.execPath, [SPENDER, folder, String(seed)], {
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
    figure(
      context,
      `4 processes with 200 calls each spent ${total.toFixed(4)} of 5 USD, over by ${Math.max(0, total - 5)}`,
    )
    expect(total).toBeLessThanOrEqual(5)
    // The last dollars are spent as well: little of the ceiling lies idle.
    expect(total).toBeGreaterThan(4.5)
  })
})

describe('the blocks of a killed process', () => {
  it('come back to a process that runs, but for what was spent or promised to calls', async () => {
    const book = store()
    const lost = await holder('still')
    expect(book.reserve([day(1)], 0.6)).toHaveProperty('exhausted')
    await lost.kill()
    expect(book.reserve([day(1)], 0.71)).toHaveProperty('exhausted')
    expect(reserved(book, [day(1)], 0.6).usd).toBe(0.6)
    expect(taken(book).filter(([name]) => name === 'all')).toEqual([['all', 0.9]])
    expect(locks()).toHaveLength(1)
  })

  it('come back with the next process that opens the book', async () => {
    const lost = await holder('still')
    await lost.kill()
    expect(taken(store())).toContainEqual(['all', 0.3])
    expect(locks()).toEqual([])
  })

  it('never let the ceiling be passed, however many are killed at random moments', async () => {
    const said: string[] = []
    const wait = [30, 5, 60, 15, 90, 1, 45, 25]
    for (const [round, ms] of wait.entries()) {
      const pair = await Promise.all([holder(2 * round + 1), holder(2 * round + 2)])
      await delay(ms)
      await Promise.all(pair.map((one) => one.kill()))
      said.push(...pair.flatMap((one) => one.said()))
    }
    expect(said.filter((line) => line.startsWith('call')).length).toBeGreaterThan(20)
    expect(billable(said)).toBeLessThanOrEqual(1 + 1e-9)
    const book = store()
    const [all] = book.list().filter(({ name }) => name === 'all')
    // Nothing stays in blocks; what is counted is what was said, and at most four promised calls of each that no line tells of.
    expect(all?.heldUsd).toBe(0)
    expect(all?.takenUsd).toBeGreaterThanOrEqual(billable(said) - 1e-6)
    expect(all?.takenUsd).toBeLessThanOrEqual(1)
  }, 120_000)

  it('stay taken when their log is gone, until the audit says what was booked', async () => {
    const lost = await holder('still')
    await lost.kill()
    for (const file of readdirSync(join(folder, 'budgets')))
      if (file.endsWith('.log')) rmSync(join(folder, 'budgets', file))
    const book = store()
    expect(book.reserve([day(1)], 0.5)).toMatchObject({ exhausted: { name: 'all' } })
    const running = reserved(book, [day(1)], 0.1)
    const changed = book.reconcile((name) => (name === 'all' ? 0.3 : 0))
    // What this process may still spend of its own block comes on top of what is booked.
    expect(changed.find(({ name }) => name === 'all')?.takenUsd).toBeCloseTo(0.4)
    expect(book.reserve([day(1)], 0.7)).toHaveProperty('exhausted')
    expect(reserved(book, [day(1)], 0.55).usd).toBe(0.55)
    book.settle(running, 0)
    expect(book.reconcile(() => 0)).toEqual([])
    expect(locks()).toHaveLength(1)
  })

  it('are never taken from a process that runs, not even by a reconciliation', async () => {
    await holder('still')
    const book = store()
    expect(taken(book)).toContainEqual(['all', 0.8])
    expect(book.reconcile(() => 0)).toEqual([])
    expect(taken(book)).toContainEqual(['all', 0.8])
  })
})

describe('what a killed process leaves beside its blocks', () => {
  const left = () => readdirSync(join(folder, 'budgets'))

  it('frees a block whole of which nothing was promised yet', async () => {
    const lost = await holder('still')
    await lost.kill()
    for (const file of left().filter((name) => name.endsWith('.log'))) {
      const [head = ''] = readFileSync(join(folder, 'budgets', file), 'utf8').split('\n')
      writeFileSync(join(folder, 'budgets', file), `${head}\n`)
    }
    expect(taken(store())).toContainEqual(['all', 0])
  })

  it('may be deleted: then the block waits for the audit', async () => {
    const lost = await holder('still')
    await lost.kill()
    rmSync(join(folder, 'budgets'), { recursive: true })
    const book = store()
    expect(taken(book)).toContainEqual(['all', 0.8])
    book.reconcile(() => 0.2)
    expect(taken(book)).toContainEqual(['all', 0.2])
  })

  it('is cleared away when it held no block', () => {
    store()
    mkdirSync(join(folder, 'budgets'))
    writeFileSync(join(folder, 'budgets', '1-gone.lock'), '')
    const book = store()
    expect(left()).toEqual([])
    expect(book.exhausted([day(1, 'task:other')])).toBeNull()
    expect(book.list()).toEqual([])
  })
})
