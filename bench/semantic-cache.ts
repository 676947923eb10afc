/**
 * `npm run bench:cache -- [--json] [--data DIR] [--embedded N]`: what the semantic cache would give again, as JSON. Pairs that must not
 * share an answer and pairs that should (test/support/near-questions.ts), the sentence pairs of STS-B, and, for comparison, how many
 * of N different pairs the cosine of the local model's embeddings would let through at the same threshold.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { plainQuestion, questionLikeness } from '../src/classify/same-question.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { policySchema } from '../src/spec/policy.ts'
import { differentQuestions, type QuestionPair, sameQuestions } from '../test/support/near-questions.ts'
import { wilson } from './tasks/metrics.ts'

const ROOT = resolve(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(ROOT, '../shared/data') },
    embedded: { type: 'string', default: '220' },
    json: { type: 'boolean' },
  },
})
const { similarity } = policySchema.parse({}).cache
const different = differentQuestions()
const byKind = Object.fromEntries(
  [...new Set(different.map(({ kind }) => kind))].map((kind) => [
    kind,
    counted(different.filter((p) => p.kind === kind)),
  ]),
)
console.log(
  JSON.stringify(
    {
      similarity,
      different: { ...counted(different), byKind },
      same: counted(sameQuestions()),
      stsb: stsb(),
      embedding: await embedding(Number(values.embedded)),
    },
    null,
    2,
  ),
)

function counted(pairs: readonly QuestionPair[]) {
  const hits = pairs.filter(({ left, right }) => likeness(left, right) >= similarity).length
  return { n: pairs.length, hits, ci: wilson(hits, pairs.length) }
}

function likeness(left: string, right: string): number {
  const [a, b] = [plainQuestion(left), plainQuestion(right)]
  return a && b && a.words === b.words ? questionLikeness(a, b) : 0
}

/** Hits by what people said of the pair, 0 to 5. */
function stsb() {
  const path = join(values.data, 'tasks/stsb.jsonl')
  if (!existsSync(path)) return { reason: `${path} is not there` }
  const rows = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).meta as { sentence1: string; sentence2: string; score: number })
  const hits = rows.filter((row) => likeness(row.sentence1, row.sentence2) >= similarity)
  return { n: rows.length, hits: hits.length, scores: hits.map(({ score }) => score) }
}

/** The share of different pairs, evenly drawn, whose embeddings are as alike as the policy asks. */
async function embedding(wanted: number) {
  const policy = policySchema.parse({
    models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
  }).models.small
  if (!policy) throw new Error('the model is not in its own policy')
  const paths = resolvePaths(process.env, process.platform)
  const model = openEmbeddedModel({ name: 'small', policy, paths, env: process.env })
  try {
    const drawn = different.filter((_, at) => at % Math.ceil(different.length / wanted) === 0)
    const cosines: number[] = []
    for (const { left, right } of drawn) cosines.push(cosine(await vectorOf(left), await vectorOf(right)))
    const hits = cosines.filter((value) => value >= similarity).length
    const sorted = cosines.toSorted((a, b) => a - b)
    return { n: drawn.length, hits, ci: wilson(hits, drawn.length), median: sorted[Math.floor(sorted.length / 2)] }
  } finally {
    await model.close()
  }

  async function vectorOf(text: string): Promise<readonly number[]> {
    const deadlines = { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 60_000 }
    const limits = { signal: AbortSignal.timeout(60_000), deadlines }
    const result = await model.embed?.(text, limits)
    if (!result) throw new Error('the model gives no embedding')
    return result.vector
  }
}

function cosine(left: readonly number[], right: readonly number[]): number {
  const product = left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)
  return product / (Math.hypot(...left) * Math.hypot(...right))
}
