/** The caller's own body, without what would send it elsewhere. */
import { isExactNumber } from '../spec/exact-json.ts'
import { SDK_OPTIONS_FIELD } from '../spec/wire.ts'
import type { JsonObject } from './http-model.ts'

/**
 * A proxy of models behind the address of the policy may take these from a body, and go elsewhere with the request. In
 * lower case, without joints.
 */
const DESTINATION_FIELDS: ReadonlySet<string> = new Set([
  'apibase',
  'apihost',
  'apikey',
  'apiversion',
  'azureendpoint',
  'baseurl',
  'customllmprovider',
  'endpoint',
  'extrabody',
  'extraheaders',
  'fallbacks',
  'modellist',
  // Not a destination, but nobody's business there.
  SDK_OPTIONS_FIELD.replaceAll('_', ''),
  'userconfig',
])

/** What was said, in whatever form: nobody takes an address from there. */
const WORDS: ReadonlySet<string> = new Set(['messages', 'system', 'prompt', 'suffix', 'input', 'prediction'])
/** Where JSON Schemas stand: their fields are what an answer or a call of a tool may have, `endpoint` among them. */
const WITH_SCHEMAS: ReadonlySet<string> = new Set([
  'tools',
  'functions',
  'response_format',
  'output_format',
  'output_config',
])
const SCHEMAS: ReadonlySet<string> = new Set(['parameters', 'input_schema', 'schema'])

/** At every depth but in messages and schemas; what holds none stays the very same value. */
export function withoutDestinations(body: JsonObject): JsonObject {
  return without(body, (value, name) => {
    if (WORDS.has(name)) return value
    return withoutNested(value, WITH_SCHEMAS.has(name) ? SCHEMAS : NONE)
  })
}

const NONE: ReadonlySet<string> = new Set()

function withoutNested(value: unknown, schemas: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutNested(item, schemas))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value
  // Servers that the provider is to call stand at the top, where the policy's list has let them pass.
  const { mcp_servers: _, ...rest } = value as JsonObject
  const fields = 'mcp_servers' in value ? rest : (value as JsonObject)
  return without(fields, (item, name) => (schemas.has(name) ? item : withoutNested(item, schemas)))
}

function without(fields: JsonObject, map: (value: unknown, name: string) => unknown): JsonObject {
  const entries = Object.entries(fields)
  const left = entries.flatMap(([name, value]): readonly (readonly [string, unknown])[] =>
    DESTINATION_FIELDS.has(name.replace(/[_-]/g, '').toLowerCase()) ? [] : [[name, map(value, name)]],
  )
  const isSame = left.length === entries.length && left.every(([name, value]) => value === fields[name])
  return isSame ? fields : Object.fromEntries(left)
}
