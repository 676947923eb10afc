/**
 * `npm run bench:retrieval -- [--json] [--limit N] [--from N] [--how lexical,embedding,hybrid] [--data DIR]`: how often the first passages that a
 * question finds in its document hold the right answer, and what share of the document they are, as JSON. Rows without an answer and
 * answers that do not stand in the document (yes, no) are left out. `embedding` and `hybrid` read every window with the 135M model.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  embeddingRetriever,
  hybridRetriever,
  joinWindows,
  lexicalRetriever,
  orderWindows,
  RETRIEVERS,
  type Retriever,
  type RetrieverName,
  windowsOf,
} from '../src/decide/windows.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { policySchema } from '../src/spec/policy.ts'
import type { ModelPort } from '../src/spec/ports.ts'
import { percent, percents, wilson } from './tasks/metrics.ts'
import type { SquadRow } from './tasks/squad.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/tasks') },
    limit: { type: 'string', default: '200' },
    from: { type: 'string', default: '0' },
    how: { type: 'string', default: 'lexical' },
    json: { type: 'boolean' },
  },
})
const limit = whole('--limit', values.limit, 1)
const from = whole('--from', values.from, 0)
const how = values.how.split(',').map(retrieverNamed)

const folder = mkdtempSync(join(tmpdir(), 'spillway-retrieval-'))
const port = how.some((name) => name !== 'lexical') ? openPort() : null
const report: Record<string, unknown> = {}
try {
  for (const set of ['squad', 'hotpotqa']) {
    const file = join(values.data, `${set}.jsonl`)
    if (!existsSync(file)) report[set] = { skipped: `no file ${file}` }
    else for (const name of how) report[`${set} ${name}`] = await measured(rowsOf(file), retrieverOf(name))
  }
} finally {
  await port?.close()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)

async function measured(rows: readonly SquadRow[], retrieve: Retriever): Promise<unknown> {
  const started = performance.now()
  const depths = [1, 2, 3, 4, 6]
  const hits = depths.map(() => 0)
  const shares = depths.map(() => 0)
  for (const { input, context, answers } of rows) {
    const ordered = (await orderWindows(input, windowsOf(context), retrieve))(Math.max(...depths))
    for (const [at, depth] of depths.entries()) {
      const found = joinWindows(context, ordered.slice(0, depth))
      hits[at] = (hits[at] ?? 0) + (answers.some((answer) => found.some(({ text }) => text.includes(answer))) ? 1 : 0)
      shares[at] = (shares[at] ?? 0) + found.reduce((sum, { text }) => sum + text.length, 0) / context.length
    }
  }
  const n = rows.length
  const at = depths.map((depth, index) => {
    const held = hits[index] ?? 0
    const row = { recall: percent(held / n), interval: percents(wilson(held, n)) }
    return [`recall@${depth}`, { ...row, shareOfDocument: percent((shares[index] ?? 0) / n) }]
  })
  return { n, ...Object.fromEntries(at), msPerQuestion: Math.round((performance.now() - started) / n) }
}

function rowsOf(file: string): readonly SquadRow[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  const rows = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as SquadRow)
  return rows.slice(from, from + limit).filter(({ answers, context }) => answers.some((one) => context.includes(one)))
}

function retrieverOf(name: RetrieverName): Retriever {
  if (name === 'lexical') return lexicalRetriever
  const patient = { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 60_000 }
  const embed = async (texts: readonly string[]): Promise<readonly (readonly number[])[]> => {
    const vectors: (readonly number[])[] = []
    for (const text of texts) {
      const found = await port?.embed?.(text, { signal: new AbortController().signal, deadlines: patient })
      vectors.push(found?.vector ?? [])
    }
    return vectors
  }
  return name === 'embedding' ? embeddingRetriever(embed) : hybridRetriever(embed)
}

function openPort(): ModelPort {
  const { small } = policySchema.parse({
    models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } },
  }).models
  if (!small) throw new Error('the model is not in its own policy')
  const paths = { ...resolvePaths(process.env, process.platform), stateDir: join(folder, 'state') }
  return openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
}

function retrieverNamed(name: string): RetrieverName {
  const known = RETRIEVERS.find((one) => one === name)
  return known ?? usage(`--how ${name} is not known. Known: ${RETRIEVERS.join(', ')}.`)
}

function whole(flag: string, text: string, least: number): number {
  const value = Number(text)
  return Number.isInteger(value) && value >= least
    ? value
    : usage(`${flag} ${text} is not a whole number of at least ${least}.`)
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}
