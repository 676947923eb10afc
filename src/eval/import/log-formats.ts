/** How each kind of log writes a call. Pure; one function a format. */
import {
  answerOf,
  asList,
  asRow,
  bodyOf,
  headersOf,
  numberOrNull,
  pickFrom,
  type ReadRow,
  type Row,
  textOrNull,
  timeOrNull,
  usageOrNull,
} from './log-row.ts'

export const LOG_FORMATS = ['openai', 'litellm', 'jsonl'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export function readRow(row: Row, format: LogFormat): ReadRow {
  switch (format) {
    case 'openai':
      return openaiRow(row)
    case 'litellm':
      return litellmRow(row)
    case 'jsonl':
      return plainRow(row)
    default:
      return format satisfies never
  }
}

/** Calls of these are no chat. */
const OTHER_CALLS = /embed|image|speech|transcri|moderation|rerank|audio|file|batch_|fine_?tun/i

/**
 * Requests and responses of the OpenAI API: pairs, stored completions, lines of a batch with their answers, conversations that end with the
 * assistant.
 */
function openaiRow(row: Row): ReadRow {
  const request = bodyOf(pickFrom(row, 'request.body', 'request', 'body')) ?? bodyOf(row)
  const response = pickFrom(row, 'response.body', 'response') ?? (row.choices === undefined ? undefined : row)
  if (isFailed(row) || isFailed(asRow(row.response) ?? {})) return { skipped: 'failed_call' }
  if (OTHER_CALLS.test(String(pickFrom(row, 'url', 'endpoint', 'path') ?? ''))) return { skipped: 'not_chat' }
  if (!request) return { skipped: 'no_text' }
  const messages = asList(request.messages)
  const last = asRow(messages?.at(-1))
  const isTold = response === undefined && last?.role === 'assistant' && (messages?.length ?? 0) > 1
  const body = isTold ? { ...request, messages: messages?.slice(0, -1) } : request
  const answer = isTold ? answerOf(last) : answerOf(response)
  const answered = asRow(response) ?? {}
  return callOf(row, { body, answer, answered, wire: null })
}

/** The standard logging payload, bare or inside of kwargs, and rows of the spend log. */
function litellmRow(outer: Row): ReadRow {
  const row = asRow(pickFrom(outer, 'standard_logging_object', 'kwargs.standard_logging_object')) ?? outer
  if (OTHER_CALLS.test(String(row.call_type ?? ''))) return { skipped: 'not_chat' }
  if (isFailed(row) || isFailed(asRow(row.metadata) ?? {}) || textOrNull(row.error_str) !== null)
    return { skipped: 'failed_call' }
  if (String(row.cache_hit).toLowerCase() === 'true') return { skipped: 'cache_hit' }
  const told =
    bodyOf(row.messages) ?? bodyOf(row.proxy_server_request) ?? bodyOf(pickFrom(row, 'proxy_server_request.body'))
  if (!told) return { skipped: 'no_text' }
  const parameters = asRow(row.model_parameters) ?? asRow(row.optional_params) ?? {}
  const { stream: _, ...kept } = parameters
  const body = { ...onlyBodyKeys(kept), ...told }
  return callOf(row, { body, answer: answerOf(row.response), answered: asRow(row.response) ?? {}, wire: null })
}

/** Any other log of requests and answers: the names that proxies and tracers use. */
function plainRow(row: Row): ReadRow {
  if (isFailed(row)) return { skipped: 'failed_call' }
  if (String(pickFrom(row, 'cache_hit', 'cached', 'cacheHit')).toLowerCase() === 'true') return { skipped: 'cache_hit' }
  const type = String(pickFrom(row, 'type', 'call_type', 'endpoint', 'url', 'path') ?? '')
  if (OTHER_CALLS.test(type) || /^(?:span|event|trace)$/i.test(type)) return { skipped: 'not_chat' }
  const posted = bodyOf(pickFrom(row, 'body', 'request.body', 'request', 'request_body', 'requestBody'))
  const isBody = row.messages !== undefined || (row.input !== undefined && row.instructions !== undefined)
  const told = posted ?? (isBody ? bodyOf(row) : bodyOf(pickFrom(row, 'input', 'prompt')))
  if (!told) return { skipped: 'no_text' }
  const parameters = onlyBodyKeys(asRow(row.modelParameters) ?? asRow(row.model_parameters) ?? {})
  const response = pickFrom(
    row,
    'response.body',
    'response',
    'response_body',
    'responseBody',
    'output',
    'completion',
    'answer',
  )
  const wire = row.wire === 'anthropic' || row.wire === 'openai' ? row.wire : null
  return callOf(row, {
    body: { ...parameters, ...told },
    answer: answerOf(response),
    answered: asRow(response) ?? {},
    wire,
  })
}

/** Settings that belong into a body; tracers write others beside them. */
const BODY_KEYS = new Set([
  'temperature',
  'top_p',
  'max_tokens',
  'max_completion_tokens',
  'tools',
  'tool_choice',
  'response_format',
  'stop',
  'seed',
])

function onlyBodyKeys(parameters: Row): Row {
  return Object.fromEntries(Object.entries(parameters).filter(([key, value]) => BODY_KEYS.has(key) && value !== null))
}

interface Told {
  readonly body: Row
  readonly answer: ReturnType<typeof answerOf>
  /** The response, where it is an object. */
  readonly answered: Row
  readonly wire: 'openai' | 'anthropic' | null
}

function callOf(row: Row, { body, answer, answered, wire }: Told): ReadRow {
  const usage =
    usageOrNull(asRow(pickFrom(row, 'usage', 'usageDetails', 'usage_details')) ?? {}) ??
    usageOrNull(asRow(answered.usage) ?? {}) ??
    usageOrNull({ prompt_tokens: row.prompt_tokens, completion_tokens: row.completion_tokens })
  const cost = numberOrNull(
    pickFrom(
      row,
      'response_cost',
      'spend',
      'cost_usd',
      'costUsd',
      'costUSD',
      'cost',
      'totalCost',
      'total_cost',
      'calculatedTotalCost',
      'usage.cost',
    ),
  )
  const model =
    textOrNull(pickFrom(row, 'model', 'request.model')) ?? textOrNull(body.model) ?? textOrNull(answered.model)
  return {
    call: {
      id: textOrNull(pickFrom(row, 'id', 'request_id', 'requestId', 'custom_id')),
      body: model === null || body.model !== undefined ? body : { ...body, model },
      wire,
      headers: headersOf(row.headers),
      model,
      answer,
      usage,
      // A log writes 0 where it knows no price.
      costUsd: cost === null || cost <= 0 ? null : cost,
      at: timeOrNull(
        pickFrom(
          row,
          'startTime',
          'start_time',
          'created_at',
          'createdAt',
          'request_created_at',
          'timestamp',
          'ts',
          'created',
          'time',
        ),
      ),
    },
  }
}

function isFailed(row: Row): boolean {
  const status = pickFrom(row, 'status', 'response_status', 'responseStatus', 'status_code', 'statusCode', 'level')
  const code = numberOrNull(status)
  if (code !== null && code >= 400) return true
  if (typeof status === 'string' && /^(?:fail|error)/i.test(status)) return true
  return row.error !== undefined && row.error !== null && row.error !== '' && row.error !== false
}
