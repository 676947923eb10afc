/** What the holder of an API key may do, as far as the router has to know. Every part only narrows what the policy allows. */
import type { Ceiling } from './policy-budgets.ts'

export interface KeyScope {
  /** Of the key, never the key itself. */
  readonly id: string
  /** Tasks and actions; absent: all. */
  readonly tasks?: readonly string[]
  /** Models of the policy and tiers; absent: all. */
  readonly models?: readonly string[]
  /** Beside the ceilings of the policy. */
  readonly budget?: Ceiling
}
