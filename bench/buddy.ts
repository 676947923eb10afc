/**
 * `npm run eval:buddy -- [--json] [--limit N] [--from N] [--written N] [--windows N] [--rounds N] [--confidence P] [--accuracy P] [--unresolved keep] [--only squad] [--follow] [--data DIR]`:
 * the pattern `buddy` on document questions against plain escalation, with the real 135M model and a simulated frontier that knows the right
 * answers, as JSON. N questions each of squad and hotpotqa (30), from row `--from` (200). `--accuracy` is the share of rows on which the frontier is right
 * (1); asked about a span it answers only what stands in the passages it was sent, and with `--follow` only where both paragraphs that a hotpotqa answer
 * follows from are among them. Input tokens are characters of the messages divided by four, the same for all conditions. `--written` asks the
 * model for a sentence on so many squad rows (0), for span recall in prose.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createRouter } from '../src/compose.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { type Paths, resolvePaths } from '../src/models/paths.ts'
import { policySchema } from '../src/spec/policy.ts'
import type { ModelPort } from '../src/spec/ports.ts'
import { oracle, type Question } from './buddy/oracle.ts'
import { type Answered, type RunRow, report } from './buddy/report.ts'
import { writtenReport } from './buddy/written.ts'

const SETS = ['squad', 'hotpotqa'] as const

const SMALL = {
  provider: 'embedded',
  model: 'smollm2-135m-instruct',
  tier: 'local_fast',
  contextTokens: 2048,
  threads: 1,
  maxOutputTokens: 48,
} as const

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/tasks') },
    limit: { type: 'string', default: '30' },
    from: { type: 'string', default: '200' },
    written: { type: 'string', default: '0' },
    windows: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    confidence: { type: 'string', default: '0.7' },
    accuracy: { type: 'string', default: '1' },
    unresolved: { type: 'string', default: 'escalate' },
    only: { type: 'string', default: 'squad,hotpotqa' },
    follow: { type: 'boolean' },
    json: { type: 'boolean' },
  },
})
const chosen = values.only
  .split(',')
  .map((name) => SETS.find((set) => set === name) ?? usage(`--only ${name} is not known. Known: ${SETS.join(', ')}.`))
const limit = number('--limit', values.limit)
const from = number('--from', values.from)

const folder = mkdtempSync(join(tmpdir(), 'spillway-buddy-'))
const missing = SETS.filter((set) => !existsSync(join(values.data, `${set}.jsonl`)))
if (missing.length > 0) usage(`${missing.join(', ')}.jsonl is not in ${values.data}. Give --data DIR.`)
try {
  process.stdout.write(`${JSON.stringify(await measured(), null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measured(): Promise<unknown> {
  const rows = chosen.flatMap((set) =>
    rowsOf(set)
      .slice(from, from + limit)
      .map((row): Question => ({ ...row, set })),
  )
  const accuracy = number('--accuracy', values.accuracy)
  const frontier = oracle({ known: rows, isRight: (id) => draw(id) < accuracy, mustFollow: values.follow ?? false })
  const drafts = new Map<string, string>()
  const paths = ownPaths()
  const router = createRouter({
    policy: policy(),
    paths,
    env: { KEY: 'none' },
    models: { oracle: frontier },
    onDraft: (requestId, { text }) => void drafts.set(requestId, text),
  })
  const results: RunRow[] = []
  try {
    for (const row of rows) {
      const [buddy, plain, full] = [await run(row, 'buddy'), await run(row, 'plain'), await run(row, 'full')]
      results.push({ row, buddy, plain, full })
      process.stderr.write(`${results.length}/${rows.length}\r`)
    }
    const prose = number('--written', values.written)
    const some = rowsOf('squad')
      .slice(from, from + prose)
      .map((row): Question => ({ ...row, set: 'squad' }))
    const sentences = prose === 0 ? null : await writtenReport(some, smallModel(paths))
    return {
      frontier: 'oracle (simulated)',
      accuracy,
      follow: values.follow ?? false,
      model: 'smollm2-135m-instruct',
      options: options(),
      minConfidence: Number(values.confidence),
      all: report(results),
      ...Object.fromEntries(chosen.map((set) => [set, report(results.filter(({ row }) => row.set === set))])),
      ...(sentences !== null && { written: sentences }),
    }
  } finally {
    await router.close()
  }

  async function run(row: Question, task: 'buddy' | 'plain' | 'full'): Promise<Answered> {
    frontier.reset()
    const content = [row.context, row.input].map((text) => ({ type: 'text' as const, text }))
    const outcome = await router.complete({ messages: [{ role: 'user', content }], metadata: { task } })
    const [record] = router.audit({ requestId: outcome.requestId })
    return {
      answer: outcome.answer ?? '',
      route: outcome.decision.route,
      did: record?.pattern?.did ?? {},
      draft: drafts.get(outcome.requestId) ?? null,
      score: outcome.verdicts.find(({ gate }) => gate === 'confidence')?.score ?? null,
      calls: [...frontier.calls()],
    }
  }
}

function smallModel(paths: Paths): ModelPort {
  const { small } = policySchema.parse({ models: { small: SMALL } }).models
  if (!small) throw new Error('the model is not in its own policy')
  return openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
}

function policy() {
  const task = {
    kind: 'answer' as const,
    local: 'small',
    frontier: 'oracle',
    stage: 'accept' as const,
    partition: 'public' as const,
    minConfidence: Number(values.confidence),
    maxInputChars: 100_000,
    accept: { uncalibrated: true, auditRate: 0 },
  }
  return {
    models: {
      small: SMALL,
      oracle: { provider: 'openai', model: 'gpt-4.1-mini', tier: 'frontier', apiKey: '${env:KEY}' } as const,
    },
    privacy: { default: 'public' as const },
    deadlines: { local_fast: { total: '5m', firstByte: '5m', load: '5m' } },
    tasks: {
      buddy: { ...task, pattern: { buddy: options() } },
      plain: { ...task, pattern: 'cascade' as const },
      full: { ...task, local: false as const },
    },
  }
}

function options() {
  const unresolved = values.unresolved === 'keep' ? ('keep' as const) : ('escalate' as const)
  return { windows: number('--windows', values.windows), rounds: number('--rounds', values.rounds), unresolved }
}

/** Engine and models of this machine, everything else for this run alone. */
function ownPaths(): Paths {
  const real = resolvePaths(process.env, process.platform)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  for (const part of ['engine', 'models']) symlinkSync(join(real.dataDir, part), join(dataDir, part))
  return { ...real, dataDir, stateDir: join(folder, 'state'), cacheDir: join(folder, 'cache') }
}

function rowsOf(set: string): readonly Omit<Question, 'set'>[] {
  const lines = readFileSync(join(values.data, `${set}.jsonl`), 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Omit<Question, 'set'>)
}

/** From 0 to 1, always the same for a row: both conditions meet the same frontier. */
function draw(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32
}

function number(flag: string, text: string): number {
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : usage(`${flag} ${text} is not a number of at least 0.`)
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}
