/** What becomes of each field of a request when the model does not speak the caller's dialect. The one table; docs and warnings follow it. */
import {
  ADVISOR_NEED,
  ANTHROPIC_FIELDS,
  ANTHROPIC_TO_OPENAI,
  isAdvisorTool,
  wantsThought,
} from './translation-anthropic.ts'
import { OPENAI_FIELDS, OPENAI_TO_ANTHROPIC } from './translation-openai.ts'
import { carried, refused, type TranslationRow, warned } from './translation-row.ts'
import type { CallersWire, WireDialect } from './wire.ts'
import { fieldsOf, isSet, listOf } from './wire-body.ts'

/** Who is to be asked: a model of a dialect, or a local one, which is asked in its own way. */
export interface Target {
  readonly dialect: WireDialect | 'local'
  /** The id of the model there. */
  readonly model: string
}

export interface NotCarried {
  readonly warned: readonly string[]
  readonly refused: readonly string[]
}

const NOTHING: NotCarried = { warned: [], refused: [] }

/** Fields of a caller's body that the target is not asked; everything that no row names is warned of. */
export function notCarried({ dialect, body }: CallersWire, target: Target): NotCarried {
  if (dialect === target.dialect || dialect === 'openai_completions' || dialect === 'openai_embeddings') return NOTHING
  const rows = rowsFor(dialect, target.dialect)
  const used = rows.filter(({ field, isUsed }) => isUsed?.(body, target.model) ?? isSet(body[field]))
  const known: ReadonlySet<string> = dialect === 'openai_chat' ? OPENAI_FIELDS : ANTHROPIC_FIELDS
  const unknown = Object.keys(body).filter(
    (name) => !known.has(name) && isSet(body[name]) && !rows.some(({ field }) => field === name),
  )
  const of = (carriage: TranslationRow['carriage']): readonly string[] =>
    used.filter((row) => row.carriage === carriage).map(({ field }) => field)
  return { warned: [...new Set([...of('warned'), ...unknown])], refused: of('refused') }
}

/** The rows for a direction. What a frontier of the other dialect cannot be asked a local model cannot either. */
export function rowsFor(from: WireDialect, to: Target['dialect']): readonly TranslationRow[] {
  const rows = from === 'openai_chat' ? OPENAI_TO_ANTHROPIC : ANTHROPIC_TO_OPENAI
  if (to !== 'local') return rows
  const local = from === 'openai_chat' ? OPENAI_TO_LOCAL : ANTHROPIC_TO_LOCAL
  const own = new Set(local.map(({ field }) => field))
  return [...local, ...rows.filter(({ field, carriage }) => carriage !== 'carried' && !own.has(field))]
}

const THINKS = 'local models think as they do'
const TEMPLATE = 'as the chat template of the model wants them'
const SCHEMA = 'the answer is held to it, or asked for it and checked by a gate'
const ELSEWHERE_IMAGES = 'a request with an image goes to a frontier'
const ELSEWHERE_TOOLS =
  'a task of kind tool reads the choice from the model; any other request with tools goes to a frontier'

/** Where a local model differs from a frontier of the other dialect. */
const OPENAI_TO_LOCAL: readonly TranslationRow[] = [
  carried('instructions, texts, calls and answers of tools', TEMPLATE),
  warned('reasoning_effort', THINKS, (body) => isSet(body.reasoning_effort)),
  carried('messages[].content text, image_url', `text; ${ELSEWHERE_IMAGES}`),
  carried('tools', ELSEWHERE_TOOLS),
  carried('temperature', 'as it is'),
  carried('top_p', 'as it is, beside a temperature as well'),
  carried('seed', 'as it is'),
  carried('max_tokens, max_completion_tokens, stop', 'as they are'),
  carried('response_format', SCHEMA),
  carried('user', 'the request stays here'),
  refused(
    'logprobs, logit_bias',
    'they go to a model of the caller’s dialect',
    ({ logprobs, logit_bias: bias }) => logprobs === true || Object.keys(fieldsOf(bias)).length > 0,
  ),
]

const ANTHROPIC_TO_LOCAL: readonly TranslationRow[] = [
  carried('system, texts, tool_use and tool_result, documents of text', TEMPLATE),
  carried('messages[].content text, image', `text; ${ELSEWHERE_IMAGES}`),
  carried('tools of the caller', ELSEWHERE_TOOLS),
  refused(
    ADVISOR_NEED,
    'a task with pattern advisor gives a local model on a server the same tool, and executes it',
    (body) => listOf(body.tools).some(isAdvisorTool),
  ),
  carried('max_tokens, stop_sequences, temperature, top_p', 'as they are'),
  carried('output_config.format, output_format', SCHEMA),
  carried('cache_control', 'nothing is paid for a prompt here'),
  warned('thinking', THINKS, (body) => wantsThought(body.thinking)),
  warned('output_config.effort', THINKS, (body) => isSet(fieldsOf(body.output_config).effort)),
]
