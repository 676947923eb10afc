/** What outcomes and records say of a held request. */

/** What the caller of a held request gets beside the reason. */
export interface HeldTicket {
  /** Of the request; what it is asked for by. */
  readonly id: string
  /** ISO 8601, UTC: nobody can answer it later. */
  readonly expiresAt: string
}

/** What a person decided; the record of the held request has it, too. */
export interface HeldDecision {
  readonly action: 'answer' | 'release' | 'refuse'
  readonly by: string
  readonly why: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** The model or the side that was named; null when the router chose, or nobody was asked. */
  readonly to: string | null
  /** The request that the release made; null while there is none. */
  readonly releasedAs: string | null
}

/** A person's leave for one request: what held it does not hold it any more. */
export interface Lift {
  readonly held: string
  readonly by: string
  readonly why: string
  /** `local`, `frontier` or a model of the policy; null: the router chooses. */
  readonly to: string | null
}
