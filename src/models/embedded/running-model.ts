import { RouterError } from '../../spec/errors.ts'
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
import { loadBytes, requireMemory } from './memory.ts'
import type { ModelSpec } from './protocol.ts'
import { SequencePool } from './sequence-pool.ts'
import { defaultThreads } from './threads.ts'

/** Two requests of one model run side by side: 1.4 to 1.7 times the throughput of one after the other on one thread. */
export const SEQUENCES = 2

/** One loaded copy of a model with its context. */
export interface RunningModel {
  readonly spec: ModelSpec
  readonly header: GgufHeader
  readonly model: LlamaModel
  readonly wrapper: ChatWrapper
  readonly pool: SequencePool
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
  if (spec.contextTokens > header.contextTokens) throw contextTooLarge(spec, header)
  const needBytes = loadBytes(header, { contextTokens: spec.contextTokens, sequences: SEQUENCES })
  requireMemory(spec.name, needBytes, environment.availableMemory())
  const threads = spec.threads ?? defaultThreads()
  const { model, context } = await openModel(spec, threads, environment)
  const sequences = Array.from({ length: SEQUENCES }, () => context.getSequence())
  return {
    spec,
    header,
    model,
    wrapper: environment.library.resolveChatWrapper(model),
    pool: new SequencePool(spec.name, sequences),
    vocabulary: header.vocabularySize ?? model.fileInfo.metadata.tokenizer.ggml.tokens.length,
    threads,
    needBytes,
    loadMs: Math.round(environment.monotonicMs() - started),
    embedder: openEmbedder({ name: spec.name, model, header, threads, availableMemory: environment.availableMemory }),
    priors: new Map(),
    random: environment.random,
    dispose: async () => {
      await context.dispose()
      await model.dispose()
    },
  }
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
      sequences: SEQUENCES,
      threads,
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

function contextTooLarge(spec: ModelSpec, header: GgufHeader): RouterError {
  return new RouterError('request_invalid', {
    path: `models.${spec.name}.contextTokens`,
    problem: `${spec.contextTokens} tokens, and the model was made for ${header.contextTokens}`,
    fix: `Set models.${spec.name}.contextTokens to at most ${header.contextTokens}.`,
  })
}
