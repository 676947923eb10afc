/**
 * `npm run bench:tasks [-- --rows 200000 --rounds 3 --against FOLDER]`: seconds of `rollout status` and of the console's page Tasks over an
 * audit, half of it of one task with a local model, as JSON: by the clock and of the processor, where other programs share the machine. With the folder of another checkout both read the same audit in turn, and must say the same.
 */
import { deepStrictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Reading } from '../src/cli/console/reading.ts'
import { systemClock } from '../src/pipeline/clock.ts'
import { validatePolicy } from '../src/stores/policy-file.ts'
import { writeHistory } from '../test/support/console-history.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    against: { type: 'string' },
  },
})
const rows = Number(values.rows)
const rounds = Number(values.rounds)
const DAY_MS = 86_400_000
const nowMs = Date.now()

const own = { kind: 'choice', labels: ['build', 'test', 'dependency'], local: 'small', frontier: 'big' } as const
const accept = { uncalibrated: true, maxErrorRate: 0.1 }
const loaded = validatePolicy(
  {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: {
        ...{ provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
        priceUsdPerMillion: { input: 0.1, output: 0.4 },
      },
    },
    tasks: {
      triage: { ...own, stage: 'accept', accept },
      answer: { local: false, frontier: 'big' },
    },
  },
  { file: '(bench)', env: { KEY: 'k' } },
)

const stateDir = mkdtempSync(join(tmpdir(), 'spillway-tasks-'))
const reading: Reading = { stateDir, loaded, env: {}, nowMs, reader: { tenants: null, by: 'bench' }, values: {} }

interface Took {
  readonly clock: number
  readonly cpu: number
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}

interface Side {
  readonly name: string
  /** By what is read. */
  readonly reads: Readonly<Record<'status' | 'page', () => unknown>>
}

async function sideOf(name: string, folder: string): Promise<Side> {
  const { rolloutViews } = (await import(
    join(folder, 'src/cli/rollout-view.ts')
  )) as typeof import('../src/cli/rollout-view.ts')
  const { statusOf } = (await import(
    join(folder, 'src/cli/task-status.ts')
  )) as typeof import('../src/cli/task-status.ts')
  const { tasks } = (await import(
    join(folder, 'src/cli/console/tasks.ts')
  )) as typeof import('../src/cli/console/tasks.ts')
  return {
    name,
    reads: {
      status: () => rolloutViews({ loaded, stateDir, monotonicMs: systemClock.monotonicMs }).map(statusOf),
      page: () => tasks(reading),
    },
  }
}

try {
  writeHistory({
    ...{ stateDir, rows, spanMs: 20 * DAY_MS, untilMs: nowMs - 60_000 },
    named: { tasks: ['triage', 'answer'] },
  })
  const sides = [await sideOf('this', join(import.meta.dirname, '..'))]
  if (values.against !== undefined) sides.unshift(await sideOf('against', values.against))
  const seconds: Record<string, readonly Took[]> = {}
  for (let round = 0; round < rounds; round++) {
    for (const what of ['status', 'page'] as const) {
      const told = sides.map(({ name, reads }) => {
        const [startedMs, before] = [performance.now(), process.cpuUsage()]
        const answer = reads[what]()
        const { user, system } = process.cpuUsage(before)
        const took = { clock: rounded((performance.now() - startedMs) / 1000), cpu: rounded((user + system) / 1e6) }
        seconds[`${what}, ${name}`] = [...(seconds[`${what}, ${name}`] ?? []), took]
        return JSON.parse(JSON.stringify(answer)) as unknown
      })
      for (const other of told.slice(1)) deepStrictEqual(other, told[0])
    }
    sides.reverse()
  }
  console.log(
    JSON.stringify({
      ...{ rows, rounds, seconds, same: sides.length > 1 ? true : null },
      machine: { cpus: availableParallelism(), load: Number((loadavg()[0] ?? 0).toFixed(1)) },
    }),
  )
} finally {
  rmSync(stateDir, { recursive: true, force: true })
}
