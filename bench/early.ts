/**
 * `npm run bench:early -- [--json] [--limit N] [--data DIR]`: how often a draft is stopped early that its gates would
 * have accepted at its end, as JSON. Questions of three public sets are answered in free text, each to its end; what
 * the early stop would have done on the way is compared with the entropy gate's verdict on the whole answer.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { rejectsEntropy } from '../src/gates/early.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { DEFAULT_TASK, policySchema } from '../src/spec/policy.ts'
import type { CallLimits, Progress } from '../src/spec/ports.ts'
import { percent, percents, wilson } from './tasks/metrics.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/tasks') },
    limit: { type: 'string', default: '40' },
    json: { type: 'boolean' },
  },
})
const SETS = ['squad', 'gsm8k', 'mmlu']
const MAX_TOKENS = 160
const PATIENT = 600_000
const limits: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: PATIENT, firstByteMs: PATIENT, idleMs: PATIENT, totalMs: PATIENT },
}

interface Draft {
  /** What the host told on the way. */
  readonly progress: readonly Progress[]
  readonly tokens: number
  /** The figure that the entropy gate holds against its limit at the end (nats). */
  readonly entropyHighNats: number
}

/** The default limit first; a small model passes none of its drafts under it, so higher ones are shown beside. */
const LIMITS_NATS = [DEFAULT_TASK.gates.entropyNats ?? 0.8, 1.6, 2.4, 3.2, 4]

const folder = mkdtempSync(join(tmpdir(), 'spillway-early-'))
const paths = { ...resolvePaths(process.env, process.platform), stateDir: join(folder, 'state') }
const { small } = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } },
}).models
if (!small) throw new Error('the model is not in its own policy')
const port = openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
const drafts: Draft[] = []
try {
  for (const set of SETS) for (const question of questionsOf(set)) drafts.push(await draftOf(question))
} finally {
  await port.close()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${JSON.stringify({ drafts: drafts.length, limits: LIMITS_NATS.map(summary) }, null, 2)}\n`)

async function draftOf(question: string): Promise<Draft> {
  const progress: Progress[] = []
  const messages = [{ role: 'user' as const, content: question }]
  const call = { messages, stream: true, maxOutputTokens: MAX_TOKENS, temperature: 0 }
  for await (const event of port.generate(call, limits)) {
    if (event.type === 'progress') progress.push(event)
    if (event.type !== 'finish') continue
    const entropyHighNats = event.signals?.entropyHighNats ?? Number.POSITIVE_INFINITY
    return { progress, tokens: event.usage.outputTokens, entropyHighNats }
  }
  throw new Error('an answer did not end')
}

/** The token at which the early stop would have ended the draft; null when it would have let it end. */
function stopOf({ progress }: Draft, limitNats: number): number | null {
  return progress.find((at) => rejectsEntropy({ ...at, maxTokens: MAX_TOKENS }, limitNats))?.tokens ?? null
}

function summary(limitNats: number) {
  const ends = drafts.map((draft) => ({ ...draft, stop: stopOf(draft, limitNats) }))
  const stopped = ends.filter(({ stop }) => stop !== null)
  const accepted = ends.filter(({ entropyHighNats }) => entropyHighNats <= limitNats).length
  const falseRejects = stopped.filter(({ entropyHighNats }) => entropyHighNats <= limitNats).length
  const saved = stopped.reduce((sum, { stop, tokens }) => sum + tokens - (stop ?? 0), 0)
  const total = ends.reduce((sum, { tokens }) => sum + tokens, 0)
  return {
    limitNats,
    acceptedAtEnd: accepted,
    stopped: stopped.length,
    /** Of the drafts that the gate would have accepted at their end. */
    falseRejectPercent: accepted === 0 ? null : percent(falseRejects / accepted),
    falseRejectInterval: accepted === 0 ? null : percents(wilson(falseRejects, accepted)),
    /** Of the drafts that the gate rejects at their end. */
    caughtPercent: percent((stopped.length - falseRejects) / Math.max(1, drafts.length - accepted)),
    tokensSavedPercent: percent(saved / total),
  }
}

function questionsOf(set: string): readonly string[] {
  const file = join(values.data, `${set}.jsonl`)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, Number(values.limit))
  return lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as { readonly input: string }).input)
}
