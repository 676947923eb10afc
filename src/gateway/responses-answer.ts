/** Outcomes in the shapes of the OpenAI Responses API. */
import { randomBytes } from 'node:crypto'
import type { Usage } from '../spec/decision.ts'
import type { ToolCall } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import { spillwayField } from './completion.ts'
import type { ResponsesBody, ResponsesItem } from './responses-wire.ts'

/** What stays the same from the first event of an answer to its last. */
export interface ResponseFrame {
  /** Nobody can guess it: whoever has it may read what was kept under it. */
  readonly id: string
  /** Seconds since 1970. */
  readonly createdS: number
  readonly body: ResponsesBody
  readonly customTools: ReadonlySet<string>
}

export function newFrame(body: ResponsesBody, customTools: ReadonlySet<string>): ResponseFrame {
  return { id: newId('resp'), createdS: Math.floor(Date.now() / 1000), body, customTools }
}

export function newId(kind: 'resp' | 'msg' | 'fc' | 'ctc' | 'rs'): string {
  return `${kind}_${randomBytes(24).toString('hex')}`
}

export interface ResponseState {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly model: string
  readonly output: readonly ResponsesItem[]
  readonly isStored: boolean
  readonly error?: { readonly code: string; readonly message: string }
  /** Known once the answer is whole. */
  readonly outcome?: Outcome
}

export function responseObject(frame: ResponseFrame, state: ResponseState): Readonly<Record<string, unknown>> {
  const { id, createdS, body } = frame
  const { status, model, output, isStored, error, outcome } = state
  const reason = outcome?.finishReason === 'content_filter' ? 'content_filter' : 'max_output_tokens'
  return {
    id,
    object: 'response',
    created_at: createdS,
    status,
    ...(status === 'completed' && { completed_at: Math.floor(Date.now() / 1000) }),
    background: false,
    error: error ?? null,
    incomplete_details: status === 'incomplete' ? { reason } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    store: isStored,
    temperature: body.temperature ?? null,
    text: { ...body.text, format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    usage: outcome ? responseUsage(outcome.usage) : null,
    metadata: body.metadata ?? {},
    ...(outcome && { spillway: spillwayField(outcome) }),
  }
}

/** Ended by its cap or by a filter an answer is there, and not whole. */
export function statusOf({ finishReason }: Outcome): 'completed' | 'incomplete' {
  return finishReason === 'length' || finishReason === 'content_filter' ? 'incomplete' : 'completed'
}

/** The items of a whole answer; what only an upstream of the chat dialect says is read from its own body. */
export function outputOf(outcome: Outcome, frame: ResponseFrame): readonly ResponsesItem[] {
  const said = chatMessageOf(outcome.raw)
  const { refusal, annotations, logprobs } = said
  const status = statusOf(outcome)
  const text = refusal === null ? (outcome.answer ?? '') : ''
  const parts = [
    ...(text !== '' || (refusal === null && outcome.toolCalls.length === 0)
      ? [textPart(text, { annotations, logprobs })]
      : []),
    ...(refusal === null ? [] : [{ type: 'refusal', refusal }]),
  ]
  return [
    ...(said.reasoning === null ? [] : [reasoningItem(newId('rs'), said.reasoning)]),
    ...(parts.length > 0 ? [messageItem(newId('msg'), { status, content: parts })] : []),
    ...outcome.toolCalls.map((call) => callItem(call, frame, 'completed')),
  ]
}

export function messageItem(
  id: string,
  { status, content }: { readonly status: string; readonly content: readonly unknown[] },
): ResponsesItem {
  return { type: 'message', id, status, role: 'assistant', content }
}

export interface PartDetails {
  readonly annotations?: readonly unknown[]
  readonly logprobs?: readonly unknown[]
}

export function textPart(text: string, { annotations = [], logprobs = [] }: PartDetails = {}): ResponsesItem {
  return { type: 'output_text', text, annotations, logprobs }
}

export function reasoningItem(id: string, text: string): ResponsesItem {
  return { type: 'reasoning', id, summary: [], content: [{ type: 'reasoning_text', text }] }
}

/** A call as the client may run it; of a custom tool it is the text inside the one argument. */
export function callItem(
  { id: callId, name, arguments: text }: ToolCall,
  { customTools }: ResponseFrame,
  status: 'in_progress' | 'completed',
): ResponsesItem {
  if (!customTools.has(name))
    return { type: 'function_call', id: newId('fc'), call_id: callId, name, arguments: text, status }
  const input = customInput(text)
  return { type: 'custom_tool_call', id: newId('ctc'), call_id: callId, name, input, status }
}

/** A model that did not keep to the one argument has written the text itself. */
export function customInput(text: string): string {
  try {
    const { input } = JSON.parse(text) as { readonly input?: unknown }
    return typeof input === 'string' ? input : text
  } catch {
    return text
  }
}

export function responseUsage(usage: Usage | null): Readonly<Record<string, unknown>> {
  const input = usage?.inputTokens ?? 0
  const output = usage?.outputTokens ?? 0
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage?.cachedInputTokens ?? 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage?.reasoningTokens ?? 0 },
    total_tokens: input + output,
  }
}

interface Said {
  readonly refusal: string | null
  readonly reasoning: string | null
  readonly annotations: readonly unknown[]
  readonly logprobs: readonly unknown[]
}

function chatMessageOf(raw: Outcome['raw']): Said {
  const body = raw?.dialect === 'openai_chat' ? raw.body : null
  const choice = objectOf(Array.isArray(body?.choices) ? body.choices[0] : null)
  const message = objectOf(choice.message)
  const annotations = Array.isArray(message.annotations) ? message.annotations.map(annotationOf) : []
  return {
    refusal: textOf(message.refusal),
    reasoning: reasoningIn(message),
    annotations,
    logprobs: logprobsIn(choice),
  }
}

/** Thoughts in a field of their own, as DeepSeek, vLLM and OpenRouter send them. */
export function reasoningIn(message: Readonly<Record<string, unknown>>): string | null {
  return textOf(message.reasoning_content) ?? textOf(message.reasoning)
}

export function logprobsIn(choice: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { content } = objectOf(choice.logprobs)
  return Array.isArray(content) ? content : []
}

/** `{type, url_citation: {…}}` of a chat message is flat here. */
function annotationOf(annotation: unknown): unknown {
  const { type, url_citation: citation } = objectOf(annotation)
  return type === 'url_citation' ? { type, ...objectOf(citation) } : annotation
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
