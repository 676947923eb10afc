import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BudgetScope, Reservation } from '../../src/spec/budget.ts'
import { bootId, openLease, readLog } from '../../src/stores/budget-leases.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'

let folder = ''
const open: BudgetStore[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-leases-'))
})
afterEach(() => {
  for (const store of open.splice(0)) store.close()
  rmSync(folder, { recursive: true, force: true })
})

function store(): BudgetStore {
  const made = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  open.push(made)
  return made
}

const day = (limitUsd: number, name = 'all'): BudgetScope => ({ name, period: '2026-01-01', limitUsd })

function reserved(book: BudgetStore, scopes: readonly BudgetScope[], usd: number): Reservation {
  const found = book.reserve(scopes, usd)
  if ('exhausted' in found) throw new Error(`nothing left of ${found.exhausted.name}`)
  return found
}

describe('what a lease is told', () => {
  const log = () => {
    const file = readdirSync(join(folder, 'budgets')).find((name) => name.endsWith('.log')) ?? 'none'
    return join(folder, 'budgets', file)
  }
  const told = () => readLog(log(), bootId())
  const lines = () => readFileSync(log(), 'utf8').split('\n').length - 1

  it('is on disk once it was noted, all changes since the last time in one line', () => {
    const book = store()
    const scopes = [day(1), day(1, 'task:a')]
    const [first, second] = [reserved(book, scopes, 0.1), reserved(book, scopes, 0.2)]
    expect(told()).toEqual([])
    book.noted()
    const held = { period: '2026-01-01', spent: 0, reserved: 3e8 }
    expect(told()).toEqual([
      { name: 'all', ...held },
      { name: 'task:a', ...held },
    ])
    book.settle(first, 0.05)
    // Until it is noted the log tells of more than was spent, so nothing of it is given away twice.
    expect(told()).toMatchObject([held, held])
    book.settle(second, 0.2)
    book.noted()
    expect(told()).toMatchObject([
      { spent: 25e7, reserved: 0 },
      { spent: 25e7, reserved: 0 },
    ])
    // The first names the start of the system.
    expect(lines()).toBe(3)
    book.noted()
    expect(lines()).toBe(3)
  })

  it('goes before the file when more was spent than reserved', () => {
    const book = store()
    book.settle(reserved(book, [day(1)], 0.5), 1.2)
    expect(told()).toMatchObject([{ spent: 12e8, reserved: 0 }])
  })
})

describe('the log of a lease', () => {
  const used = (spent: number, reserved = 0) => ({ name: 'all', period: '2026-01', spent, reserved })
  const log = () => join(folder, 'w.log')

  it('tells the last totals, and nothing of what was given back', () => {
    const lease = openLease(folder, 'w')
    lease.note([used(1, 2), { ...used(5), name: 'task:a' }])
    lease.note([used(3)])
    lease.note([{ ...used(0), name: 'task:a' }])
    expect(readLog(log(), bootId())).toEqual([used(3), { ...used(0), name: 'task:a' }])
    lease.end()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is begun anew when it is long, with the totals so far', () => {
    const lease = openLease(folder, 'w')
    lease.note([{ ...used(7), name: 'task:kept' }])
    for (let call = 1; call <= 20_000; call++) lease.note([used(call, 1)])
    expect(readFileSync(log()).length).toBeLessThan(1024 * 1024 + 200)
    expect(readLog(log(), bootId())).toEqual([{ ...used(7), name: 'task:kept' }, used(20_000, 1)])
    lease.end()
  })

  it('is read up to a torn end, and not believed when a line before it is damaged', () => {
    const lease = openLease(folder, 'w')
    lease.note([used(1)])
    const whole = readFileSync(log(), 'utf8')
    appendFileSync(log(), '01234567 [{"name":"all","per')
    expect(readLog(log(), bootId())).toEqual([used(1)])
    writeFileSync(log(), `${whole}01234567 [${JSON.stringify(used(2))}]\n`)
    expect(readLog(log(), bootId())).toBeNull()
    lease.end()
  })

  it('is not believed after the machine was started again, or where starts have no name', () => {
    const lease = openLease(folder, 'w', 'one start')
    lease.note([used(1)])
    expect(readLog(log(), 'one start')).toEqual([used(1)])
    expect(readLog(log(), 'another start')).toBeNull()
    expect(readLog(log(), null)).toBeNull()
    expect(readLog(join(folder, 'none.log'), 'one start')).toBeNull()
    lease.end()
  })
})
