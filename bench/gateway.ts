/**
 * `npm run bench:gateway -- [--json] [--quick] [--check] [--rounds N] [--soak REQUESTS] [--profile DIR]`: what a request costs on
 * its way through the gateway, beside a bare proxy of the same run. JSON on stdout.
 *
 * Gateway and proxy have a core to themselves, the load and the scripted cloud share another; rounds of both are interleaved.
 * CPU seconds are of the whole process, the thread that moves the audit included, until that has caught up.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadOrder, LoadReport } from './gateway/load.ts'
import {
  coldStart,
  type GatewayHome,
  limitedKey,
  PINNED,
  type Program,
  startBeside,
  startServe,
} from './gateway/processes.ts'
import { type Cell, checked, type Measured, type Round, reportOf } from './gateway/report.ts'
import type { Script } from './gateway/upstream.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    check: { type: 'boolean' },
    rounds: { type: 'string' },
    soak: { type: 'string' },
    profile: { type: 'string' },
  },
})
const ROUNDS = Number(values.rounds ?? (values.quick ? 3 : 5))
const CELL_MS = values.quick ? 1000 : 2000
/** The compiler of the runtime has seen a service's code after so many requests; before, each costs a multiple. */
const WARM_UP = values.quick ? 10_000 : 30_000
const SATURATED = 64
const PACED = 16
const PACED_DELAY_MS = 50
const COLD_STARTS = values.quick ? 3 : 5

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-gateway-'))
const programs: Program[] = []
const own = async (starting: Promise<Program>): Promise<Program> => {
  const program = await starting
  programs.push(program)
  return program
}

interface Way {
  readonly name: 'passthrough' | 'gateway'
  readonly program: Program
  readonly key: string
}

try {
  const upstream = await own(startBeside('measuring', 'upstream.ts'))
  const home: GatewayHome = { folder, upstreamPort: upstream.port }
  const coldStarts: number[] = []
  for (let turn = 0; turn < COLD_STARTS; turn++) coldStarts.push(await coldStart(home))
  const load = await own(startBeside('measuring', 'load.ts'))
  const bare = await own(startBeside('measured', 'passthrough.ts', [`http://127.0.0.1:${upstream.port}`]))
  const nodeFlags = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []
  const gateway = await own(startServe({ ...home, nodeFlags }))
  const bench = { upstream, load }
  const ways: readonly Way[] = [
    { name: 'passthrough', program: bare, key: 'none' },
    { name: 'gateway', program: gateway, key: limitedKey(folder) },
  ]
  const rssMiB = { rest: (await gateway.usage('usage-after-gc')).rssMiB, streams: 0 }
  if (values.soak) print(await soak(bench, ways[1] as Way, Number(values.soak)))
  else {
    for (const way of ways)
      for (const stream of [false, true]) await cell(bench, way, { stream, requests: WARM_UP, durationMs: 60_000 })
    const rounds: Round[] = []
    for (let turn = 0; turn < ROUNDS; turn++)
      rounds.push(await roundOf(bench, turn % 2 === 0 ? ways : ways.toReversed()))
    rssMiB.streams = await rssWithStreams(bench, ways[1] as Way)
    const measured: Measured = { rounds, coldStarts, rssMiB }
    const report = {
      ...reportOf(measured),
      run: { pinned: PINNED, cellMs: CELL_MS, rounds: ROUNDS, loadAverage: loadavg() },
    }
    print(report)
    if (values.check) process.exitCode = checked(report, (line) => process.stderr.write(line)) ? 0 : 1
  }
} finally {
  for (const program of programs.toReversed()) await program.stop()
  rmSync(folder, { recursive: true, force: true })
}

function print(report: unknown): void {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

interface Bench {
  readonly upstream: Program
  readonly load: Program
}

/** The same cells for both ways, one way after the other, so that what else the machine does meets both. */
async function roundOf(bench: Bench, ways: readonly Way[]): Promise<Round> {
  const cells: Partial<Record<Way['name'], Round[Way['name']]>> = {}
  for (const way of ways) {
    const saturated = { json: await cell(bench, way, {}), stream: await cell(bench, way, { stream: true }) }
    const paced = { delayMs: PACED_DELAY_MS, connections: PACED }
    cells[way.name] = {
      ...saturated,
      masked: await cell(bench, way, { secret: true }),
      pacedJson: await cell(bench, way, paced),
      pacedStream: await cell(bench, way, { ...paced, stream: true }),
    }
  }
  return cells as Round
}

type CellOrder = Partial<LoadOrder & Script>

async function cell({ upstream, load }: Bench, { program, key }: Way, wanted: CellOrder): Promise<Cell> {
  const { delayMs = 0, gapMs = 0, chunks = 20, ...rest } = wanted
  await upstream.ask({ delayMs, gapMs, chunks } satisfies Script)
  const order: LoadOrder = {
    port: program.port,
    key,
    stream: false,
    secret: false,
    connections: SATURATED,
    durationMs: CELL_MS,
    requests: Number.POSITIVE_INFINITY,
    ...rest,
  }
  const before = await program.usage()
  // Infinity does not survive the channel.
  const report = await load.ask<LoadReport>({ ...order, requests: Math.min(order.requests, Number.MAX_SAFE_INTEGER) })
  const busyS = (await program.usage()).cpuS - before.cpuS
  const cpuS = (await settled(program)) - before.cpuS
  return { ...report, cpuS, busyShare: busyS / report.seconds, loadBusyShare: report.cpuS / report.seconds }
}

/** Waits until nothing is left to do, and says how much CPU the process has used by then. */
async function settled(program: Program): Promise<number> {
  let last = (await program.usage()).cpuS
  for (let looks = 0; looks < 100; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { cpuS } = await program.usage()
    if (cpuS - last < 0.005) return cpuS
    last = cpuS
  }
  return last
}

/** The most memory while 500 streams of 50 chunks are under way. */
async function rssWithStreams(bench: Bench, way: Way): Promise<number> {
  let [most, over] = [0, false]
  const watching = (async () => {
    while (!over) {
      most = Math.max(most, (await way.program.usage()).rssMiB)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  const streams = { stream: true, connections: 500, chunks: 50, gapMs: 20, durationMs: 4000 }
  const { bad } = await loadOnly(bench, way, streams)
  over = true
  await watching
  if (bad > 0) throw new Error(`${bad} of the 500 streams broke`)
  return most
}

/** A cell while somebody else talks to the measured process. */
async function loadOnly({ upstream, load }: Bench, { program, key }: Way, wanted: CellOrder): Promise<LoadReport> {
  const { delayMs = 0, gapMs = 0, chunks = 20, ...rest } = wanted
  await upstream.ask({ delayMs, gapMs, chunks } satisfies Script)
  const order = { port: program.port, key, secret: false, requests: Number.MAX_SAFE_INTEGER, ...rest }
  return load.ask<LoadReport>(order)
}

/** Memory after each tenth of many requests, half of them streams. */
async function soak(bench: Bench, way: Way, requests: number): Promise<unknown> {
  const steps = []
  for (let step = 0; step <= 10; step++) {
    const turns = step === 0 ? [] : [false, true]
    let [bad, done] = [0, 0]
    for (const stream of turns) {
      const part = await cell(bench, way, { stream, requests: Math.ceil(requests / 20), durationMs: 600_000 })
      bad += part.bad
      done += part.requests
    }
    const { heapMiB, rssMiB } = await way.program.usage('usage-after-gc')
    steps.push({ requests: done, bad, heapMiB: Math.round(heapMiB), rssMiB: Math.round(rssMiB) })
  }
  return { soak: steps }
}
