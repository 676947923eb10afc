/** Money that may be spent, and what was. */

/** One ceiling that a call falls under. */
export interface BudgetScope {
  /** `all`, `task:<name>`, `tenant:<name>` or `key:<id>`. */
  readonly name: string
  /** `2026-11-21` or `2026-11`, UTC. */
  readonly period: string
  /** US dollars. */
  readonly limitUsd: number
}

/** A part of every ceiling that a call falls under, held until it is settled. */
export interface Reservation {
  readonly scopes: readonly BudgetScope[]
  /** US dollars. */
  readonly usd: number
}

/** What stands in the way of a reservation. */
export interface Exhausted {
  readonly exhausted: BudgetScope
  /** US dollars that can still be reserved under it. */
  readonly leftUsd: number
}

/** A ceiling holds over all processes of the machine, also when they end without a word. */
export interface BudgetBook {
  /** From every scope or from none. Before the call that it is for is made, it has to be `noted`. */
  reserve(scopes: readonly BudgetScope[], usd: number): Reservation | Exhausted
  /** Books what a call cost in truth and frees the rest; more than was reserved is booked, too. */
  settle(reservation: Reservation, usd: number): void
  /**
   * Puts on disk what was reserved and settled since the last time. Who is killed with a settlement that was not noted has told of
   * more than was spent, never of less.
   */
  noted(): void
  /** The first scope under which nothing can be reserved any more; null when there is none. Read at most once a second. */
  exhausted(scopes: readonly BudgetScope[]): BudgetScope | null
  /** Gives back what is not used. */
  close(): void
}
