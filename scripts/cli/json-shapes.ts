/** What `--json` prints, as JSON Schema made from printed values, and the same as text for people. */

export interface Shape {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly additionalProperties?: Shape
}

export interface Documented {
  /** `value`: one JSON value on one line; `lines`: one value a line, as they come. */
  readonly prints: 'value' | 'lines'
  /** Of the value, or of each line. */
  readonly schema: Shape
}

/** Names that a user gives, and such, are no fields: an object with them is a map. */
const FIELD = /^[a-z][A-Za-z0-9]*$/

/** Deeper than this a shape is only named: what stands there is written down where the field comes from. */
const DEPTH = 4

/**
 * The narrowest shape that all values have. Fields of the outermost object that all values have are required; deeper ones may be missing,
 * since few printed values do not show which.
 *
 * @param isMap whether the object at this path (`/tasks`) has names of its user as keys
 */
export function shapeOf(values: readonly unknown[], isMap: (path: string) => boolean, path = ''): Shape {
  const types = [...new Set(values.map(typeOf))].sort()
  const objects = values.filter((value): value is Record<string, unknown> => typeOf(value) === 'object')
  const lists = values.filter((value): value is readonly unknown[] => Array.isArray(value))
  const type = types.length > 0 && { type: types.length === 1 ? types[0] : types }
  if (path.split('/').length > DEPTH) return { ...type }
  return {
    ...type,
    ...(objects.length > 0 && objectShape(objects, isMap, path)),
    ...(lists.length > 0 && lists.flat().length > 0 && { items: shapeOf(lists.flat(), isMap, `${path}/*`) }),
  }
}

function objectShape(
  objects: readonly Readonly<Record<string, unknown>>[],
  isMap: (path: string) => boolean,
  path: string,
): Shape {
  const keys = [...new Set(objects.flatMap((one) => Object.keys(one)))]
  if (isMap(path) || keys.some((key) => !FIELD.test(key)))
    return {
      additionalProperties: shapeOf(
        objects.flatMap((one) => Object.values(one)),
        isMap,
        `${path}/*`,
      ),
    }
  const valuesOf = (key: string): readonly unknown[] => objects.flatMap((one) => (key in one ? [one[key]] : []))
  const properties = Object.fromEntries(keys.map((key) => [key, shapeOf(valuesOf(key), isMap, `${path}/${key}`)]))
  const required = keys.filter((key) => objects.every((one) => key in one))
  return { properties, ...(path === '' && required.length > 0 && { required }) }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** `{ requestId: string, answer: string | null, … }`, one line a field down to the given depth. */
export function shapeText(shape: Shape, depth = 3, indent = ''): string {
  const types = [shape.type ?? []].flat()
  if (types.length === 0) return 'any'
  // Printed values that were all null do not show what else may stand there.
  if (types.every((type) => type === 'null')) return 'any | null'
  return types
    .toSorted((a, b) => Number(a === 'null') - Number(b === 'null'))
    .map((type) => oneText(type, shape, { depth, indent }))
    .join(' | ')
}

function oneText(type: string, shape: Shape, at: { readonly depth: number; readonly indent: string }): string {
  if (type === 'array') {
    const inner = shape.items ? shapeText(shape.items, at.depth, at.indent) : 'any'
    return inner.includes(' | ') && !inner.startsWith('{') ? `(${inner})[]` : `${inner}[]`
  }
  if (type !== 'object') return type
  if (shape.additionalProperties) return `{ [name]: ${shapeText(shape.additionalProperties, at.depth, at.indent)} }`
  const fields = Object.entries(shape.properties ?? {})
  if (fields.length === 0) return '{ … }'
  if (at.depth === 0) return '{ … }'
  const inner = `${at.indent}  `
  const isOptional = (name: string): boolean => shape.required !== undefined && !shape.required.includes(name)
  const lines = fields.map(
    ([name, field]) => `${inner}${name}${isOptional(name) ? '?' : ''}: ${shapeText(field, at.depth - 1, inner)}`,
  )
  return `{\n${lines.join('\n')}\n${at.indent}}`
}

/**
 * Where printed values leave what is documented. Null is taken everywhere, and so are further fields: few values do not show all that may be.
 *
 * @returns one line each, with the path of the field
 */
export function shapeProblems(value: unknown, shape: Shape, path = ''): readonly string[] {
  const types = [shape.type ?? []].flat()
  const type = typeOf(value)
  if (type === 'null' || types.every((one) => one === 'null')) return []
  if (!types.includes(type)) return [`${path || '/'} is ${type} and not ${types.join(' or ')}`]
  if (Array.isArray(value)) {
    const { items } = shape
    return items ? [...new Set(value.flatMap((one) => shapeProblems(one, items, `${path}/*`)))] : []
  }
  if (type !== 'object') return []
  const fields = value as Readonly<Record<string, unknown>>
  const { properties = {}, required = [], additionalProperties } = shape
  return [
    ...required.filter((name) => !(name in fields)).map((name) => `${path}/${name} is missing`),
    ...Object.entries(fields).flatMap(([name, one]) => {
      const inner = properties[name] ?? additionalProperties
      return inner ? shapeProblems(one, inner, `${path}/${name}`) : []
    }),
  ]
}

/** Objects whose keys are names that users give, or identifiers: their fields are not listed. By the last name of their path. */
const MAPS: ReadonlySet<string> = new Set(['byModel', 'byTask', 'missingKeys', 'redactions', 'reviewers', 'words'])

export function isMap(_command: string, path: string): boolean {
  return MAPS.has(path.split('/').at(-1) ?? '')
}

/** @returns the command that these words name, whatever options stand between them; undefined for none */
export function commandOf(args: readonly string[], paths: readonly string[]): string | undefined {
  const typed = `${args.filter((word) => !word.startsWith('-')).join(' ')} `
  const found = paths.filter((path) => typed.startsWith(`${path} `)).toSorted((a, b) => b.length - a.length)[0]
  // `review held` alone lists what is held.
  return found ?? (typed.startsWith('review held ') ? 'review held list' : undefined)
}
