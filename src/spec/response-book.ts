/** Answers of `/v1/responses` that are kept so that a later request can go on from them. */

/** Whose a kept answer is; it is kept as hashes, so that a purge finds what is to go and nobody else learns of it. */
export interface ResponseOwner {
  /** Of the request that it answered. */
  readonly requestId: string
  readonly tenant: string | null
  /** Epoch milliseconds. */
  readonly keptMs: number
}

export interface ResponseBook {
  /**
   * @param name of the response and its owner; a hash
   * @param keptUntilMs epoch milliseconds
   * @throws RouterError state_unwritable
   */
  keep(name: string, sealed: Uint8Array, keptUntilMs: number, owner: ResponseOwner): void
  /** Null when there is none, or its time is over. */
  find(name: string): Uint8Array | null
  /** @returns whether there was one */
  drop(name: string): boolean
  close(): void
}
