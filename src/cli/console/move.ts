/** A stage that somebody wants in the console, in the words of the router. */
import { FIRST_PERCENT } from '../../eval/rollout/plan-move.ts'
import { systemClock } from '../../pipeline/clock.ts'
import type { WantedMove } from '../../spec/console.ts'
import type { LoadedPolicy, StagePolicy } from '../../spec/policy.ts'
import { type RolloutChange, STAGES } from '../../spec/rollout.ts'
import { promoteTask, rollbackTask } from '../rollout-move.ts'
import { rolloutView } from '../rollout-view.ts'
import { invalid } from './reading.ts'

export interface MoveBooks {
  readonly loaded: LoadedPolicy
  readonly stateDir: string
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** @throws RouterError usage, bar_missed, unknown_task, in_use, request_invalid */
export function stageNamed(wanted: WantedMove, { loaded, stateDir, nowMs }: MoveBooks): RolloutChange {
  const { task, action, why, by } = wanted
  const view = rolloutView(task, { loaded, stateDir, monotonicMs: systemClock.monotonicMs })
  const move = { to: stageOf(wanted), why, by, nowMs }
  return action === 'promote' ? promoteTask(view, move) : rollbackTask(view, move)
}

function stageOf({ to, percent }: WantedMove): StagePolicy | null {
  const known = STAGES.find((stage) => stage === to)
  if (percent !== undefined && (known ?? 'canary') !== 'canary')
    throw invalid('percent', `it says nothing about stage ${to}`, 'Use it with "to": "canary".')
  if (known !== 'canary' && percent === undefined) return known ?? null
  return { canary: { percent: percent ?? FIRST_PERCENT, groups: [], tenants: [] } }
}
