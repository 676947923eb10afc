/** Orders that take a path out of service at once, whatever the policy says. */

/**
 * `frontier_only`: no local model is asked. `local_only`: no frontier is asked. `stop`: nobody is asked. From the least to
 * the most that is taken away.
 */
export const KILL_MODES = ['frontier_only', 'local_only', 'stop'] as const
export type KillMode = (typeof KILL_MODES)[number]

export interface KillOrder {
  /** `all`, `task:<name>` or `tenant:<name>`. */
  readonly scope: string
  readonly mode: KillMode
  readonly why: string
  /** Who gave it. */
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
}

/** The orders in force, never more than a fifth of a second old. */
export interface KillSwitch {
  /** Those that concern a request; several may. */
  ordersFor(request: { readonly task: string; readonly tenant: string | null }): readonly KillOrder[]
}
