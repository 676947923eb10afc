/** The four processes of a measurement, each with its own core where the system can pin them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { issueKey } from '../../src/gateway/issued-keys.ts'

/** What a process has used so far. */
export interface Usage {
  /** User and system time of all threads, in seconds. */
  readonly cpuS: number
  readonly rssMiB: number
  readonly heapMiB: number
}

export interface Program {
  readonly child: ChildProcess
  readonly port: number
  /** Sends a message and waits for the answer to it. */
  ask<T>(message: unknown): Promise<T>
  usage(when?: 'usage' | 'usage-after-gc'): Promise<Usage>
  stop(): Promise<void>
}

const ROOT = resolve(import.meta.dirname, '../..')
const CLI = join(ROOT, 'dist', 'cli', 'main.js')
const USAGE = new URL('./usage.mjs', import.meta.url).href

/** Core 0 for what is measured, core 1 for what measures it; without `taskset` or with one core nothing is pinned. */
export const PINNED = cpus().length > 1 && spawnSync('taskset', ['-V']).status === 0
const CORES = { measured: '0', measuring: '1', anywhere: null } as const
type Role = keyof typeof CORES

interface Start {
  readonly role: Role
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly ready: (child: ChildProcess) => Promise<number>
}

async function start({ role, args, env, ready }: Start): Promise<Program> {
  const child = spawnNode(role, ['--import', USAGE, ...args], env)
  const ended = once(child, 'exit')
  const port = await Promise.race([
    ready(child),
    ended.then(([code]) => Promise.reject(new Error(`${args.join(' ')} ended with ${code}`))),
  ])
  const ask = async <T>(message: unknown): Promise<T> => {
    const answer = once(child, 'message')
    child.send(message as object)
    return (await answer)[0] as T
  }
  return {
    child,
    port,
    ask,
    usage: (when = 'usage') => ask<Usage>(when),
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(timer)
    },
  }
}

function spawnNode(role: Role, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const core = CORES[role]
  const [command, ...rest] =
    PINNED && core !== null ? ['taskset', '-c', core, process.execPath, ...args] : [process.execPath, ...args]
  // Log lines of the gateway go where a service's go that keeps none: the writing is measured, a terminal is not.
  return spawn(command ?? process.execPath, rest, {
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
}

/** A program of this folder says its port as soon as it listens. */
export function startBeside(role: Role, file: string, args: readonly string[] = []): Promise<Program> {
  return start({
    role,
    args: [join(import.meta.dirname, file), ...args],
    ready: async (child) => ((await once(child, 'message'))[0] as { readonly port: number }).port,
  })
}

export interface GatewayHome {
  readonly folder: string
  /** Of the scripted cloud. */
  readonly upstreamPort: number
  /** Flags of node, for a profile. */
  readonly nodeFlags?: readonly string[]
  /** Processes behind the port, on whichever core is free; absent: one, on its own core. */
  readonly workers?: number
}

/** The built program as a user runs it: `spillway serve`, with budget, ledger, audit, log and all detectors at their defaults. */
export function startServe(home: GatewayHome): Promise<Program> {
  const { args, env } = serveCommand(home)
  return start({
    role: home.workers === undefined ? 'measured' : 'anywhere',
    args: [...(home.nodeFlags ?? []), ...args],
    env,
    ready: () => serverPort(home.folder),
  })
}

/** Starts it without a preload and says how long the first whole answer took. Milliseconds since the start. */
export async function coldStart(home: GatewayHome): Promise<number> {
  const started = performance.now()
  const { args, env } = serveCommand(home)
  const child = spawnNode('measured', args, env)
  const ended = once(child, 'exit')
  const port = await serverPort(home.folder)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${keyOf(home.folder)}` }
  const body = JSON.stringify({ model: 'ask', messages: [{ role: 'user', content: 'What is a dam?' }] })
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', headers, body })
  await response.text()
  if (response.status !== 200) throw new Error(`the first answer was ${response.status}`)
  const ms = performance.now() - started
  child.kill('SIGTERM')
  await ended
  return ms
}

/** The operator's: no limits. */
function keyOf(folder: string): string {
  return readFileSync(join(folder, 'spillway', 'operator.key'), 'utf8').trim()
}

/** As users have them: with a rate, a limit of tokens, one of requests at the same time and a budget of its own. */
export function limitedKey(folder: string): string {
  const grant = { requestsPerMinute: 1e8, tokensPerMinute: 1e11, concurrency: 10_000, budget: { day: 1e6 } }
  return issueKey(join(folder, 'spillway'), { name: 'bench', grant }).key
}

function serveCommand({ folder, upstreamPort, workers }: GatewayHome) {
  const policy = join(folder, 'policy.json')
  writeFileSync(policy, JSON.stringify(policyFor(upstreamPort)))
  const xdg = ['CONFIG', 'DATA', 'CACHE', 'STATE'].map((kind) => [`XDG_${kind}_HOME`, folder])
  return {
    args: [
      ...[CLI, 'serve', '--port', '0', '--policy', policy],
      ...(workers === undefined ? [] : ['--workers', String(workers)]),
    ],
    env: { ...(Object.fromEntries(xdg) as Record<string, string>), SIMULATED_KEY: 'simulated' },
  }
}

/** Every request goes to the simulated frontier: no engine takes part, all the rest does. */
function policyFor(upstreamPort: number): unknown {
  const cloud = {
    provider: 'openai',
    model: 'simulated',
    tier: 'frontier',
    baseUrl: `http://127.0.0.1:${upstreamPort}/v1`,
    apiKey: '${env:SIMULATED_KEY}',
    priceUsdPerMillion: { input: 1, output: 1 },
  }
  return {
    models: { cloud },
    tasks: { ask: { pattern: 'direct', local: false, frontier: 'cloud' } },
    budgets: { day: 1_000_000 },
  }
}

/** The server writes its address down when it listens; polled often, since the cold start is measured by it. */
async function serverPort(folder: string): Promise<number> {
  for (let tries = 0; tries < 15_000; tries++) {
    try {
      const { port } = JSON.parse(readFileSync(join(folder, 'spillway', 'server.json'), 'utf8')) as { port: number }
      return port
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  throw new Error('the gateway did not start within 30 seconds')
}
