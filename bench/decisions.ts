/**
 * `node bench/decisions.ts [--data DIR] [--limit N]`: typed decisions by label scoring with four worked examples, as
 * JSON. The examples come from the last 100 rows of a file, the report from the first N: no row does both.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { policySchema } from '../src/spec/policy.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/tasks') },
    limit: { type: 'string', default: '100' },
    json: { type: 'boolean' },
  },
})

const TASKS = {
  agnews: 'Classify the news article by topic.',
  sst2: 'Classify the sentiment of the film review.',
} as const
const SHOTS = 4
const MIN_CONFIDENCE = 0.72

interface Row {
  readonly input: string
  readonly answers: readonly string[]
  readonly labels: readonly string[]
}

function rowsOf(task: string): readonly Row[] | null {
  const file = join(values.data, `${task}.jsonl`)
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Row)
}

/** The first row of each label in turn, from the end of the file. */
function shotsFrom(rows: readonly Row[], labels: readonly string[]): readonly { input: string; output: string }[] {
  const last = rows.slice(-100)
  return Array.from({ length: SHOTS }, (_, index) => {
    const label = labels[index % labels.length] ?? ''
    const row = last.filter(({ answers }) => answers[0] === label)[Math.floor(index / labels.length)]
    return { input: row?.input ?? '', output: label }
  })
}

/** Wilson 1927, 95 %. */
function interval(right: number, n: number): readonly [number, number] {
  const z = 1.96
  const p = right / n
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n)
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  return [Number((centre - half).toFixed(3)), Number((centre + half).toFixed(3))]
}

const stateDir = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const paths = { ...resolvePaths(process.env, process.platform), stateDir }
const policy = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
}).models.small
if (!policy) throw new Error('no model')
const model = openEmbeddedModel({ name: 'small', policy, paths, env: process.env })
const limits = {
  signal: AbortSignal.timeout(3_600_000),
  deadlines: { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 120_000 },
}

async function measure(task: keyof typeof TASKS): Promise<unknown> {
  const rows = rowsOf(task)
  if (!rows) return `absent: no ${task}.jsonl below --data`
  const options = rows[0]?.labels ?? []
  const shots = shotsFrom(rows, options)
  const reported = rows.slice(0, Math.min(Number(values.limit), rows.length - 100))
  let right = 0
  let sure = 0
  let sureRight = 0
  const started = performance.now()
  for (const { input, answers } of reported) {
    const best = (await model.decide?.({ instruction: TASKS[task], shots, input, options }, limits))?.options[0]
    const isRight = best?.value === answers[0]
    right += isRight ? 1 : 0
    if ((best?.probability ?? 0) < MIN_CONFIDENCE) continue
    sure += 1
    sureRight += isRight ? 1 : 0
  }
  const n = reported.length
  const secondsPerItem = Number(((performance.now() - started) / 1000 / n).toFixed(3))
  return { n, accuracy: right / n, interval: interval(right, n), sure, sureRight, secondsPerItem }
}

const report = { agnews: await measure('agnews'), sst2: await measure('sst2') }
await model.close()
rmSync(stateDir, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
