/** The embeddings of the OpenAI dialect: texts in, one vector each out. */
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { messageText } from '../spec/request.ts'
import { withoutDestinations } from './caller-body.ts'
import { asObject, type Dialect, type JsonObject, malformed, objectsIn } from './http-model.ts'
import { reportedError } from './upstream-errors.ts'
import { usageOf } from './usage.ts'

export interface OpenAiEmbeddingsSettings {
  /** Name of the model in the policy. */
  readonly name: string
  /** The model id at the provider. */
  readonly model: string
  readonly apiKey: string | null
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
}

export function embeddingsDialect(settings: OpenAiEmbeddingsSettings): Dialect {
  const { name, model, baseUrl, headers } = settings
  return {
    url: new URL(`${baseUrl.replace(/\/+$/, '')}/embeddings`),
    headers,
    requestBody: (call) => ({
      ...withoutDestinations(call.wire?.body ?? {}),
      model,
      input: call.messages.map(messageText),
      encoding_format: 'float',
      ...(call.embed?.dimensions !== undefined && { dimensions: call.embed.dimensions }),
    }),
    readStream: () => {
      throw malformed(name, 'vectors do not come as a stream')
    },
    readWhole: (body, call) => [vectorsIn(settings, body, call)],
  }
}

/** @throws RouterError model_failed for an error object, model_malformed unless there is one vector for each text */
function vectorsIn({ name, model, apiKey }: OpenAiEmbeddingsSettings, body: JsonObject, call: ModelCall): ModelEvent {
  if (asObject(body.error)) throw reportedError(name, body.error, apiKey)
  const rows = objectsIn(body.data)
  const vectors = call.messages.map((_, index) => {
    const row = rows.find((candidate, at) => (candidate.index ?? at) === index)
    return vectorOf(name, row?.embedding)
  })
  const usage = asObject(body.usage)
  return {
    type: 'finish',
    finishReason: 'stop',
    usage: usageOf(usage && { input: usage.prompt_tokens, output: 0 }, call, 0),
    signals: null,
    identity: { digest: null, quantisation: null, servedBy: typeof body.model === 'string' ? body.model : model },
    raw: null,
    vectors,
  }
}

function vectorOf(model: string, value: unknown): readonly number[] {
  const isVector =
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'number' && Number.isFinite(one))
  if (!isVector) throw new RouterError('model_malformed', { model, problem: 'a text has no vector' })
  return value as readonly number[]
}
