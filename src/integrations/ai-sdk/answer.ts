/** A whole answer of the OpenAI dialect as the AI SDK takes it. */
import { countOf, type Fields, fieldsOf, jsonFields, listOf, textOf } from './door.ts'
import type {
  LanguageResult,
  ProviderFields,
  ResponseAbout,
  SdkContent,
  SdkFinish,
  SdkToolCall,
  SdkUsage,
} from './specification.ts'

export function languageResult(body: Fields): Omit<LanguageResult, 'warnings'> {
  const choice = listOf(body.choices)[0] ?? {}
  const message = fieldsOf(choice.message)
  const calls = listOf(message.tool_calls).map((call, index) => toolCall(spokenCall(call), index))
  const texts = [
    { type: 'reasoning', text: thoughtsIn(message) },
    { type: 'text', text: textOf(message.content) ?? textOf(message.refusal) ?? '' },
  ] as const
  const content: SdkContent[] = [...texts.filter(({ text }) => text !== ''), ...calls]
  return {
    content,
    finishReason: finishOf(choice.finish_reason),
    usage: usageOf(body.usage),
    providerMetadata: metadataOf(body.spillway),
    response: { ...aboutOf(body), body },
  }
}

export interface SpokenCall {
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly text: string
}

export function spokenCall(call: Fields): SpokenCall {
  const { name, arguments: text } = fieldsOf(call.function)
  return { id: textOf(call.id), name: textOf(name), text: textOf(text) ?? '' }
}

/** Some servers leave the id out, and the arguments of tools that have none. */
export function toolCall({ id, name, text }: SpokenCall, index: number): SdkToolCall {
  const input = text.trim() === '' ? '{}' : text
  return { type: 'tool-call', toolCallId: id || `call_${index}`, toolName: name ?? '', input }
}

/** `reasoning_content` of most servers, `reasoning` of some. */
export function thoughtsIn({ reasoning_content: usual, reasoning }: Fields): string {
  return textOf(usual) ?? textOf(reasoning) ?? ''
}

const FINISH: Readonly<Record<string, SdkFinish['unified']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
}

export function finishOf(word: unknown): SdkFinish {
  const raw = textOf(word)
  return { unified: FINISH[raw ?? ''] ?? 'other', raw }
}

/** A count that was not told is undefined, never 0. */
export function usageOf(value: unknown): SdkUsage {
  const usage = fieldsOf(value)
  const read = fieldsOf(usage.prompt_tokens_details)
  const written = fieldsOf(usage.completion_tokens_details)
  const [input, output] = [countOf(usage.prompt_tokens), countOf(usage.completion_tokens)]
  const cacheRead = countOf(read.cached_tokens)
  const cacheWrite = countOf(read.cache_write_tokens)
  const reasoning = countOf(written.reasoning_tokens)
  const noCache = input === undefined ? undefined : input - (cacheRead ?? 0) - (cacheWrite ?? 0)
  const text = output === undefined ? undefined : output - (reasoning ?? 0)
  return {
    inputTokens: { total: input, noCache, cacheRead, cacheWrite },
    outputTokens: { total: output, text, reasoning },
    raw: jsonFields(usage),
  }
}

/** The decision: route, reason, model, cost, request id and the rest of the `spillway` field. */
export function metadataOf(spillway: unknown): ProviderFields {
  return { spillway: jsonFields(spillway) }
}

export function aboutOf({ id, model, created }: Fields): ResponseAbout {
  const seconds = countOf(created)
  const [name, modelId] = [textOf(id), textOf(model)]
  return {
    ...(name !== undefined && { id: name }),
    ...(modelId !== undefined && { modelId }),
    ...(seconds !== undefined && { timestamp: new Date(seconds * 1000) }),
  }
}
