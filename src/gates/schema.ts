import { createRequire } from 'node:module'
import type { Ajv, Options, ValidateFunction } from 'ajv'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import type formats from 'ajv-formats'
import { accept, type Gate, reject } from './gate.ts'
import { repeatsKey } from './repeated-key.ts'

/**
 * The answer is JSON and satisfies the task's schema and the request's, where they are set. JSON Schema 2020-12 and
 * draft-07 (by `$schema`; without one 2020-12 is tried first). An answer of tool calls alone has no JSON to check.
 *
 * A schema that cannot be used (invalid, oversize, asynchronous, with a remote `$ref`) rejects with a detail that says
 * so: what cannot be checked is not accepted.
 */
export const schema: Gate = ({ answer, task, request }) => {
  if (answer.text.trim() === '' && answer.toolCalls.length > 0) {
    return accept('schema', 'The answer is a tool call; the schema is for text.')
  }
  const parsed = parseJsonAnswer(answer.text)
  if (parsed === null) return invalid('The answer is not valid JSON.')
  if (repeatsKey(parsed.json)) return invalid('The answer names a key twice, so readers may differ about it.')
  const wanted = [task.schema, request.responseSchema].filter((one) => one !== undefined && one !== 'json')
  for (const one of wanted) {
    const problem = problemWith(parsed.value, one)
    if (problem !== null) return invalid(problem)
  }
  return accept('schema', wanted.length === 0 ? 'The answer is valid JSON.' : 'The answer satisfies its schema.')
}

/**
 * Reads an answer as one JSON value, bare or as the only content of a fenced block. Prose around it is not skipped: the
 * caller's parser would not skip it either.
 *
 * @returns the value, and the bare JSON text that a caller without fence handling can parse; null when it is not JSON
 */
export function parseJsonAnswer(text: string): { readonly value: unknown; readonly json: string } | null {
  if (text.length > MAX_ANSWER_CHARS) return null
  const fenced = /^(`{3,}|~{3,})[ \t]*(?:json[c5]?)?[ \t]*\r?\n([\s\S]*?)\r?\n?[ \t]*\1$/i.exec(text.trim())
  const json = (fenced?.[2] ?? text).trim()
  try {
    return { value: JSON.parse(json), json }
  } catch {
    return null
  }
}

/** Far above what a model writes in one answer; keeps validation bounded. */
const MAX_ANSWER_CHARS = 1_000_000
/** Compiling blocks the process for about 9 ms per 1,000 characters (measured on one shared core): 0.3 s at most. */
const MAX_SCHEMA_CHARS = 32_768
/** Compiled validators kept. Gateway requests carry equal schemas in fresh objects, so the text is the key. */
const MAX_CACHED = 256
const MAX_POINTER_CHARS = 120

type JsonSchema = Readonly<Record<string, unknown>>
type Compiled = { readonly validate: ValidateFunction } | { readonly unusable: string }

function invalid(detail: string): ReturnType<Gate> {
  return reject('schema', { reason: 'schema_invalid', detail })
}

/** What is wrong with a value, as a sentence that holds no text of it; null when it satisfies the schema. */
export function problemWith(value: unknown, wanted: JsonSchema): string | null {
  const text = schemaText(wanted)
  if (text === null) return 'The schema is not plain JSON; nothing can be checked against it.'
  if (text.length > MAX_SCHEMA_CHARS) {
    return `The schema has ${text.length} characters, the limit is ${MAX_SCHEMA_CHARS}; nothing can be checked against it.`
  }
  const compiled = compileOnce(text)
  if ('unusable' in compiled) return compiled.unusable
  return firstProblem(compiled.validate, value, text)
}

function schemaText(wanted: JsonSchema): string | null {
  try {
    return JSON.stringify(wanted) ?? null
  } catch {
    return null
  }
}

function firstProblem(validate: ValidateFunction, value: unknown, text: string): string | null {
  try {
    if (validate(value)) return null
  } catch {
    return 'The answer or its schema is nested too deeply to be checked.'
  }
  const error = validate.errors?.[0]
  if (error === undefined) return 'The answer does not satisfy its schema.'
  return `The answer fails at ${pointer(error.instancePath, text)}: ${error.message ?? error.keyword}.`
}

/** A key that the schema does not name was invented by the model, so it is answer text and is not repeated. */
function pointer(path: string, text: string): string {
  if (path === '') return 'the root'
  const segments = path.split('/').slice(1)
  const shown = segments.map((segment) => {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    return /^\d+$/.test(key) || text.includes(JSON.stringify(key)) ? segment : '*'
  })
  return `/${shown.join('/')}`.slice(0, MAX_POINTER_CHARS)
}

const compiledByText = new Map<string, Compiled>()

function compileOnce(text: string): Compiled {
  const known = compiledByText.get(text)
  if (known !== undefined) return known
  const compiled = compile(text)
  const oldest = compiledByText.keys().next().value
  if (compiledByText.size >= MAX_CACHED && oldest !== undefined) compiledByText.delete(oldest)
  compiledByText.set(text, compiled)
  return compiled
}

function compile(text: string): Compiled {
  const { $schema: dialect, ...body } = JSON.parse(text) as Record<string, unknown>
  if (body.$async !== undefined) return { unusable: 'The schema is asynchronous ($async), which is not supported.' }
  const engines = enginesFor(dialect)
  if (engines.length === 0) {
    return { unusable: 'The $schema of the schema is neither JSON Schema 2020-12 nor draft-07.' }
  }
  // Two callers may use one `$id`, and a hostile one may claim that of the meta-schema, so a named schema gets an engine
  // of its own (about 14 ms); the others share one (about 2 ms).
  const named = text.includes('"$id"')
  let problem = ''
  for (const engine of engines) {
    try {
      return { validate: engine(body, named) }
    } catch (error) {
      problem ||= error instanceof Error ? error.message.slice(0, 200) : 'unknown'
    }
  }
  return { unusable: `The schema is not usable: ${problem}.` }
}

function enginesFor(dialect: unknown): readonly ((body: JsonSchema, named: boolean) => ValidateFunction)[] {
  if (dialect === undefined) return [compile2020, compileDraft07]
  if (typeof dialect !== 'string') return []
  if (/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(dialect)) return [compile2020]
  return /^https?:\/\/json-schema\.org\/draft-0[67]\/schema#?$/.test(dialect) ? [compileDraft07] : []
}

/** Unknown keywords are annotations; nothing is written to the console. */
const ENGINE_OPTIONS: Options = { strict: false, allErrors: false, logger: false }

/** Loaded with the first schema: most servers check none, and it takes a tenth of their start. */
const load = createRequire(import.meta.url)

function new2020(): Ajv2020 {
  const engine = load('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  return withFormats(new engine.Ajv2020(ENGINE_OPTIONS))
}

function newDraft07(): Ajv {
  const engine = load('ajv') as typeof import('ajv')
  return withFormats(new engine.Ajv(ENGINE_OPTIONS))
}

let shared2020: Ajv2020 | undefined
let sharedDraft07: Ajv | undefined

function compile2020(body: JsonSchema, named: boolean): ValidateFunction {
  if (named) return new2020().compile(body)
  shared2020 ??= new2020()
  return compileAndForget(shared2020, body)
}

function compileDraft07(body: JsonSchema, named: boolean): ValidateFunction {
  if (named) return newDraft07().compile(body)
  sharedDraft07 ??= newDraft07()
  return compileAndForget(sharedDraft07, body)
}

function withFormats<Engine extends Ajv | Ajv2020>(engine: Engine): Engine {
  ;(load('ajv-formats') as typeof formats).default(engine)
  return engine
}

/** An engine keeps every schema object it compiled; ours are kept, and bounded, in `compiledByText`. */
function compileAndForget(engine: Ajv | Ajv2020, body: JsonSchema): ValidateFunction {
  try {
    return engine.compile(body)
  } finally {
    engine.removeSchema(body)
  }
}
