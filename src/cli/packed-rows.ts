/** What changes in a run in which rows of a task share prompts. */
import { answerRow, type RowAnswer, type RowCaller } from '../gateway/batch-door.ts'
import { type BatchRow, taskOf } from '../gateway/batch-row.ts'
import type { App } from '../gateway/exchange.ts'
import type { Turn } from '../gateway/turns.ts'
import { createPackedCalls, type PackedCalls } from '../models/packed-calls.ts'
import { resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { CliContext } from './context.ts'

export interface PackedRows {
  readonly calls: PackedCalls
  readonly router: Router
  /** Bounds prompts and rows that are asked at the same time. */
  readonly turn: Turn
  /** How many rows of its task share a prompt; 1 for a row that is asked by itself. */
  sizeOf(row: BatchRow): number
}

/** Whether any task wants it. */
export function wantsPacking({ policy }: LoadedPolicy): boolean {
  return Object.values(policy.tasks).some(({ batch }) => batch.pack > 1)
}

export async function openPacked(loaded: LoadedPolicy, turn: Turn, context: CliContext): Promise<PackedRows> {
  const calls = createPackedCalls(turn)
  const { createRouter } = await import('../compose.ts')
  const { models, tasks } = loaded.policy
  const router = createRouter({
    policy: loaded,
    env: context.env,
    paths: resolvePaths(context.env, process.platform),
    around: (name, port) => (models[name]?.tier === 'frontier' ? port : calls.around(port)),
  })
  return { calls, router, turn, sizeOf: (row) => tasks[taskOf(row) ?? '']?.batch.pack ?? 1 }
}

/**
 * Asks a row together with others of its task, of local models alone.
 *
 * @returns null when a gate would have sent the answer on, or there was none: that says nothing of the row by itself
 */
export async function firstTogether(
  { row, key }: { readonly row: BatchRow; readonly key: string },
  requestId: string,
  { app, caller, packed }: { readonly app: App; readonly caller: RowCaller; readonly packed: PackedRows },
): Promise<RowAnswer | null> {
  const size = packed.sizeOf(row)
  if (size === 1) return null
  const local = { ...app, router: locally(app.router) }
  const answer = await packed.calls.within(key, size, () => answerRow(row, requestId, { app: local, caller }))
  const { outcome, error } = answer
  return error === null && outcome !== null && !outcome.decision.degraded ? answer : null
}

function locally(router: Router): Router {
  return {
    ...router,
    complete: (request, options) => router.complete({ override: 'local', ...request }, options),
  }
}
