/** What becomes of each field of a request when the model does not speak the caller's dialect. The one table; docs and warnings follow it. */
import { ANTHROPIC_FIELDS, ANTHROPIC_TO_OPENAI, wantsThought } from './translation-anthropic.ts'
import { OPENAI_FIELDS, OPENAI_TO_ANTHROPIC } from './translation-openai.ts'
import { carried, refused, type TranslationRow, warned } from './translation-row.ts'
import type { CallersWire, WireDialect } from './wire.ts'
import { fieldsOf, isSet } from './wire-body.ts'

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
  return [...rows.filter(({ field }) => !own.has(field)), ...local]
}

const THINKS = 'local models think as they do'

/** Where a local model differs from a frontier of the other dialect. */
const OPENAI_TO_LOCAL: readonly TranslationRow[] = [
  warned('reasoning_effort', THINKS, (body) => isSet(body.reasoning_effort)),
  carried('temperature', 'as it is'),
  carried('top_p', 'as it is, beside a temperature as well'),
  carried('seed', 'as it is'),
  carried('user', 'the request stays here'),
  refused(
    'logprobs, logit_bias',
    'they go to a model of the caller’s dialect',
    ({ logprobs, logit_bias: bias }) => logprobs === true || Object.keys(fieldsOf(bias)).length > 0,
  ),
]

const ANTHROPIC_TO_LOCAL: readonly TranslationRow[] = [
  warned('thinking', THINKS, (body) => wantsThought(body.thinking)),
  warned('output_config.effort', THINKS, (body) => isSet(fieldsOf(body.output_config).effort)),
]
