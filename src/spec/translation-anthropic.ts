/** From a request of the Messages API to a model behind an OpenAI chat API. */
import { carried, refused, type TranslationRow, warned } from './translation-row.ts'
import { type Fields, fieldsOf, isSet, listOf } from './wire-body.ts'

/** Fields that some row names, or that say nothing to a model. */
export const ANTHROPIC_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'stream',
  'tools',
  'tool_choice',
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
  'thinking',
  'output_config',
  'output_format',
  'mcp_servers',
  'container',
])

/** As a need of a request: local models have it under the pattern `advisor`. */
export const ADVISOR_NEED = 'tool advisor_20260301'

export const ANTHROPIC_TO_OPENAI: readonly TranslationRow[] = [
  carried('system', 'a first message of role system; several texts stay several parts'),
  carried('messages[].content text, image', '`text`, `image_url` with a data or https URL'),
  carried('messages[].content document with a text source', 'its title, context and text as one text'),
  refused('messages[].content[] document, image of a file or PDF', 'the file is not here to be read', (body) =>
    blocksOf(body).some(isForeignSource),
  ),
  carried('messages[].content tool_use', '`tool_calls` with the same id and name; the input as JSON text'),
  carried('messages[].content tool_result', 'a message of role tool; images in it follow in a message of the user'),
  warned('tool_result.is_error', 'the dialect has no mark for it; the text of the error is sent', (body) =>
    blocksOf(body).some(({ is_error: isError }) => isError === true),
  ),
  warned('thinking, redacted_thinking blocks', 'only the model that wrote them can read them', (body) =>
    blocksOf(body).some(({ type }) => type === 'thinking' || type === 'redacted_thinking'),
  ),
  warned('cache_control', 'the provider caches by itself', (body) =>
    [body, ...listOf(body.system), ...listOf(body.tools), ...blocksOf(body)].some((one) => isSet(one.cache_control)),
  ),
  warned('citations', 'the answer comes without', (body) =>
    blocksOf(body).some(({ citations }) => isSet(citations) && fieldsOf(citations).enabled !== false),
  ),
  refused('messages[].content[] of any other type', 'only the provider that wrote it can read it', (body) =>
    blocksOf(body).some((block) => !KNOWN_BLOCKS.has(String(block.type)) && !isAdvisorBlock(block)),
  ),
  carried('tools of the caller', '`tools` of type function'),
  refused('tools of the provider', 'they run at the provider of the other dialect', (body) =>
    listOf(body.tools).some((tool) => isProvidersTool(tool) && !isAdvisorTool(tool)),
  ),
  warned(ADVISOR_NEED, 'the model answers without an adviser', (body) => listOf(body.tools).some(isAdvisorTool)),
  carried('tool_choice', 'auto, any, tool and none: auto, required, a name, none; `parallel_tool_calls`'),
  carried('max_tokens', '`max_completion_tokens`, `max_tokens` for servers that imitate the API'),
  carried('stop_sequences', '`stop`'),
  carried('temperature, top_p', 'as they are'),
  warned('top_k', 'the dialect has none'),
  carried('metadata.user_id', '`user`'),
  warned(
    'thinking',
    '`reasoning_effort` for models that take one (o1 to o9, gpt-5 and later, gpt-oss): up to 2048 tokens low, up to 8192 medium, above high; else left out',
    (body, model) => wantsThought(body.thinking) && !(takesEffort(model) && effortOf(body) !== undefined),
  ),
  warned(
    'output_config.effort',
    '`reasoning_effort`, for the same models',
    (body, model) => isSet(fieldsOf(body.output_config).effort) && !takesEffort(model),
  ),
  carried('output_config.format, output_format', '`response_format` with the schema'),
  refused(
    'mcp_servers',
    'they are called by the provider of the other dialect',
    (body) => listOf(body.mcp_servers).length > 0,
  ),
  refused('container', 'it runs at the provider of the other dialect'),
  carried('stream', 'the caller gets the form it asked for'),
  { field: 'any other field', carriage: 'warned', how: 'it is not sent', isUsed: () => false },
]

/** Blocks that other dialects have something for. */
const KNOWN_BLOCKS: ReadonlySet<string> = new Set([
  'text',
  'image',
  'document',
  'tool_use',
  'tool_result',
  'thinking',
  'redacted_thinking',
  'search_result',
])

/** A tool without a type is the caller's own. */
export function isProvidersTool({ type }: Fields): boolean {
  return isSet(type) && type !== 'custom'
}

export function isAdvisorTool({ type }: Fields): boolean {
  return type === 'advisor_20260301'
}

/** A call of the adviser, or what it said in words; what is sealed can only be read by the provider. */
export function isAdvisorBlock({ type, name, content }: Fields): boolean {
  if (type === 'server_tool_use') return name === 'advisor'
  return type === 'advisor_tool_result' && fieldsOf(content).type !== 'advisor_redacted_result'
}

export function wantsThought(thinking: unknown): boolean {
  const { type } = fieldsOf(thinking)
  return typeof type === 'string' && type !== 'disabled'
}

/** Models of the OpenAI dialect that take `reasoning_effort`; others refuse a request that holds it. */
export function takesEffort(model: string): boolean {
  return /^(openai\/)?(o[1-9]|gpt-[5-9]|gpt-oss)/.test(model)
}

/** The effort that a caller's `output_config` or `thinking` asks for; undefined when it leaves the choice to the model. */
export function effortOf(body: Fields): string | undefined {
  const said = fieldsOf(body.output_config).effort
  if (typeof said === 'string') return said === 'max' ? 'high' : said
  const { type, budget_tokens: budget } = fieldsOf(body.thinking)
  if (type !== 'enabled' || typeof budget !== 'number') return undefined
  return budget <= 2048 ? 'low' : budget <= 8192 ? 'medium' : 'high'
}

/** Every block, those inside of tool results as well. */
function blocksOf(body: Fields): readonly Fields[] {
  return listOf(body.messages).flatMap(({ content }) =>
    listOf(content).flatMap((block) => [block, ...(block.type === 'tool_result' ? listOf(block.content) : [])]),
  )
}

function isForeignSource({ type, source }: Fields): boolean {
  const kind = fieldsOf(source).type
  if (type === 'image') return kind === 'file'
  return type === 'document' && kind !== 'text' && kind !== 'content'
}
