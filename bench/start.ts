/**
 * How long `spillway` alone takes in an empty home without engine: to its first line, and until it serves. Cold: nothing
 * of an earlier run is there. Warm: the same home again. Runs what was built: `npm run bench:start -- [--runs 9]`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const MAIN = resolve(import.meta.dirname, '../dist/cli/main.js')

interface Times {
  readonly firstLineMs: number
  readonly servesMs: number
}

/** Only what a newcomer's shell has: no key, no address, a home of its own. */
function startOnce(home: string): Promise<Times> {
  const env = { PATH: process.env.PATH, HOME: home }
  const startedMs = performance.now()
  const child = spawn(process.execPath, [MAIN, '--port', '0'], { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let firstLineMs = Number.NaN
  return new Promise((done, failed) => {
    let servesMs = Number.NaN
    createInterface({ input: child.stdout }).on('line', (line) => {
      const nowMs = performance.now() - startedMs
      if (Number.isNaN(firstLineMs)) firstLineMs = nowMs
      if (!line.startsWith('ready')) return
      servesMs = nowMs
      child.kill('SIGINT')
    })
    child.once('error', failed)
    child.once('close', (code) =>
      code === 0 ? done({ firstLineMs, servesMs }) : failed(new Error(`it ended with ${code}`)),
    )
  })
}

function spread(values: readonly number[]): { readonly median: number; readonly low: number; readonly high: number } {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN)
  return { median: at(0.5), low: at(0), high: at(1) }
}

function figures(times: readonly Times[]) {
  return {
    firstLineMs: spread(times.map(({ firstLineMs }) => firstLineMs)),
    servesMs: spread(times.map(({ servesMs }) => servesMs)),
  }
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' }, json: { type: 'boolean' } } })
const cold: Times[] = []
const warm: Times[] = []
for (let run = 0; run < Number(values.runs); run += 1) {
  const home = mkdtempSync(join(tmpdir(), 'spillway-start-'))
  try {
    cold.push(await startOnce(home))
    warm.push(await startOnce(home))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
const load = loadavg().map((value) => Math.round(value * 100) / 100)
process.stdout.write(
  `${JSON.stringify({ runs: cold.length, load, cold: figures(cold), warm: figures(warm), targetMs: 1500 })}\n`,
)
