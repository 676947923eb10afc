/** The fields of a JSON object that an application asks for. Pure. */
import { closedValues } from './answer-shape.ts'
import type { LabelSet } from './labels.ts'
import { findLabelSets } from './labels.ts'

export type JsonField = { readonly name: string; readonly isRequired: boolean } & (
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'boolean' }
  | { readonly type: 'number'; readonly range: { readonly min: number; readonly max: number } | null }
  | { readonly type: 'list' }
  | { readonly type: 'object' }
  | { readonly type: 'text' }
)

type Schema = Readonly<Record<string, unknown>>

/** From the JSON Schema of the request. */
export function fieldsOfSchema(schema: Schema): readonly JsonField[] {
  const properties = schema.properties
  if (typeof properties !== 'object' || properties === null) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(properties).map(([name, value]) => fieldOf(name, value as Schema, required.includes(name)))
}

function fieldOf(name: string, schema: Schema, isRequired: boolean): JsonField {
  const base = { name, isRequired }
  const { enum: values, type, minimum, maximum } = schema
  if (Array.isArray(values)) {
    const named = values.filter((value) => value !== null).map(String)
    const isScale = named.every((value) => /^-?\d+$/.test(value))
    if (!isScale) return { ...base, type: 'enum', values: named }
    return {
      ...base,
      type: 'number',
      range: { min: Math.min(...named.map(Number)), max: Math.max(...named.map(Number)) },
    }
  }
  const types = Array.isArray(type) ? type : [type]
  if (types.includes('boolean')) return { ...base, type: 'boolean' }
  if (types.includes('number') || types.includes('integer')) {
    const isBound = typeof minimum === 'number' && typeof maximum === 'number'
    return { ...base, type: 'number', range: isBound ? { min: minimum, max: maximum } : null }
  }
  if (types.includes('array')) return { ...base, type: 'list' }
  return { ...base, type: types.includes('object') ? 'object' : 'text' }
}

/** From answers that were seen. */
export function fieldsOfAnswers(values: readonly Readonly<Record<string, unknown>>[]): readonly JsonField[] {
  const names = [...new Set(values.flatMap((value) => Object.keys(value)))].slice(0, 40)
  return names.map((name): JsonField => {
    const all = values.flatMap((value) => (name in value ? [value[name]] : []))
    const base = { name, isRequired: all.length === values.length }
    if (all.every((value) => typeof value === 'boolean')) return { ...base, type: 'boolean' }
    if (all.every((value) => typeof value === 'number')) {
      const range = { min: Math.min(...all), max: Math.max(...all) }
      return { ...base, type: 'number', range: range.max > range.min && range.max <= 100 ? range : null }
    }
    if (all.every(Array.isArray)) return { ...base, type: 'list' }
    if (all.every((value) => typeof value === 'object')) return { ...base, type: 'object' }
    const closed = all.every((value) => typeof value === 'string') ? closedValues(all) : null
    return closed ? { ...base, type: 'enum', values: closed } : { ...base, type: 'text' }
  })
}

/** From what the instruction writes: a skeleton `{"category": …}`, or the names of keys in quotes. */
export function fieldsOfText(text: string): readonly JsonField[] {
  const skeleton = [
    ...text.matchAll(
      /["“„']([\p{L}\p{N}_ -]{1,40})["”']\s*:\s*(<[^<>\n]{0,120}>|"[^"\n]{0,60}"(?:\s*[|/]\s*"[^"\n]{0,60}"){1,31}|"[^"\n]{0,200}"|\[[^\n\]]{0,200}\]?|[^,\n{}]{0,160})/gu,
    ),
  ]
  const fields = new Map<string, JsonField>()
  for (const [, name = '', value = ''] of skeleton) if (!fields.has(name)) fields.set(name, writtenField(name, value))
  if (fields.size > 0) return [...fields.values()]
  if (!/json/i.test(text)) return []
  const list = findLabelSets(text).find((set) => set.form === 'quoted' && KEYS.test(set.lead))
  return (list?.labels ?? bareKeys(text)).map((name) => ({ name, isRequired: true, type: 'text' }))
}

const KEYS =
  /(?:keys?|fields?|propert|Schlüssel|Feld|clés?|champs?|claves?|campos?|chiav|campi|sleutel|velden|ключ|пол[яей]|键|字段|キー)\s*$|(?:keys?|fields?|propert|Schlüssel|Felder|clés?|champs?|claves?|campos?|chiavi|campi|sleutels?|velden|ключ\p{L}*|пол\p{L}+|键|字段|キー)/iu

/** "JSON with keys name, date and amount". */
function bareKeys(text: string): readonly string[] {
  const row = new RegExp(`${KEYS.source.split('|(?:keys')[0]}`, 'iu')
  const match = new RegExp(
    `(?:${row.source.replace(/\\s\*\$$/, '')})[\\p{L}]*\\s*[:：]?\\s*((?:[a-z_]\\w*(?:\\s*[,，、]\\s*|\\s+\\p{L}{1,4}\\s+))+[a-z_]\\w*)`,
    'iu',
  ).exec(text)
  return (match?.[1] ?? '').split(/\s*[,，、]\s*|\s+\p{L}{1,4}\s+/u).filter((name) => /^[a-z_]\w*$/i.test(name))
}

function writtenField(name: string, written: string): JsonField {
  const base = { name, isRequired: true }
  const value = written.trim()
  const inside = value.replace(/^["<']|[">']$/g, '')
  if (/^\[/.test(value)) return { ...base, type: 'list' }
  if (/^(?:true|false)\b|^bool/i.test(inside)) return { ...base, type: 'boolean' }
  const options = inside.split(/\s*[|/]\s*|\s+(?:or|oder|ou|o)\s+/).map((option) => option.replace(/^["']|["']$/g, ''))
  const isSet =
    options.length >= 2 &&
    options.every((option) => option !== '' && option.length <= 40 && option.split(' ').length <= 4)
  if (isSet && options.every((option) => /^(?:true|false)$/i.test(option))) return { ...base, type: 'boolean' }
  if (isSet && !options.some((option) => /^null$/i.test(option))) return { ...base, type: 'enum', values: options }
  const span = /(-?\d+)\s*(?:-|–|to|bis|à|a)\s*(-?\d+)/.exec(inside)
  if (span) return { ...base, type: 'number', range: { min: Number(span[1]), max: Number(span[2]) } }
  if (/^(?:-?\d|number|int|float|zahl|nombre|número|numero)/i.test(inside))
    return { ...base, type: 'number', range: null }
  return { ...base, type: 'text' }
}

/**
 * What a decision that comes as JSON is about: the one field that holds a closed answer, where the others only explain it. Null for records
 * of many fields.
 *
 * @param lists what the instruction lists, for a field whose skeleton says nothing of its values
 */
export function decidingField(fields: readonly JsonField[], lists: readonly LabelSet[]): JsonField | null {
  if (fields.length === 0 || fields.length > 3) return null
  const closed = fields.filter(({ type }) => type === 'enum' || type === 'boolean')
  const numbers = fields.filter(({ type }) => type === 'number')
  const others = fields.filter(({ type }) => type === 'text')
  if (closed.length === 1 && closed.length + numbers.length + others.length === fields.length) return closed[0] ?? null
  const scale = numbers.find((field) => field.type === 'number' && field.range !== null)
  if (closed.length === 0 && numbers.length === 1 && numbers.length + others.length === fields.length)
    return scale ?? (fields.length <= 2 ? (numbers[0] ?? null) : null)
  if (closed.length > 0 || numbers.length > 1 || others.length + numbers.length !== fields.length) return null
  // Its list is the one that names it, or the only one there is.
  for (const field of others) {
    const own = lists.find(({ lead, labels }) => namesField(lead, field.name) && !labels.includes(field.name))
    if (own) return { name: field.name, isRequired: field.isRequired, type: 'enum', values: own.labels }
  }
  return null
}

/** Whether the words before a list end with the name of a field, in one of its forms: `Categories:` and `category`. */
function namesField(lead: string, name: string): boolean {
  const stem = name
    .toLowerCase()
    .replace(/[_-]+/g, ' ')
    .slice(0, Math.max(4, name.length - 2))
  return lead.toLowerCase().includes(stem)
}
