/** From an OpenAI chat request to a model behind the Messages API. */

import { carried, refused, type TranslationRow, warned } from './translation-row.ts'
import { SDK_OPTIONS_FIELD } from './wire.ts'
import { type Fields, fieldsOf, isSet, listOf, partsOf } from './wire-body.ts'

/** Fields that some row names, or that say nothing to a model. */
export const OPENAI_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  SDK_OPTIONS_FIELD,
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stop',
  'user',
  'reasoning_effort',
  'n',
  'functions',
  'function_call',
  'modalities',
  'audio',
  'web_search_options',
  'prompt_cache_key',
  'prompt_cache_retention',
])

export const OPENAI_TO_ANTHROPIC: readonly TranslationRow[] = [
  carried('messages[].role system, developer', '`system`, in order, joined by an empty line'),
  carried('messages[].content text, image_url', '`text`, `image` with a base64 or url source'),
  warned('messages[].name', 'the API has no names of speakers', (body) =>
    listOf(body.messages).some(({ name }) => isSet(name)),
  ),
  warned('messages[].content[].image_url.detail', 'the API chooses the detail itself', (body) =>
    partsOf(body).some(({ image_url }) => isSet(fieldsOf(image_url).detail)),
  ),
  refused('messages[].content[] input_audio, file, refusal', 'there is no such block', (body) =>
    partsOf(body).some(({ type }) => type === 'input_audio' || type === 'file' || type === 'refusal'),
  ),
  carried('messages[].tool_calls', '`tool_use` with the same id and name; the arguments must be a JSON object'),
  carried('messages[].role tool', '`tool_result` of the same id; neighbours become one message'),
  carried('tools', '`tools` with `input_schema`'),
  warned('tools[].function.strict', 'it is sent as a plain tool', (body) =>
    listOf(body.tools).some((tool) => isSet(fieldsOf(tool.function).strict)),
  ),
  carried('tool_choice', 'none, auto, required and a name: none, auto, any, tool'),
  carried('parallel_tool_calls', '`tool_choice.disable_parallel_tool_use`'),
  carried('response_format', 'an instruction in `system`; gates check the answer'),
  carried('max_tokens, max_completion_tokens', '`max_tokens`, or `maxOutputTokens` of the model'),
  carried('stream, stream_options', 'the caller gets the form it asked for'),
  warned('temperature', 'above 1 it becomes 1; with a budget of thought it is left out', temperatureChanges),
  warned(
    'top_p',
    'beside a temperature it is left out, as the API wants one of them; with a budget of thought as well',
    (body, model) => isSet(body.top_p) && (isSet(body.temperature) || thinks(body, model)),
  ),
  carried('stop', '`stop_sequences`'),
  carried('user', '`metadata.user_id`'),
  warned(
    'reasoning_effort',
    '`thinking.budget_tokens` (low 1024, medium 4096, high 16384, xhigh 32768) for models 3.7 to 4.5, when `max_tokens` has room, no tool is forced and no tool was just called; else left out',
    (body, model) => isSet(body.reasoning_effort) && body.reasoning_effort !== 'none' && !thinks(body, model),
  ),
  refused('n', 'the API gives one answer', ({ n }) => typeof n === 'number' && n > 1),
  refused('functions, function_call', 'use tools', (body) => listOf(body.functions).length > 0),
  refused('modalities, audio', 'the API answers in text', (body) =>
    Array.isArray(body.modalities) ? body.modalities.some((kind) => kind !== 'text') : isSet(body.audio),
  ),
  refused('web_search_options', 'the tool of the other provider is another one'),
  { field: 'any other field', carriage: 'warned', how: 'it is not sent', isUsed: () => false },
]

/** Whether an effort becomes a budget of thought: see `withThinking`. */
export function thinks(body: Fields, model: string): boolean {
  const effort = body.reasoning_effort
  const cap = Number(body.max_completion_tokens ?? body.max_tokens ?? 0)
  const last = listOf(body.messages).at(-1)?.role
  const forced = body.tool_choice === 'required' || Object.keys(fieldsOf(body.tool_choice)).length > 0
  const isForbidden = forced || last === 'tool' || last === 'assistant'
  return typeof effort === 'string' && effort in BUDGETS && takesBudget(model) && cap > LEAST_BUDGET && !isForbidden
}

/** Tokens of thought for each effort; the API takes no fewer than 1024. */
export const BUDGETS: Readonly<Record<string, number>> = { low: 1024, medium: 4096, high: 16_384, xhigh: 32_768 }
const LEAST_BUDGET = 1024

/** The models whose documentation names `budget_tokens`: 3.7 and 4.0 to 4.5. Later ones choose their budget themselves. */
function takesBudget(model: string): boolean {
  return /claude-(3-7|(sonnet|opus|haiku)-4(-[0-5])?)(-\d{8}|-latest|-sonnet|@|$)/.test(model)
}

function temperatureChanges(body: Fields, model: string): boolean {
  const { temperature } = body
  return typeof temperature === 'number' && (temperature > 1 || (temperature !== 1 && thinks(body, model)))
}
