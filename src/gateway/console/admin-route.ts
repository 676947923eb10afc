/** One path of the admin API. */
import type { z } from 'zod'
import type { Exchange } from '../exchange.ts'

/** `operator`: the operator's key alone. `tenant`: a key that was issued for tenants as well, and sees their rows. `key`: every key. */
export type Caller = 'operator' | 'tenant' | 'key' | 'nobody'

export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Parts in braces are open. */
  readonly path: string
  readonly caller: Caller
  /** One sentence without a full stop. */
  readonly summary: string
  /** Parameters of the address, by name. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: z.ZodType
  /** What the answer is, in words; the keys that are always in it. */
  readonly gives: string
  readonly keys?: readonly string[]
  readonly stream?: true
  /** Shows what was, and changes nothing: `spillway dashboard` has it, too. */
  readonly isShown?: true
  readonly answer: (exchange: Exchange) => Promise<void>
}
