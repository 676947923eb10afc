/**
 * Models behind packages of the AI SDK (Bedrock, Vertex and others). The package makes
 * the request; it is our transport that sends it, to the origin of the policy and nowhere else.
 */
import { RouterError } from '../spec/errors.ts'
import type { ModelPolicy } from '../spec/policy.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort, Unavailable } from '../spec/ports.ts'
import { readSdkStream, sdkFailure } from './ai-sdk-answer.ts'
import { SDK_PACKAGE_TABLE } from './ai-sdk-packages.ts'
import { sdkCallOptions } from './ai-sdk-prompt.ts'
import { type DeadlineGuard, PROCESS_TIMERS, startDeadlines, type Timers } from './deadlines.ts'
import { createTransport, type PostResponse, type Transport, type WayThere } from './transport.ts'
import { watchedPieces } from './watched-pieces.ts'

export interface AiSdkSettings extends WayThere {
  /** Name of the model in the policy. */
  readonly name: string
  /** The only origin that the package may send to; given to it as its `baseURL`. */
  readonly baseUrl: string
  /** Given to the package as its `apiKey`; null where it finds its credentials by itself. */
  readonly apiKey: string | null
  readonly model: string
  readonly maxOutputTokens: number
  readonly sdk: NonNullable<ModelPolicy['sdk']>
  readonly timers?: Timers
}

/** What is used of the interface; versions 2 to 4 of it are alike here. */
interface SdkModel {
  readonly specificationVersion: string
  doStream(options: Readonly<Record<string, unknown>>): PromiseLike<{ readonly stream: ReadableStream<unknown> }>
}

type SdkProvider = (modelId: string) => SdkModel
type SdkFactory = (settings: Readonly<Record<string, unknown>>) => SdkProvider

/** Why a model cannot be used: its package is an optional part, and a model without one is for the program to give. */
export function aiSdkObstacle({ provider, sdk }: ModelPolicy, name: string): Unavailable | null {
  if (provider !== 'ai-sdk') return null
  if (!sdk) {
    const why = `the program gave no model for it (createRouter({ models: { ${name}: … } })), and the policy names no package`
    return { reason: 'frontier_down', why }
  }
  try {
    import.meta.resolve(sdk.package)
    return null
  } catch {
    const { version } = SDK_PACKAGE_TABLE[sdk.package]
    const why = `the package is not installed beside this one (npm install ${sdk.package}@${version})`
    return { reason: 'frontier_down', why }
  }
}

/**
 * A model behind a package of the AI SDK. Every call is streamed.
 *
 * `generate` throws what `createOpenAiCompatibleModel` lists, `request_invalid` for content that the interface cannot carry,
 * and `destination_refused` for a request that the package wants to send elsewhere.
 */
export function createAiSdkModel(settings: AiSdkSettings): ModelPort {
  const transport = createTransport(settings)
  let factory: Promise<SdkFactory> | null = null
  return {
    name: settings.name,
    streams: () => true,
    generate: (call, limits) => {
      factory ??= loadFactory(settings)
      return generate({ settings, transport, factory }, call, limits)
    },
    close: () => transport.close(),
  }
}

interface Bound {
  readonly settings: AiSdkSettings
  readonly transport: Transport
  readonly factory: Promise<SdkFactory>
}

async function* generate(bound: Bound, call: ModelCall, limits: CallLimits): AsyncGenerator<ModelEvent> {
  const { settings, transport } = bound
  const { name: model, apiKey, timers = PROCESS_TIMERS } = settings
  const guard = startDeadlines({ model, tier: 'frontier', limits, timers })
  const responses: PostResponse[] = []
  try {
    const create = await bound.factory
    const provider = create({
      ...settings.sdk.options,
      baseURL: settings.baseUrl,
      ...(apiKey !== null && { apiKey }),
      fetch: fetchThrough(transport, { model, guard, responses, trace: limits.trace }),
    })
    const sdkModel = provider(settings.model)
    const options = sdkCallOptions(call, { ...settings, version: sdkModel.specificationVersion })
    const { stream } = await sdkModel.doStream({ ...options, abortSignal: guard.signal })
    yield* readSdkStream(stream, { name: model, servedBy: settings.model, apiKey, call })
  } catch (error) {
    throw guard.signal.aborted ? guard.signal.reason : sdkFailure(error, settings)
  } finally {
    guard.end()
    for (const response of responses) response.discard()
  }
}

/** @throws RouterError model_failed: this version of the package has another way to make a provider */
async function loadFactory({ name: model, sdk }: AiSdkSettings): Promise<SdkFactory> {
  const { load, create } = SDK_PACKAGE_TABLE[sdk.package]
  const found = (await load())[create]
  if (typeof found === 'function') return found as SdkFactory
  const problem = `${sdk.package} has no function ${create}`
  throw new RouterError('model_failed', { model, problem, fix: `Install another version of ${sdk.package}.` })
}

interface Sending {
  readonly model: string
  readonly guard: DeadlineGuard
  readonly responses: PostResponse[]
  readonly trace: CallLimits['trace']
}

/** What packages know as `fetch`: only what is posted to the model, as text, goes out. */
function fetchThrough(transport: Transport, { model, guard, responses, trace }: Sending): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const { method = 'GET', body, headers } = init ?? {}
    if (method.toUpperCase() !== 'POST' || typeof body !== 'string')
      throw new RouterError('destination_refused', {
        host: url.host,
        problem: `its package wants to ${method} something that is no request to a model`,
        fix: 'Use credentials that need no further request, such as apiKey.',
      })
    const sent = { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity', ...trace }
    const response = await transport.post({ model, url, headers: sent, body, guard })
    responses.push(response)
    const bytes = ReadableStream.from(watchedPieces(response.body, guard)) as ReadableStream<Uint8Array>
    return new Response(bytes, { status: response.status, headers: response.headers })
  }
}
