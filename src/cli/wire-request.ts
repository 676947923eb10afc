/** Bodies that clients once posted, as the gateway would read them. */
import { toRouterRequest as fromMessages, parseMessages } from '../gateway/anthropic-wire.ts'
import { toRouterRequest as fromChat, parseChat } from '../gateway/openai-wire.ts'
import { chatRequestOf } from '../gateway/responses-chat.ts'
import { parseResponses } from '../gateway/responses-wire.ts'
import type { RouterRequest } from '../spec/request.ts'

export const WIRES = ['openai', 'anthropic'] as const
export type WireName = (typeof WIRES)[number]

type Body = Readonly<Record<string, unknown>>

/**
 * @param wire the dialect; null: told by the body's own form
 * @throws RouterError request_invalid, with the path of the first problem
 */
export function requestOfBody(
  body: Body,
  wire: WireName | null,
  headers: Readonly<Record<string, string>> = {},
): RouterRequest {
  const told = asLogged(body)
  if ((wire ?? wireOf(told)) === 'anthropic') {
    // A log may leave out the limit that the API asks for.
    const whole = { max_tokens: 4096, ...told }
    return fromMessages(parseMessages(whole), whole, { choice: {}, headers })
  }
  if (told.messages === undefined && told.input !== undefined) return requestOfResponses(told, headers)
  const whole = { model: 'unknown', ...told }
  return fromChat(parseChat(whole), whole, { choice: {}, headers })
}

/** Logs write null where a client wrote nothing, and metadata that no client could have sent. */
function asLogged({ metadata, ...body }: Body): Body {
  const messages = Array.isArray(body.messages) ? { messages: body.messages.map(withoutNulls) } : {}
  const isClients =
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((value) => typeof value === 'string')
  return { ...(withoutNulls(body) as Body), ...messages, ...(isClients && { metadata }) }
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key, inside]) => inside !== null || key === 'content'))
}

function requestOfResponses(body: Body, headers: Readonly<Record<string, string>>): RouterRequest {
  const parsed = parseResponses({ model: 'unknown', ...body })
  const { chat } = chatRequestOf(parsed, [])
  return fromChat(parseChat(chat), chat, { choice: {}, headers })
}

function wireOf(body: Body): WireName {
  if (body.system !== undefined || body.stop_sequences !== undefined) return 'anthropic'
  const tools = Array.isArray(body.tools) ? body.tools : []
  return tools.some((tool: unknown) => typeof tool === 'object' && tool !== null && 'input_schema' in tool)
    ? 'anthropic'
    : 'openai'
}
