/** `POST /v1/responses`, and what was kept of earlier ones. */
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import { bytesOf, readJsonBody } from './body.ts'
import { answered, answeredBy } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { dropResponse, findResponse, keepResponse, mayBeKept } from './kept-responses.ts'
import { metadataOf } from './metadata.ts'
import { chooseModel, type KnownAnswer, warningOf } from './model-choice.ts'
import { parseChat, toRouterRequest } from './openai-wire.ts'
import { newFrame, outputOf, type ResponseFrame, responseObject, statusOf } from './responses-answer.ts'
import { chatRequestOf } from './responses-chat.ts'
import { streamResponse } from './responses-stream.ts'
import { inputItems, parseResponses, type ResponsesBody, type ResponsesItem } from './responses-wire.ts'
import { callersTenant, tenantOf } from './tenant.ts'

/** A request in both of its forms, and what its answer will be kept with. */
interface Asked {
  readonly body: ResponsesBody
  readonly request: RouterRequest
  readonly frame: ResponseFrame
  readonly conversation: readonly ResponsesItem[]
  readonly tenant: string | null
  readonly warningFor: (known: KnownAnswer) => string | undefined
}

export async function createResponse(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const asked = askedOf(exchange, parseResponses(raw))
  await app.idempotency.once(exchange, {
    tenant: asked.tenant,
    asked: [raw, asked.request.metadata, incoming.headers['x-spillway-route']],
    answer: (own) => (asked.body.stream ? streamedResponse(own, asked) : wholeResponse(own, asked)),
  })
}

export async function oneResponse(exchange: Exchange): Promise<void> {
  const id = exchange.params[0] ?? ''
  sendJson(exchange.response, 200, findResponse(exchange, callersTenant(exchange), id, 'response_id').response)
}

export async function deleteResponse(exchange: Exchange): Promise<void> {
  const id = exchange.params[0] ?? ''
  dropResponse(exchange, callersTenant(exchange), id)
  sendJson(exchange.response, 200, { id, object: 'response', deleted: true })
}

function askedOf(exchange: Exchange, body: ResponsesBody): Asked {
  const { app, request: incoming } = exchange
  const { previous_response_id: previous } = body
  const metadata = metadataOf(body.metadata ?? {}, incoming.headers)
  const tenant = tenantOf(exchange, metadata)
  const earlier = previous ? findResponse(exchange, tenant, previous, 'previous_response_id').items : []
  const { chat, customTools, warning } = chatRequestOf(body, earlier)
  const parsed = parseChat(chat)
  const choice = chooseModel(body.model, {
    names: () => app.router.status(),
    unknownModel: app.settings.unknownModel,
  })
  const request = toRouterRequest({ ...parsed, metadata: body.metadata }, chat, { choice, headers: incoming.headers })
  const warningFor = (known: KnownAnswer): string | undefined =>
    [warningOf(choice, known), warning].filter((text) => typeof text === 'string').join('; ') || undefined
  return {
    body,
    // The metadata of a response belong to it, and to nobody behind us.
    request: {
      ...request,
      id: exchange.requestId,
      wire: { dialect: 'openai_chat', body: chat, api: 'openai_responses', bytes: bytesOf(incoming.headers) },
    },
    frame: newFrame(body, customTools),
    conversation: [...earlier, ...inputItems(body)],
    tenant,
    warningFor,
  }
}

async function wholeResponse(exchange: Exchange, asked: Asked): Promise<void> {
  const { app, response, signal } = exchange
  const { frame, request, warningFor } = asked
  const outcome = await app.router.complete(request, { signal })
  answered(outcome)
  const output = outputOf(outcome, frame)
  const isStored = keep(exchange, asked, { outcome, output })
  const model = answeredBy(outcome)
  setDecisionHeaders(response, { ...knownOf(outcome), warning: warningFor(outcome) })
  sendJson(response, 200, responseObject(frame, { status: statusOf(outcome), model, output, isStored, outcome }))
}

function streamedResponse(exchange: Exchange, asked: Asked): Promise<void> {
  const { request, frame, warningFor } = asked
  return streamResponse(exchange, {
    request,
    frame,
    warningFor,
    keep: (outcome, output) => keep(exchange, asked, { outcome, output }),
  })
}

interface Answered {
  readonly outcome: Outcome
  readonly output: readonly ResponsesItem[]
}

/** @returns whether a later request can go on from the answer */
function keep(
  exchange: Exchange,
  { body, frame, conversation, tenant }: Asked,
  { outcome, output }: Answered,
): boolean {
  if (body.store === false || !mayBeKept(exchange, outcome)) return false
  const state = { status: statusOf(outcome), model: answeredBy(outcome), output, isStored: true, outcome }
  const kept = { response: responseObject(frame, state), items: [...conversation, ...output] }
  return keepResponse(exchange, { requestId: outcome.requestId, tenant }, kept)
}
