import { RouterError } from '../../spec/errors.ts'
import type { Priority } from '../../spec/ports.ts'
import { openEmbedder } from './embedder.ts'
import { type GgufHeader, readGgufHeader } from './gguf.ts'
import type {
  ChatWrapper,
  Llama,
  LlamaContext,
  LlamaEmbeddingContext,
  LlamaLibrary,
  LlamaModel,
} from './llama-types.ts'
import { requireMemory, UNKNOWN_CACHE_BYTES } from './memory.ts'
import { needBytesOf } from './need.ts'
import { PrefixStore } from './prefix-store.ts'
import type { ModelSpec } from './protocol.ts'
import { SequencePool, type SequenceSource } from './sequence-pool.ts'
import { defaultThreads } from './threads.ts'

/** One loaded copy of a model with its context. */
export interface RunningModel {
  readonly spec: ModelSpec
  readonly header: GgufHeader
  readonly model: LlamaModel
  readonly wrapper: ChatWrapper
  readonly pool: SequenceSource
  /** Requests that hold a sequence, and that wait for one. */
  readonly load: () => { readonly active: number; readonly waiting: number }
  /** The same copy for requests of another priority. */
  readonly at: (priority: Priority) => RunningModel
  readonly prefixes: PrefixStore
  readonly vocabulary: number
  readonly threads: number
  readonly needBytes: number
  readonly loadMs: number
  /** Made with the first embedding: most processes never ask for one, and it holds a cache of its own. */
  readonly embedder: () => Promise<SequencePool<LlamaEmbeddingContext>>
  /** Content-free option probabilities, by prompt and options; see `decisions.ts`. */
  readonly priors: Map<string, readonly number[]>
  /** A number from 0 to 1, for seeds. */
  readonly random: () => number
  dispose(): Promise<void>
}

/** What loading needs from the process. */
export interface LoadEnvironment {
  readonly library: LlamaLibrary
  readonly llama: Llama
  readonly monotonicMs: () => number
  readonly random: () => number
  /** Bytes that can be taken without swapping. */
  readonly availableMemory: () => number
  /** Private folder for states of prompts; emptied when the model is unloaded. */
  readonly prefixFolder: () => string
}

/**
 * Checks header and memory, then loads. The checks come first because native code crashes on hostile files and the
 * system kills processes that outgrow memory.
 *
 * @throws RouterError model_file_missing, model_file_invalid, request_invalid (context), memory_no_fit, model_failed
 */
export async function loadModel(spec: ModelSpec, environment: LoadEnvironment): Promise<RunningModel> {
  const started = environment.monotonicMs()
  const header = readGgufHeader(spec.path)
  const needBytes = needBytesOf(spec)
  requireMemory(spec.name, needBytes, environment.availableMemory())
  const threads = spec.threads ?? defaultThreads()
  const { model, context } = await openModel(spec, threads, environment)
  const pool = new SequencePool(
    spec.name,
    Array.from({ length: spec.sequences }, () => context.getSequence()),
  )
  const prefixes = new PrefixStore({
    folder: environment.prefixFolder(),
    bytesPerToken: header.cacheBytesPerToken ?? UNKNOWN_CACHE_BYTES,
  })
  const running: RunningModel = {
    spec,
    header,
    model,
    wrapper: environment.library.resolveChatWrapper(model),
    pool,
    load: () => ({ active: pool.active, waiting: pool.waiting }),
    at: (priority) => ({ ...running, pool: pool.at(priority) }),
    prefixes,
    vocabulary: header.vocabularySize ?? model.fileInfo.metadata.tokenizer.ggml.tokens.length,
    threads,
    needBytes,
    loadMs: Math.round(environment.monotonicMs() - started),
    embedder: openEmbedder({ name: spec.name, model, header, threads, availableMemory: environment.availableMemory }),
    priors: new Map(),
    random: environment.random,
    dispose: async () => {
      await prefixes.dispose()
      await context.dispose()
      await model.dispose()
    },
  }
  return running
}

interface Opened {
  readonly model: LlamaModel
  readonly context: LlamaContext
}

async function openModel(spec: ModelSpec, threads: number, environment: LoadEnvironment): Promise<Opened> {
  let model: LlamaModel | null = null
  try {
    model = await environment.llama.loadModel({ modelPath: spec.path, gpuLayers: 0, ignoreMemorySafetyChecks: true })
    const context = await model.createContext({
      contextSize: spec.contextTokens,
      sequences: spec.sequences,
      threads,
      ...(spec.adapter && { lora: { adapters: [{ filePath: spec.adapter.path, scale: spec.adapter.scale }] } }),
      ignoreMemorySafetyChecks: true,
      failedCreationRemedy: false,
    })
    return { model, context }
  } catch (error) {
    await model?.dispose()
    const problem = `it could not be loaded (${error instanceof Error ? error.message.slice(0, 200) : 'no message'})`
    throw new RouterError(
      'model_failed',
      { model: spec.name, problem, fix: 'See engine.log in the state directory.' },
      error,
    )
  }
}
