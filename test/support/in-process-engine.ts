/** The real engine and model in this process, for what no client of the host can see. */
import { engineDirectory, engineModuleUrl } from '../../src/models/embedded/install.ts'
import type { LlamaContext, LlamaLibrary, LlamaModel } from '../../src/models/embedded/llama-types.ts'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'

export interface InProcessEngine {
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly end: () => Promise<void>
}

/** @param contextTokens of one sequence, on one thread */
export async function inProcessEngine(contextTokens: number): Promise<InProcessEngine> {
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
  const { path } = locateModel({ name: 'smollm2-135m-instruct', path: null, env: process.env, paths })
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0, ignoreMemorySafetyChecks: true })
  const context = await model.createContext({
    contextSize: contextTokens,
    sequences: 1,
    threads: 1,
    ignoreMemorySafetyChecks: true,
    failedCreationRemedy: false,
  })
  const end = async (): Promise<void> => {
    await context.dispose()
    await model.dispose()
    await llama.dispose()
  }
  return { model, context, end }
}
