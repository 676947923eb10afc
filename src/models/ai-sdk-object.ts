/**
 * A model of the AI SDK that the program made itself and gives to the router. Its own package sends the requests, through no door of ours: what
 * leaves is masked and in the ledger as ever, and where it goes is the program's word, `baseUrl` of the policy.
 */
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import { SDK_OPTIONS_FIELD } from '../spec/wire.ts'
import { readSdkStream, sdkFailure } from './ai-sdk-answer.ts'
import { sdkCallOptions } from './ai-sdk-prompt.ts'
import { PROCESS_TIMERS, startDeadlines, type Timers } from './deadlines.ts'
import { asObject, type JsonObject } from './http-model.ts'
import { watchedPieces } from './watched-pieces.ts'

/** What is used of a language model; versions 2 to 4 of the specification are alike here. */
export interface SdkModelObject {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  doStream(options: JsonObject): PromiseLike<{ readonly stream: ReadableStream<unknown> }>
}

export interface SdkObjectSettings {
  /** Name of the model in the policy. */
  readonly name: string
  readonly tier: string
  readonly maxOutputTokens: number
  readonly model: SdkModelObject
  readonly timers?: Timers
}

export function isSdkModelObject(value: object): value is SdkModelObject {
  return 'specificationVersion' in value && 'doStream' in value
}

/**
 * Every call is streamed. `generate` throws what `createAiSdkModel` lists but for `destination_refused`.
 */
export function createSdkObjectModel(settings: SdkObjectSettings): ModelPort {
  return {
    name: settings.name,
    streams: () => true,
    generate: (call, limits) => generate(settings, call, limits),
    close: async () => {},
  }
}

async function* generate(
  { name, tier, maxOutputTokens, model, timers = PROCESS_TIMERS }: SdkObjectSettings,
  call: ModelCall,
  limits: CallLimits,
): AsyncGenerator<ModelEvent> {
  const guard = startDeadlines({ model: name, tier, limits, timers })
  const version = model.specificationVersion
  try {
    if (call.embed) throw noVectors(name)
    const options = { ...sdkCallOptions(call, { maxOutputTokens, version }), ...furtherOptions(call, version) }
    // When the connection stands is not to be seen from here.
    guard.connected()
    const { stream } = await model.doStream({ ...options, abortSignal: guard.signal })
    guard.answering()
    const pieces = watchedPieces(stream as ReadableStream<unknown> & AsyncIterable<unknown>, guard)
    yield* readSdkStream(pieces, { name, servedBy: model.modelId, apiKey: null, call })
  } catch (error) {
    throw guard.signal.aborted ? guard.signal.reason : sdkFailure(error, { name, apiKey: null })
  } finally {
    guard.end()
  }
}

/** What a caller of the OpenAI dialect says beside what all adapters carry, where the interface has a place for it. */
function furtherOptions({ wire }: ModelCall, version: string): JsonObject {
  if (wire?.dialect !== 'openai_chat') return {}
  const { presence_penalty: presence, frequency_penalty: frequency, reasoning_effort: effort } = wire.body
  const own = asObject(wire.body[SDK_OPTIONS_FIELD])
  return {
    ...(typeof presence === 'number' && { presencePenalty: presence }),
    ...(typeof frequency === 'number' && { frequencyPenalty: frequency }),
    ...(typeof effort === 'string' && version === 'v4' && { reasoning: effort }),
    ...(own && { providerOptions: own }),
  }
}

function noVectors(model: string): RouterError {
  return new RouterError('request_invalid', {
    path: 'model',
    problem: `${model} is a language model and gives no vectors`,
    fix: 'Name a model that does.',
  })
}
