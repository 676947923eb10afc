/**
 * `node bench/assist.ts [--data DIR] [--limit N] [--json]`: what `assist` saves on build logs, and what the local model makes of the digest beside
 * the whole log. The model stands in for a frontier: it labels both texts with the head of the shipped agent policy's examples, hard stops switched off
 * so that every log is asked. Tokens are estimated at four characters.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { digestOf } from '../src/classify/digest.ts'
import { findHardStops } from '../src/classify/hard-stops.ts'
import { createRouter } from '../src/index.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { type PolicyInput, policySchema } from '../src/spec/policy.ts'
import { assistSchema } from '../src/spec/policy-assist.ts'
import type { Router } from '../src/spec/router.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data') },
    limit: { type: 'string', default: '100000' },
    json: { type: 'boolean' },
  },
})

interface Log {
  readonly text: string
  readonly label: string
}

const LABELS = ['build', 'test', 'dependency', 'security', 'access', 'unknown']

const POLICY: PolicyInput = {
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
  tasks: {
    classify_issue: {
      kind: 'choice',
      labels: LABELS,
      local: 'small',
      frontier: false,
      head: { examples: 'shipped:classify-issue' },
      maxInputChars: 1_000_000,
      stage: 'accept',
      accept: { uncalibrated: true },
    },
  },
  hardStops: { access: [], security: [], production: [], irreversible: [] },
}

const { hardStops } = policySchema.parse({})
const { minSaved } = assistSchema.parse({})
const hitsIn = (text: string) => findHardStops([{ field: 'log', text }], hardStops)

function shortened(text: string): string {
  const digest = digestOf(text, (line) => hitsIn(line).length > 0)
  return digest.text.length <= (1 - minSaved) * text.length ? digest.text : text
}

async function labelOf(router: Router, text: string): Promise<string | null> {
  const messages = [{ role: 'user', content: text } as const]
  return (await router.complete({ messages, metadata: { task: 'classify_issue' } })).answer
}

const file = join(values.data, 'traffic/logs.jsonl')
if (!existsSync(file)) {
  process.stdout.write(`${JSON.stringify({ absent: 'no traffic/logs.jsonl below --data' })}\n`)
  process.exit(0)
}
const logs = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .slice(0, Number(values.limit))
  .map((line) => JSON.parse(line) as Log)
const state = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const router = createRouter({
  policy: POLICY,
  paths: { ...resolvePaths(process.env, process.platform), stateDir: state },
})

/** Pairs are of the whole log and of its digest. */
interface Row {
  readonly right: readonly [boolean, boolean]
  readonly chars: readonly [number, number]
  readonly same: boolean
  readonly ms: number
}
const rows: Row[] = []
let isOver = false
// Whoever has waited long enough gets the figures of the logs that were read.
process.once('SIGINT', () => {
  isOver = true
})
for (const { text, label } of logs) {
  if (isOver) break
  const startedMs = performance.now()
  const digest = shortened(text)
  const ms = performance.now() - startedMs
  const raw = await labelOf(router, text)
  const short = digest === text ? raw : await labelOf(router, digest)
  const words = (source: string): string =>
    hitsIn(source)
      .map(({ kind, term }) => `${kind} ${term}`)
      .sort()
      .join()
  rows.push({
    right: [raw === label, short === label],
    chars: [text.length, digest.length],
    same: words(text) === words(digest),
    ms,
  })
}
await router.close()
rmSync(state, { recursive: true, force: true })

const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0)
const rounded = (value: number): number => Number(value.toFixed(4))
const times = rows.map(({ ms }) => ms).sort((a, b) => a - b)
const raw = sum(({ chars }) => chars[0])
const short = sum(({ chars }) => chars[1])
const onlyRaw = rows.filter(({ right }) => right[0] && !right[1]).length
const onlyDigest = rows.filter(({ right }) => !right[0] && right[1]).length
// McNemar: the difference of two paired shares has this standard error.
const error = Math.sqrt(onlyRaw + onlyDigest - (onlyRaw - onlyDigest) ** 2 / rows.length) / rows.length
const result = {
  logs: rows.length,
  shortened: rows.filter(({ chars }) => chars[1] < chars[0]).length,
  tokensRaw: Math.ceil(raw / 4),
  tokensDigest: Math.ceil(short / 4),
  tokensSaved: rounded(1 - short / raw),
  hardStopsChanged: rows.filter(({ same }) => !same).length,
  accuracyRaw: rounded(sum(({ right }) => Number(right[0])) / rows.length),
  accuracyDigest: rounded(sum(({ right }) => Number(right[1])) / rows.length),
  onlyRawRight: onlyRaw,
  onlyDigestRight: onlyDigest,
  difference95: [-1, 1].map((side) => rounded((onlyDigest - onlyRaw) / rows.length + side * 1.96 * error)),
  digestMsP50: rounded(times[Math.floor(times.length / 2)] ?? 0),
  digestMsP95: rounded(times[Math.floor(times.length * 0.95)] ?? 0),
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
