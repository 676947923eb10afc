/** The options of `spillway batch run`. */
export interface BatchFlags {
  readonly out?: string
  readonly task?: string
  readonly parallel?: string
  readonly retryFailed?: true
  readonly providerBatch?: true
  readonly policy?: string
  readonly json?: true
}
