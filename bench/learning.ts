/**
 * `npm run demo:learning -- [--json] [--set agnews|sst2] [--requests N] [--shuffles N] [--views 1|2] [--alpha A]
 * [--confidence C] [--data DIR]`: how a task's local share grows from what overflows, as JSON. Streams of labelled texts; the frontier
 * is simulated by their gold labels, the local model is real: heads over its embeddings, which are kept in the cache
 * directory. One run in file order, then runs in shuffled orders.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fractionOf } from '../src/eval/calibrate.ts'
import {
  type LearningRun,
  type LearningSettings,
  learnFromStream,
  type StreamExample,
} from '../src/eval/learning-stream.ts'
import { randomFrom } from '../src/learn/random.ts'
import { framesOf, readStream, streamVectors } from './learning/vectors.ts'
import { percents, wilson } from './tasks/metrics.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/streams') },
    set: { type: 'string', multiple: true, default: ['agnews', 'sst2'] },
    requests: { type: 'string', default: '2000' },
    shuffles: { type: 'string', default: '20' },
    views: { type: 'string', default: '1' },
    alpha: { type: 'string', default: '0.1' },
    confidence: { type: 'string', default: '0.98' },
    json: { type: 'boolean' },
  },
})
/**
 * What is counted is the error of the answers served, a draw from about a thousand; the bound is on the rate behind it. For
 * 95 % of the runs to keep within alpha by count, the rate has to be held more surely than that.
 */
const bound = { maxErrorRate: Number(values.alpha), confidence: Number(values.confidence) }
/** As `spillway calibrate` would be called: first when a bound of .10 can be proven at all, then as labels come in. */
const REFIT_AT = [1000, 1400, 1700]
const AUDIT_RATE = 0.02
/** The threshold needs more labels than the heads. */
const TRAIN_SHARE = 0.35
/** Of the cross-validated strengths of the first 700 labels of either set, the nearest on the grid; saves nine fits of ten. */
const STRENGTH = 0.001

const reports = []
for (const set of values.set) reports.push(await reportOn(set))
const [first] = reports
process.stdout.write(`${JSON.stringify({ ...first, runs: reports }, null, 2)}\n`)

async function reportOn(set: string) {
  const file = join(values.data, `${set}.jsonl`)
  if (!existsSync(file)) return { set, reason: `there is no ${file}; name a folder with labelled streams by --data` }
  const rows = readStream(file, Number(values.requests))
  const frames = framesOf(rows).slice(0, Number(values.views))
  const vectors = await streamVectors(rows, frames, (done) => {
    if (done % 100 === 0) process.stderr.write(`${set}: ${done} of ${rows.length} texts read\n`)
  })
  const examples = rows.map(({ id, label }, row): StreamExample => ({ id, label, vectors: vectors[row] ?? [] }))
  const options = rows[0]?.options ?? []
  const run = learnFromStream(examples, settings(options, 0))
  const shuffled = Array.from({ length: Number(values.shuffles) }, (_, index) => {
    process.stderr.write(`${set}: shuffle ${index + 1}\n`)
    return learnFromStream(inOrder(examples, index + 1), settings(options, index + 1))
  })
  return {
    set,
    frontier: 'simulated by gold labels',
    requests: run.requests,
    localShareStart: run.localShares[0] ?? 0,
    localShareEnd: run.localShares.at(-1) ?? 0,
    acceptedError: errorOf(run),
    bound: bound.maxErrorRate,
    auditCalls: run.auditCalls,
    localShares: run.localShares,
    fits: run.fits,
    shuffles: summary(shuffled),
  }
}

function settings(options: readonly string[], seed: number): LearningSettings {
  const random = randomFrom(seed + 1000)
  const part = (id: string): number => fractionOf(`${seed} ${id}`)
  return {
    options,
    bound,
    auditRate: AUDIT_RATE,
    refitAt: REFIT_AT,
    trainShare: TRAIN_SHARE,
    strength: STRENGTH,
    random,
    fractionOf: part,
  }
}

function errorOf({ accepted, acceptedWrong }: LearningRun): number | null {
  return accepted === 0 ? null : Number((acceptedWrong / accepted).toFixed(4))
}

function summary(runs: readonly LearningRun[]) {
  const broken = runs.filter((run) => (errorOf(run) ?? 0) > bound.maxErrorRate).length
  const ends = runs.map(({ localShares }) => localShares.at(-1) ?? 0).toSorted((a, b) => a - b)
  const errors = runs.map((run) => errorOf(run) ?? 0).toSorted((a, b) => a - b)
  const at = (sorted: readonly number[], share: number): number | null =>
    sorted[Math.floor(share * (sorted.length - 1))] ?? null
  return {
    n: runs.length,
    /** Runs in which more than the bound of the locally served answers were wrong. */
    broken,
    brokenInterval: percents(wilson(broken, runs.length)),
    localShareEnd: { min: at(ends, 0), p10: at(ends, 0.1), median: at(ends, 0.5), max: at(ends, 1) },
    reachedHalf: ends.filter((end) => end >= 0.5).length,
    neverOpened: runs.filter(({ accepted }) => accepted === 0).length,
    closings: runs.reduce((sum, { closings }) => sum + closings.length, 0),
    acceptedError: { median: at(errors, 0.5), p95: at(errors, 0.95), max: at(errors, 1) },
  }
}

function inOrder(examples: readonly StreamExample[], seed: number): readonly StreamExample[] {
  const random = randomFrom(seed)
  return examples
    .map((example) => ({ example, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ example }) => example)
}
