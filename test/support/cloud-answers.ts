/** Ready-made replies of a scripted cloud in both dialects. Text makers answer as the request asks: streamed or whole. */
import type { Reply, ScriptedReply } from './scripted-cloud.ts'
import { eventStream, json } from './scripted-cloud.ts'

export interface AnswerDetails {
  readonly model?: string
  readonly finishReason?: string
  /** `null` leaves the usage block out. Default 11 in, 7 out. */
  readonly usage?: { readonly input: number; readonly output: number } | null
}

export interface ScriptedToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** A chat completion with this text. */
export function openAiText(text: string, details: AnswerDetails = {}): Reply {
  return (request) =>
    request.body.stream === true
      ? openAiStream(text === '' ? [] : [text], details)
      : json(openAiBody({ role: 'assistant', content: text }, { finishReason: 'stop', ...details }))
}

/** A chat completion that calls tools. */
export function openAiToolCalls(calls: readonly ScriptedToolCall[], details: AnswerDetails = {}): Reply {
  const told = { finishReason: 'tool_calls', ...details }
  const wire = calls.map(({ id, ...call }) => ({ id, type: 'function', function: call }))
  return (request) =>
    request.body.stream === true
      ? eventStream(
          openAiFrames(
            wire.map((call, index) => ({ tool_calls: [{ index, ...call }] })),
            told,
          ),
        )
      : json(openAiBody({ role: 'assistant', content: null, tool_calls: wire }, told))
}

/** A streamed chat completion: one frame a piece of text, then finish, usage and `[DONE]`. */
export function openAiStream(texts: readonly string[], details: AnswerDetails = {}): ScriptedReply {
  return eventStream(
    openAiFrames(
      texts.map((content) => ({ content })),
      details,
    ),
  )
}

/** The frames of a streamed chat completion, one string each, for tests that break or cut them. */
export function openAiFrames(deltas: readonly object[], details: AnswerDetails = {}): string[] {
  const { model = 'scripted-1', finishReason = 'stop', usage = DEFAULT_USAGE } = details
  const head = { id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 1_700_000_000, model }
  const chunk = (delta: object, finish: string | null): object => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  const chunks = [
    chunk({ role: 'assistant', content: '' }, null),
    ...deltas.map((delta) => chunk(delta, null)),
    chunk({}, finishReason),
    ...(usage === null ? [] : [{ ...head, choices: [], usage: openAiUsage(usage) }]),
  ]
  return [...chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n']
}

/** An error as the OpenAI dialect sends it; status 429 with `retry-after` in `headers` is a rate limit. */
export function openAiError(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ScriptedReply {
  return json({ error: { message, type: 'scripted_error', param: null, code: null } }, { status, headers })
}

/** A message with this text. */
export function anthropicText(text: string, details: AnswerDetails = {}): Reply {
  return anthropicBlocks(text === '' ? [] : [{ type: 'text', text }], { finishReason: 'end_turn', ...details })
}

/** A message that uses tools. */
export function anthropicToolCalls(calls: readonly ScriptedToolCall[], details: AnswerDetails = {}): Reply {
  const blocks = calls.map((call) => ({
    type: 'tool_use',
    id: call.id,
    name: call.name,
    input: JSON.parse(call.arguments),
  }))
  return anthropicBlocks(blocks, { finishReason: 'tool_use', ...details })
}

/** A streamed message of one text block: one frame a piece of text. */
export function anthropicStream(texts: readonly string[], details: AnswerDetails = {}): ScriptedReply {
  const deltas = texts.map((text) => ({ type: 'text_delta', text }))
  return eventStream(anthropicFrames([{ start: { type: 'text', text: '' }, deltas }], details))
}

/** The frames of a streamed message, one string each, for tests that break or cut them. */
export function anthropicFrames(
  blocks: readonly { readonly start: object; readonly deltas: readonly object[] }[],
  details: AnswerDetails = {},
): string[] {
  const { model = 'scripted-1', finishReason = 'end_turn', usage = DEFAULT_USAGE } = details
  const counted = usage === null ? {} : { usage: { input_tokens: usage.input, output_tokens: 1 } }
  const message = {
    id: 'msg_scripted',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    ...counted,
  }
  const frames: object[] = [
    { type: 'message_start', message },
    { type: 'ping' },
    ...blocks.flatMap(({ start, deltas }, index) => [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason: finishReason, stop_sequence: null },
      ...(usage === null ? {} : { usage: { output_tokens: usage.output } }),
    },
    { type: 'message_stop' },
  ]
  return frames.map((frame) => `event: ${(frame as { type: string }).type}\ndata: ${JSON.stringify(frame)}\n\n`)
}

/** An error as the Anthropic dialect sends it. */
export function anthropicError(status: number, type: string, message: string): ScriptedReply {
  return json({ type: 'error', error: { type, message }, request_id: 'req_scripted' }, { status })
}

function anthropicBlocks(blocks: readonly Record<string, unknown>[], details: AnswerDetails): Reply {
  const { model = 'scripted-1', finishReason = 'end_turn', usage = DEFAULT_USAGE } = details
  const counted = usage === null ? {} : { usage: { input_tokens: usage.input, output_tokens: usage.output } }
  return (request) =>
    request.body.stream === true
      ? eventStream(anthropicFrames(blocks.map(streamedBlock), details))
      : json({
          id: 'msg_scripted',
          type: 'message',
          role: 'assistant',
          model,
          content: blocks,
          stop_reason: finishReason,
          ...counted,
        })
}

function streamedBlock(block: Record<string, unknown>): { start: object; deltas: object[] } {
  if (block.type === 'text')
    return { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: block.text }] }
  const partial_json = JSON.stringify(block.input)
  return { start: { ...block, input: {} }, deltas: [{ type: 'input_json_delta', partial_json }] }
}

function openAiBody(message: object, details: AnswerDetails): object {
  const { model = 'scripted-1', finishReason = 'stop', usage = DEFAULT_USAGE } = details
  return {
    id: 'chatcmpl-scripted',
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
    ...(usage === null ? {} : { usage: openAiUsage(usage) }),
  }
}

function openAiUsage({ input, output }: { readonly input: number; readonly output: number }): object {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

const DEFAULT_USAGE = { input: 11, output: 7 }
