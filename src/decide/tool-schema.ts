/** What the parameter schema of a tool says in words and in types; JSON Schema and dialects near it (`dict`, `float`). */
import type { ToolDefinition } from '../spec/request.ts'

export interface RequiredParameter {
  readonly name: string
  readonly description: string
  /** How many numbers a call must give for it: 1 for a number, 2 for a list of numbers, 0 for everything else. */
  readonly numbers: number
  /** Free text, in contrast to a listed value. */
  readonly isText: boolean
}

/** Names, descriptions and listed values of all parameters, however deep. */
export function parameterTexts(schema: unknown, depth = 0): readonly string[] {
  if (!isRecord(schema) || depth > MAX_DEPTH) return []
  const { properties, items, description, enum: values } = schema
  const own = [description, ...(Array.isArray(values) ? values : [])].filter((text) => typeof text === 'string')
  return [
    ...own,
    ...entriesOf(properties).flatMap(([name, value]) => [name, ...parameterTexts(value, depth + 1)]),
    ...parameterTexts(items, depth + 1),
  ]
}

/** The parameters of the first level that every call must give. */
export function requiredParameters({ parameters }: ToolDefinition): readonly RequiredParameter[] {
  const { properties, required } = parameters ?? {}
  const names = new Set(Array.isArray(required) ? required : [])
  return entriesOf(properties)
    .filter(([name]) => names.has(name))
    .map(([name, value]): RequiredParameter => {
      const { type, items, description, enum: values } = isRecord(value) ? value : {}
      const isListed = Array.isArray(values)
      const isNumberList = type === 'array' && isRecord(items) && isNumber(items.type)
      return {
        name,
        description: typeof description === 'string' ? description : '',
        numbers: isListed ? 0 : isNumber(type) ? 1 : isNumberList ? 2 : 0,
        isText: type === 'string' && !isListed,
      }
    })
}

const MAX_DEPTH = 6

function isNumber(type: unknown): boolean {
  return type === 'integer' || type === 'number' || type === 'float' || type === 'double'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : []
}
