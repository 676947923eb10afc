/** `POST /v1/messages` and `POST /v1/messages/count_tokens`. */
import type { RouterRequest } from '../spec/request.ts'
import { streamAnswer } from './answer-stream.ts'
import { messageJson } from './anthropic-answer.ts'
import { MessageTeller } from './anthropic-stream.ts'
import { countTokens } from './anthropic-tokens.ts'
import { callersHeaders, parseMessages, parsePrompt, toRouterRequest } from './anthropic-wire.ts'
import { readExactBody, readJsonBody } from './body.ts'
import { answered } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJson, sendJsonText } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId } from './headers.ts'
import { chooseModel, type ModelChoice, warningOf } from './model-choice.ts'

export async function messages(exchange: Exchange): Promise<void> {
  const { app, request: incoming, requestId } = exchange
  const { plain, exact: raw } = await readExactBody(incoming, app.settings.maxBodyBytes)
  // No field of a message is a number that we read, and inputs of tools may hold any.
  const body = parseMessages({ ...plain, messages: raw.messages })
  const choice = chooseModel(body.model, { names: () => app.router.status(), unknownModel: app.settings.unknownModel })
  const request: RouterRequest = {
    ...toRouterRequest(body, raw, { choice, headers: incoming.headers }),
    id: requestId,
  }
  const inputTokens = (): number => countTokens(body)
  await app.idempotency.once(exchange, {
    tenant: request.metadata?.tenant ?? null,
    asked: [raw, request.metadata, request.wire?.headers, incoming.headers['x-spillway-route']],
    answer: (own) =>
      body.stream
        ? streamAnswer(own, { request, choice, teller: new MessageTeller({ requestId: own.requestId, inputTokens }) })
        : wholeMessage(own, { request, choice }),
  })
}

interface WholeMessage {
  readonly request: RouterRequest
  readonly choice: ModelChoice
}

async function wholeMessage({ app, response, signal }: Exchange, { request, choice }: WholeMessage): Promise<void> {
  const outcome = await app.router.complete(request, { signal })
  setDecisionHeaders(response, { ...knownOf(outcome), warning: warningOf(choice, outcome) })
  sendJsonText(response, 200, messageJson(answered(outcome)))
}

/** Counted here: nobody is asked, so it costs nothing and nothing leaves. */
export async function countMessageTokens({ app, request, response, requestId }: Exchange): Promise<void> {
  callersHeaders(request.headers)
  const body = parsePrompt(await readJsonBody(request, app.settings.maxBodyBytes))
  setRequestId(response, requestId)
  sendJson(response, 200, { input_tokens: countTokens(body) })
}
