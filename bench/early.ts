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
import type { CallLimits } from '../src/spec/ports.ts'
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
  /** Tokens at which it would have been stopped; null when it would not. */
  readonly stoppedAt: number | null
  readonly tokens: number
  /** The entropy gate's opinion at the end. */
  readonly accepted: boolean
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-early-'))
const paths = { ...resolvePaths(process.env, process.platform), stateDir: join(folder, 'state') }
const { small } = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } },
}).models
if (!small) throw new Error('the model is not in its own policy')
const port = openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
const limitNats = DEFAULT_TASK.gates.entropyNats ?? 0.8
const drafts: Draft[] = []
try {
  for (const set of SETS) for (const question of questionsOf(set)) drafts.push(await draftOf(question))
} finally {
  await port.close()
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${JSON.stringify(summary(), null, 2)}\n`)

async function draftOf(question: string): Promise<Draft> {
  let stoppedAt: number | null = null
  const messages = [{ role: 'user' as const, content: question }]
  const call = { messages, stream: true, maxOutputTokens: MAX_TOKENS, temperature: 0 }
  for await (const event of port.generate(call, limits)) {
    if (event.type === 'progress' && rejectsEntropy({ ...event, maxTokens: MAX_TOKENS }, limitNats))
      stoppedAt ??= event.tokens
    if (event.type !== 'finish') continue
    const high = event.signals?.entropyHighNats ?? Number.POSITIVE_INFINITY
    return { stoppedAt, tokens: event.usage.outputTokens, accepted: high <= limitNats }
  }
  throw new Error('an answer did not end')
}

function summary() {
  const stopped = drafts.filter(({ stoppedAt }) => stoppedAt !== null)
  const rejected = drafts.filter(({ accepted }) => !accepted)
  const falseRejects = stopped.filter(({ accepted }) => accepted).length
  const saved = stopped.reduce((sum, { stoppedAt, tokens }) => sum + tokens - (stoppedAt ?? 0), 0)
  const total = drafts.reduce((sum, { tokens }) => sum + tokens, 0)
  const accepted = drafts.length - rejected.length
  return {
    drafts: drafts.length,
    acceptedAtEnd: accepted,
    stopped: stopped.length,
    /** Of the drafts that the gate would have accepted at their end. */
    falseRejectPercent: accepted === 0 ? null : percent(falseRejects / accepted),
    falseRejectInterval: percents(wilson(falseRejects, accepted)),
    /** Of the drafts that the gate rejects at their end. */
    caughtPercent: percent((stopped.length - falseRejects) / Math.max(1, rejected.length)),
    tokensSavedPercent: percent(saved / total),
  }
}

function questionsOf(set: string): readonly string[] {
  const file = join(values.data, `${set}.jsonl`)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, Number(values.limit))
  return lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as { readonly input: string }).input)
}
