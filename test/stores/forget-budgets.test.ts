import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BudgetScope } from '../../src/spec/budget.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'
import { forgetBudgets, type SumFilter } from '../../src/stores/forget-budgets.ts'
import { purgeStore } from '../../src/stores/purge.ts'

const DAY_MS = 86_400_000

let folder = ''
const open: BudgetStore[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-sums-'))
})
afterEach(() => {
  for (const book of open.splice(0)) book.close()
  rmSync(folder, { recursive: true, force: true })
})

const at = (date: string): number => Date.parse(`${date}T12:00:00Z`)

/** Its clock stands at noon of a day that can be changed. */
function book(date: string, keepMs: number | null = null): BudgetStore & { date: string } {
  const own = { date }
  const made = openBudgets({
    ...{ stateDir: folder, monotonicMs: () => performance.now() * 1e6, keepMs },
    epochMs: () => at(own.date),
  })
  open.push(made)
  return Object.assign(own, made)
}

const scope = (name: string, period: string, limitUsd = 1): BudgetScope => ({ name, period, limitUsd })

function spend(store: BudgetStore, scopes: readonly BudgetScope[], usd: number): void {
  const found = store.reserve(scopes, usd)
  if ('exhausted' in found) throw new Error(`nothing left of ${found.exhausted.name}`)
  store.settle(found, usd)
}

/** One tenant on the last days of a month and the first of the next. */
function spent(store: BudgetStore): void {
  for (const period of ['2026-01-30', '2026-01-31', '2026-01', '2026-02-01', '2026-02'])
    spend(store, [scope('tenant:acme', period), scope('all', period)], 0.25)
}

const sums = (store: BudgetStore) => store.list().map(({ name, period }) => `${period} ${name}`)

function forget(filter: SumFilter, date: string, dryRun = false) {
  return forgetBudgets(folder, { filter, nowMs: at(date), dryRun })
}

function filesWith(text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text))
}

describe('the sum of a period', () => {
  it('goes 62 days after the period, also in a process that runs on', () => {
    const store = book('2026-02-01')
    spent(store)
    expect(sums(store)).toHaveLength(10)
    store.date = '2026-04-03'
    // 62 days before is the 31st of January: that day and its month are not over by then.
    expect(sums(store)).not.toContain('2026-01-30 all')
    expect(sums(store)).toContain('2026-01-31 tenant:acme')
    expect(sums(store)).toContain('2026-01 all')
    store.date = '2026-04-04'
    expect(sums(store)).toEqual(['2026-02 all', '2026-02 tenant:acme', '2026-02-01 all', '2026-02-01 tenant:acme'])
  })

  it('goes with the records where they are kept for less, never while calls may still be booked under it', () => {
    spent(book('2026-02-01'))
    open.pop()?.close()
    expect(sums(book('2026-02-01', DAY_MS))).toHaveLength(10)
    expect(sums(book('2026-02-03', DAY_MS))).toEqual([
      '2026-02 all',
      '2026-02 tenant:acme',
      '2026-02-01 all',
      '2026-02-01 tenant:acme',
    ])
  })

  it('takes nothing back from a ceiling that is not written down any more', () => {
    const idle = book('2026-02-01')
    const late = idle.reserve([scope('all', '2026-02-01')], 0.5)
    if ('exhausted' in late) throw new Error('refused')
    idle.settle(late, 0.1)
    expect(forget({ beforeMs: at('2026-03-01') }, '2026-03-01')).toEqual({ deleted: 1, later: 0 })
    idle.close()
    open.length = 0
    expect(book('2026-03-01').list()).toEqual([])
  })
})

describe('a purge', () => {
  it('deletes the past sums of a tenant, and the others when their period ends: the ceiling holds until then', async () => {
    const store = book('2026-02-02')
    spent(store)
    const order = { stateDir: folder, monotonicMs: () => performance.now(), sleep: async () => undefined }
    const purge = { ...order, filter: { tenant: 'acme' }, nowMs: at('2026-02-02') }
    expect(await purgeStore({ ...purge, dryRun: true })).toMatchObject({ budgetSums: 1, budgetSumsLater: 4 })
    expect(sums(store)).toHaveLength(10)
    expect(await purgeStore({ ...purge, dryRun: false })).toMatchObject({ budgetSums: 1, budgetSumsLater: 4 })
    expect(sums(store)).not.toContain('2026-01-30 tenant:acme')
    expect(sums(store)).toContain('2026-01-30 all')
    expect(store.reserve([scope('tenant:acme', '2026-02')], 0.8)).toMatchObject({ leftUsd: 0.75 })
    store.close()
    open.length = 0
    expect(sums(book('2026-02-04')).filter((name) => name.includes('acme'))).toEqual(['2026-02 tenant:acme'])
    const last = book('2026-03-04')
    expect(sums(last).filter((name) => name.includes('acme'))).toEqual([])
    expect(sums(last)).toContain('2026-02 all')
    for (const one of open.splice(0)) one.close()
    expect(filesWith('acme')).toEqual([])
  })

  it('by age deletes sums of every name, and none of a period that is not over', () => {
    spent(book('2026-02-02'))
    const before = { beforeMs: at('2026-01-31') }
    expect(forget(before, '2026-02-20')).toEqual({ deleted: 2, later: 0 })
    expect(forget({ beforeMs: at('2026-03-31') }, '2026-02-20')).toEqual({ deleted: 6, later: 0 })
    expect(sums(book('2026-02-20'))).toEqual(['2026-02 all', '2026-02 tenant:acme'])
  })

  it('of a user leaves sums alone, and makes no file where no ceiling was', () => {
    expect(forget({ tenant: 'acme' }, '2026-02-20')).toEqual({ deleted: 0, later: 0 })
    expect(readdirSync(folder)).toEqual([])
    spent(book('2026-02-02'))
    expect(forget({ tenant: 'acme', subject: 'ann' }, '2026-02-20')).toEqual({ deleted: 0, later: 0 })
    expect(forget({ tenant: 'acme', beforeMs: at('2026-01-31') }, '2026-02-20')).toEqual({ deleted: 1, later: 0 })
  })
})
