/** A call of a language model as a body of the OpenAI dialect. */
import type { Fields } from './door.ts'
import { chatMessages } from './prompt.ts'
import type { JsonFields, LanguageCall, SdkTool, SdkWarning } from './specification.ts'

export interface ChatBody {
  readonly body: Fields
  readonly warnings: SdkWarning[]
}

export interface ChatBodySettings {
  /** `auto`, `local`, `frontier`, a task or a model of the policy. */
  readonly model: string
  readonly metadata: JsonFields
}

/** @throws RouterError request_invalid for content that nobody could be asked about */
export function chatBody(call: LanguageCall, { model, metadata }: ChatBodySettings): ChatBody {
  const { messages, warnings } = chatMessages(call.prompt)
  const { maxOutputTokens, temperature, topP, topK, stopSequences, seed, presencePenalty, frequencyPenalty } = call
  const { reasoning } = call
  const body = {
    model,
    messages,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(stopSequences && stopSequences.length > 0 && { stop: stopSequences }),
    ...(seed !== undefined && { seed }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
    ...(reasoning !== undefined && reasoning !== 'provider-default' && { reasoning_effort: reasoning }),
    ...responseFormat(call.responseFormat),
    ...toolFields(call),
  }
  const more: readonly SdkWarning[] = [
    ...(topK === undefined ? [] : [{ type: 'unsupported', feature: 'topK' } as const]),
    ...(call.tools ?? [])
      .filter(isProviderTool)
      .map(({ name }) => ({ type: 'unsupported', feature: `the provider tool ${name}` }) as const),
  ]
  return { body, warnings: [...warnings, ...more] }
}

function responseFormat(format: LanguageCall['responseFormat']): Fields {
  if (format?.type !== 'json') return {}
  const { schema, name = 'answer', description } = format
  if (schema === undefined) return { response_format: { type: 'json_object' } }
  const described = { name, schema, ...(description !== undefined && { description }) }
  return { response_format: { type: 'json_schema', json_schema: described } }
}

function toolFields({ tools = [], toolChoice }: LanguageCall): Fields {
  const own = tools.filter((tool) => !isProviderTool(tool))
  if (own.length === 0) return {}
  return { tools: own.map(functionTool), ...(toolChoice && { tool_choice: choiceOf(toolChoice) }) }
}

function functionTool({ name, description, inputSchema, strict }: SdkTool): Fields {
  const parameters = inputSchema ?? { type: 'object', properties: {} }
  const about = { ...(description !== undefined && { description }), ...(strict !== undefined && { strict }) }
  return { type: 'function', function: { name, ...about, parameters } }
}

function choiceOf(choice: NonNullable<LanguageCall['toolChoice']>): unknown {
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice.type
}

/** A tool that one provider runs itself: who is asked here is not known before. */
function isProviderTool({ type }: SdkTool): boolean {
  return type !== 'function'
}
