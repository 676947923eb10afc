/** `POST /v1/chat/completions`. */
import type { RouterRequest } from '../spec/request.ts'
import { streamAnswer } from './answer-stream.ts'
import { readJsonBody } from './body.ts'
import { answered, completionJson } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJsonText } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { chooseModel, type ModelChoice, warningOf } from './model-choice.ts'
import { ChatTeller } from './openai-stream.ts'
import { parseChat, toRouterRequest } from './openai-wire.ts'

export async function chatCompletions(exchange: Exchange): Promise<void> {
  const { app, request: incoming } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const chat = parseChat(raw)
  const choice = chooseModel(chat.model, { names: () => app.router.status(), unknownModel: app.settings.unknownModel })
  const request: RouterRequest = {
    ...toRouterRequest(chat, raw, { choice, headers: incoming.headers }),
    id: exchange.requestId,
  }
  const includeUsage = chat.stream_options?.include_usage === true
  await app.idempotency.once(exchange, {
    tenant: request.metadata?.tenant ?? null,
    asked: [raw, request.metadata, incoming.headers['x-spillway-route']],
    answer: (own) =>
      chat.stream
        ? streamAnswer(own, { request, choice, teller: new ChatTeller({ ...own, includeUsage }) })
        : wholeChat(own, { request, choice }),
  })
}

interface WholeChat {
  readonly request: RouterRequest
  readonly choice: ModelChoice
}

async function wholeChat({ app, response, signal }: Exchange, { request, choice }: WholeChat): Promise<void> {
  const outcome = await app.router.complete(request, { signal })
  setDecisionHeaders(response, { ...knownOf(outcome), warning: warningOf(choice, outcome) })
  sendJsonText(response, 200, completionJson(answered(outcome), Math.floor(Date.now() / 1000)))
}
