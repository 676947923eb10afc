/** The log of what was done to the audit and to the routing, beside the records of requests. */

/**
 * `purge`: a deletion ordered by a person. `retention`: by the policy. `content_read`: somebody asked for kept texts. `rollout`: the
 * stage of a task was moved, its model or prompt rotated, or a candidate for that began or ended. `kill`: an order of the kill switch was given or lifted. `override`: a setting of a task was set aside for a while, or was in force again.
 * `held`: a person read, answered, released or refused a held request.
 */
export type EventKind = 'purge' | 'retention' | 'content_read' | 'rollout' | 'kill' | 'override' | 'held'

export interface AuditEvent {
  readonly id: string
  readonly kind: EventKind
  /** ISO 8601, UTC. */
  readonly at: string
  /** The name of the system's user; `spillway` for what happened by itself. */
  readonly by: string
  readonly what: Readonly<Record<string, string | number | boolean | null>>
}
