/** What every client under test can be asked to do, and what it saw, in one shape for all of them. */

/** One task for a client: where to send what, and how patiently. */
export interface Call {
  /** Of the gateway, without `/v1`. */
  readonly url: string
  readonly key: string
  readonly model: string
  /** What the user says; it holds the name of the case, by which the scripted cloud knows what to play. */
  readonly prompt: string
  readonly headers: Readonly<Record<string, string>>
  /** Tries of the client itself after the first. */
  readonly retries: number
  /** How long the client waits for an answer; null leaves its own preset. */
  readonly timeoutMs: number | null
}

export interface ToolCallSeen {
  readonly name: string
  readonly input: unknown
}

/** What the client's own objects said; only what the step is about. */
export interface Seen {
  readonly text?: string
  /** Pieces of a stream that held text. */
  readonly pieces?: number
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly toolCalls?: readonly ToolCallSeen[]
  /** A structured answer as the client parsed it. */
  readonly value?: unknown
  readonly names?: readonly string[]
  readonly vectors?: readonly (readonly number[])[]
}

/**
 * What a client is told to do. `tools` and `streamedTools` go the whole way: the call, the result, the answer to it. `abort`
 * reads one piece of a stream and goes away.
 */
export type Step =
  | 'chat'
  | 'stream'
  | 'tools'
  | 'streamedTools'
  | 'structured'
  | 'abort'
  | 'models'
  | 'embed'
  | 'countTokens'
  | 'responses'
  | 'responsesStream'
  | 'responsesTools'
  | 'responsesStructured'

/** A failure as the caller of the client meets it. */
export interface FailureSeen {
  /** Class of the error. */
  readonly kind: string
  readonly status: number | null
  /** As the client read it from the body. */
  readonly type: string | null
  readonly retryAfter: string | null
  readonly message: string
}

export type Door = 'openai' | 'anthropic'

/** A client library, with one function for every step that it has. */
export interface Client {
  /** Short, also part of names of tasks: letters and dashes. */
  readonly name: string
  /** As in its registry, with the version. */
  readonly package: string
  readonly door: Door
  /** Classes of the errors that it throws. */
  readonly kinds: Readonly<Record<400 | 401 | 404 | 429 | 503 | 'timeout', string>>
  /** Whether `x-should-retry: false` keeps it from trying again. */
  readonly obeysShouldRetry: boolean
  readonly steps: Readonly<Partial<Record<Step, (call: Call) => Promise<Seen>>>>
  readonly failureOf: (error: unknown) => FailureSeen
  /** Why it cannot be tried on this machine; null when it can. */
  readonly absent: string | null
  close(): Promise<void>
}

export const WEATHER = {
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
} as const

export const READING_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
} as const

/** What a tool answers when a client runs it. */
export const WEATHER_RESULT = 'sunny, 21 degrees'

/** The two texts whose vectors are asked for. */
export const EMBEDDED = ['The cat sits on the mat.', 'Interest rates rose again.'] as const

/** Errors of most JavaScript clients carry their status and headers under one of these names. */
export function jsFailure(error: unknown): FailureSeen {
  const thrown = error as {
    readonly constructor?: { readonly name?: string }
    readonly name?: string
    readonly type?: unknown
    readonly error?: { readonly error?: { readonly type?: unknown } }
    readonly data?: { readonly error?: { readonly type?: unknown } }
    readonly status?: unknown
    readonly statusCode?: unknown
    readonly headers?: Headers | Readonly<Record<string, string>>
    readonly responseHeaders?: Readonly<Record<string, string>>
  }
  const status = thrown.status ?? thrown.statusCode
  const type = thrown.error?.error?.type ?? thrown.data?.error?.type ?? thrown.type
  const headers = thrown.headers instanceof Headers ? Object.fromEntries(thrown.headers) : thrown.headers
  return {
    // Some wrap what they caught in a plain error and only name it.
    kind: thrown.constructor?.name === 'Error' ? (thrown.name ?? 'Error') : (thrown.constructor?.name ?? typeof error),
    status: typeof status === 'number' ? status : null,
    type: typeof type === 'string' ? type : null,
    retryAfter: (headers ?? thrown.responseHeaders)?.['retry-after'] ?? null,
    message: error instanceof Error ? error.message : String(error),
  }
}
