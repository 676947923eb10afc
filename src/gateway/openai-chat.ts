/** `POST /v1/chat/completions`. */
import type { RouterRequest } from '../spec/request.ts'
import { readJsonBody } from './body.ts'
import { answered, completionBody } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { streamChat } from './openai-stream.ts'
import { chooseModel, parseChat, toRouterRequest, warningOf } from './openai-wire.ts'

export async function chatCompletions(exchange: Exchange): Promise<void> {
  const { app, request: incoming, response } = exchange
  const raw = await readJsonBody(incoming, app.settings.maxBodyBytes)
  const chat = parseChat(raw)
  const choice = chooseModel(chat.model, { names: () => app.router.status(), unknownModel: app.settings.unknownModel })
  const request: RouterRequest = {
    ...toRouterRequest(chat, raw, { choice, headers: incoming.headers }),
    id: exchange.requestId,
  }
  if (chat.stream) {
    const includeUsage = chat.stream_options?.include_usage === true
    return streamChat(exchange, { request, includeUsage, choice })
  }
  const { value: outcome, isReplay } = await app.idempotency.once({
    key: incoming.headers['idempotency-key'],
    holder: exchange.holder?.name ?? '',
    // Headers speak of the tenant, too: what was answered to one is not given to another.
    body: [raw, request.metadata ?? null],
    work: (signal) => app.router.complete(request, { signal: signal ?? exchange.signal }),
  })
  if (isReplay) response.setHeader('idempotent-replayed', 'true')
  setDecisionHeaders(response, { ...knownOf(outcome), warning: warningOf(choice, outcome.decision.model) })
  sendJson(response, 200, completionBody(answered(outcome), Math.floor(Date.now() / 1000)))
}
