/** What every row of the error table says. */
export interface ErrorRow {
  /** HTTP status at the gateway. */
  readonly status: number
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean
  /** Exit code of the command line (DESIGN: 1 failure, 2 usage, 3 nothing to run on, 4 does not fit, 5 blocked by policy). */
  readonly exitCode: number
  /** `error.type` on the OpenAI wire. */
  readonly openaiType: string
  readonly message: string
  /** What to do about it. */
  readonly fix: string
}
