/**
 * `npm run bench:shift -- [--json] [--data DIR]`: how many audited labels close a gate whose traffic has changed, as
 * JSON. Proven at .10 on 1,000 recorded answers of one task, used on another; right means the answer of the frontier.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readRecording } from '../src/eval/lab/recording.ts'
import { bestOf } from '../src/eval/lab/settings.ts'
import { acceptThreshold, type ScoredLabel } from '../src/learn/bounds.ts'
import { randomFrom } from '../src/learn/random.ts'
import { logEvidenceAbove } from '../src/learn/sequence.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/routing') },
    json: { type: 'boolean' },
  },
})
const BOUND = { maxErrorRate: 0.1, confidence: 0.95 }
const [FROM, TO, FRONTIER] = ['cosmosqa_10k', 'mmlu_10k', 'Yi-34B']
const RUNS = 300
const PATIENCE = 2000

const file = join(values.data, 'llmub_logits.jsonl.gz')
const report = existsSync(file) ? ['Qwen-7B', 'Qwen-14B'].map(shiftOf) : { reason: `there is no ${file}` }
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)

function shiftOf(model: string) {
  const random = randomFrom(3)
  const [before, after] = [labelsOf(model, FROM), labelsOf(model, TO)]
  const runs = Array.from({ length: RUNS }, () => {
    const draw = Array.from({ length: 1000 }, () => before[Math.floor(random() * before.length)]).filter(
      (one) => one !== undefined,
    )
    const threshold = acceptThreshold(draw, BOUND)?.threshold ?? Number.POSITIVE_INFINITY
    const accepted = after.filter(({ score }) => score >= threshold)
    const error = accepted.filter(({ isCorrect }) => !isCorrect).length / accepted.length
    return { error, closedAfter: closedAfter(accepted, random) }
  })
  const broken = runs.filter(({ error }) => error > BOUND.maxErrorRate)
  const at = (share: number): number | null => {
    const sorted = broken.map((run) => run.closedAfter ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b)
    const found = sorted[Math.floor(share * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY
    return Number.isFinite(found) ? found : null
  }
  return {
    model,
    runs: RUNS,
    meanError: Number((runs.reduce((sum, { error }) => sum + error, 0) / RUNS).toFixed(4)),
    /** Runs in which the other task errs more than the bound; only those ought to close. */
    broken: broken.length,
    closedWithin400: Number(
      (broken.filter((run) => (run.closedAfter ?? PATIENCE) <= 400).length / broken.length).toFixed(3),
    ),
    closedAfter: { median: at(0.5), p90: at(0.9), p95: at(0.95) },
  }
}

function closedAfter(accepted: readonly ScoredLabel[], random: () => number): number | null {
  let errors = 0
  for (let n = 1; n <= PATIENCE; n++) {
    if (!accepted[Math.floor(random() * accepted.length)]?.isCorrect) errors++
    if (logEvidenceAbove(errors, n, BOUND.maxErrorRate) >= -Math.log(1 - BOUND.confidence)) return n
  }
  return null
}

function labelsOf(model: string, task: string): readonly ScoredLabel[] {
  const { models, rows } = readRecording(file)
  const [own, frontier] = [models.indexOf(model), models.indexOf(FRONTIER)]
  return rows
    .filter((row) => row.task === task)
    .map(({ logprobs }) => ({
      score: Math.max(...(logprobs?.[own] ?? [0])),
      isCorrect: bestOf(logprobs?.[own]) === bestOf(logprobs?.[frontier]),
    }))
}
