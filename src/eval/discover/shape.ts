/** How a proposed task answers: its kind in a policy, its labels or range, and the shape that the caller's prompt asks for. Pure. */
import type { TaskKind } from '../../spec/decision.ts'
import type { JsonField } from './json-shape.ts'
import type { FoundKind, KindReading } from './kind.ts'

export interface TaskShape {
  readonly kind: TaskKind
  readonly labels?: readonly string[]
  readonly range?: { readonly min: number; readonly max: number }
  readonly schema?: Readonly<Record<string, unknown>>
  readonly render?: string
  /** What a reader of the policy should know of the choice above. */
  readonly notes: readonly string[]
}

/** A score is read as one of at most so many numbers. */
const MOST_STEPS = 20

/** @param schema what the requests themselves ask for */
export function shapeOf(reading: KindReading, schema: Readonly<Record<string, unknown>> | null): TaskShape {
  const { kind } = reading
  if (kind === 'choice' || kind === 'boolean') return closedShape(reading)
  if (kind === 'score') return scoreShape(reading)
  const isRecord = reading.json !== null && kind === 'extract' && reading.json.fields.length > 0
  const asked = isRecord && schema === null ? { schema: recordSchema(reading.json?.fields ?? []) } : {}
  return { kind: OPEN_KINDS[kind], ...asked, notes: [] }
}

const OPEN_KINDS = {
  rank: 'rank',
  extract: 'extract',
  answer: 'answer',
  text: 'text',
  code: 'code',
  tools: 'tool',
} as const satisfies Record<Exclude<FoundKind, 'choice' | 'boolean' | 'score'>, TaskKind>

function closedShape({ kind, labels, json }: KindReading): TaskShape {
  if (!labels)
    return {
      kind: 'text',
      notes: [`The labels of this ${kind} stand nowhere in the traffic: fill them in and set kind: choice.`],
    }
  const deciding = json?.deciding
  const rendered = deciding ? renderObject(json?.fields ?? [], deciding) : { notes: [] }
  const isYesNo = labels.length === 2 && labels.includes('yes') && labels.includes('no')
  if (isYesNo) return { kind: 'boolean', ...rendered }
  const spelt = kind === 'boolean' ? ['A yes or no; kind choice keeps the spelling that the application reads.'] : []
  return { kind: 'choice', labels, ...rendered, notes: [...spelt, ...rendered.notes] }
}

function scoreShape({ range, decimals, json }: KindReading): TaskShape {
  if (!range)
    return {
      kind: 'text',
      notes: ['A score whose scale stands nowhere in the traffic: set kind: score and range: { min, max }.'],
    }
  const isTens = range.max - range.min > MOST_STEPS
  const steps = isTens ? { min: 1, max: Math.round(range.max / 10) } : range
  const value = isTens ? '{value}0' : decimals > 0 ? `{value}.${'0'.repeat(decimals)}` : '{value}'
  const notes = isTens
    ? [`Read in steps of ten: a scale of ${range.min} to ${range.max} has more values than a decision can tell apart.`]
    : decimals > 0
      ? ['Whole numbers, written with the decimals that the application reads.']
      : []
  const deciding = json?.deciding
  if (!deciding) return { kind: 'score', range: steps, ...(value !== '{value}' && { render: value }), notes }
  const rendered = renderObject(json?.fields ?? [], deciding)
  return {
    kind: 'score',
    range: steps,
    ...(rendered.render && { render: rendered.render.replace('{value}', value) }),
    notes: [...notes, ...rendered.notes],
  }
}

/** The object around a decided value. Texts that only explain are empty; what cannot be left empty makes no shape. */
function renderObject(
  fields: readonly JsonField[],
  deciding: JsonField,
): { readonly render?: string; readonly notes: readonly string[] } {
  const others = fields.filter(({ name, isRequired }) => name !== deciding.name && isRequired)
  const stuck = others.filter(({ type }) => type !== 'text')
  if (stuck.length > 0) {
    const names = stuck.map(({ name }) => name).join(', ')
    return { notes: [`No render: a decision alone cannot fill ${names}.`] }
  }
  const isBare = deciding.type === 'boolean' || deciding.type === 'number'
  const parts = [deciding, ...others].map((field) =>
    field === deciding
      ? `${JSON.stringify(field.name)}: ${isBare ? '{value}' : '"{value}"'}`
      : `${JSON.stringify(field.name)}: ""`,
  )
  const empty = others.map(({ name }) => name)
  const notes = empty.length > 0 ? [`Local answers leave ${empty.join(', ')} empty.`] : []
  return { render: `{${parts.join(', ')}}`, notes }
}

function recordSchema(fields: readonly JsonField[]): Readonly<Record<string, unknown>> {
  const typeOf = (field: JsonField): Readonly<Record<string, unknown>> => {
    if (field.type === 'enum') return { enum: field.values }
    if (field.type === 'list') return { type: 'array' }
    if (field.type === 'boolean' || field.type === 'number' || field.type === 'object') return { type: field.type }
    // The words of an instruction do not say whether a key holds one text or several.
    return {}
  }
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, typeOf(field)])),
    required: fields.filter(({ isRequired }) => isRequired).map(({ name }) => name),
  }
}
