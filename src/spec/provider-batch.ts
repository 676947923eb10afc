/** Calls of frontiers that go to the provider together, as its own batch, in place of one by one. */

/** What is written down of a provider's batch, so that a later process finds it again. One line each, in this order. */
export type ProviderEntry =
  /** Before the batch is made: names its calls, and what each asked. */
  | {
      readonly type: 'intent'
      readonly intent: string
      readonly model: string
      /** Hash of the body by custom id. */
      readonly calls: Readonly<Record<string, string>>
    }
  /** The provider has it. */
  | { readonly type: 'made'; readonly intent: string; readonly batch: string }

export interface ProviderJournal {
  /** Of processes before. */
  readonly entries: readonly ProviderEntry[]
  /** On disk before it returns. */
  append(entry: ProviderEntry): void
  close(): void
}
