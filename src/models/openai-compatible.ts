/** Any server that speaks the OpenAI chat dialect, hosted or on this machine. */
import type { Tier } from '../spec/decision.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import type { Timers } from './deadlines.ts'
import { generateOverHttp, generateTogether, type HttpModel } from './http-model.ts'
import { generateLocally, type Listener } from './local-server.ts'
import { createOwnMachineCheck } from './ollama-card.ts'
import { readOpenAiBody, readOpenAiStream } from './openai-answer.ts'
import { completionsDialect } from './openai-completions.ts'
import { embeddingsDialect } from './openai-embeddings.ts'
import { openAiRequestBody } from './openai-wire.ts'
import { notProbed, type ServerProbe } from './probe.ts'
import { createTransport, type Transport, type WayThere } from './transport.ts'

export interface OpenAiCompatibleSettings extends WayThere {
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
  /** In place of `baseUrl` with `/chat/completions`; of the same origin. */
  readonly chatUrl?: URL
  /** Default `authorization`, with the key as a bearer token. */
  readonly keyHeader?: 'authorization' | 'api-key'
  /** Whether a caller who wants a whole answer is asked for in a stream as well. Default: no. */
  readonly alwaysStream?: boolean
  /** Whose dialect it is exactly. Default: told by the host. */
  readonly server?: 'openai' | 'compatible'
  readonly timers?: Timers
  /** Gives what is used in place of the transport; then every answer comes whole. Default: the transport itself. */
  readonly collect?: (transport: Transport) => Transport
}

/**
 * A model behind an OpenAI-compatible API.
 *
 * A call that carries the caller's own wire body goes out in the form the caller chose, whole or streamed; any other
 * call is streamed, so that its first byte and its pauses can be watched. A whole answer comes in one piece, and only its
 * total deadline counts; with `alwaysStream` it is asked for in pieces and put together here.
 *
 * `generate` throws: `model_timeout` (names the phase), `dns_failure`, `model_unreachable`, `model_auth_failed`,
 * `model_rate_limited`, `model_refused_request`, `model_failed`, `model_malformed`, `model_incomplete`, `cancelled`;
 * `policy_invalid` when a model of a local tier turns out to run elsewhere.
 */
export function createOpenAiCompatibleModel(settings: OpenAiCompatibleSettings): ModelPort {
  const { name, model, apiKey, maxOutputTokens, tier = 'frontier', timers } = settings
  const { collect = (own) => own } = settings
  const transport = collect(createTransport(settings))
  const url = settings.chatUrl ?? new URL(`${settings.baseUrl.replace(/\/+$/, '')}/chat/completions`)
  const { server = url.hostname === 'api.openai.com' ? 'openai' : 'compatible' } = settings
  /** Where only the chat has an address of its own, nothing is known of the other paths. */
  const isOwnPath = settings.chatUrl === undefined
  const streams = (call: ModelCall): boolean => {
    if (settings.collect) return false
    if (call.embed || call.completion) return call.stream
    return mustStream(call) || (settings.alwaysStream === true && mayStream(call))
  }
  const httpModel = (listener: Listener): HttpModel => ({
    name,
    tier,
    apiKey,
    transport,
    ...(timers === undefined ? {} : { timers }),
    dialect: {
      url,
      headers: { ...keyHeaderOf(settings), ...settings.extraHeaders },
      requestBody: (call) =>
        openAiRequestBody(
          { ...call, stream: streams(call) },
          { model, maxOutputTokens, server, topLogprobs: listener.topLogprobs ?? null },
        ),
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
  const requireHere = createOwnMachineCheck({ ...settings, tier })
  async function* local(call: ModelCall, limits: CallLimits): AsyncGenerator<ModelEvent> {
    await requireHere(limits)
    if (call.embed || call.completion) yield* generateOverHttp(wireFor(call), call, limits)
    else yield* generateLocally({ name, model, probe }, { call, limits, httpModel })
  }
  return {
    name,
    streams,
    ...(isOwnPath && { givesVectors: true, completes: true }),
    generate: tier === 'frontier' ? (call, limits) => generateOverHttp(wireFor(call), call, limits) : local,
    ...(tier === 'frontier' && {
      generateTogether: (call, limits) => generateTogether(wireFor(call), call, limits),
    }),
    close: async () => {
      probe.close()
      await transport.close()
    },
  }
}

function keyHeaderOf({ apiKey, keyHeader }: OpenAiCompatibleSettings): Readonly<Record<string, string>> {
  if (apiKey === null) return {}
  return keyHeader === 'api-key' ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` }
}

/** A body of our own always asks for a stream. */
function mustStream({ wire, stream }: ModelCall): boolean {
  return wire?.dialect !== 'openai_chat' || stream
}

/** Several answers, log-probabilities and sound stand only in the provider's own whole body. */
function mayStream({ wire }: ModelCall): boolean {
  const { n = 1, logprobs = false, modalities, audio } = wire?.body ?? {}
  return (n === 1 || n === null) && logprobs !== true && modalities === undefined && audio === undefined
}
