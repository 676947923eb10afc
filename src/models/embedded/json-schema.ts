import { RouterError } from '../../spec/errors.ts'
import type { Plan, PlannedProperty } from './json-plan.ts'

type Schema = Readonly<Record<string, unknown>>

/**
 * The plan for writing a value of a JSON Schema. Keywords that say nothing about the shape (`pattern`, `format`, `not`,
 * `if`, number ranges beyond the sign) are left to validation afterwards.
 *
 * @throws RouterError request_invalid for a schema that no value satisfies, a `$ref` that leads nowhere, and a schema
 * that is too deep or too large to be written
 */
export function planSchema(schema: Schema): Plan {
  return new Planner(schema).plan(schema, { path: 'schema', depth: 0 })
}

/** A model cannot keep more apart, and each level or property costs evaluation. */
const MAX_DEPTH = 32
const MAX_PROPERTIES = 1000
/** Merged parts are copied, so a small text can unfold into many. */
const MAX_PARTS = 5000
const MAX_OPTIONS = 256
const MAX_BRANCHES = 32
/** Where the schema sets no end; a model that repeats itself does not stop on its own. */
const MAX_ITEMS = 64

interface Place {
  /** For messages. */
  readonly path: string
  readonly depth: number
}

class Planner {
  readonly #root: Schema
  readonly #named = new Map<string, { plan: Plan | null }>()
  #properties = 0
  #parts = 0

  constructor(root: Schema) {
    this.#root = root
  }

  plan(schema: unknown, place: Place): Plan {
    if (schema === true || schema === undefined) return ANY
    if (schema === false) throw unusable(place, 'no value satisfies it', 'Remove the property or give it a type.')
    if (!isSchema(schema)) throw unusable(place, 'it is not a schema', 'Write an object, true or false there.')
    this.#parts += 1
    if (this.#parts > MAX_PARTS)
      throw unusable(place, `the schema has more than ${MAX_PARTS} parts`, 'Ask for fewer values at a time.')
    if (place.depth > MAX_DEPTH)
      throw unusable(place, `it nests deeper than ${MAX_DEPTH} levels`, 'Flatten the schema.')
    if (Array.isArray(schema.enum)) return this.#options(schema.enum, place)
    if ('const' in schema) return { kind: 'written', json: JSON.stringify(schema.const) ?? 'null' }
    if (typeof schema.$ref === 'string') return this.#reference(schema, schema.$ref, place)
    if (Array.isArray(schema.allOf)) return this.plan(this.#merged(schema, schema.allOf, place), below(place, ''))
    const alternatives = Array.isArray(schema.anyOf) ? schema.anyOf : schema.oneOf
    if (Array.isArray(alternatives)) return this.#alternatives(schema, alternatives, place)
    return this.#typed(schema, place)
  }

  #options(values: readonly unknown[], place: Place): Plan {
    const texts = [...new Set(values.map((value) => JSON.stringify(value) ?? 'null'))]
    const [only] = texts
    if (only === undefined) throw unusable(place, 'its enum is empty', 'Name at least one value.')
    if (texts.length > MAX_OPTIONS)
      throw unusable(place, `its enum has ${texts.length} values, at most ${MAX_OPTIONS} are read`, 'Use a string.')
    return texts.length === 1 ? { kind: 'written', json: only } : { kind: 'choice', values: texts }
  }

  #reference(schema: Schema, name: string, place: Place): Plan {
    const { $ref: _, $defs: __, definitions: ___, ...beside } = schema
    if (Object.keys(beside).some((key) => SHAPE_KEYWORDS.has(key))) {
      return this.plan(this.#merged(beside, [{ $ref: name }], place), below(place, ''))
    }
    const entry = this.#named.get(name)
    if (entry === undefined) {
      const fresh: { plan: Plan | null } = { plan: null }
      this.#named.set(name, fresh)
      fresh.plan = this.plan(this.#resolve(name, place), below(place, ''))
      if (this.#leadsTo(fresh.plan, name)) throw unusable(place, `${name} is only itself`, 'Give it a type.')
    }
    return { kind: 'reference', name, target: () => this.#named.get(name)?.plan ?? ANY }
  }

  /** A reference that leads over other references to itself, with nothing in between. */
  #leadsTo(plan: Plan | null, name: string): boolean {
    const seen = new Set<string>()
    let current = plan
    while (current?.kind === 'reference') {
      if (current.name === name) return true
      if (seen.has(current.name)) return false
      seen.add(current.name)
      current = this.#named.get(current.name)?.plan ?? null
    }
    return false
  }

  #resolve(name: string, place: Place): unknown {
    const segments = name.startsWith('#') ? decoded(name.slice(1)).split('/').slice(1) : null
    let found: unknown = segments === null ? undefined : this.#root
    for (const segment of segments ?? []) {
      const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
      found =
        (isSchema(found) || Array.isArray(found)) && Object.hasOwn(found, key) ? (found as Schema)[key] : undefined
    }
    if (found === undefined)
      throw unusable(
        place,
        `${name.slice(0, 120)} leads nowhere`,
        'Refer to a place inside the schema, as #/$defs/name.',
      )
    return found
  }

  /** One schema that says what the base and all members say; for keywords that both set, the later word counts. */
  #merged(base: Schema, members: readonly unknown[], place: Place): Schema {
    const { allOf: _, ...start } = base
    let merged: Schema = start
    for (const member of members) {
      const part = this.#target(member, place)
      if (!isSchema(part)) continue
      const properties = mergedProperties(asSchema(merged.properties), asSchema(part.properties))
      const required = [...new Set([...asList(merged.required), ...asList(part.required)])]
      merged = {
        ...merged,
        ...part,
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(required.length > 0 && { required }),
      }
    }
    return merged
  }

  /** What a chain of references leads to, with what stands beside each of them. */
  #target(schema: unknown, place: Place): unknown {
    let part = schema
    for (let step = 0; isSchema(part) && typeof part.$ref === 'string'; step++) {
      if (step > MAX_DEPTH) throw unusable(place, `${part.$ref.slice(0, 120)} is only itself`, 'Give it a type.')
      const { $ref, ...beside } = part
      const target = this.#resolve(String($ref), place)
      part = isSchema(target) ? { ...target, ...beside } : target
    }
    return part
  }

  #alternatives(schema: Schema, alternatives: readonly unknown[], place: Place): Plan {
    const { anyOf: _, oneOf: __, ...base } = schema
    const bare = !Object.keys(base).some((key) => SHAPE_KEYWORDS.has(key))
    const possible = alternatives.filter((branch) => branch !== false)
    return this.#union(
      possible.map((branch) => (bare ? branch : this.#merged(base, [branch], place))),
      place,
    )
  }

  #union(schemas: readonly unknown[], place: Place): Plan {
    if (schemas.length > MAX_BRANCHES)
      throw unusable(place, `it has ${schemas.length} branches, at most ${MAX_BRANCHES} are read`, 'Split the schema.')
    const branches = schemas.map((schema, at) => this.plan(schema, below(place, `/${at}`)))
    const [first] = branches
    if (first === undefined) throw unusable(place, 'no value satisfies it', 'Name at least one branch.')
    return branches.length === 1 ? first : { kind: 'union', branches }
  }

  #typed(schema: Schema, place: Place): Plan {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? impliedType(schema)]
    const all = schema.nullable === true && !types.includes('null') ? [...types, 'null'] : types
    if (all.length !== 1) {
      const { nullable: _, ...rest } = schema
      return this.#union(
        all.map((type: unknown) => ({ ...rest, type })),
        place,
      )
    }
    switch (all[0]) {
      case undefined:
        return ANY
      case 'null':
        return { kind: 'written', json: 'null' }
      case 'boolean':
        return { kind: 'choice', values: ['true', 'false'] }
      case 'string':
        return { kind: 'string', minLength: count(schema.minLength, 0), maxLength: count(schema.maxLength, Infinity) }
      case 'integer':
      case 'number': {
        const least = [schema.minimum, schema.exclusiveMinimum].filter((bound) => typeof bound === 'number')
        return { kind: 'number', integer: all[0] === 'integer', negative: !least.some((bound) => bound >= 0) }
      }
      case 'array':
        return this.#array(schema, place)
      case 'object':
        return this.#object(schema, place)
      default:
        throw unusable(
          place,
          `its type ${JSON.stringify(all[0])?.slice(0, 60)} is none of JSON Schema`,
          'See json-schema.org.',
        )
    }
  }

  #array(schema: Schema, place: Place): Plan {
    const tuple = Array.isArray(schema.prefixItems) ? schema.prefixItems : schema.items
    const places = Array.isArray(tuple) ? tuple : []
    const rest = places === schema.items ? schema.additionalItems : schema.items
    const prefix = places.map((item, at) => this.plan(item, below(place, `/${at}`)))
    const minItems = count(schema.minItems, 0)
    const end = rest === false ? prefix.length : Math.max(MAX_ITEMS, minItems, prefix.length)
    return {
      kind: 'array',
      prefix,
      item: rest === false ? ANY : this.plan(rest, below(place, '/items')),
      minItems,
      maxItems: Math.min(count(schema.maxItems, Infinity), end),
      unique: schema.uniqueItems === true,
    }
  }

  #object(schema: Schema, place: Place): Plan {
    const entries = Object.entries(asSchema(schema.properties))
    const required = new Set(asList(schema.required))
    const extra = [...required].filter((key) => !entries.some(([known]) => known === key))
    if (entries.length + extra.length === 0) return this.#map(schema, place)
    this.#properties += entries.length + extra.length
    if (this.#properties > MAX_PROPERTIES)
      throw unusable(place, `the schema has more than ${MAX_PROPERTIES} properties`, 'Ask for fewer at a time.')
    const rest = schema.additionalProperties === false ? undefined : schema.additionalProperties
    const all = [...entries, ...extra.map((key) => [key, rest] as const)]
    const wanted = all.filter(([key, value]) => value !== false || required.has(key))
    return {
      kind: 'object',
      properties: wanted.map(
        ([key, value]): PlannedProperty => ({
          key,
          required: required.has(key),
          plan: this.plan(value, below(place, `/${key.slice(0, 40)}`)),
        }),
      ),
    }
  }

  #map(schema: Schema, place: Place): Plan {
    if (schema.additionalProperties === false || schema.maxProperties === 0) return { kind: 'written', json: '{}' }
    const minEntries = count(schema.minProperties, 0)
    return {
      kind: 'map',
      value: this.plan(schema.additionalProperties, below(place, '/*')),
      minEntries,
      maxEntries: Math.min(count(schema.maxProperties, Infinity), Math.max(MAX_ITEMS, minEntries)),
    }
  }
}

/** Any JSON value. */
const ANY: Plan = {
  kind: 'union',
  branches: [
    { kind: 'string', minLength: 0, maxLength: Infinity },
    { kind: 'number', integer: false, negative: true },
    { kind: 'choice', values: ['true', 'false'] },
    { kind: 'written', json: 'null' },
    { kind: 'reference', name: 'any object', target: () => ANY_OBJECT },
    { kind: 'reference', name: 'any array', target: () => ANY_ARRAY },
  ],
}
const ANY_OBJECT: Plan = { kind: 'map', value: ANY, minEntries: 0, maxEntries: MAX_ITEMS }
const ANY_ARRAY: Plan = { kind: 'array', prefix: [], item: ANY, minItems: 0, maxItems: MAX_ITEMS, unique: false }

/** Keywords beside a `$ref` or an `anyOf` that change what may be written; others are words about it. */
const SHAPE_KEYWORDS = new Set(
  'type properties required items prefixItems additionalProperties minItems maxItems minLength maxLength'.split(' '),
)

function mergedProperties(left: Schema, right: Schema): Schema {
  const properties = new Map(Object.entries(left))
  for (const [key, value] of Object.entries(right)) {
    const known = properties.get(key)
    properties.set(key, isSchema(known) && isSchema(value) ? { ...known, ...value } : value)
  }
  return Object.fromEntries(properties)
}

function impliedType(schema: Schema): string | undefined {
  if ('properties' in schema || 'required' in schema || 'additionalProperties' in schema) return 'object'
  return 'items' in schema || 'prefixItems' in schema ? 'array' : undefined
}

function below(place: Place, segment: string): Place {
  return { path: `${place.path}${segment}`, depth: place.depth + 1 }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asSchema(value: unknown): Schema {
  return isSchema(value) ? value : {}
}

function asList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function count(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise
}

function decoded(pointer: string): string {
  try {
    return decodeURIComponent(pointer)
  } catch {
    return pointer
  }
}

function unusable(place: Place, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path: place.path, problem, fix })
}
