import type { Actor } from '../../spec/decision.ts'
import type { KillMode } from '../../spec/kill-switch.ts'
import { BOTH, type Rule, remove } from './rule.ts'

/** Who is taken out by each order. */
export const TAKEN: Readonly<Record<KillMode, readonly Actor[]>> = {
  frontier_only: ['local'],
  local_only: ['frontier'],
  stop: ['local', 'frontier'],
}

/** What an order takes away it takes from both sets: nobody is asked who may not answer. */
export const killSwitchRule: Rule = ({ orders }) =>
  orders.flatMap(({ mode, scope, why }) =>
    TAKEN[mode].flatMap((actor) =>
      remove(actor, BOTH, {
        rule: 'kill_switch',
        reason: 'kill_switch',
        detail: `The kill switch says ${mode} for ${scope}: ${why}.`,
      }),
    ),
  )
