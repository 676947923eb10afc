/** What the scripted cloud plays: a request names its case in its text, so any number of clients can ask at once. */
import {
  anthropicError,
  anthropicFrames,
  anthropicStream,
  anthropicText,
  anthropicToolCalls,
  openAiError,
  openAiFrames,
  openAiStream,
  openAiText,
  openAiToolCalls,
} from '../support/cloud-answers.ts'
import {
  eventStream,
  type RecordedRequest,
  type Reply,
  type ScriptedCloud,
  type ScriptedReply,
  startScriptedCloud,
} from '../support/scripted-cloud.ts'

/** What a case is answered with. */
export type Play =
  | 'text'
  | 'tools'
  | 'structured'
  | 'invalid'
  | 'refuses_key'
  | 'limited'
  | 'flaky'
  | 'breaks_off'
  | 'stalls'
  | 'silent'

export const PIECES = ['The sea ', 'is calm ', 'and the wind ', 'is low.'] as const
export const TEXT = PIECES.join('')
export const TOOL_CALL = { id: 'call_weather_1', name: 'weather', arguments: '{"city":"Oslo"}' } as const
export const AFTER_TOOL = 'Oslo is sunny.'
export const READING = { city: 'Oslo', degrees: 21 } as const
/** Seconds that a limited provider asks for. */
export const LIMIT_SECONDS = 7
/** Seconds that a flaky provider asks for before it answers. */
export const FLAKY_SECONDS = 1

export interface ClientCloud {
  readonly cloud: ScriptedCloud
  /** What came for one case, in order. */
  requestsOf(id: string): readonly RecordedRequest[]
}

/** Text that makes the cloud play `play` for the case `id` (letters, digits and dashes). */
export function promptOf(play: Play, id: string): string {
  return `Case ${play} of ${id}. How is the weather in Oslo?`
}

export async function startClientCloud(): Promise<ClientCloud> {
  const cloud = await startScriptedCloud()
  const requestsOf = (id: string): readonly RecordedRequest[] => cloud.requests.filter((one) => caseOf(one)?.id === id)
  cloud.otherwise((request) => {
    const found = caseOf(request)
    if (!found) return openAiError(400, 'the scripted cloud knows cases only')
    const dialect = request.path.endsWith('/messages') ? ANTHROPIC : OPENAI
    const reply = replyTo(found.play, { request, dialect, number: requestsOf(found.id).length })
    return typeof reply === 'function' ? reply(request) : reply
  })
  return { cloud, requestsOf }
}

function caseOf({ text }: RecordedRequest): { readonly play: string; readonly id: string } | null {
  const found = /Case ([a-z_]+) of ([\w-]+)\./.exec(text)
  return found ? { play: found[1] ?? '', id: found[2] ?? '' } : null
}

interface Dialect {
  whole(text: string): Reply
  stream(pieces: readonly string[]): ScriptedReply
  toolCall(name: string, json: string): Reply
  /** The beginning of a stream, up to its first piece of text. */
  beginning(): readonly string[]
  error(status: number, headers?: Readonly<Record<string, string>>): ScriptedReply
}

const OPENAI: Dialect = {
  whole: openAiText,
  stream: openAiStream,
  toolCall: (name, json) => openAiToolCalls([{ ...TOOL_CALL, name, arguments: json }]),
  beginning: () => openAiFrames([{ content: PIECES[0] }]).slice(0, 2),
  error: (status, headers = {}) => openAiError(status, `scripted refusal ${status}`, headers),
}

const ANTHROPIC: Dialect = {
  whole: anthropicText,
  stream: anthropicStream,
  toolCall: (name, json) => anthropicToolCalls([{ ...TOOL_CALL, name, arguments: json }]),
  beginning: () =>
    anthropicFrames([{ start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: PIECES[0] }] }]).slice(
      0,
      4,
    ),
  error: (status, headers = {}) => {
    const reply = anthropicError(status, ANTHROPIC_TYPES[status] ?? 'api_error', `scripted refusal ${status}`)
    return { ...reply, headers: { ...reply.headers, ...headers } }
  },
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
}

interface Asked {
  readonly request: RecordedRequest
  readonly dialect: Dialect
  /** 1 for the first request of the case. */
  readonly number: number
}

function replyTo(play: string, { request, dialect, number }: Asked): Reply {
  const said = (pieces: readonly string[]): Reply =>
    request.body.stream === true ? dialect.stream(pieces) : dialect.whole(pieces.join(''))
  const tool = firstTool(request.body)
  switch (play as Play) {
    case 'text':
      return said(PIECES)
    case 'tools':
      return hasToolResult(request.text) ? said([AFTER_TOOL]) : dialect.toolCall(TOOL_CALL.name, TOOL_CALL.arguments)
    case 'structured':
      // Some clients ask for a structured answer by a tool that has its shape.
      return tool === null ? said([JSON.stringify(READING)]) : dialect.toolCall(tool, JSON.stringify(READING))
    case 'invalid':
      return dialect.error(400)
    case 'refuses_key':
      return dialect.error(401)
    case 'limited':
      return dialect.error(429, { 'retry-after': String(LIMIT_SECONDS) })
    case 'flaky':
      return number === 1 ? dialect.error(429, { 'retry-after': String(FLAKY_SECONDS) }) : said(PIECES)
    case 'breaks_off':
      return eventStream(dialect.beginning(), { end: 'reset' })
    case 'stalls':
      return eventStream(dialect.beginning(), { end: 'hang' })
    case 'silent':
      return 'hang'
    default:
      return dialect.error(400)
  }
}

function hasToolResult(text: string): boolean {
  return /"role":"tool"|"type":"tool_result"|"type":"function_call_output"/.test(text)
}

/** In both dialects. */
function firstTool({ tools }: Readonly<Record<string, unknown>>): string | null {
  const tool = Array.isArray(tools) ? (tools[0] as { name?: string; function?: { name?: string } }) : null
  return tool?.function?.name ?? tool?.name ?? null
}
