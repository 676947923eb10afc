/**
 * The doors of the OpenAI dialect without HTTP: bodies in, bodies out, for a program that holds the router itself. What is read and what is told
 * is what the paths of the same names read and tell.
 */
import { requestIdAt } from '../pipeline/request-id.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { RequestOptions, Router } from '../spec/router.ts'
import { answered, completionJson } from './completion.ts'
import { decideAll, decisionsBody, readDecisions } from './decisions.ts'
import { embeddingsBody, readEmbeddings } from './embeddings.ts'
import type { RequestHeaders } from './metadata.ts'
import { chooseModel, type ReadSettings } from './model-choice.ts'
import { ChatTeller } from './openai-stream.ts'
import { parseChat, toRouterRequest } from './openai-wire.ts'
import { readRerank, rerankBody } from './rerank.ts'
import { wishesOf } from './wishes.ts'

type Body = Readonly<Record<string, unknown>>

export type DoorPath = '/v1/chat/completions' | '/v1/embeddings' | '/v1/decisions' | '/v1/rerank'

/** What may come with a body. */
export interface DoorCall {
  /** `x-spillway-*`, in small letters; others are not looked at. */
  readonly headers: RequestHeaders
  readonly signal?: AbortSignal | undefined
}

export interface InProcessDoor {
  /** @throws RouterError what the path answers with an error, held requests included */
  ask(path: DoorPath, body: Body, call: DoorCall): Promise<Body>
  /** The chunks of a chat, as the text of an event stream in any pieces. @throws RouterError also after the first piece */
  stream(body: Body, call: DoorCall): AsyncIterable<string>
}

/** A name that nobody knows is refused: in a program it is a slip, and no habit of a client. */
export function inProcessDoor(router: Router): InProcessDoor {
  const reading = ({ headers }: DoorCall): ReadSettings => ({
    headers,
    names: () => router.status(),
    unknownModel: 'error',
  })
  return {
    async ask(path, body, call) {
      const options = optionsOf(call)
      if (path === '/v1/chat/completions') {
        const outcome = await router.complete(chatRequest(body, reading(call)), options)
        return JSON.parse(completionJson(answered(outcome), nowS()))
      }
      if (path === '/v1/embeddings') {
        const asked = readEmbeddings(body, reading(call))
        const { body: told, warning } = embeddingsBody(answered(await router.complete(asked.request, options)), asked)
        return { ...told, ...(warning !== '' && { warning }) }
      }
      if (path === '/v1/rerank') {
        const asked = readRerank(body, reading(call))
        const outcome = await router.decide(asked.question, options)
        answered(outcome)
        return rerankBody(outcome, asked)
      }
      const { asked } = readDecisions(body, reading(call))
      const outcomes = await decideAll(router, asked, options)
      const [only] = outcomes
      if (only && outcomes.length === 1) answered(only)
      return decisionsBody(asked, outcomes)
    },
    stream: (body, call) => tellChat(router, chatRequest(body, reading(call)), optionsOf(call)),
  }
}

async function* tellChat(router: Router, request: RouterRequest, options: RequestOptions): AsyncGenerator<string> {
  const requestId = requestIdAt(Date.now())
  const teller = new ChatTeller({ requestId, includeUsage: true })
  let relays = false
  for await (const event of router.stream({ ...request, id: requestId }, options)) {
    if (event.type === 'commit') teller.commit(event)
    else if (event.type === 'correction') yield teller.correct(event)
    else if (event.type === 'final') yield teller.finish(answered(event.outcome))
    else if (event.type === 'raw' && event.dialect === teller.dialect) {
      relays = true
      yield teller.relay(event)
    } else if (!relays && (event.type === 'text' || event.type === 'tool_call')) yield teller.retell(event)
  }
}

function chatRequest(body: Body, { headers, ...known }: ReadSettings): RouterRequest {
  const chat = parseChat(body)
  return toRouterRequest(chat, body, { choice: chooseModel(chat.model, known), headers: sized(body, headers) })
}

/** What is large is handled in parts, so that it matters how large it is. */
function sized(body: Body, headers: RequestHeaders) {
  return { ...headers, 'content-length': String(JSON.stringify(body).length) }
}

function optionsOf({ headers, signal }: DoorCall): RequestOptions {
  const { maxCostUsd, deadlineMs, held } = wishesOf(headers)
  return {
    ...(signal && { signal }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(held !== undefined && { held }),
  }
}

function nowS(): number {
  return Math.floor(Date.now() / 1000)
}
