/** Real servers of the Debian packages, started on a free port in a temporary folder, and stopped again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RealServer {
  readonly port: number
  readonly url: string
  /** Begins again with what it kept, on the same port. */
  start(): Promise<void>
  /** `kill`: it has no time to say anything. */
  stop(how?: 'shutdown' | 'kill'): Promise<void>
  /** Stops it and deletes its folder. */
  remove(): Promise<void>
}

const PATIENCE_MS = 30_000

/** Why tests with Postgres are left out here; null when they run. In continuous integration they always do. */
export const noPostgres = missing('Postgres', () => postgresProgram('postgres'), 'postgresql')
/** The same for tests with Valkey or Redis. */
export const noValkey = missing('Valkey or Redis', valkeyProgram, 'redis-server')

/** For the title of tests that may be left out. */
export function unless(reason: string | null): string {
  return reason === null ? '' : ` (left out: ${reason})`
}

export async function startPostgres(): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-postgres-'))
  const user = plainUser()
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const initdb = postgresProgram('initdb') ?? ''
  execFileSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'], {
    cwd: folder,
    stdio: 'ignore',
    ...user,
  })
  const port = await freePort()
  const words = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder}`,
  ]
  const command = { program: postgresProgram('postgres') ?? '', words, folder, port, user }
  // Postgres ends at once and in order by SIGINT.
  const server = await running({ ...command, shutdown: 'SIGINT', ready: /ready to accept connections/ })
  return { ...server, url: `postgres://postgres@127.0.0.1:${port}/postgres` }
}

export async function startValkey(): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-valkey-'))
  const port = await freePort()
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  const command = { program: valkeyProgram() ?? '', words, folder, port, user: null }
  const server = await running({ ...command, shutdown: 'SIGTERM', ready: /[Rr]eady to accept connections/ })
  return { ...server, url: `redis://127.0.0.1:${port}` }
}

interface Command {
  readonly program: string
  readonly words: readonly string[]
  readonly folder: string
  readonly port: number
  readonly user: { readonly uid: number; readonly gid: number } | null
  readonly shutdown: NodeJS.Signals
  /** What it says when it can be asked. */
  readonly ready: RegExp
}

async function running(command: Command): Promise<Omit<RealServer, 'url'>> {
  const { program, words, folder, port, user } = command
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const started = spawn(program, words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...user })
    child = started
    await said(started, command.ready)
  }
  const stop = async (how: 'shutdown' | 'kill' = 'shutdown'): Promise<void> => {
    const ending = child
    child = null
    if (!ending || ending.exitCode !== null) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(how === 'kill' ? 'SIGKILL' : command.shutdown)
    await ended
  }
  await start()
  return {
    port,
    start,
    stop,
    async remove() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function said(child: ChildProcess, words: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`the server is not ready: ${text}`)), PATIENCE_MS)
    const hear = (piece: Buffer): void => {
      text += piece
      if (!words.test(text)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)))
  })
}

/** Postgres does not run as root. */
function plainUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string, name: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  const name = isThere(['id', 'postgres']) ? 'postgres' : 'nobody'
  return { uid: id('-u', name), gid: id('-g', name) }
}

/** Debian keeps the programs of each version in a folder of its own. */
function postgresProgram(name: string): string | null {
  const versions = '/usr/lib/postgresql'
  const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : []
  const found = newest.map((version) => join(versions, version, 'bin', name)).find((path) => existsSync(path))
  return found ?? (isThere([name, '--version']) ? name : null)
}

function valkeyProgram(): string | null {
  return ['valkey-server', 'redis-server'].find((name) => isThere([name, '--version'])) ?? null
}

function isThere([program = '', ...words]: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function missing(what: string, find: () => string | null, debianPackage: string): string | null {
  if (find() !== null || process.env.CI) return null
  return `${what} is not installed (apt-get install --no-install-recommends ${debianPackage})`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
