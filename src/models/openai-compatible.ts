/** Any server that speaks the OpenAI chat dialect, hosted or on this machine. */
import type { Dispatcher } from 'undici'
import type { Tier } from '../spec/decision.ts'
import type { ModelCall, ModelPort } from '../spec/ports.ts'
import type { Timers } from './deadlines.ts'
import { generateOverHttp, generateTogether, type HttpModel } from './http-model.ts'
import { generateLocally, type Listener } from './local-server.ts'
import { readOpenAiBody, readOpenAiStream } from './openai-answer.ts'
import { completionsDialect } from './openai-completions.ts'
import { embeddingsDialect } from './openai-embeddings.ts'
import { openAiRequestBody } from './openai-wire.ts'
import { notProbed, type ServerProbe } from './probe.ts'
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
  /**
   * Names the policy key of a deadline in the fix of a timeout. Default `frontier`: bytes are passed on as they come. With
   * a local tier reasoning and tool-call notations are split off the text, and log-probabilities become signals.
   */
  readonly tier?: Tier
  /** What a local server can do; absent: no log-probabilities are asked for. */
  readonly probe?: ServerProbe
  readonly extraHeaders?: Readonly<Record<string, string>>
  /** Whether the name in `baseUrl` may lead to a private network. */
  readonly privateNetwork?: boolean | undefined
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
 * `generate` throws: `model_timeout` (names the phase), `dns_failure`, `model_unreachable`, `model_auth_failed`,
 * `model_rate_limited`, `model_refused_request`, `model_failed`, `model_malformed`, `model_incomplete`, `cancelled`.
 */
export function createOpenAiCompatibleModel(settings: OpenAiCompatibleSettings): ModelPort {
  const { name, model, apiKey, maxOutputTokens, tier = 'frontier', timers } = settings
  const transport = createTransport(settings)
  const url = new URL(`${settings.baseUrl.replace(/\/+$/, '')}/chat/completions`)
  const server = url.hostname === 'api.openai.com' ? 'openai' : 'compatible'
  const httpModel = (listener: Listener): HttpModel => ({
    name,
    tier,
    apiKey,
    transport,
    ...(timers === undefined ? {} : { timers }),
    dialect: {
      url,
      headers: { ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }), ...settings.extraHeaders },
      requestBody: (call) =>
        openAiRequestBody(call, { model, maxOutputTokens, server, topLogprobs: listener.topLogprobs ?? null }),
      readStream: (call) => readOpenAiStream({ name, model, apiKey, ...listener }, call),
      readWhole: (body, call) => readOpenAiBody({ name, model, apiKey, ...listener }, body, call),
    },
  })
  const plain = httpModel({})
  const { url: _, headers } = plain.dialect
  const texts = {
    ...plain,
    dialect: completionsDialect({ name, model, apiKey, baseUrl: settings.baseUrl, headers }),
  }
  const vectors = {
    ...plain,
    dialect: embeddingsDialect({ name, model, apiKey, baseUrl: settings.baseUrl, headers }),
  }
  const wireFor = (call: ModelCall): HttpModel => (call.embed ? vectors : call.completion ? texts : plain)
  const probe = settings.probe ?? notProbed
  return {
    name,
    givesVectors: true,
    completes: true,
    generate: (call, limits) =>
      tier === 'frontier' || call.embed || call.completion
        ? generateOverHttp(wireFor(call), call, limits)
        : generateLocally({ name, model, probe }, { call, limits, httpModel }),
    ...(tier === 'frontier' && {
      generateTogether: (call, limits) => generateTogether(wireFor(call), call, limits),
    }),
    close: async () => {
      probe.close()
      await transport.close()
    },
  }
}
