/**
 * `npm run eval:tasks -- [--json] [--limit N] [--only a,b] [--data DIR] [--plain N]`: what the 135M model gets right on
 * public tasks with the product's own ways of deciding, as JSON. Reported on the first N rows of a file (300); the last
 * 100 are for examples, heads and thresholds, no row is used for both. `plain` is the same model asked in words,
 * zero-shot, on the first `--plain` rows (60). Accuracy, F1 and EM are percentages, correlations lie between -1 and 1.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { policySchema } from '../src/spec/policy.ts'
import type { CallLimits } from '../src/spec/ports.ts'
import { type BfclRow, bfclIrrelevance, bfclMultiple } from './tasks/bfcl.ts'
import { scoreBfclArguments } from './tasks/bfcl-arguments.ts'
import { type LabelRow, labels } from './tasks/labels.ts'
import { percent, percents, squadF1, wilson } from './tasks/metrics.ts'
import { namedLabel, written } from './tasks/plain.ts'
import { type SquadRow, squad } from './tasks/squad.ts'
import { type StsbRow, stsb } from './tasks/stsb.ts'
import { type WikigoldRow, wikigold } from './tasks/wikigold.ts'

const TASKS = [
  'agnews',
  'sst2',
  'stsb',
  'squad',
  'wikigold',
  'bfcl_multiple',
  'bfcl_irrelevance',
  'bfcl_simple',
] as const
type Task = (typeof TASKS)[number]
const HELD = 100

const INSTRUCTIONS = {
  agnews: 'Is the news article about World, Sports, Business or Science/Technology?',
  sst2: 'Is the sentiment of the film review positive or negative?',
} as const

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/tasks') },
    limit: { type: 'string', default: '300' },
    plain: { type: 'string', default: '60' },
    only: { type: 'string', default: TASKS.join(',') },
    json: { type: 'boolean' },
  },
})
const chosen = values.only.split(',').map(taskNamed)
const limit = positive('--limit', values.limit)
const plainRows = Math.min(limit, positive('--plain', values.plain))

const folder = mkdtempSync(join(tmpdir(), 'spillway-eval-'))
const paths = { ...resolvePaths(process.env, process.platform), stateDir: join(folder, 'state') }
const { small } = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } },
}).models
if (!small) throw new Error('the model is not in its own policy')
const port = openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
const PATIENT = 600_000
const limits: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: PATIENT, firstByteMs: PATIENT, idleMs: PATIENT, totalMs: PATIENT },
}

const report: Record<string, unknown> = {}
try {
  for (const task of chosen) report[task] = await measured(task)
} finally {
  await port.close()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)

async function measured(task: Task): Promise<unknown> {
  if (!existsSync(fileOf(task))) return { skipped: `no file ${fileOf(task)}` }
  switch (task) {
    case 'agnews':
    case 'sst2': {
      const [rows, held] = split<LabelRow>(task)
      const instruction = INSTRUCTIONS[task]
      const score = await labels(rows, held, { port, limits, folder: join(folder, task), instruction })
      return { ...score, plain: await plainLabels(rows, instruction) }
    }
    case 'stsb': {
      const [rows, held] = split<StsbRow>(task)
      return { ...(await stsb(rows, held, { port, limits })), plain: await plainSimilarity(rows) }
    }
    case 'squad': {
      const [rows, held] = split<SquadRow>(task)
      return { ...(await squad(rows, held, port)), labelsUsed: HELD, plain: await plainAnswers(rows) }
    }
    case 'wikigold':
      return { ...wikigold(split<WikigoldRow>(task)[0]), plain: null }
    case 'bfcl_multiple':
      // The file has 100 rows, and nothing is fitted on it: all of them count.
      return { ...bfclMultiple(rowsOf<BfclRow>(task).slice(0, limit)), plain: await plainTool(rowsOf<BfclRow>(task)) }
    case 'bfcl_irrelevance':
      return bfclIrrelevance(rowsOf<BfclRow>('bfcl_simple').slice(0, 100), rowsOf<BfclRow>(task).slice(0, 100))
    case 'bfcl_simple': {
      const [rows, held] = split<Parameters<typeof scoreBfclArguments>[0][number]>(task)
      return { ...(await scoreBfclArguments(rows.slice(0, 100), held, port)), labelsUsed: HELD }
    }
  }
}

async function plainLabels(rows: readonly LabelRow[], instruction: string): Promise<unknown> {
  const some = rows.slice(0, plainRows)
  let right = 0
  for (const { input, answers, labels: options } of some) {
    const prompt = `${instruction} Answer with the label only.\n\n${input}`
    const said = namedLabel(await written(prompt, { port, limits, maxOutputTokens: 16 }), options)
    if (said !== null && answers.includes(said)) right++
  }
  return share(right, some.length)
}

async function plainSimilarity(rows: readonly StsbRow[]): Promise<unknown> {
  const some = rows.slice(0, plainRows)
  let right = 0
  for (const { meta, answers } of some) {
    const prompt = `Sentence 1: ${meta.sentence1}\nSentence 2: ${meta.sentence2}\n\nAre they very similar, similar or dissimilar? Answer with the label only.`
    const text = await written(prompt, { port, limits, maxOutputTokens: 16 })
    if (answers.includes(namedLabel(text, ['very similar', 'similar', 'dissimilar']) ?? '')) right++
  }
  return { accuracy3: percent(right / some.length), n: some.length, interval: percents(wilson(right, some.length)) }
}

async function plainAnswers(rows: readonly SquadRow[]): Promise<unknown> {
  const some = rows.slice(0, plainRows)
  let f1 = 0
  for (const { input, context, answers } of some) {
    const prompt = `${context}\n\nQuestion: ${input}\nAnswer with the shortest words of the text, or "none".`
    const text = await written(prompt, { port, limits, maxOutputTokens: 24 })
    f1 += squadF1(/^"?none\b/i.test(text) ? null : text, answers)
  }
  return { f1: (100 * f1) / some.length, n: some.length }
}

async function plainTool(rows: readonly BfclRow[]): Promise<unknown> {
  const some = rows.slice(0, plainRows)
  let right = 0
  for (const { input, tools, answers } of some) {
    const list = tools.map(({ name, description }) => `- ${name}: ${description ?? ''}`).join('\n')
    const prompt = `Functions:\n${list}\n\nRequest: ${input}\n\nWhich function fits? Answer with its name only.`
    const text = await written(prompt, { port, limits, maxOutputTokens: 24 })
    const names = tools.map(({ name }) => name)
    if (namedLabel(text, names) === Object.keys(answers[0] ?? {})[0]) right++
  }
  return share(right, some.length)
}

function share(right: number, n: number): unknown {
  return { accuracy: percent(right / n), n, interval: percents(wilson(right, n)) }
}

/** The rows to report on and the held ones; an error when they would overlap. */
function split<R>(task: Task): readonly [readonly R[], readonly R[]] {
  const rows = rowsOf<R>(task)
  const reported = rows.slice(0, Math.min(limit, rows.length - HELD))
  return [reported, rows.slice(-HELD)]
}

function rowsOf<R>(task: string): readonly R[] {
  const lines = readFileSync(fileOf(task), 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as R)
}

function fileOf(task: string): string {
  return join(values.data, `${task}.jsonl`)
}

function taskNamed(name: string): Task {
  const task = TASKS.find((known) => known === name)
  if (task) return task
  return usage(`--only ${name} is not a task. Known: ${TASKS.join(', ')}.`)
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : usage(`${flag} ${text} is not a positive whole number.`)
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}
