/**
 * The engine host's program: `node host-main <settings as JSON>`. One a machine and engine version; it loads the
 * native engine, so that a crash there ends this process and no other.
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { hostEndpoint, readKey } from './endpoint.ts'
import { startHost } from './host.ts'
import type { HostArguments } from './host-process.ts'
import { engineModuleUrl } from './install.ts'
import type { Llama, LlamaLibrary } from './llama-types.ts'
import { copyKey, writeLoaded } from './loaded-file.ts'
import { ModelShelf } from './model-shelf.ts'
import { needBytesOf } from './need.ts'
import { loadModel } from './running-model.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as HostArguments
const endpoint = hostEndpoint(settings.stateDir)
const key = await readKey(endpoint)
if (key === null) throw new Error(`no key in ${endpoint.keyFile}`)

// What a model has read may be private: nothing this process writes is for other users.
process.umask(0o077)
const prefixFolders = join(settings.stateDir, 'prefixes')
// Left behind by a host that was killed; this process holds the only lock on the folder.
await rm(prefixFolders, { recursive: true, force: true })

/** Set before the first client can connect: it may ask for a model while `startHost` is still being awaited. */
let loaded: Promise<{ readonly library: LlamaLibrary; readonly llama: Llama }> | null = null

const monotonicMs = (): number => performance.now()
const availableMemory = (): number => process.availableMemory()
const shelf = new ModelShelf({
  load: async (spec) => {
    const { library, llama } = await engine()
    return await loadModel(spec, {
      library,
      llama,
      monotonicMs,
      random: Math.random,
      availableMemory,
      prefixFolder: () => join(prefixFolders, randomUUID()),
    })
  },
  needBytes: needBytesOf,
  availableMemory,
  monotonicMs,
  changed: (loaded) =>
    writeLoaded(
      settings.stateDir,
      loaded.map(({ spec, needBytes }) => ({ key: copyKey(spec), needBytes })),
    ),
})

await startHost({ endpoint, key, shelf, idleExitMs: settings.idleExitMs, monotonicMs, exit: () => process.exit(0) })

/** Loaded with the first model: a host that only answers `ps` stays small. */
function engine(): Promise<{ readonly library: LlamaLibrary; readonly llama: Llama }> {
  loaded ??= import(engineModuleUrl(settings.enginePath)).then(async (library: LlamaLibrary) => {
    // 0: every context keeps the thread number it was made with.
    const settings = {
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: 'error',
      maxThreads: 0,
    } as const
    return { library, llama: await library.getLlama(settings) }
  })
  return loaded
}
