/** Orders that take a path out of service at once, whatever the policy says. */
import { meant } from './suggest.ts'

/**
 * `frontier_only`: no local model is asked. `local_only`: no frontier is asked. `stop`: nobody is asked. From the least to
 * the most that is taken away.
 */
export const KILL_MODES = ['frontier_only', 'local_only', 'stop'] as const
export type KillMode = (typeof KILL_MODES)[number]

export interface KillOrder {
  /** `all`, `task:<name>`, `tenant:<name>` or `group:<name>`. */
  readonly scope: string
  readonly mode: KillMode
  readonly why: string
  /** Who gave it. */
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
}

/** What of a request orders are given for. */
export interface KillSubject {
  readonly task: string
  readonly tenant: string | null
  readonly group: string | null
}

/** The orders in force, never more than a fifth of a second old. */
export interface KillSwitch {
  /** Those that concern a request; several may. */
  ordersFor(request: KillSubject): readonly KillOrder[]
}

export type KillChange = Omit<KillOrder, 'mode'> & { readonly mode: KillOrder['mode'] | 'off' }

/** The orders as those who give them see them. */
export interface KillBook {
  /** Orders in force. */
  list(): readonly KillOrder[]
  /** The latest changes, oldest first. */
  history(): readonly KillChange[]
  /** Takes the place of an order for the same scope. */
  give(order: KillOrder): void
  /** @returns false when there was no order for this scope */
  lift(order: Omit<KillOrder, 'mode'>): boolean
  /** Into the log of the audit. @returns why that failed; the order holds all the same. Null when it did not. */
  record(change: KillChange): string | null
}

/** What somebody who wants a change says. */
export interface WantedOrder {
  /** A mode, or `off`. */
  readonly order: string
  readonly task?: string | undefined
  readonly tenant?: string | undefined
  readonly group?: string | undefined
  readonly reason?: string | undefined
}

export interface OrderGiven extends Omit<KillOrder, 'mode'> {
  readonly order: string
  /** False when an order was to be lifted that nobody had given. */
  readonly isChanged: boolean
  /** Why the change does not stand in the log of the audit; null when it does, or when nothing changed. */
  readonly notRecorded: string | null
}

/** @returns what was done, or why nothing was */
export function giveOrder(
  book: KillBook,
  wanted: WantedOrder,
  by: { readonly by: string; readonly at: string },
): OrderGiven | { readonly problem: string; readonly fix: string } {
  const mode = KILL_MODES.find((known) => known === wanted.order)
  if (!mode && wanted.order !== 'off')
    return {
      problem: `there is no order ${wanted.order}`,
      fix: meant(wanted.order, [...KILL_MODES, 'off'], `Use ${KILL_MODES.join(', ')} or off.`),
    }
  const named = SUBJECTS.filter((subject) => wanted[subject] !== undefined)
  const [one, another] = named
  if (one && another) return { problem: `${one} and ${another} exclude each other`, fix: 'Name one of them.' }
  if (one && wanted[one]?.trim() === '')
    return { problem: `${one} names nobody`, fix: `Name the ${one}, or leave it out for all.` }
  // Whoever finds the switch thrown has to know why.
  const why = wanted.reason?.trim().replace(/\.$/, '') ?? ''
  if (why === '' && mode) return { problem: 'an order needs a reason', fix: 'Say what happened in `reason`.' }
  const given = { scope: one ? `${one}:${wanted[one]}` : 'all', why, ...by }
  const isChanged = mode !== undefined || book.lift(given)
  if (mode) book.give({ ...given, mode })
  const notRecorded = isChanged ? book.record({ ...given, mode: mode ?? 'off' }) : null
  return { ...given, order: wanted.order, isChanged, notRecorded }
}

const SUBJECTS = ['task', 'tenant', 'group'] as const
