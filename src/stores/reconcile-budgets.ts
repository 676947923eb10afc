/** What killed processes held of ceilings: freed by what they logged, or, when asked for, by what the audit has booked. */
import type { BlockRow, BudgetFile, Ceiling, CeilingRow } from './budget-file.ts'
import { isHeld, type Used, withEndedLeases } from './budget-leases.ts'

/**
 * Gives back what killed processes had in their blocks and had promised to no call. What was promised counts as spent: a call
 * that nobody saw the end of may be billed. Blocks whose log cannot be believed stay as they are.
 *
 * @returns whether anything was given back
 */
export function freeEnded(file: BudgetFile, folder: string): boolean {
  let freed = false
  withEndedLeases(folder, (ended) => {
    if (ended.length === 0) return
    file.atomically(() => {
      const all = file.blocks()
      for (const { writer, used, forget } of ended) {
        const own = all.filter((row) => row.writer === writer)
        if (used !== null) {
          for (const row of own) {
            const change = usedOf(row, used) - row.amount
            file.take(row, change)
            file.dropBlock(row)
            freed ||= change < 0
          }
        }
        if (used !== null || own.length === 0) forget()
      }
    })
  })
  return freed
}

function usedOf({ name, period }: Ceiling, used: readonly Used[]): number {
  const found = used.find((one) => one.name === name && one.period === period)
  return found ? found.spent + found.reserved : 0
}

/**
 * Puts what the audit has booked in the place of blocks that `freeEnded` had to leave. Blocks of processes that run stay.
 *
 * @param booked billionths of a dollar of one ceiling, of all processes together
 * @returns the ceilings that changed, as they are now
 */
export function freeByAudit(
  file: BudgetFile,
  folder: string,
  booked: (ceiling: Ceiling) => number,
): readonly CeilingRow[] {
  const before = file.ceilings()
  for (const ceiling of before) file.atomically(() => replaceBlocks(file, folder, { ceiling, booked }))
  return file.ceilings().filter((row, at) => row.taken !== before[at]?.taken || row.held !== before[at]?.held)
}

interface Replaced {
  readonly ceiling: Ceiling
  readonly booked: (ceiling: Ceiling) => number
}

function replaceBlocks(file: BudgetFile, folder: string, { ceiling, booked }: Replaced): void {
  const own = file.blocks().filter(({ name, period }) => name === ceiling.name && period === ceiling.period)
  const lost = own.filter(({ writer }) => !isHeld(folder, writer))
  if (lost.length === 0) return
  const kept = own.filter((row) => !lost.includes(row))
  const taken = file.taken(ceiling)
  // What living processes may still spend of their blocks is in no audit yet, so it comes on top of what is booked.
  const open = total(kept, 'amount') - total(kept, 'spent')
  const least = taken - total(lost, 'amount') + total(lost, 'spent')
  file.setTaken(ceiling, Math.max(least, Math.min(taken, booked(ceiling) + open)))
  for (const row of lost) file.dropBlock(row)
}

function total(rows: readonly BlockRow[], key: 'amount' | 'spent'): number {
  return rows.reduce((sum, row) => sum + row[key], 0)
}
