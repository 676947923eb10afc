/** Any server that speaks the OpenAI chat dialect, hosted or on this machine. */
import type { Dispatcher } from 'undici'
import type { Tier } from '../spec/decision.ts'
import type { ModelPort } from '../spec/ports.ts'
import type { Timers } from './deadlines.ts'
import { generateOverHttp } from './http-model.ts'
import { readOpenAiBody, readOpenAiStream } from './openai-answer.ts'
import { openAiRequestBody } from './openai-wire.ts'
import { createTransport } from './transport.ts'

export interface OpenAiCompatibleSettings {
  /** Name of the model in the policy. */
  readonly name: string
  /** For example `https://api.openai.com/v1`; `/chat/completions` is added. */
  readonly baseUrl: string
  /** Null where the server wants none: llama.cpp, vLLM, LM Studio. */
  readonly apiKey: string | null
  /** The model id at the provider. */
  readonly model: string
  /** Cap of an answer when the caller sets none (tokens). */
  readonly maxOutputTokens: number
  /** Names the policy key of a deadline in the fix of a timeout. Default `frontier`. */
  readonly tier?: Tier
  readonly extraHeaders?: Readonly<Record<string, string>>
  /** An undici dispatcher to use instead of an own connection pool. */
  readonly dispatcher?: Dispatcher
  readonly timers?: Timers
}

/**
 * A model behind an OpenAI-compatible API.
 *
 * A call that carries the caller's own wire body goes out in the form the caller chose, whole or streamed; any other
 * call is streamed, so that its first byte and its pauses can be watched. A whole answer comes in one piece: its first
 * byte deadline then covers the thinking of the model.
 *
 * `generate` throws: `model_timeout` (names the phase), `model_unreachable`, `model_auth_failed`, `model_rate_limited`,
 * `model_refused_request`, `model_failed`, `model_malformed`, `model_incomplete`, `cancelled`.
 */
export function createOpenAiCompatibleModel(settings: OpenAiCompatibleSettings): ModelPort {
  const { name, model, apiKey, maxOutputTokens, tier = 'frontier', timers } = settings
  const transport = createTransport(settings.dispatcher)
  const url = new URL(`${settings.baseUrl.replace(/\/+$/, '')}/chat/completions`)
  const server = url.hostname === 'api.openai.com' ? 'openai' : 'compatible'
  const answer = { name, model, apiKey }
  const http = {
    name,
    tier,
    apiKey,
    transport,
    ...(timers === undefined ? {} : { timers }),
    dialect: {
      url,
      headers: { ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }), ...settings.extraHeaders },
      requestBody: (call) => openAiRequestBody(call, { model, maxOutputTokens, server }),
      readStream: (call) => readOpenAiStream(answer, call),
      readWhole: (body, call) => readOpenAiBody(answer, body, call),
    },
  } satisfies Parameters<typeof generateOverHttp>[0]
  return {
    name,
    generate: (call, limits) => generateOverHttp(http, call, limits),
    close: () => transport.close(),
  }
}
