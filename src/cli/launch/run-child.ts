/** Runs the child of `launch` in this terminal until it ends. */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { usage } from '../failure.ts'
import { takeSignals } from '../signals.ts'
import { type Child, environmentOf } from './child.ts'
import type { ClientPlace } from './client.ts'

/** As shells report the end of a process by a signal. */
const BY_SIGNAL = 128

/**
 * @returns the child's exit code; 128 and the number of the signal that ended it
 * @throws RouterError usage: the program cannot be started
 */
export async function runChild(child: Child, place: ClientPlace): Promise<number> {
  for (const { path, text } of child.files) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, { mode: 0o600 })
  }
  try {
    return await ended(child, place)
  } finally {
    for (const { path } of child.files) rmSync(path, { force: true })
  }
}

function ended(child: Child, { env, cwd, platform }: ClientPlace): Promise<number> {
  return new Promise((resolve, reject) => {
    // npm puts .cmd files beside programs on Windows, which only a shell runs.
    const shell = platform === 'win32' && /\.(cmd|bat)$/i.test(child.program)
    const words = shell ? child.args.map(quotedForCmd) : [...child.args]
    const program = shell ? quotedForCmd(child.program) : child.program
    const running = spawn(program, words, { cwd, env: environmentOf(child, env), stdio: 'inherit', shell })
    const giveBack = takeSignals((name) => {
      // A terminal gives its Ctrl-C to the child as well; a second one would mean something else to it.
      if (name !== 'SIGINT' || !process.stdin.isTTY) running.kill(name)
    })
    running.once('error', (error: NodeJS.ErrnoException) => {
      giveBack()
      reject(
        usage(`${child.program} cannot be started (${error.code ?? error.message})`, 'Start it by itself to see why.'),
      )
    })
    running.once('exit', (code, signal) => {
      giveBack()
      resolve(code ?? BY_SIGNAL + (signal ? constants.signals[signal] : 0))
    })
  })
}

function quotedForCmd(word: string): string {
  return /^[\w./:\\=-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`
}
