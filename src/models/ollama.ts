/** A model behind Ollama's own API, whose OpenAI path ignores the context length and cuts prompts without a word. */
import type { Tier } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import type { Timers } from './deadlines.ts'
import { generateOverHttp, type HttpModel, type JsonObject } from './http-model.ts'
import { generateLocally, type Listener } from './local-server.ts'
import { createLineReader } from './newline-json.ts'
import { readOllamaBody, readOllamaStream } from './ollama-answer.ts'
import { createOllamaCard, type OllamaCard, type OllamaIdentity, requireOwnMachine } from './ollama-card.ts'
import { type OllamaRequestSettings, ollamaRequestBody } from './ollama-wire.ts'
import { notProbed, type ServerProbe } from './probe.ts'
import { requireFit, requireUncut } from './prompt-fit.ts'
import { createTransport, type Transport, type WayThere } from './transport.ts'

export interface OllamaSettings extends Omit<OllamaRequestSettings, 'topLogprobs'>, WayThere {
  /** Name of the model in the policy. */
  readonly name: string
  /** For example `http://127.0.0.1:11434`; `/api/chat` is added. */
  readonly baseUrl: string
  /** Null for a server of one's own. */
  readonly apiKey: string | null
  /** With `frontier` the server is another machine: its text is passed on as it comes, and it is not probed. */
  readonly tier: Tier
  /** What the server can do; absent: nothing is asked for. */
  readonly probe?: ServerProbe
  readonly timers?: Timers
}

/**
 * A prompt is never cut silently: what cannot fit `contextTokens` is refused before it is sent, the server is told to
 * refuse the rest, and its count of the prompt is compared with what was sent, for servers that do not listen.
 *
 * `generate` throws what the OpenAI-compatible adapter throws, `request_invalid` for a prompt that does not fit, and
 * `policy_invalid` when a model of a local tier turns out to run elsewhere.
 */
export function createOllamaModel(settings: OllamaSettings): ModelPort {
  const transport = createTransport(settings)
  const card = settings.tier === 'frontier' ? null : createOllamaCard(settings)
  return {
    name: settings.name,
    streams: () => true,
    generate: (call, limits) => generate({ settings, transport, card }, call, limits),
    close: async () => {
      settings.probe?.close()
      await transport.close()
    },
  }
}

interface Bound {
  readonly settings: OllamaSettings
  readonly transport: Transport
  readonly card: OllamaCard | null
}

async function* generate(bound: Bound, call: ModelCall, limits: CallLimits): AsyncGenerator<ModelEvent> {
  const { settings, card } = bound
  requireFit(call, settings)
  if (card === null) return yield* clear(generateOverHttp(httpModel(bound, {}, UNKNOWN), call, limits), settings)
  const identity = await card.identity(limits)
  const { name, model, probe = notProbed } = settings
  const events = generateLocally(
    { name, model, probe },
    { call, limits, httpModel: (listener) => httpModel(bound, listener, identity) },
  )
  yield* clear(events, settings)
}

const UNKNOWN: OllamaIdentity = { digest: null, quantisation: null }

function httpModel({ settings, transport, card }: Bound, listener: Listener, identity: OllamaIdentity): HttpModel {
  const { name, model, apiKey, tier, timers } = settings
  const inspect = (line: JsonObject): void => {
    if (card !== null) requireOwnMachine(line, settings)
  }
  const answer = { name, model, apiKey, identity, inspect, ...listener }
  return {
    name,
    tier,
    apiKey,
    transport,
    ...(timers === undefined ? {} : { timers }),
    dialect: {
      url: new URL(`${settings.baseUrl.replace(/\/+$/, '')}/api/chat`),
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
      requestBody: (call) => ollamaRequestBody(call, { ...settings, topLogprobs: listener.topLogprobs ?? null }),
      readStream: (call) => {
        const reader = readOllamaStream(answer, call)
        return { ...reader, finish: () => requireUncut(reader.finish(), call, settings) }
      },
      readWhole: (body, call) => readOllamaBody(answer, body, call).map((event) => requireUncut(event, call, settings)),
      createFrames: createLineReader,
    },
  }
}

/** A server that knows `truncate: false` refuses a prompt that is too long; that is the request's fault, not the model's. */
async function* clear(events: AsyncIterable<ModelEvent>, settings: OllamaSettings): AsyncGenerator<ModelEvent> {
  try {
    yield* events
  } catch (error) {
    const problem = error instanceof RouterError ? String(error.values.problem ?? '') : ''
    if (!/context (?:length|window|size)|exceed_context/i.test(problem)) throw error
    throw new RouterError(
      'request_invalid',
      {
        path: 'messages',
        problem: `the prompt is longer than the ${settings.contextTokens} tokens of context that model ${settings.name} was asked for`,
        fix: `Send less text, or raise models.${settings.name}.contextTokens in the policy.`,
      },
      error,
    )
  }
}
