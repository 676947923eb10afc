/**
 * `npm run bench:memory -- [--json]`: what a load is predicted to take beside what the process grew by, as JSON. Every row
 * is a process of its own, from before the load to after it and one full batch; SmolLM2-135M Q4_1 on one thread.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { engineDirectory, engineModuleUrl } from '../src/models/embedded/install.ts'
import type { LlamaLibrary } from '../src/models/embedded/llama-types.ts'
import { loadModel } from '../src/models/embedded/running-model.ts'
import { locateModel } from '../src/models/fetch/locate.ts'
import { resolvePaths } from '../src/models/paths.ts'

interface Row {
  readonly contextTokens: number
  readonly sequences: number
  readonly predictedBytes: number
  readonly measuredBytes: number
  /** Predicted over measured. */
  readonly ratio: number
}

const MODEL = 'smollm2-135m-instruct'
const CONTEXTS = [512, 2048, 8192]
const SEQUENCES = [1, 8]
const BATCH_TOKENS = 512

const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' } } })
if (values.only === undefined) printAll()
else await printOne(values.only)

function printAll(): void {
  const plans = CONTEXTS.flatMap((context) => SEQUENCES.map((sequences) => `${context},${sequences}`))
  const rows = plans.map((plan) => {
    const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--only', plan], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return JSON.parse(output) as Row
  })
  const ratios = rows.map((row) => row.ratio)
  const report = { rows, smallestRatio: Math.min(...ratios), largestRatio: Math.max(...ratios) }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

/** @param plan tokens of context and sequences, with a comma in between */
async function printOne(plan: string): Promise<void> {
  const [contextTokens = 0, sequences = 0] = plan.split(',').map(Number)
  const row = await measure({ contextTokens, sequences })
  process.stdout.write(JSON.stringify(row))
}

async function measure(plan: { readonly contextTokens: number; readonly sequences: number }): Promise<Row> {
  const paths = resolvePaths(process.env, process.platform)
  const library = (await import(engineModuleUrl(engineDirectory(paths)))) as LlamaLibrary
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    maxThreads: 0,
  })
  const { path } = locateModel({ name: MODEL, path: null, env: process.env, paths })
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const spec = { name: MODEL, path, digest: 'measured', ...plan, threads: 1, adapter: null, idleUnloadMs: 600_000 }
  const before = process.memoryUsage.rss()
  const running = await loadModel(spec, {
    library,
    llama,
    monotonicMs: () => performance.now(),
    random: Math.random,
    availableMemory: () => process.availableMemory(),
    prefixFolder: () => join(folder, 'prefixes'),
  })
  const text = 'The old captain measured the harbour wall before the rain. '.repeat(BATCH_TOKENS)
  const batch = running.model.tokenize(text).slice(0, Math.min(BATCH_TOKENS, plan.contextTokens) - 1)
  await running.pool.use(batch, AbortSignal.timeout(120_000), (sequence) =>
    sequence.evaluateWithoutGeneratingNewTokens(batch),
  )
  const measuredBytes = process.memoryUsage.rss() - before
  await running.dispose()
  await llama.dispose()
  rmSync(folder, { recursive: true, force: true })
  const ratio = Number((running.needBytes / measuredBytes).toFixed(3))
  return { ...plan, predictedBytes: running.needBytes, measuredBytes, ratio }
}
