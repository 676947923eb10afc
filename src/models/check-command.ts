/** Runs a command of the policy over an answer, in a working directory of its own, within limits, with an emptied environment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import type { CheckResult, CheckRun, CheckRunner } from '../spec/check-run.ts'
import { RouterError } from '../spec/errors.ts'
import { SANDBOX_FOLDER, sandboxed, sandboxObstacle } from './check-sandbox.ts'
import { processTree } from './process-tree.ts'

export interface CheckSettings {
  /** Where programs are looked for; nothing else of it reaches the command. */
  readonly path: string
  /** Folders that a command which is shut in finds empty. */
  readonly hidden: readonly string[]
  /** Why commands cannot be shut in, as a clause; null when they can. Default: what this machine says. */
  readonly obstacle?: () => string | null
}

/** Commands that run at the same time; the others wait. More would only make each other time out. */
const MAX_AT_ONCE = 2

export function createCheckRunner(settings: CheckSettings): CheckRunner {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async run(check) {
      if (running >= MAX_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
      running += 1
      try {
        return await runIn(check, settings)
      } finally {
        running -= 1
        waiting.shift()?.()
      }
    },
  }
}

async function runIn(
  check: CheckRun,
  { path, hidden, obstacle: why = sandboxObstacle }: CheckSettings,
): Promise<CheckResult> {
  if (process.platform === 'win32') return { state: 'not_run', why: 'commands need a POSIX system' }
  const [name = '', ...rest] = check.command
  const program = programAt(name, path)
  if (program === null) return { state: 'not_run', why: `${name} is not an executable on PATH` }
  const obstacle = why()
  if (obstacle !== null && check.isolation === 'required')
    return { state: 'not_run', why: `it cannot be shut in: ${obstacle}` }
  requireCaller(check)
  const folder = mkdtempSync(join(tmpdir(), 'spillway-check-'))
  try {
    fill(folder, check)
    const isolated = obstacle === null
    const command = isolated ? sandboxed([program, ...rest], hidden) : ([program, rest] as const)
    return await watched(command, { check, folder, program, isolated })
  } catch (error) {
    if (error instanceof RouterError) throw error
    return { state: 'not_run', why: `its working directory cannot be made (${(error as NodeJS.ErrnoException).code})` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @throws RouterError cancelled */
function requireCaller({ signal }: CheckRun): void {
  if (signal.aborted) throw new RouterError('cancelled', { requestId: 'check' })
}

function fill(folder: string, { folder: own, file }: CheckRun): void {
  if (own !== null) cpSync(own, folder, { recursive: true, dereference: true })
  const path = join(folder, file.name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, file.text)
}

/** @returns its path without links; null when there is none that may be run */
function programAt(name: string, path: string): string | null {
  const places = isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder, name))
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK)
      if (statSync(place).isFile()) return realpathSync(place)
    } catch {
      // The next folder may have it.
    }
  }
  return null
}

interface Watch {
  readonly check: CheckRun
  readonly folder: string
  readonly program: string
  readonly isolated: boolean
}

/** A number, not a text, so that a command can neither guess nor forge another's. */
const MARK = 'SPILLWAY_CHECK'

/** `ulimit` before the command: no core files, 64 MB a file, processor seconds; a backstop behind what is watched. */
const LIMITED = 'ulimit -c 0; ulimit -f 131072; ulimit -t "$1"; ulimit -d "$2"; shift 2; exec "$@"'

async function watched([program, rest]: readonly [string, readonly string[]], watch: Watch): Promise<CheckResult> {
  const { check, folder, isolated } = watch
  const mark = randomUUID()
  const home = isolated ? SANDBOX_FOLDER : folder
  const env = {
    PATH: [dirname(watch.program), '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(delimiter),
    HOME: home,
    TMPDIR: home,
    LANG: 'C.UTF-8',
    [MARK]: mark,
  }
  const seconds = String(Math.ceil(check.timeoutMs / 1000) + 1)
  // V8 and others reserve more than they use.
  const dataKb = String(Math.ceil((check.memoryMb * 1e6) / 1024) + 2 * 1_048_576)
  const child = spawn('/bin/sh', ['-c', LIMITED, 'sh', seconds, dataKb, program, ...rest], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return await ended(child, watch, `${MARK}=${mark}`)
}

type Stop = Extract<CheckResult, { state: 'stopped' }>['why'] | 'caller'

function ended(child: ChildProcess, { check, isolated }: Watch, mark: string): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    const tree = child.pid === undefined ? null : processTree(child.pid, mark)
    let stopped: Stop | null = null
    const stop = (why: Stop): void => {
      stopped ??= why
      tree?.end()
      // A process that got away may hold the pipes open for ever.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    const leave = (): void => stop('caller')
    const timer = setTimeout(() => stop('time'), check.timeoutMs)
    const poll = setInterval(() => {
      const found = tree?.look()
      if (found && found.processes > MAX_PROCESSES) stop('processes')
      else if (found && found.residentBytes > check.memoryMb * 1e6) stop('memory')
    }, POLL_MS)
    let bytes = 0
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > check.maxOutputBytes) stop('output')
    }
    child.stdout?.on('data', count)
    child.stderr?.on('data', count)
    check.signal.addEventListener('abort', leave, { once: true })
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      clearInterval(poll)
      check.signal.removeEventListener('abort', leave)
      // What it left behind goes with it.
      tree?.end()
      settle()
    }
    child.on('error', () => done(() => resolve({ state: 'not_run', why: 'it cannot be started' })))
    child.on('exit', (exitCode) =>
      done(() => {
        if (stopped === 'caller') reject(new RouterError('cancelled', { requestId: 'check' }))
        else if (stopped !== null) resolve({ state: 'stopped', why: stopped, isolated })
        else if (exitCode === null) resolve({ state: 'stopped', why: 'signal', isolated })
        else resolve({ state: 'exited', exitCode, isolated })
      }),
    )
  })
}

/** Far above a test runner with its workers. */
const MAX_PROCESSES = 64
/** Between two looks a process fills some 100 MB at most (measured: 1 GB/s of page faults on one core). */
const POLL_MS = 50
