/** A contradiction inside a policy, with the way out. */
export interface PolicyProblem {
  readonly path: readonly string[]
  readonly problem: string
  readonly fix: string
}
