/** Runs a program and keeps what it says: the parent serves the scripted cloud meanwhile, so it may not be blocked. */
import { spawn } from 'node:child_process'

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** @returns what it said; a program that cannot be started has status null and the reason in `stderr` */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      stdout += piece
    })
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr += piece
    })
    child.once('error', (error) => resolve({ status: null, stdout, stderr: error.message }))
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })
}

/** @throws Error with the last lines of what it said when the program fails */
export async function mustRun(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, args, { cwd })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${(stderr || stdout).trim().slice(-600)}`)
}
