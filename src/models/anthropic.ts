/** Models behind the Anthropic Messages API. */
import type { Tier } from '../spec/decision.ts'
import type { ModelCall, ModelPort } from '../spec/ports.ts'
import { readAnthropicBody, readAnthropicStream } from './anthropic-answer.ts'
import { anthropicRequestBody } from './anthropic-wire.ts'
import type { Timers } from './deadlines.ts'
import { generateOverHttp } from './http-model.ts'
import { createTransport, type Transport, type WayThere } from './transport.ts'

export interface AnthropicSettings extends WayThere {
  /** Name of the model in the policy. */
  readonly name: string
  /** For example `https://api.anthropic.com`; `/v1/messages` is added, `/messages` when the URL ends in a version. */
  readonly baseUrl: string
  readonly apiKey: string | null
  /** The model id at the provider. */
  readonly model: string
  /** Cap of an answer when the caller sets none (tokens). */
  readonly maxOutputTokens: number
  /** Names the policy key of a deadline in the fix of a timeout. Default `frontier`. */
  readonly tier?: Tier
  readonly extraHeaders?: Readonly<Record<string, string>>
  readonly timers?: Timers
  /** Gives what is used in place of the transport; then every answer comes whole. Default: the transport itself. */
  readonly collect?: (transport: Transport) => Transport
}

/**
 * A model behind the Messages API. Every call is streamed; a server that answers with one body instead is read as well.
 *
 * `generate` throws what `createOpenAiCompatibleModel` lists, and `request_invalid` for content that the dialect cannot
 * carry.
 */
export function createAnthropicModel(settings: AnthropicSettings): ModelPort {
  const { name, model, apiKey, maxOutputTokens, tier = 'frontier', timers, collect = (own) => own } = settings
  const transport = collect(createTransport(settings))
  const answer = { name, model, apiKey }
  const http = {
    name,
    tier,
    apiKey,
    transport,
    ...(timers === undefined ? {} : { timers }),
    dialect: {
      url: messagesUrl(settings.baseUrl),
      headers: {
        'anthropic-version': API_VERSION,
        ...(apiKey === null ? {} : { 'x-api-key': apiKey }),
        ...settings.extraHeaders,
      },
      headersOf: (call) => callersHeaders(call, settings.extraHeaders),
      requestBody: (call) => anthropicRequestBody(call, { model, maxOutputTokens }),
      readStream: (call) => readAnthropicStream(answer, call),
      readWhole: (body, call) => readAnthropicBody(answer, body, call),
    },
  } satisfies Parameters<typeof generateOverHttp>[0]
  return {
    name,
    generate: (call, limits) => generateOverHttp(http, call, limits),
    close: () => transport.close(),
  }
}

/** The version and the features that the caller of this dialect asks for; features that the policy asks for stay. */
function callersHeaders(
  { wire }: ModelCall,
  own: AnthropicSettings['extraHeaders'] = {},
): Readonly<Record<string, string>> {
  if (wire?.dialect !== 'anthropic_messages') return {}
  const { 'anthropic-beta': beta, ...rest } = wire.headers ?? {}
  const policys = Object.entries(own).find(([name]) => name.toLowerCase() === 'anthropic-beta')?.[1]
  return {
    ...rest,
    ...(beta !== undefined && { 'anthropic-beta': policys === undefined ? beta : `${policys},${beta}` }),
  }
}

/** The version of the wire format that this adapter reads, as the API documents it. */
const API_VERSION = '2023-06-01'

function messagesUrl(baseUrl: string): URL {
  const base = baseUrl.replace(/\/+$/, '')
  return new URL(/\/v\d+$/.test(base) ? `${base}/messages` : `${base}/v1/messages`)
}
