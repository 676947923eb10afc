/** Reads a file of rows once: which can be run, in which order, and what is wrong with the others. */
import type { RawLine } from '../spec/batch.ts'
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import { headOf, idOf, inOrder, parseRow, type RowHead, type RowRules } from './batch-row.ts'

export interface BadRow {
  readonly line: number
  /** That the line means to have; null when it has none. */
  readonly id: string | null
  readonly error: RouterError
}

export interface BatchPlan {
  /** In the order in which they are to be asked. */
  readonly rows: readonly RowHead[]
  readonly bad: readonly BadRow[]
}

export async function planRows(lines: AsyncIterable<RawLine>, rules: RowRules): Promise<BatchPlan> {
  const rows: RowHead[] = []
  const bad: BadRow[] = []
  const lineOf = new Map<string, number>()
  for await (const raw of lines) {
    try {
      const head = headOf(parseRow(raw, rules), raw)
      const first = lineOf.get(head.id)
      if (first !== undefined) throw duplicate(head.id, first)
      lineOf.set(head.id, raw.line)
      rows.push(head)
    } catch (error) {
      if (!(error instanceof RouterError)) throw error
      bad.push({ line: raw.line, id: idOf(raw.text), error })
    }
  }
  return { rows: inOrder(rows), bad }
}

/** Tasks and actions that rows may name. */
export function tasksOf({ tasks, routing }: Pick<Policy, 'tasks' | 'routing'>): Pick<RowRules, 'tasks' | 'isTask'> {
  const names = [...Object.keys(tasks), ...Object.keys(routing.actions)]
  const known = new Set(names)
  return { tasks: names, isTask: (name) => known.has(name) }
}

function duplicate(id: string, line: number): RouterError {
  return new RouterError('request_invalid', {
    path: 'the id',
    problem: `${id} stands in line ${line} already`,
    fix: 'Give each row an id of its own.',
  })
}
