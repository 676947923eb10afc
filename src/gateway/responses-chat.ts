/** A Responses request said in the chat dialect, which every model behind the router understands. */
import { RouterError } from '../spec/errors.ts'
import { chatMessages } from './responses-items.ts'
import { fieldsOnlyHere, inputItems, OWN_FIELDS, type ResponsesBody, type ResponsesItem } from './responses-wire.ts'

export interface ChatRequest {
  readonly chat: Readonly<Record<string, unknown>>
  /** Tools whose input is text and not JSON; on the chat wire they are functions with one argument. */
  readonly customTools: ReadonlySet<string>
  /** What could not be carried; null when everything was. */
  readonly warning: string | null
}

/**
 * @param earlier items of the response that this one goes on from
 * @throws RouterError request_invalid for tools and items that only a provider could run
 */
export function chatRequestOf(body: ResponsesBody, earlier: readonly ResponsesItem[]): ChatRequest {
  const { messages, lost } = chatMessages([...earlier, ...inputItems(body)])
  const head = body.instructions ? [{ role: 'system', content: body.instructions }] : []
  if (messages.length === 0)
    throw new RouterError('request_invalid', { path: 'input', problem: 'it is empty', fix: 'Send a text or items.' })
  const tools = toolsOf(body)
  const truncates = body.truncation === 'auto' ? ['truncation: auto (nothing is ever cut)'] : []
  const notCarried = [...lost, ...tools.lost, ...fieldsOnlyHere(body), ...truncates]
  return {
    chat: {
      ...Object.fromEntries(Object.entries(body).filter(([field]) => !OWN_FIELDS.has(field))),
      model: body.model,
      messages: [...head, ...messages],
      ...tools.fields,
      ...formatOf(body),
      ...logprobsOf(body),
      ...given('parallel_tool_calls', body.parallel_tool_calls),
      ...given('max_completion_tokens', body.max_output_tokens),
      ...given('temperature', body.temperature),
      ...given('top_p', body.top_p),
      ...given('verbosity', body.text?.verbosity),
      ...given('reasoning_effort', body.reasoning?.effort),
    },
    customTools: tools.custom,
    warning: notCarried.length > 0 ? `not carried to the model: ${notCarried.join(', ')}` : null,
  }
}

interface Tools {
  readonly fields: Readonly<Record<string, unknown>>
  readonly custom: ReadonlySet<string>
  readonly lost: readonly string[]
}

type Tool = NonNullable<ResponsesBody['tools']>[number]

function toolsOf({ tools, tool_choice }: ResponsesBody): Tools {
  const offered = tools ?? []
  const allowed = allowedOf(tool_choice)
  const functions = offered.flatMap((tool, index) => functionsOf(tool, `tools.${index}`))
  const usable = allowed ? functions.filter((one) => allowed.names.has(one.function.name)) : functions
  const search = offered.find(isSearch)
  const grammars = offered.filter((tool) => tool.type === 'custom' && formatType(tool) === 'grammar')
  const choice = allowed ? allowed.mode : choiceOf(tool_choice)
  return {
    fields: {
      ...(usable.length > 0 && { tools: usable }),
      ...(usable.length > 0 && choice !== undefined && { tool_choice: choice }),
      ...(search && { web_search_options: searchOptions(search) }),
    },
    custom: new Set(offered.flatMap(({ type, name }) => (type === 'custom' && name !== undefined ? [name] : []))),
    lost: grammars.map(({ name }) => `the grammar of tool ${name} (told in its description)`),
  }
}

interface ChatFunction {
  readonly type: 'function'
  readonly function: { readonly name: string }
}

function functionsOf(tool: Tool, path: string): readonly ChatFunction[] {
  const { type, name, description, parameters, strict } = tool
  if (isSearch(tool)) return []
  if (type !== 'function' && type !== 'custom')
    throw new RouterError('request_invalid', {
      path: `${path}.type`,
      problem: `${type} is a tool that a provider runs itself, and models behind this router are asked in the chat dialect`,
      fix: 'Offer function, custom or web_search tools.',
    })
  if (name === undefined)
    throw new RouterError('request_invalid', { path: `${path}.name`, problem: 'it is missing', fix: 'Name the tool.' })
  const told = type === 'custom' ? customDescription(tool) : (description ?? undefined)
  const takes = type === 'custom' ? CUSTOM_PARAMETERS : parameters
  return [
    {
      type: 'function',
      function: {
        name,
        ...(told !== undefined && { description: told }),
        ...(takes && { parameters: takes }),
        ...(typeof strict === 'boolean' && { strict }),
      },
    },
  ]
}

/** The one argument of a function that stands for a custom tool. */
const CUSTOM_PARAMETERS = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

function customDescription(tool: Tool): string {
  const { format } = tool
  const grammar =
    formatType(tool) === 'grammar' ? `The input must follow this grammar:\n${JSON.stringify(format)}` : null
  return [tool.description ?? `Takes a text.`, grammar].filter((text) => text !== null).join('\n\n')
}

function formatType({ format }: Tool): unknown {
  return typeof format === 'object' && format !== null && 'type' in format ? format.type : undefined
}

function isSearch({ type }: Tool): boolean {
  return /^web_search(_|$)/.test(type)
}

/** Only a frontier that searches by itself can do it; the router asks no other. */
function searchOptions({ search_context_size, user_location }: Tool): Readonly<Record<string, unknown>> {
  const location =
    typeof user_location === 'object' && user_location !== null
      ? { type: 'approximate', approximate: withoutType(user_location) }
      : undefined
  return {
    ...(typeof search_context_size === 'string' && { search_context_size }),
    ...(location && { user_location: location }),
  }
}

function withoutType(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'type'))
}

type Choice = ResponsesBody['tool_choice']

function choiceOf(choice: Choice): unknown {
  if (choice === null || choice === undefined || typeof choice === 'string') return choice ?? undefined
  if (choice.type === 'function' || choice.type === 'custom')
    return { type: 'function', function: { name: choice.name } }
  if (/^web_search(_|$)/.test(choice.type)) return undefined
  throw new RouterError('request_invalid', {
    path: 'tool_choice.type',
    problem: `${choice.type.slice(0, 64)} is a tool that a provider runs itself`,
    fix: 'Choose none, auto, required, a function, a custom tool or allowed_tools.',
  })
}

/** Of a list of allowed tools only those are offered: to the model it is the same. */
function allowedOf(
  choice: Choice,
): { readonly names: ReadonlySet<unknown>; readonly mode: 'auto' | 'required' } | null {
  if (typeof choice !== 'object' || choice === null || choice.type !== 'allowed_tools') return null
  const tools = Array.isArray(choice.tools) ? choice.tools : []
  const names = tools.map((tool: unknown) => (tool as { name?: unknown } | null)?.name)
  return { names: new Set(names), mode: choice.mode === 'required' ? 'required' : 'auto' }
}

function formatOf({ text }: ResponsesBody): Readonly<Record<string, unknown>> {
  const format = text?.format
  if (!format || format.type === 'text') return {}
  if (format.type === 'json_object') return { response_format: format }
  const { type, ...schema } = format
  const { strict, ...rest } = schema
  return { response_format: { type, json_schema: { ...rest, ...(typeof strict === 'boolean' && { strict }) } } }
}

function logprobsOf({ top_logprobs, include }: ResponsesBody): Readonly<Record<string, unknown>> {
  const isAsked = include?.includes('message.output_text.logprobs') || (top_logprobs ?? 0) > 0
  return isAsked ? { logprobs: true, ...((top_logprobs ?? 0) > 0 && { top_logprobs }) } : {}
}

function given(field: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined || value === null ? {} : { [field]: value }
}
