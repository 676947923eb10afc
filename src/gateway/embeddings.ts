/** `POST /v1/embeddings`. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import { readJsonBody } from './body.ts'
import { answered, answeredBy, spillwayField } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type ModelChoice, type NameSettings, type ReadSettings, warningOf } from './model-choice.ts'
import { parseBody } from './read-body.ts'

/** As many as OpenAI takes. */
const MAX_INPUTS = 2048

const text = z.string('must be text: lists of tokens belong to the tokenizer of one model').min(1, 'is empty')

const bodySchema = z.looseObject({
  model: z.string().min(1).max(256).default('auto'),
  input: z.union([text, z.array(text).min(1).max(MAX_INPUTS)]),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.number().int().min(1).max(65_536).nullish(),
  metadata: z.record(z.string().max(64), z.unknown()).nullish(),
})

type Body = z.output<typeof bodySchema>

/** An embeddings body as the router takes it. */
export interface AskedVectors {
  readonly body: Body
  readonly request: RouterRequest
  readonly choice: ModelChoice
}

export async function embeddings(exchange: Exchange): Promise<void> {
  const { app, request: incoming, requestId: id } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const { unknownModel } = app.settings
  const read = readEmbeddings(raw, { headers: incoming.headers, names: () => app.router.status(), unknownModel })
  const asked = { ...read, request: { ...read.request, id } }
  const { metadata } = read.request
  await app.idempotency.once(exchange, {
    tenant: metadata?.tenant ?? null,
    asked: [raw, metadata],
    answer: (own) => answerEmbeddings(own, asked),
  })
}

/** @throws RouterError request_invalid, not_found */
export function readEmbeddings(raw: unknown, { headers, ...known }: ReadSettings): AskedVectors {
  const body = parseBody(bodySchema, raw, {
    what: 'an embeddings request',
    fix: 'Send {"model": "auto", "input": "…"}, or a list of texts.',
  })
  const choice = choiceOf(body, known)
  const metadata = metadataOf(body.metadata ?? {}, headers)
  const { model: _, input, encoding_format: _e, dimensions, metadata: _m, ...further } = body
  const texts = typeof input === 'string' ? [input] : input
  const request: RouterRequest = {
    messages: texts.map((content) => ({ role: 'user', content })),
    metadata: { ...metadata, ...(choice.task && { task: choice.task }) },
    embed: { model: choice.model ?? null, ...(typeof dimensions === 'number' && { dimensions }) },
    wire: { dialect: 'openai_embeddings', body: further },
    ...(choice.model !== undefined && { prefer: choice.model }),
  }
  return { body, request, choice }
}

function choiceOf({ model }: Body, known: NameSettings): ModelChoice {
  const choice = chooseModel(model, known)
  if (choice.override !== 'frontier' || choice.model !== undefined) return choice
  throw new RouterError('request_invalid', {
    path: 'model',
    problem: 'no frontier is named, and vectors of two models cannot be compared',
    fix: 'Name a model of the policy that makes embeddings, or auto for the local one.',
  })
}

async function answerEmbeddings({ app, response, signal }: Exchange, asked: AskedVectors): Promise<void> {
  const outcome = answered(await app.router.complete(asked.request, { signal }))
  const { body, warning } = embeddingsBody(outcome, asked)
  const told = [warningOf(asked.choice, outcome), warning].filter((one) => one).join('; ')
  setDecisionHeaders(response, { ...knownOf(outcome), warning: told || undefined })
  sendJson(response, 200, body)
}

/** @throws RouterError request_invalid: longer vectors were asked for than the model gives */
export function embeddingsBody(outcome: Outcome, { body }: AskedVectors) {
  const { values, warning } = finishedVectors(outcome, body)
  const tokens = outcome.usage?.inputTokens ?? 0
  const told = {
    object: 'list',
    data: values.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: body.encoding_format === 'base64' ? base64Of(vector) : vector,
    })),
    model: answeredBy(outcome),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    spillway: spillwayField(outcome),
  }
  return { body: told, warning }
}

/** Of length 1, as clients expect them, and of the length that was asked for where the model gives longer ones. */
function finishedVectors({ vectors, decision }: Outcome, { dimensions }: Body) {
  const { values, cut } = vectors ?? { values: [], cut: 0 }
  const own = values[0]?.length ?? 0
  const model = decision.model ?? ''
  if (typeof dimensions === 'number' && dimensions > own)
    throw new RouterError('request_invalid', {
      path: 'dimensions',
      problem: `the vectors of ${model} have ${own}`,
      fix: `Ask for at most ${own}, or leave it out.`,
    })
  const wanted = dimensions ?? own
  const shortened = `vectors of ${own} numbers were cut to ${wanted} and scaled to length 1 again; ${model} was not made for that`
  const read = `of ${cut} texts only the beginning was read: they are longer than what ${model} reads`
  const warning = [wanted < own && shortened, cut > 0 && read].filter((one) => one !== false).join('; ')
  return { values: values.map((vector) => unit(vector.slice(0, wanted))), warning }
}

function unit(vector: readonly number[]): readonly number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length === 0 ? vector : vector.map((value) => value / length)
}

/** 32-bit floats, little-endian: what the official clients ask for by themselves. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
