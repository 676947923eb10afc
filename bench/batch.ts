/**
 * `npm run bench:batch -- [--json] [--rows 40] [--pack 5] [--data DIR]`: what `spillway batch run` saves on the local model of this machine, as JSON.
 * Rows of two typed tasks, mixed, one after the other against a batch of them; and rows of a written task by themselves against rows that
 * share a prompt, with how many were right. Nothing leaves the machine, and what is asked here is in a state directory of its own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createRouter } from '../src/compose.ts'
import { EngineClient } from '../src/models/embedded/client.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { readAuditLog } from '../src/stores/audit-log.ts'
import { wilson } from './tasks/metrics.ts'

const ROOT = resolve(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '40' },
    pack: { type: 'string', default: '5' },
    data: { type: 'string', default: resolve(ROOT, '../shared/data') },
    json: { type: 'boolean' },
  },
})

interface Labelled {
  readonly id: string
  readonly input: string
  readonly task: string
  readonly label: string
}

interface BatchJson {
  readonly seconds: number
  readonly rows: { readonly answered: number }
}

const LABELS = {
  sst2: ['negative', 'positive'],
  agnews: ['World', 'Sports', 'Business', 'Sci/Tech'],
} as const

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-batch-'))
const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state'), XDG_CACHE_HOME: join(folder, 'cache') }
const paths = resolvePaths(env, process.platform)
const files = Object.keys(LABELS).map((name) => join(values.data, 'tasks', `${name}.jsonl`))
try {
  const missing = files.find((file) => !existsSync(file))
  const report = missing === undefined ? await measured() : { reason: `there is no ${missing}` }
  console.log(JSON.stringify(report, null, values.json ? undefined : 2))
} finally {
  const client = new EngineClient({ paths, env })
  await client.call('shutdown', null).catch(() => undefined)
  await client.close()
  rmSync(folder, { recursive: true, force: true })
}

async function measured(): Promise<unknown> {
  const wanted = Number(values.rows)
  const [sst2 = [], agnews = []] = (['sst2', 'agnews'] as const).map((task) => read(task, wanted))
  const mixed = sst2.flatMap((row, index) => [row, ...agnews.slice(index, index + 1)])
  const words = sst2.map((row) => ({ ...row, task: 'sst2_written' }))
  await alone(mixed.slice(0, 4))
  const singleSeconds = await alone(mixed)
  const batch = inBatch('typed', mixed, 1)
  const singles = scored('singles', words, 1)
  const packed = scored('packed', words, Number(values.pack))
  return {
    cores: availableParallelism(),
    loadBefore: loadavg()[0],
    model: 'smollm2-135m-instruct',
    typed: {
      rows: mixed.length,
      single: { secondsPerRow: singleSeconds / mixed.length },
      batch: { secondsPerRow: batch.seconds / mixed.length },
      speedup: singleSeconds / batch.seconds,
    },
    written: { rows: words.length, singles, packed: { pack: Number(values.pack), ...packed } },
  }
}

function policyText(pack: number): string {
  const typed = Object.entries(LABELS).map(
    ([task, labels]) =>
      `  ${task}: { kind: choice, labels: ${JSON.stringify(labels)}, minConfidence: 0, prompt: { system: ${JSON.stringify(systemOf(task, labels))} }, local: small, stage: accept, accept: { uncalibrated: true } }`,
  )
  const written = `  sst2_written: { kind: text, gates: { entropyNats: null }, verify: { matches: ["(?i:negative|positive)"] }, prompt: { system: ${JSON.stringify(systemOf('sst2', LABELS.sst2))} }, local: small, stage: accept, accept: { uncalibrated: true }, batch: { pack: ${pack} } }`
  return `models:\n  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast, maxOutputTokens: 24 }\ntasks:\n${[...typed, written].join('\n')}\n`
}

function systemOf(task: string, labels: readonly string[]): string {
  const what = task === 'sst2' ? 'The mood of a sentence of a film review' : 'The section of a news item'
  return `${what}. Answer with one word: ${labels.join(' or ')}.`
}

/** One request after the other, in the order of the file. @returns seconds */
async function alone(rows: readonly Labelled[]): Promise<number> {
  const file = join(folder, 'policy.yaml')
  writeFileSync(file, policyText(1))
  const router = createRouter({ policy: file, env, paths })
  try {
    const startedMs = performance.now()
    for (const { input, task } of rows)
      await router.complete({ messages: [{ role: 'user', content: input }], metadata: { task } })
    return (performance.now() - startedMs) / 1000
  } finally {
    await router.close()
  }
}

/** By the command line, as a user does it. */
function inBatch(name: string, rows: readonly Labelled[], pack: number): BatchJson & { readonly out: string } {
  const file = join(folder, `${name}.jsonl`)
  const policy = join(folder, `${name}.yaml`)
  writeFileSync(policy, policyText(pack))
  writeFileSync(file, rows.map(({ id, input, task }) => JSON.stringify({ id, input, task })).join('\n'))
  const words = [join(ROOT, 'src/cli/main.ts'), 'batch', 'run', file, '--policy', policy, '--json']
  const { stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (stdout === '') throw new Error(`the batch gave no report: ${stderr.slice(0, 500)}`)
  return { ...(JSON.parse(stdout) as BatchJson), out: join(folder, `${name}.output.jsonl`) }
}

/** Right is an answer whose first label is the gold one. */
function scored(name: string, rows: readonly Labelled[], pack: number) {
  const before = recorded()
  const { seconds, out } = inBatch(name, rows, pack)
  const askedAgain = recorded() - before - rows.length
  const lines = readFileSync(out, 'utf8').trim().split('\n')
  const answers = new Map(
    lines.map((line) => {
      const { id, answer } = JSON.parse(line) as { readonly id: string; readonly answer: string }
      return [id, /negative|positive/i.exec(answer)?.[0]?.toLowerCase()]
    }),
  )
  const right = rows.filter(({ id, label }) => answers.get(id) === label).length
  return {
    secondsPerRow: seconds / rows.length,
    askedAgain,
    right,
    rows: rows.length,
    accuracy: wilson(right, rows.length),
  }
}

/** Requests of the written task so far: a row that shared a prompt in vain has two. */
function recorded(): number {
  const log = readAuditLog({ stateDir: paths.stateDir })
  try {
    return log.list({ task: 'sst2_written' }).length
  } finally {
    log.close()
  }
}

function read(task: keyof typeof LABELS, count: number): readonly Labelled[] {
  const lines = readFileSync(join(values.data, 'tasks', `${task}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  return lines.slice(0, count).map((line) => {
    const { id, input, answers } = JSON.parse(line) as Pick<Labelled, 'id' | 'input'> & { readonly answers: string[] }
    return { id, input, task, label: answers[0] ?? '' }
  })
}
