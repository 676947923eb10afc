import type { FinishReason, OptionProbability, Signals, TokenSignal, Usage } from '../../spec/decision.ts'
import { ERRORS, type ErrorCode, type ErrorValues, RouterError, toRouterError } from '../../spec/errors.ts'
import type {
  DecideCall,
  EmbedFrame,
  ExtractCall,
  ExtractResult,
  Priority,
  Progress,
  WriteJsonResult,
} from '../../spec/ports.ts'
import type { MemoryBudget } from './room.ts'

/** Raised whenever a message changes; part of the socket's name, so old and new programs never talk to each other. */
export const PROTOCOL_VERSION = 6

/** Which model to answer with, and how to load it. Equal values share one loaded copy. */
export interface ModelSpec {
  /** The policy's name, for messages only. */
  readonly name: string
  readonly path: string
  /** `sha256:` of the file; part of the identity of a loaded copy. */
  readonly digest: string
  readonly contextTokens: number
  /** Requests that run side by side, each with a context of its own. */
  readonly sequences: number
  /** Null: the host's default, physical cores minus one. */
  readonly threads: number | null
  /** A LoRA adapter on top of the weights; `digest` is `sha256:` of its file. */
  readonly adapter: { readonly path: string; readonly digest: string; readonly scale: number } | null
  /** Unload after this long without a request; null: only for a load that needs the room. */
  readonly idleUnloadMs: number | null
  /** What loaded models may take together; unlimited when absent. Not part of the identity of a copy. */
  readonly memory?: MemoryBudget
}

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly text: string
}

/** `exact`: the entropy over the whole vocabulary at every token, at about three times the cost of a token. */
export type SignalReading = 'bracket' | 'exact'

export interface GenerateParams {
  readonly model: ModelSpec
  readonly turns: readonly ChatTurn[]
  /** A text to be continued as it stands, in place of the turns. */
  readonly continued?: string
  /** What comes after the text, which is then filled in before it. */
  readonly before?: string
  readonly maxOutputTokens: number
  readonly temperature: number
  readonly topP: number
  readonly stop: readonly string[]
  readonly seed: number | null
  readonly signals: SignalReading
  /** Tell the figures of every token with the result. */
  readonly tokenSignals?: true
}

export interface DecideParams extends DecideCall {
  readonly model: ModelSpec
}

export interface EmbedParams {
  readonly model: ModelSpec
  readonly text: string
  readonly frame: EmbedFrame
}

export interface ExtractParams extends ExtractCall {
  readonly model: ModelSpec
}

export interface WriteJsonParams {
  readonly model: ModelSpec
  readonly turns: readonly ChatTurn[]
  readonly schema: Readonly<Record<string, unknown>>
  readonly maxOutputTokens: number
}

/** What the host knows of a result; the client adds the identity. */
export type ExtractHostResult = Omit<ExtractResult, 'identity'> & { readonly quantisation: string | null }
export type WriteJsonHostResult = Omit<WriteJsonResult, 'identity'> & { readonly quantisation: string | null }

export interface EmbedHostResult {
  readonly isCut: boolean
  readonly vector: readonly number[]
  readonly usage: Usage
  readonly quantisation: string | null
}

export interface GenerateResult {
  readonly finishReason: FinishReason
  readonly stopSequence?: string
  readonly usage: Usage
  readonly signals: Signals
  readonly tokens?: readonly TokenSignal[]
  readonly quantisation: string | null
}

export interface DecideHostResult {
  readonly options: readonly OptionProbability[]
  readonly signals: Signals
  readonly usage: Usage
  readonly quantisation: string | null
}

export interface LoadedModelRow {
  readonly name: string
  readonly digest: string
  readonly path: string
  readonly state: 'loading' | 'ready'
  readonly contextTokens: number
  readonly sequences: number
  readonly threads: number
  readonly active: number
  readonly waiting: number
  readonly needBytes: number
  readonly loadMs: number | null
  /** End of the last request, on the host's own clock: the smallest is the least recently used. */
  readonly lastUsedMs: number
}

export interface HostStatus {
  readonly pid: number
  readonly engineVersion: string
  readonly uptimeMs: number
  readonly residentBytes: number
  readonly connections: number
  readonly models: readonly LoadedModelRow[]
}

/** Method name to parameters and result; the client's `call` is typed by it. */
export interface Methods {
  readonly hello: {
    readonly params: { readonly protocol: number; readonly key: string }
    readonly result: { readonly pid: number }
  }
  readonly load: { readonly params: ModelSpec; readonly result: LoadedModelRow }
  readonly unload: { readonly params: { readonly digest: string }; readonly result: { readonly unloaded: number } }
  readonly ps: { readonly params: null; readonly result: HostStatus }
  readonly generate: { readonly params: GenerateParams; readonly result: GenerateResult }
  readonly decide: { readonly params: DecideParams; readonly result: DecideHostResult }
  readonly embed: { readonly params: EmbedParams; readonly result: EmbedHostResult }
  readonly extract: { readonly params: ExtractParams; readonly result: ExtractHostResult }
  readonly writeJson: { readonly params: WriteJsonParams; readonly result: WriteJsonHostResult }
  readonly cancel: { readonly params: { readonly request: number }; readonly result: { readonly cancelled: boolean } }
  readonly shutdown: { readonly params: null; readonly result: { readonly pid: number } }
}
export type MethodName = keyof Methods

export interface RequestFrame {
  readonly id: number
  readonly method: MethodName
  readonly params: unknown
  /** Interactive when absent. */
  readonly priority?: Priority
}

/** What a request says before its result. */
export type HostEvent =
  | { readonly type: 'loading' }
  | { readonly type: 'loaded' }
  | { readonly type: 'text'; readonly delta: string }
  | ({ readonly type: 'progress' } & Progress)

export type ReplyFrame =
  | { readonly id: number; readonly event: HostEvent }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError }

export interface WireError {
  readonly code: ErrorCode
  readonly values: ErrorValues
}

/** An error as it travels; stacks and causes stay in the host's log. */
export function toWireError(error: unknown): WireError {
  const { code, values } = toRouterError(error)
  return { code, values }
}

/** The same error on the client's side; an unknown code becomes `internal`. */
export function fromWireError(error: WireError): RouterError {
  if (Object.hasOwn(ERRORS, error.code)) return new RouterError(error.code, error.values)
  return new RouterError('internal', { problem: `the engine host sent the unknown error ${String(error.code)}` })
}
