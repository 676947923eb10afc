/** `npm run bench:replay -- --json`: 100,000 recorded decisions under another policy, from a real store; three runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { replayAudit } from '../src/cli/replay-run.ts'
import { resolvePaths } from '../src/models/paths.ts'
import type { AuditRecord } from '../src/spec/audit.ts'
import type { Signals } from '../src/spec/decision.ts'
import type { PolicyInput } from '../src/spec/policy.ts'
import { openAuditLog } from '../src/stores/audit-log.ts'
import { mergeEntry } from '../src/stores/merge-entry.ts'
import { keepPolicy } from '../src/stores/policy-archive.ts'
import { validatePolicy } from '../src/stores/policy-file.ts'
import { sampleRouter } from '../test/support/sample-router.ts'

const { values } = parseArgs({
  options: { decisions: { type: 'string', default: '100000' }, json: { type: 'boolean', default: false } },
})
const DECISIONS = Number(values.decisions)
const RUNS = 3
const ENV = { KEY: 'k' }
/** As many different requests go through the real router; the others are copies with an id and a time of their own. */
const DIFFERENT = 500
const STEP_MS = 1000

const policy = (change: { readonly minConfidence: number; readonly stage: 'shadow' | 'accept' }): PolicyInput => ({
  models: {
    small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
    big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
  },
  tasks: {
    triage: {
      ...{
        kind: 'choice',
        labels: ['build', 'test', 'access'],
        escalateLabels: ['access'],
        local: 'small',
        frontier: 'big',
      },
      ...{ minConfidence: change.minConfidence, stage: 'accept', accept: { uncalibrated: true } },
    },
    sort: {
      ...{ kind: 'choice', labels: ['build', 'test'], local: 'small', frontier: 'big', minConfidence: 0.6 },
      ...{ stage: change.stage, accept: { uncalibrated: true } },
    },
    chat: { kind: 'text', local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } },
  },
})

async function recorded(at: number): Promise<AuditRecord> {
  const build = ((at * 7919) % DIFFERENT) / DIFFERENT
  const low = ((at * 104_729) % DIFFERENT) / DIFFERENT
  const signals: Signals = {
    ...{ pass: 'decode', level: 1, fullDistribution: true, tokens: 20, meanLogprob: -0.2, minLogprob: -2 },
    ...{ entropyLowNats: low, entropyHighNats: low + 0.2, maxTokenEntropyNats: 1, options: null, margin: null },
  }
  const sample = sampleRouter({
    policy: policy({ minConfidence: 0.7, stage: 'shadow' }),
    env: ENV,
    models: {
      small: {
        decisions: [{ probabilities: { build, test: 1 - build, access: at % 50 === 0 ? 2 : 0.01 } }],
        answers: [{ text: 'The linker fails because a symbol is missing.', signals }],
      },
      big: { answers: [at % 97 === 0 ? { fail: 'model_unreachable' } : 'build', 'build', 'build'] },
    },
  })
  const task = ['triage', 'sort', 'chat'][at % 3] ?? 'triage'
  const text = at % 11 === 0 ? `login fails with 401, ${at}` : `the build broke, ${at}`
  await sample.router.complete({ messages: [{ role: 'user', content: text }], metadata: { task } }).catch(() => null)
  await sample.router.close()
  const found = sample.journal.reduce<AuditRecord | undefined>((one, entry) => mergeEntry(one, entry) ?? one, undefined)
  if (!found) throw new Error('nothing was recorded')
  return found
}

async function fill(stateDir: string, startMs: number): Promise<void> {
  const different = await Promise.all(Array.from({ length: DIFFERENT }, (_, at) => recorded(at)))
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  for (let at = 0; at < DECISIONS; at++) {
    const record = different[at % DIFFERENT]
    if (!record) continue
    const requestId = `request-${at}`
    const receivedAt = new Date(startMs + at * STEP_MS).toISOString()
    const label = at % 10 === 0 ? [{ source: 'human', isCorrect: at % 40 !== 0, at: receivedAt } as const] : []
    const one = { ...record, requestId, receivedAt, settledAt: receivedAt, latencyMs: 5 + (at % 400), labels: label }
    log.journal.append({ type: 'settle', requestId, record: one })
    if (at % 2000 === 0) await log.journal.flushed()
  }
  await log.close()
}

const root = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const env = {
  ...process.env,
  ...ENV,
  XDG_STATE_HOME: root,
  XDG_DATA_HOME: root,
  XDG_CONFIG_HOME: root,
  XDG_CACHE_HOME: root,
}
const { stateDir } = resolvePaths(env, process.platform)
try {
  const old = validatePolicy(policy({ minConfidence: 0.7, stage: 'shadow' }), { file: 'sample.yaml', env: ENV })
  const next = validatePolicy(policy({ minConfidence: 0.9, stage: 'accept' }), { file: 'sample.yaml', env: ENV })
  keepPolicy(stateDir, old)
  await fill(stateDir, Date.now() - DECISIONS * STEP_MS)
  const runs: number[] = []
  const cpuSeconds: number[] = []
  let report = null
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    const cpu = process.cpuUsage()
    report = await replayAudit({ sinceMs: 0, next, base: null, calibrator: 'recorded', examples: 3 }, { env })
    runs.push((performance.now() - started) / 1000)
    const { user, system } = process.cpuUsage(cpu)
    cpuSeconds.push((user + system) / 1e6)
  }
  const sorted = runs.toSorted((a, b) => a - b)
  const rounded = (seconds: number | undefined): number => Number((seconds ?? 0).toFixed(2))
  const { decisions, replayed, decidedAnew, changed, notReplayable } = report ?? {}
  console.log(
    JSON.stringify({
      ...{ decisions, seconds: rounded(sorted[1]), spread: [rounded(sorted[0]), rounded(sorted[2])] },
      cpuSeconds: rounded(cpuSeconds.toSorted((a, b) => a - b)[1]),
      ...{ replayed, decidedAnew, changed, notReplayable: notReplayable?.total },
      reads: 'every record whole, from SQLite and the journal of a state directory, as `spillway replay` does',
      machine: { cpus: availableParallelism(), load: Number((loadavg()[0] ?? 0).toFixed(1)) },
    }),
  )
} finally {
  rmSync(root, { recursive: true })
}
