/**
 * `npm run bench:scale -- [--json] [--rounds N]`: one gateway process against two behind one port, with load and scripted cloud on the
 * same machine; interleaved rounds, JSON on stdout. Then both are made anew under load, and every failure is counted. Linux only:
 * CPU seconds of all processes are read from /proc.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import type { LoadOrder, LoadReport } from './gateway/load.ts'
import { limitedKey, type Program, startBeside, startServe } from './gateway/processes.ts'
import type { Script } from './gateway/upstream.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } } })
const ROUNDS = Number(values.rounds)
const CELL_MS = 3000
const WARM_UP = 10_000
const CONNECTIONS = 64
/** Of the kernel's clock, in which /proc counts: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS = 100

interface Side {
  readonly workers: number
  readonly gateway: Program
  readonly key: string
}

interface Cell {
  readonly requestsPerSecond: number
  readonly cpuSecondsPer1k: number
  readonly rssMiB: number
  readonly bad: number
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-scale-'))
const programs: Program[] = []
const own = async (starting: Promise<Program>): Promise<Program> => {
  const program = await starting
  programs.push(program)
  return program
}

try {
  const upstream = await own(startBeside('anywhere', 'upstream.ts'))
  const load = await own(startBeside('anywhere', 'load.ts'))
  await upstream.ask({ delayMs: 0, gapMs: 0, chunks: 20 } satisfies Script)
  const sides: Side[] = []
  for (const workers of [1, 2]) {
    const home = join(folder, `with-${workers}`)
    mkdirSync(home)
    const gateway = await own(startServe({ folder: home, upstreamPort: upstream.port, workers }))
    await untilWorkers(gateway, workers)
    sides.push({ workers, gateway, key: limitedKey(home) })
  }
  for (const side of sides) await cell(load, side, { requests: WARM_UP, durationMs: 60_000 })
  const rounds: { readonly one: Cell; readonly two: Cell }[] = []
  for (let turn = 0; turn < ROUNDS; turn++) rounds.push(await roundOf(load, sides, turn))
  const rolling = await rollingRestart(sides[1] as Side)
  const report = {
    workers: {
      one: figures(rounds.map(({ one }) => one)),
      two: figures(rounds.map(({ two }) => two)),
      /** Requests per second of two over one. */
      gain: spread(rounds.map(({ one, two }) => two.requestsPerSecond / one.requestsPerSecond)),
      /** CPU of a request of two over one, less 1. */
      cpuRise: spread(rounds.map(({ one, two }) => two.cpuSecondsPer1k / one.cpuSecondsPer1k - 1)),
    },
    rollingRestartFailures: rolling.bad,
    rollingRestart: rolling,
    run: { cores: cpus().length, rounds: ROUNDS, cellMs: CELL_MS, loadAverage: loadavg() },
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  process.exitCode = rolling.bad === 0 && rolling.isNew ? 0 : 1
} finally {
  for (const program of programs.toReversed()) await program.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function roundOf(load: Program, sides: readonly Side[], turn: number) {
  const cells = new Map<number, Cell>()
  for (const side of turn % 2 === 0 ? sides : sides.toReversed()) cells.set(side.workers, await cell(load, side, {}))
  return { one: cells.get(1) as Cell, two: cells.get(2) as Cell }
}

async function cell(load: Program, { gateway, key }: Side, wanted: Partial<LoadOrder>): Promise<Cell> {
  const before = cpuSeconds(gateway)
  const { requests, seconds, bad } = await send(load, { port: gateway.port, key, ...wanted })
  // What the last answers left to do counts, too.
  await new Promise((resolve) => setTimeout(resolve, 500))
  return {
    requestsPerSecond: requests / seconds,
    cpuSecondsPer1k: (1000 * (cpuSeconds(gateway) - before)) / requests,
    rssMiB: treeOf(gateway).reduce((sum, pid) => sum + rssMiB(pid), 0),
    bad,
  }
}

function send(load: Program, wanted: Partial<LoadOrder> & Pick<LoadOrder, 'port' | 'key'>): Promise<LoadReport> {
  const usual = { stream: false, secret: false, connections: CONNECTIONS, durationMs: CELL_MS }
  return load.ask<LoadReport>({ requests: Number.MAX_SAFE_INTEGER, ...usual, ...wanted })
}

/** SIGHUP in the middle of a load over connections that stay, from a client that takes a wish to close as one. */
async function rollingRestart({ gateway, key }: Side) {
  const pid = gateway.child.pid ?? 0
  const before = childrenOf(pid)
  const isNew = (): boolean => {
    const now = childrenOf(pid)
    return now.length === before.length && now.every((one) => !before.includes(one))
  }
  const client = new Agent({ connections: 16, pipelining: 1 })
  const body = JSON.stringify({ model: 'ask', messages: [{ role: 'user', content: 'What is a dam?' }] })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  let [requests, bad, isOver] = [0, 0, false]
  const lane = async (): Promise<void> => {
    while (!isOver) {
      requests += 1
      try {
        const url = `http://127.0.0.1:${gateway.port}/v1/chat/completions`
        const answer = await request(url, { method: 'POST', headers, body, dispatcher: client })
        await answer.body.dump()
        if (answer.statusCode !== 200) bad += 1
      } catch {
        bad += 1
      }
    }
  }
  const lanes = Array.from({ length: 16 }, lane)
  gateway.child.kill('SIGHUP')
  for (let looks = 0; looks < 600 && !isNew(); looks++) await new Promise((resolve) => setTimeout(resolve, 100))
  isOver = true
  await Promise.all(lanes)
  await client.close()
  return { requests, bad, isNew: isNew() }
}

async function untilWorkers({ child }: Program, count: number): Promise<void> {
  const listening = count > 1 ? count : 0
  while (childrenOf(child.pid ?? 0).length < listening) await new Promise((resolve) => setTimeout(resolve, 50))
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

function treeOf({ child }: Program): readonly number[] {
  const pid = child.pid ?? 0
  return [pid, ...childrenOf(pid)]
}

function cpuSeconds(program: Program): number {
  const ticks = treeOf(program).flatMap((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return [Number(fields[11]), Number(fields[12])]
  })
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS
}

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

function figures(cells: readonly Cell[]) {
  return {
    requestsPerSecond: spread(cells.map((one) => one.requestsPerSecond)),
    cpuSecondsPer1k: spread(cells.map((one) => one.cpuSecondsPer1k)),
    rssMiB: spread(cells.map((one) => one.rssMiB)),
    bad: cells.reduce((sum, { bad }) => sum + bad, 0),
  }
}

function spread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => Number((sorted[Math.round(share * (sorted.length - 1))] ?? 0).toPrecision(4))
  return { median: at(0.5), min: at(0), max: at(1) }
}
