/** Sums of ceilings go when their period is over: with age, and sooner where somebody asks that a tenant be forgotten. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BudgetFile, type Ceiling, openBudgetFile } from './budget-file.ts'
import { freeEnded } from './reconcile-budgets.ts'

const DAY_MS = 86_400_000
/** A call that began before midnight may be booked after it. */
const GRACE_MS = 2 * DAY_MS
/** What `cost summary` shows of ceilings reaches this far back; the audit knows the rest. */
const LONGEST_MS = 62 * DAY_MS

export interface SumAge {
  /** Epoch milliseconds. */
  readonly nowMs: number
  /** How long records are kept, in milliseconds; null: for ever. */
  readonly keepMs: number | null
}

/** Deletes sums of periods that have been over for long, and those of tenants that were purged as soon as theirs is. */
export function forgetEnded(file: BudgetFile, { nowMs, keepMs }: SumAge): number {
  const keptMs = Math.max(GRACE_MS, Math.min(LONGEST_MS, keepMs ?? LONGEST_MS))
  return file.atomically(() => {
    const marked = new Set(file.marked().map(keyOf))
    const old = file.ceilings().filter((row) => isOver(row, nowMs - (marked.has(keyOf(row)) ? GRACE_MS : keptMs)))
    for (const row of old) file.forget(row)
    return old.length
  })
}

export interface SumFilter {
  readonly tenant?: string
  /** A sum names no user. */
  readonly subject?: string
  /** Epoch milliseconds, exclusive. */
  readonly beforeMs?: number
}

export interface ForgottenSums {
  readonly deleted: number
  /** Of periods that are not over: without them the tenant could spend anew. They go when the period ends. */
  readonly later: number
}

/**
 * Beside running processes.
 *
 * @returns what matched; with `dryRun` nothing is deleted
 * @throws RouterError budget_unwritable
 */
export function forgetBudgets(
  stateDir: string,
  { filter, nowMs, dryRun }: { readonly filter: SumFilter; readonly nowMs: number; readonly dryRun: boolean },
): ForgottenSums {
  const path = join(stateDir, 'budgets.sqlite')
  const { tenant, subject, beforeMs } = filter
  if (subject !== undefined || !existsSync(path)) return { deleted: 0, later: 0 }
  const file = openBudgetFile(path)
  try {
    const overBefore = Math.min(nowMs - GRACE_MS, beforeMs ?? nowMs)
    const found = file.atomically(() => {
      const meant = file.ceilings().filter(({ name }) => tenant === undefined || name === `tenant:${tenant}`)
      const over = meant.filter((row) => isOver(row, overBefore))
      const later = beforeMs === undefined ? meant.filter((row) => !over.includes(row)) : []
      if (!dryRun) for (const row of over) file.forget(row)
      if (!dryRun) for (const row of later) file.mark(row)
      return { deleted: over.length, later: later.length }
    })
    if (!dryRun) {
      // Logs of ended processes name ceilings, too; those of which nothing is left go.
      freeEnded(file, join(stateDir, 'budgets'))
      file.emptyLog()
    }
    return found
  } finally {
    file.close()
  }
}

/** A day or a month, both written so that earlier ones sort first. */
function isOver({ period }: Ceiling, beforeMs: number): boolean {
  return period < new Date(beforeMs).toISOString().slice(0, period.length)
}

function keyOf({ name, period }: Ceiling): string {
  return `${period} ${name}`
}
