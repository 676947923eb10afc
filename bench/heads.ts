/**
 * `npm run bench:heads -- [--json] [--data DIR]`: how well a head from the shipped examples labels build logs, as JSON.
 * Fitted on `shipped:classify-issue` only, reported on the logs that no hard stop takes away from the local model. For
 * public tasks see `npm run eval:tasks`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { excerptForDecision } from '../src/classify/excerpt.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { withHeads } from '../src/models/head-decider.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { type HeadExampleSet, policySchema } from '../src/spec/policy.ts'
import type { CallLimits, ModelPort } from '../src/spec/ports.ts'
import { readHeadExamples } from '../src/stores/head-examples.ts'
import { wilson } from './tasks/metrics.ts'

const ROOT = resolve(import.meta.dirname, '..')
/** `minConfidence` of classify_issue in the shipped policy. */
const SURE = 0.72
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(ROOT, '../shared/data') },
    json: { type: 'boolean' },
  },
})

interface Row {
  readonly text: string
  readonly label: string
}

interface Judged extends Row {
  readonly value: string
  readonly probability: number
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-heads-'))
const paths = resolvePaths(process.env, process.platform)
const policy = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
}).models.small
if (!policy) throw new Error('the model is not in its own policy')
const model = openEmbeddedModel({ name: 'small', policy, paths, env: process.env })
let report: unknown
try {
  report = { classify_issue: await buildLogs() }
} finally {
  await model.close()
  rmSync(folder, { recursive: true, force: true })
}
console.log(JSON.stringify(report, null, 2))

async function buildLogs(): Promise<unknown> {
  const lines = linesOf('traffic/logs.jsonl')
  if (!lines) return absent('traffic/logs.jsonl')
  const options = ['build', 'test', 'dependency', 'security', 'access', 'unknown']
  const examples = readHeadExamples('shipped:classify-issue', { folder: ROOT, options })
  if ('problem' in examples) return { reason: examples.problem }
  const rows = lines.map((line) => JSON.parse(line) as Row & { readonly hardStop: string | null })
  const judged = await judge(
    examples,
    rows.filter(({ hardStop }) => hardStop === null),
  )
  const labels = [...new Set(judged.map(({ label }) => label))].toSorted()
  const byLabel = labels.map((label) => [label, share(judged.filter((row) => row.label === label))])
  return { ...summary(judged, examples.rows.length), byLabel: Object.fromEntries(byLabel) }
}

/** The path of a decision in the product: excerpt, embedding, head; the first call fits. */
async function judge(examples: HeadExampleSet, rows: readonly Row[]): Promise<readonly Judged[]> {
  const port: ModelPort = withHeads(model, {
    heads: new Map([['task', examples]]),
    folder,
    excerpt: excerptForDecision,
  })
  const judged: Judged[] = []
  for (const { text, label } of rows) {
    const input = excerptForDecision(text, 1500)
    const call = {
      instruction: 'Which kind of build failure is this?',
      shots: [],
      input,
      options: examples.options,
      head: 'task',
    }
    const best = (await port.decide?.(call, limits()))?.options[0]
    if (!best) throw new Error('no option came back')
    judged.push({ text, label, value: best.value, probability: best.probability })
  }
  return judged
}

function limits(): CallLimits {
  const ms = 600_000
  const deadlines = { connectMs: ms, firstByteMs: ms, idleMs: ms, totalMs: ms }
  return { signal: AbortSignal.timeout(ms), deadlines }
}

function summary(judged: readonly Judged[], fittedOn: number): Record<string, unknown> {
  const sure = judged.filter(({ probability }) => probability >= SURE)
  const claimed = judged.reduce((sum, { probability }) => sum + probability, 0) / judged.length
  return {
    fittedOn,
    ...share(judged),
    meanProbability: round(claimed),
    sure: { threshold: SURE, coverage: round(sure.length / judged.length), ...share(sure) },
  }
}

function share(judged: readonly Judged[]): Record<string, unknown> {
  const right = judged.filter(({ value, label }) => value === label).length
  return { n: judged.length, accuracy: round(right / judged.length), interval: wilson(right, judged.length) }
}

function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null
}

function linesOf(file: string): readonly string[] | null {
  const path = join(values.data, file)
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : null
}

function absent(file: string): { readonly reason: string } {
  return { reason: `${file} is not below --data; nothing was measured` }
}
