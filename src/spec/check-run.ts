/** Running a command of the policy over an answer: a port, because only an adapter may start processes. */

export interface CheckRun {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[]
  /** The answer, in the working directory of the command. */
  readonly file: { readonly name: string; readonly text: string }
  /** A folder whose content is copied beside it; null for none. */
  readonly folder: string | null
  readonly timeoutMs: number
  /** Resident memory of all its processes together, in MB of 1,000,000 bytes. */
  readonly memoryMb: number
  /** Of standard output and standard error together. */
  readonly maxOutputBytes: number
  /** `required`: where the command cannot be shut in, it is not run. */
  readonly isolation: 'required' | 'preferred'
  readonly signal: AbortSignal
}

/** How it ended. Nothing that it wrote is kept: it may repeat the answer. */
export type CheckResult =
  | { readonly state: 'exited'; readonly exitCode: number; readonly isolated: boolean }
  | {
      readonly state: 'stopped'
      readonly why: 'time' | 'memory' | 'output' | 'processes' | 'signal'
      readonly isolated: boolean
    }
  /** It says nothing about the answer. */
  | { readonly state: 'not_run'; readonly why: string }

export interface CheckRunner {
  /** @throws RouterError cancelled; every other failure is a result */
  run(check: CheckRun): Promise<CheckResult>
}
