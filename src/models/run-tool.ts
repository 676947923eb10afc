import { spawn } from 'node:child_process'

/** How one run of an outside program ended. It never throws for a failing program. */
export interface ToolResult {
  /** Null when it did not start or was killed. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** The program is not on PATH. */
  readonly missing: boolean
  readonly timedOut: boolean
}

export interface ToolRun {
  readonly command: string
  readonly arguments: readonly string[]
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** Runs a program without a shell on the user's PATH and collects the end of its output; an abort kills it. */
export function runTool(run: ToolRun): Promise<ToolResult> {
  return new Promise((resolve) => {
    const timeout = AbortSignal.timeout(run.timeoutMs)
    const windows = process.platform === 'win32'
    const child = spawn(run.command, run.arguments, {
      cwd: run.folder,
      env: run.env,
      signal: AbortSignal.any([run.signal, timeout]),
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm and pip are command scripts on Windows, which only a shell can start; every argument here is a constant or a quoted path.
      shell: windows && run.command !== process.execPath,
      windowsHide: true,
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout = (output.stdout + text).slice(-KEEP_CHARS)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr = (output.stderr + text).slice(-KEEP_CHARS)
    })
    let missing = false
    child.on('error', (error: NodeJS.ErrnoException) => {
      missing = error.code === 'ENOENT'
      if (missing) resolve({ exitCode: null, ...output, missing, timedOut: false })
    })
    child.on('close', (exitCode) => resolve({ exitCode, ...output, missing, timedOut: timeout.aborted }))
  })
}

/** Enough for the messages of npm and pip, which come last. */
const KEEP_CHARS = 16_384
