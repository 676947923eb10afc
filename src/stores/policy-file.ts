/** Reads and validates a policy file. A wrong file gives the path, the place and the fix; it never gives half a policy. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { withTierSlots } from '../spec/cascade-tiers.ts'
import { ollamaBaseUrl } from '../spec/destination.ts'
import { RouterError } from '../spec/errors.ts'
import { keyVariable, type Lane, lanesOf } from '../spec/lanes.ts'
import {
  type HarmlessTexts,
  type HeadExampleSet,
  type LoadedPolicy,
  type PairExampleSet,
  type Policy,
  policySchema,
} from '../spec/policy.ts'
import { pluginProblems } from '../spec/policy-plugin-problems.ts'
import { optionsOf, policyProblems } from '../spec/policy-problems.ts'
import { PRESETS } from '../spec/presets.ts'
import { closest } from '../spec/suggest.ts'
import type { TlsFiles } from '../spec/tls.ts'
import { type ConnectionProblem, isConnectionPath, readConnections } from './connections.ts'
import { readHarmlessTexts } from './harmless-texts.ts'
import { readHeadExamples } from './head-examples.ts'
import { readPairExamples } from './pair-examples.ts'
import { loadPlugins } from './plugin-files.ts'
import { readTlsFiles } from './tls-files.ts'

export type Environment = Readonly<Record<string, string | undefined>>

interface Source {
  readonly file: string
  readonly env: Environment
}

type Path = readonly PropertyKey[]

const ENV_REFERENCE = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * @param path of a YAML or JSON file
 * @throws RouterError policy_not_found, policy_invalid, env_missing
 */
export function loadPolicyFile(path: string, env: Environment): LoadedPolicy {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new RouterError('policy_not_found', { path }, error)
  }
  return parsePolicy(text, { file: path, env })
}

/** @throws RouterError policy_invalid with `key (line n:m)`, env_missing */
export function parsePolicy(text: string, source: Source): LoadedPolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const syntax = document.errors[0]
  if (syntax) {
    const at = lines.linePos(syntax.pos[0])
    const problem = syntax.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'not YAML'
    throw invalid(source, `line ${at.line}:${at.col}`, problem, 'Mend the YAML there.')
  }
  const where = (path: Path): string => locate(document, lines, path)
  return validatePolicy(document.toJS({ maxAliasCount: 100 }) ?? {}, source, where)
}

/** The same for a policy that is already an object. */
export function validatePolicy(input: unknown, source: Source, where: (path: Path) => string = dotted): LoadedPolicy {
  const missingKeys: Record<string, string> = {}
  const lanes = new Map<string, readonly Lane[]>()
  const expanded = expand(withOllamaAddress(withPresetKeys(input), source.env), [], source, where)
  const parsed = policySchema.safeParse(expanded)
  if (!parsed.success) throw schemaError(parsed.error, source, where)
  const problem = policyProblems(parsed.data)[0]
  if (problem) throw invalid(source, where(problem.path), problem.problem, problem.fix)
  const policy = withTierSlots(parsed.data)
  const plugins = pluginsIn(policy, source, where)
  for (const [name, model] of Object.entries(policy.models)) {
    const found = lanesOf(model, source.env)
    lanes.set(name, found.lanes)
    if (found.missing !== null) missingKeys[name] = found.missing
  }
  const tls = tlsFiles(policy, source, where)
  const connections = readConnections(policy, source.env, ({ path, problem, fix }: ConnectionProblem) =>
    invalid(source, where(path), problem, fix),
  )
  requireCheckFolders(policy, source, where)
  const examples = { ...headExamples(policy, source, where), ...harmlessOf(policy, source, where) }
  return {
    policy,
    digest: digestOf(policy, examples, plugins),
    file: source.file,
    missingKeys,
    ...examples,
    lanes,
    tls,
    plugins,
    connections,
  }
}

/** Code that is missing or wrong would be missed at the first request that needs it. */
function pluginsIn(policy: Policy, source: Source, where: (path: Path) => string): LoadedPolicy['plugins'] {
  const read = loadPlugins(policy.plugins, dirname(source.file))
  if ('problem' in read) throw invalid(source, where(['plugins', read.index]), read.problem, read.fix)
  const problem = pluginProblems(policy, read.plugins)[0]
  if (problem) throw invalid(source, where(problem.path), problem.problem, problem.fix)
  return read.plugins
}

/** A folder that is not there would be missed at the first answer. */
function requireCheckFolders(policy: Policy, source: Source, where: (path: Path) => string): void {
  for (const [name, { verify }] of Object.entries(policy.tasks)) {
    const folder = verify?.command?.folder
    if (folder === undefined || isFolder(resolve(dirname(source.file), folder))) continue
    const at = where(['tasks', name, 'verify', 'command', 'folder'])
    throw invalid(source, at, `there is no folder ${folder} beside the policy file`, 'Correct the path, or remove it.')
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function tlsFiles(policy: Policy, source: Source, where: (path: Path) => string): LoadedPolicy['tls'] {
  const found = new Map<string, TlsFiles>()
  for (const [name, { tls }] of Object.entries(policy.models)) {
    if (!tls) continue
    const read = readTlsFiles(tls, dirname(source.file))
    if ('problem' in read) throw invalid(source, where(['models', name, 'tls', read.part]), read.problem, read.fix)
    found.set(name, read)
  }
  return found
}

/** Read with the policy, so that a wrong example stops the start and not the hundredth request. */
function headExamples(
  policy: Policy,
  source: Source,
  where: (path: Path) => string,
): Pick<LoadedPolicy, 'heads' | 'pairs'> {
  const heads = new Map<string, HeadExampleSet>()
  const pairs = new Map<string, PairExampleSet>()
  const folder = dirname(source.file)
  for (const [name, task] of Object.entries(policy.tasks)) {
    if (!task.head) continue
    const wrong = ({ problem, fix }: { readonly problem: string; readonly fix: string }): RouterError =>
      invalid(source, where(['tasks', name, 'head', 'examples']), problem, fix)
    if (task.kind === 'similarity') {
      const read = readPairExamples(task.head.examples, folder)
      if ('problem' in read) throw wrong(read)
      pairs.set(name, read)
    } else {
      const read = readHeadExamples(task.head.examples, { folder, options: optionsOf(task) ?? [] })
      if ('problem' in read) throw wrong(read)
      heads.set(name, read)
    }
  }
  return { heads, pairs }
}

function harmlessOf(policy: Policy, source: Source, where: (path: Path) => string): Pick<LoadedPolicy, 'harmless'> {
  const harmless = new Map<string, HarmlessTexts>()
  for (const [name, { stopCheck }] of Object.entries(policy.tasks)) {
    if (stopCheck?.harmless === undefined) continue
    const read = readHarmlessTexts(stopCheck.harmless, dirname(source.file))
    if ('problem' in read)
      throw invalid(source, where(['tasks', name, 'stopCheck', 'harmless']), read.problem, read.fix)
    harmless.set(name, read)
  }
  return { harmless }
}

type Examples = Pick<LoadedPolicy, 'heads' | 'pairs' | 'harmless'>

function withPresetKeys(input: unknown): unknown {
  if (!isRecord(input) || !isRecord(input.models)) return input
  const models = Object.entries(input.models).map(([name, model]) => {
    const preset = isRecord(model) && typeof model.preset === 'string' ? PRESETS[model.preset] : undefined
    if (!preset || !isRecord(model)) return [name, model]
    const key = preset.keyVariable === null ? {} : { apiKey: `\${env:${preset.keyVariable}}` }
    // Where Ollama is found says its own variable, preset or not.
    const address = preset.provider === 'ollama' ? {} : { baseUrl: preset.baseUrl }
    return [name, { ...address, ...key, ...model }]
  })
  return { ...input, models: Object.fromEntries(models) }
}

/** Written into the policy, so that the check of destinations and the digest see it. */
function withOllamaAddress(input: unknown, env: Environment): unknown {
  if (!isRecord(input) || !isRecord(input.models)) return input
  const models = Object.entries(input.models).map(([name, model]) => {
    if (!isRecord(model) || model.provider !== 'ollama') return [name, model]
    return [name, { baseUrl: ollamaBaseUrl(env.OLLAMA_HOST), ...model }]
  })
  return { ...input, models: Object.fromEntries(models) }
}

/** Replaces `${env:NAME}` everywhere but in keys and addresses with passwords, which stay out of the policy and its digest. */
function expand(value: unknown, path: Path, source: Source, where: (path: Path) => string): unknown {
  if (isConnectionPath(path)) return value
  if (typeof value === 'string')
    return isKey(path) ? checkedKey(value, path, source, where) : fromEnv(value, path, source, where)
  if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index], source, where))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key], source, where)]),
  )
}

function checkedKey(value: string, path: Path, source: Source, where: (path: Path) => string): string {
  if (keyVariable(value)) return value
  throw invalid(
    source,
    where(path),
    'an API key may not stand in the policy',
    'Write apiKey: "${env:NAME}" and set NAME.',
  )
}

function fromEnv(value: string, path: Path, source: Source, where: (path: Path) => string): string {
  return value.replace(ENV_REFERENCE, (_, variable: string) => {
    const found = source.env[variable]
    if (found === undefined) throw new RouterError('env_missing', { file: source.file, variable, path: where(path) })
    return found
  })
}

/** One key, or one of a list. */
function isKey(path: Path): boolean {
  return path.at(-1) === 'apiKey' || (path.at(-2) === 'apiKey' && typeof path.at(-1) === 'number')
}

function schemaError(error: z.ZodError, source: Source, where: (path: Path) => string): RouterError {
  const issue = deepest(error.issues[0])
  if (!issue) return invalid(source, 'the top', 'not a policy', 'Start with `spillway init`.')
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const known = knownKeys(issue.path)
    const suggestion = closest(key, known)
    const fix = suggestion ? `Did you mean ${suggestion}?` : `Known keys here: ${known.join(', ')}.`
    return invalid(source, where([...issue.path, key]), `unknown key ${key}`, fix)
  }
  const problem = issue.message.replace(/^Invalid (input|option|string): /, '').replace(/\.$/, '')
  return invalid(source, where(issue.path), problem, 'See `spillway policy schema` for what may stand there.')
}

/** Inside a union the issue that got furthest is the one a person meant. */
function deepest(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().map((item) => ({ ...item, path: [...issue.path, ...item.path] }))
  const named =
    inner.find((item) => item.code === 'unrecognized_keys') ?? inner.sort((a, b) => b.path.length - a.path.length)[0]
  return named ? deepest(named) : issue
}

/** The keys the schema knows at a path, through records and optional wrappers. */
function knownKeys(path: Path): readonly string[] {
  let at: unknown = z.toJSONSchema(policySchema, { io: 'input' })
  for (const step of path) at = child(at, step)
  return Object.keys(objectShape(at)?.properties ?? {})
}

function child(schema: unknown, step: PropertyKey): unknown {
  const shape = objectShape(schema)
  return shape?.properties?.[String(step)] ?? shape?.additionalProperties
}

interface ObjectShape {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly additionalProperties?: unknown
}

function objectShape(schema: unknown): ObjectShape | null {
  if (!isRecord(schema)) return null
  if (schema.properties || schema.additionalProperties) return schema
  const options = Array.isArray(schema.anyOf) ? schema.anyOf : []
  return options.map(objectShape).find((option) => option !== null) ?? null
}

function locate(document: Document, lines: LineCounter, path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = hasItems(parent) ? parent.items.find((item) => keyText(item) === String(key)) : undefined
    const node = pair ? (pair as { key: unknown }).key : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) {
      const at = lines.linePos(node.range[0])
      return `${dotted(path)} (line ${at.line}:${at.col})`
    }
  }
  return dotted(path)
}

function hasItems(node: unknown): node is { items: readonly unknown[] } {
  return isRecord(node) && Array.isArray((node as { items?: unknown }).items)
}

function keyText(item: unknown): string | null {
  const key = isRecord(item) ? (item as { key?: { value?: unknown } }).key : undefined
  return key && typeof key === 'object' && 'value' in key ? String(key.value) : null
}

function dotted(path: Path): string {
  return path.length === 0 ? 'the top' : path.map(String).join('.')
}

function invalid(source: Source, path: string, problem: string, fix: string): RouterError {
  return new RouterError('policy_invalid', { file: source.file, path, problem, fix })
}

function digestOf(policy: Policy, { heads, pairs, harmless }: Examples, plugins: LoadedPolicy['plugins']): string {
  // A path says nothing about behaviour, what stands in the file does.
  const examples = [...heads, ...pairs, ...harmless].map(([task, { digest }]) => [task, digest])
  const code = plugins.map(({ plugin: { kind, name, version }, digest }) => [kind, name, version, digest])
  const files = [...examples, ...code]
  const content = files.length === 0 ? canonical(policy) : canonical([policy, files])
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
