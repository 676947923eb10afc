/** A gate, solver, pattern, detector or model adapter from outside of this package: what it is, and what it is given. */
import type { Actor, FinishReason, TaskKind } from './decision.ts'
import type { PatternFacts } from './pattern-record.ts'
import { PRIVATE_KINDS, type PrivateKind } from './private-kinds.ts'
import type { Role, ToolCall } from './request.ts'

/** Of this interface. A plugin names the one that it was written for; another one is refused. */
export const PLUGIN_API = 1

export const PLUGIN_KINDS = ['gate', 'solver', 'pattern', 'detector', 'model'] as const
export type PluginKind = (typeof PLUGIN_KINDS)[number]

interface PluginBase<Kind extends PluginKind> {
  readonly api: typeof PLUGIN_API
  readonly kind: Kind
  /** Lower-case letters, digits and dashes, at most 60; one of a kind. */
  readonly name: string
  /** Stands in the audit beside the name. */
  readonly version: string
}

/** A message as plugins see it: its text alone, a copy. */
export interface PluginMessage {
  readonly role: Role
  readonly text: string
}

/** A local answer that is to be checked. */
export interface PluginGateInput {
  readonly task: string
  readonly kind: TaskKind
  readonly messages: readonly PluginMessage[]
  readonly answer: { readonly text: string; readonly toolCalls: readonly ToolCall[] }
  /** Of a typed decision: what was chosen, and how probable it is (0 to 1); null for text. */
  readonly option: { readonly value: string; readonly probability: number | null } | null
  /** Aborted when the gate has used up its time. */
  readonly signal: AbortSignal
}

export interface PluginOpinion {
  readonly accepted: boolean
  /** One sentence for people. It stands in the audit and may go to a frontier, so it holds no text of the request. */
  readonly detail: string
  /** What was measured, and the limit it was held against. */
  readonly score?: number
  readonly threshold?: number
}

/** Accepts or rejects local answers (`check_failed`). One that throws, or takes too long, has not accepted (`gate_error`). */
export interface GatePlugin extends PluginBase<'gate'> {
  check(input: PluginGateInput): PluginOpinion | Promise<PluginOpinion>
}

export interface PluginSolution {
  readonly answer: string
  /** How it was found, for people. */
  readonly steps?: readonly string[]
}

/** Answers a whole question exactly, or declines with null. Asked after the solvers of this package; one that throws is passed over. */
export interface SolverPlugin extends PluginBase<'solver'> {
  solve(question: string): PluginSolution | null
}

/** A private piece: UTF-16 offsets, end exclusive. */
export interface PluginSpan {
  readonly start: number
  readonly end: number
}

/**
 * Finds private pieces of a text. They count as the kind that it names: masked where `privacy.redact` lists it, kept here where
 * `privacy.localOnly.detect` does. Where one throws, nothing leaves.
 */
export interface DetectorPlugin extends PluginBase<'detector'> {
  readonly finds: PrivateKind
  find(text: string): readonly PluginSpan[]
}

export interface PluginPatternInput {
  readonly task: string
  readonly kind: TaskKind
  readonly messages: readonly PluginMessage[]
  /** Whose answer may be returned, and who may be asked: the rules have decided that. */
  readonly serve: readonly Actor[]
  readonly call: readonly Actor[]
}

/** An answer that was got; only these can be returned. */
export interface PluginAnswer {
  readonly actor: Actor
  readonly model: string
  readonly text: string
}

export interface PluginPatternTools {
  /** Asks the models of the actor in order until one answers. Throws where none does, or the rules leave none. */
  ask(whom: Actor, more?: { readonly instruction?: string }): Promise<PluginAnswer>
  /** The gates' opinions on an answer; the first that rejects stands first. Empty: all accept. */
  check(answer: PluginAnswer): Promise<readonly { readonly gate: string; readonly detail: string }[]>
  /** Adds to what the audit says of the pattern. Holds no text of the request. */
  note(facts: PatternFacts): void
}

/**
 * How local and frontier models work together on a task that names it. Rules, gates, budgets and the egress door hold as for every other:
 * a local answer that gates reject is not served. Where it throws, or returns what may not be served, the cascade answers.
 */
export interface PatternPlugin extends PluginBase<'pattern'> {
  run(input: PluginPatternInput, tools: PluginPatternTools): Promise<PluginAnswer>
}

export interface PluginModelCall {
  /** `model` of the policy. */
  readonly model: string
  readonly baseUrl: string | null
  readonly apiKey: string | null
  readonly messages: readonly PluginMessage[]
  readonly maxOutputTokens: number
  readonly temperature?: number
  readonly stop?: readonly string[]
  /** A JSON Schema that the answer is to satisfy, or `json`. */
  readonly schema?: Readonly<Record<string, unknown>> | 'json'
}

/** How an answer ended; without it: by itself, tokens estimated. */
export interface PluginAnswerEnd {
  readonly finishReason?: Extract<FinishReason, 'stop' | 'length' | 'content_filter'>
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
  /** The model as its server names it. */
  readonly servedBy?: string
}

/** Asks a model for a text. Pieces as they come, then how it ended. One that throws has failed, and the next model is asked. */
export interface ModelPlugin extends PluginBase<'model'> {
  generate(call: PluginModelCall, limits: { readonly signal: AbortSignal }): AsyncIterable<string | PluginAnswerEnd>
}

export type Plugin = GatePlugin | SolverPlugin | PatternPlugin | DetectorPlugin | ModelPlugin

/** A plugin that the policy named, as it was loaded. */
export interface LoadedPlugin<One extends Plugin = Plugin> {
  readonly plugin: One
  /** As the policy names it. */
  readonly from: string
  /** `sha256:` of its file; what that imports is not in it. */
  readonly digest: string
  /** Gates and solvers: the tasks it is for; null for all. */
  readonly tasks: readonly string[] | null
  /** Gates: their time for one answer. */
  readonly timeoutMs: number
}

/** A plugin that had a say in a request, for its record. */
export interface RecordedPlugin {
  readonly kind: PluginKind
  readonly name: string
  readonly version: string
  readonly did: 'accepted' | 'rejected' | 'answered' | 'found' | 'failed'
}

/** Gives a plugin its type, and returns it as it is. */
export function definePlugin<One extends Plugin>(plugin: One): One {
  return plugin
}

/** How verdicts and detectors name it: no name of this package has a colon. */
export function pluginLabel({ name }: { readonly name: string }): string {
  return `${PLUGIN_MARK}${name}`
}

export const PLUGIN_MARK = 'plugin:'

export function pluginsOf<Kind extends PluginKind>(
  loaded: readonly LoadedPlugin[],
  kind: Kind,
): readonly LoadedPlugin<Extract<Plugin, { readonly kind: Kind }>>[] {
  return loaded.filter((one): one is LoadedPlugin<Extract<Plugin, { readonly kind: Kind }>> => one.plugin.kind === kind)
}

/** Whether a gate or solver is for a task. */
export function isForTask({ tasks }: LoadedPlugin, task: string): boolean {
  return tasks === null || tasks.includes(task)
}

const NAME = /^[a-z0-9][a-z0-9-]{0,59}$/

/** The function that does the work, by kind. */
const WORK = { gate: 'check', solver: 'solve', pattern: 'run', detector: 'find', model: 'generate' } as const

/** @returns what is wrong with a value that should be a plugin, with the way out; null when it is one */
export function pluginProblem(value: unknown): { readonly problem: string; readonly fix: string } | null {
  if (typeof value !== 'object' || value === null)
    return {
      problem: `it exports ${value === null ? 'null' : typeof value}, not a plugin`,
      fix: 'Export definePlugin({ … }) as its default.',
    }
  const { api, kind, name, version, finds, ...rest } = value as Readonly<Record<string, unknown>>
  if (api !== PLUGIN_API)
    return {
      problem: `its api is ${JSON.stringify(api) ?? 'missing'}, this version has ${PLUGIN_API}`,
      fix: `Write api: ${PLUGIN_API}, or use another version of it.`,
    }
  if (!isKind(kind))
    return { problem: `its kind is ${JSON.stringify(kind) ?? 'missing'}`, fix: `Kinds are ${PLUGIN_KINDS.join(', ')}.` }
  if (typeof name !== 'string' || !NAME.test(name))
    return {
      problem: `its name is ${JSON.stringify(name) ?? 'missing'}`,
      fix: 'Use lower-case letters, digits and dashes, at most 60.',
    }
  if (typeof version !== 'string' || version.length === 0 || version.length > 40)
    return { problem: `its version is ${JSON.stringify(version) ?? 'missing'}`, fix: 'Write one such as 1.0.0.' }
  const work = WORK[kind]
  if (typeof rest[work] !== 'function')
    return { problem: `${kind} ${name} has no function ${work}`, fix: `Add ${work}.` }
  if (kind === 'detector' && !PRIVATE_KINDS.includes(finds as PrivateKind))
    return {
      problem: `detector ${name} finds ${JSON.stringify(finds) ?? 'nothing'}`,
      fix: `finds is one of ${PRIVATE_KINDS.join(', ')}.`,
    }
  return null
}

function isKind(kind: unknown): kind is PluginKind {
  return PLUGIN_KINDS.includes(kind as PluginKind)
}
