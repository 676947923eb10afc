/** What the engine's measurements share: the real model, on one thread, in this process or behind its host. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { engineDirectory, engineModuleUrl } from '../../src/models/embedded/install.ts'
import type { LlamaLibrary } from '../../src/models/embedded/llama-types.ts'
import type { GenerateParams, ModelSpec } from '../../src/models/embedded/protocol.ts'
import { loadModel, type RunningModel } from '../../src/models/embedded/running-model.ts'
import { cachedSha256 } from '../../src/models/fetch/digest.ts'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'

const MODEL = 'smollm2-135m-instruct'

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
  readonly n: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => Number((sorted[index] ?? Number.NaN).toFixed(3))
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1), n: sorted.length }
}

/** A state directory of its own, so that no other host answers. */
export function temporaryPaths() {
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const paths = { ...resolvePaths(process.env, process.platform), stateDir }
  return { paths, remove: () => rmSync(stateDir, { recursive: true, force: true }) }
}

type Temporary = ReturnType<typeof temporaryPaths>

export async function benchSpec({ paths }: Temporary, changes: Partial<ModelSpec> = {}): Promise<ModelSpec> {
  const { path } = locateModel({ name: MODEL, path: null, env: process.env, paths })
  return {
    name: 'small',
    path,
    digest: `sha256:${await cachedSha256(path, paths.cacheDir, AbortSignal.timeout(60_000))}`,
    contextTokens: 1024,
    sequences: 1,
    threads: 1,
    adapter: null,
    idleUnloadMs: 600_000,
    ...changes,
  }
}

/** The host's own code with the model loaded in this process. */
export async function runInProcess(
  changes: Partial<ModelSpec>,
  measure: (running: RunningModel) => Promise<void>,
): Promise<void> {
  const temporary = temporaryPaths()
  const library = (await import(engineModuleUrl(engineDirectory(temporary.paths)))) as LlamaLibrary
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    maxThreads: 0,
  })
  const running = await loadModel(await benchSpec(temporary, changes), {
    library,
    llama,
    monotonicMs: () => performance.now(),
    random: Math.random,
    availableMemory: () => process.availableMemory(),
    prefixFolder: () => join(temporary.paths.stateDir, 'prefixes'),
  })
  try {
    await measure(running)
  } finally {
    await running.dispose()
    await llama.dispose()
    temporary.remove()
  }
}

/** A host of its own. */
export async function runWithHost(
  measure: (client: EngineClient, temporary: Temporary) => Promise<void>,
): Promise<void> {
  const temporary = temporaryPaths()
  const client = new EngineClient({ paths: temporary.paths, env: process.env, idleExitMs: 60_000 })
  try {
    await measure(client, temporary)
  } finally {
    await client.call('shutdown', null).catch(() => undefined)
    await client.close()
    temporary.remove()
  }
}

/** The same copy without any reuse: every request finds an empty sequence and no kept prefix. */
export function withoutReuse(running: RunningModel): RunningModel {
  return {
    ...running,
    prefixes: { prepare: async () => undefined, dispose: async () => undefined } as unknown as RunningModel['prefixes'],
    pool: {
      use: (prompt, signal, work) =>
        running.pool.use(prompt, signal, async (sequence) => {
          await sequence.clearHistory()
          return await work(sequence)
        }),
    },
  }
}

export function textRequest(model: ModelSpec, text: string, maxOutputTokens: number): GenerateParams {
  return {
    model,
    turns: [{ role: 'user', text }],
    maxOutputTokens,
    temperature: 0,
    topP: 1,
    stop: [],
    seed: null,
    signals: 'bracket',
  }
}

/** Sentences of everyday English, different for every index, for inputs that share no beginning. */
export function sentences(index: number, count: number): string {
  const at = (list: readonly string[], step: number): string => list[(index * 7 + step * 5 + step) % list.length] ?? ''
  return Array.from({ length: count }, (_, step) => {
    const place = index + step
    return `${at(PEOPLE, place)} ${at(DEEDS, place + 3)} the ${at(THINGS, place + 1)} ${at(TIMES, place + 2)}.`
  }).join(' ')
}

const PEOPLE = [
  'The engineer',
  'A teacher',
  'My neighbour',
  'The old captain',
  'Two farmers',
  'The mayor',
  'Her sister',
]
const DEEDS = ['measured', 'painted', 'sold', 'forgot', 'carried', 'found', 'described', 'repaired', 'admired']
const THINGS = ['bridge', 'letter', 'harbour wall', 'winter coat', 'small boat', 'garden gate', 'clock', 'map', 'river']
const TIMES = [
  'before the rain',
  'on Monday',
  'in the spring',
  'at noon',
  'after the meeting',
  'last year',
  'by mistake',
]
