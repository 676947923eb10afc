/** Requests that are answered once, however often they are sent: what all processes of a machine know of them. */

/** `running`: somebody alive is at it. `rerun`: whoever was at it is gone, and left no answer. */
export type Claim =
  | { readonly state: 'first' | 'rerun' | 'running' | 'other_request' }
  | { readonly state: 'done'; readonly sealed: Uint8Array }

export interface IdempotencyBook {
  /**
   * Whoever gets `first` or `rerun` answers the request, and then calls `finish` or `forget`.
   *
   * @param name of the key, its holder and tenant; a hash
   * @param requestHash of what was asked
   */
  claim(name: string, requestHash: string): Claim
  finish(name: string, sealed: Uint8Array): void
  forget(name: string): void
  close(): void
}
