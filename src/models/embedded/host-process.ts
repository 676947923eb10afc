import { spawn } from 'node:child_process'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RouterError } from '../../spec/errors.ts'
import { withFileLock } from '../file-lock.ts'
import type { Paths } from '../paths.ts'
import { type Endpoint, hostEndpoint, prepareEndpoint } from './endpoint.ts'
import { engineState } from './install.ts'
import { programFile } from './program.ts'

/** What the host's program gets as its only argument; holds no secret, since arguments are visible to all. */
export interface HostArguments {
  readonly stateDir: string
  readonly enginePath: string
  readonly idleExitMs: number
}

export interface HostStart {
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Five minutes by default. */
  readonly idleExitMs?: number
}

const DEFAULT_IDLE_EXIT_MS = 300_000

/**
 * Connects to the host of this state directory, starting it when there is none. Two callers at once get one host.
 *
 * @throws RouterError engine_not_installed, engine_crashed (it did not start), the signal's reason
 */
export async function connectToHost(start: HostStart): Promise<Socket> {
  const endpoint = hostEndpoint(start.paths.stateDir)
  const running = await tryConnect(endpoint)
  if (running !== null) return running
  const engine = await engineState(start.paths)
  if (!engine.installed) throw new RouterError('engine_not_installed', { path: engine.path })
  await mkdir(dirname(endpoint.lockFile), { recursive: true, mode: 0o700 })
  return await withFileLock({ file: endpoint.lockFile, signal: start.signal }, async () => {
    const other = await tryConnect(endpoint)
    if (other !== null) return other
    await prepareEndpoint(endpoint)
    const idleExitMs = start.idleExitMs ?? DEFAULT_IDLE_EXIT_MS
    const ended = await spawnHost(
      { stateDir: start.paths.stateDir, enginePath: engine.path, idleExitMs },
      endpoint,
      start.env,
    )
    return await waitForHost(endpoint, start.signal, ended)
  })
}

/** Null when nobody listens there. */
function tryConnect(endpoint: Endpoint): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(endpoint.address)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(null))
  })
}

/** @returns a signal that is aborted when the host ends */
async function spawnHost(args: HostArguments, endpoint: Endpoint, env: NodeJS.ProcessEnv): Promise<AbortSignal> {
  const log = await openLog(endpoint.logFile)
  try {
    const child = spawn(process.execPath, [programFile('host-main'), JSON.stringify(args)], {
      cwd: args.stateDir,
      detached: true,
      env: hostEnvironment(env),
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    })
    const ended = new AbortController()
    child.once('exit', () => ended.abort())
    child.once('error', () => ended.abort())
    child.unref()
    return ended.signal
  } finally {
    await log.close()
  }
}

/** A log of an earlier host larger than this is dropped when a new one starts. */
const MAX_LOG_BYTES = 1024 * 1024

async function openLog(file: string) {
  const size = await stat(file).then(
    (entry) => entry.size,
    () => 0,
  )
  if (size > MAX_LOG_BYTES) await rm(file, { force: true })
  return await open(file, 'a', 0o600)
}

/** Starting takes about 150 ms; a machine that swaps may need longer. */
const START_TIMEOUT_MS = 15_000
const POLL_MS = 20

async function waitForHost(endpoint: Endpoint, signal: AbortSignal, ended: AbortSignal): Promise<Socket> {
  const giveUp = AbortSignal.timeout(START_TIMEOUT_MS)
  while (!giveUp.aborted && !ended.aborted) {
    signal.throwIfAborted()
    const socket = await tryConnect(endpoint)
    if (socket !== null) return socket
    await delay(POLL_MS, undefined, { signal })
  }
  throw new RouterError('engine_crashed', { model: 'of the local engine', logFile: endpoint.logFile })
}

/** What programs need to run at all, and our own settings. Provider keys stay behind. */
export function hostEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name) && !SECRET.test(name)))
}

const PASSED = /^(PATH|HOME|LANG|TMPDIR|XDG_\w+|SPILLWAY_\w+|SystemRoot|TEMP|TMP|USERPROFILE|APPDATA|LOCALAPPDATA)$/i
const SECRET = /key|token|secret|password/i
