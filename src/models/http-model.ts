/** What the hosted dialects share: one guarded POST, read as a stream of events or as one JSON body. */
import { rememberText } from '../spec/body-text.ts'
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent } from '../spec/ports.ts'
import type { DeadlineGuard, Timers } from './deadlines.ts'
import { PROCESS_TIMERS, startDeadlines } from './deadlines.ts'
import type { Frame, FrameReader } from './server-sent-events.ts'
import { createFrameReader } from './server-sent-events.ts'
import type { PostResponse, Transport } from './transport.ts'
import { MAX_FRAME_BYTES } from './transport.ts'
import { refusalError } from './upstream-errors.ts'

/** A JSON object as it came. */
export type JsonObject = Readonly<Record<string, unknown>>

/** How one wire dialect asks and answers. Its functions throw RouterErrors that never quote the answer. */
export interface Dialect {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Headers that depend on the call; they win over the others. */
  readonly headersOf?: (call: ModelCall) => Readonly<Record<string, string>>
  requestBody(call: ModelCall): JsonObject
  readStream(call: ModelCall): AnswerReader
  /** The events of an answer that came as one JSON body, `finish` last. */
  readWhole(body: JsonObject, call: ModelCall): readonly ModelEvent[]
  /** How a body becomes frames; server-sent events when absent. */
  readonly createFrames?: (model: string) => FrameReader
}

/** The state of one streamed answer. */
export interface AnswerReader {
  read(frame: Frame): readonly ModelEvent[]
  /** True once the terminal event of the dialect has come. Nothing else proves an answer complete. */
  isAnswered(): boolean
  /** The `finish` event; only called when answered. */
  finish(): ModelEvent
}

export interface HttpModel {
  readonly name: string
  /** Names the policy key `deadlines.<tier>` in timeouts. */
  readonly tier: string
  readonly apiKey: string | null
  readonly transport: Transport
  readonly dialect: Dialect
  /** Default: timers of the process. */
  readonly timers?: Timers
}

/** Sends one call and yields its events. Never retries. */
export async function* generateOverHttp(
  model: HttpModel,
  call: ModelCall,
  limits: CallLimits,
): AsyncGenerator<ModelEvent> {
  for await (const events of generateTogether(model, call, limits)) yield* events
}

/** The same, with the events of one piece of the body in one array. */
export async function* generateTogether(
  model: HttpModel,
  call: ModelCall,
  limits: CallLimits,
): AsyncGenerator<readonly ModelEvent[]> {
  const { name, tier, dialect } = model
  const request = dialect.requestBody(call)
  const body = JSON.stringify(request)
  const guard = startDeadlines({ model: name, tier, limits, timers: model.timers ?? PROCESS_TIMERS })
  let response: PostResponse | null = null
  try {
    response = await model.transport.post({
      model: name,
      url: dialect.url,
      headers: { ...HEADERS, ...dialect.headers, ...dialect.headersOf?.(call), ...limits.trace },
      body,
      guard,
    })
    const { status, headers } = response
    if (status < 200 || status > 299) {
      const text = await readText(name, response, guard).catch((error: unknown) => textlessRefusal(error, guard))
      throw refusalError({ model: name, status, headers, body: text, apiKey: model.apiKey, nowMs: Date.now() })
    }
    const kind = bodyKind(headers, request)
    if (kind === 'page') throw malformed(name, 'the body is a page (HTML or XML), not an answer')
    if (kind === 'stream') yield* streamed(model, { call, response, guard })
    else {
      const text = await readText(name, response, guard)
      yield dialect.readWhole(rememberText(parseObject(name, text), text), call)
    }
  } finally {
    guard.end()
    response?.discard()
  }
}

/** @throws RouterError `model_malformed`; the text is not quoted, for it may hold what must not reach a log */
export function parseObject(model: string, text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(model, text.trim() === '' ? 'the body is empty' : 'it holds text that is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(model, 'it holds JSON that is not an object')
  return value as JsonObject
}

/** An answer that breaks the protocol of its dialect; `problem` is our own sentence. */
export function malformed(model: string, problem: string): RouterError {
  return new RouterError('model_malformed', { model, problem })
}

/** The value as a JSON object, or null. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

/** The objects of a JSON array; empty for anything else. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((entry): entry is JsonObject => asObject(entry) !== null) : []
}

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  // Compressed event streams arrive in blocks, not in tokens.
  'accept-encoding': 'identity',
  'user-agent': 'spillway',
}

/**
 * After the terminal event the counts may still come, and the end of the body; a server that keeps the connection open
 * instead may delay the answer by no more than this.
 */
const TRAILER_MS = 2000

async function* streamed(
  model: HttpModel,
  {
    call,
    response,
    guard,
  }: { readonly call: ModelCall; readonly response: PostResponse; readonly guard: DeadlineGuard },
): AsyncGenerator<readonly ModelEvent[]> {
  const reader = model.dialect.readStream(call)
  const frames = (model.dialect.createFrames ?? createFrameReader)(model.name)
  try {
    yield* eventsOf(response, { reader, frames, guard })
  } catch (error) {
    // What broke after the terminal event took nothing from the answer.
    const isLate = reader.isAnswered() && error instanceof RouterError && LATE_BREAKS.has(error.code)
    if (!isLate) throw error
  }
  if (!reader.isAnswered()) throw new RouterError('model_incomplete', { model: model.name })
  yield [reader.finish()]
}

const LATE_BREAKS: ReadonlySet<string> = new Set(['model_timeout', 'model_incomplete'])

interface StreamParts {
  readonly reader: AnswerReader
  readonly frames: FrameReader
  readonly guard: DeadlineGuard
}

async function* eventsOf(
  response: PostResponse,
  { reader, frames, guard }: StreamParts,
): AsyncGenerator<readonly ModelEvent[]> {
  const chunks = response.body[Symbol.asyncIterator]()
  for (;;) {
    guard.waiting(reader.isAnswered() ? TRAILER_MS : undefined)
    const chunk = await chunks.next()
    if (chunk.done) {
      yield* readAll(reader, frames.end?.() ?? [])
      return
    }
    const fed = frames.feed(chunk.value)
    if (fed.alive) guard.progress()
    yield* readAll(reader, fed.frames)
  }
}

/** What stands before a frame that cannot be read counts. */
function* readAll(reader: AnswerReader, frames: readonly Frame[]): Generator<readonly ModelEvent[]> {
  const events: ModelEvent[] = []
  try {
    for (const frame of frames) events.push(...reader.read(frame))
  } catch (error) {
    if (events.length > 0) yield events
    throw error
  }
  if (events.length > 0) yield events
}

async function readText(model: string, response: PostResponse, guard: DeadlineGuard): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const body = response.body[Symbol.asyncIterator]()
  for (;;) {
    guard.waiting()
    const chunk = await body.next()
    if (chunk.done) return Buffer.concat(chunks).toString()
    guard.progress()
    chunks.push(chunk.value)
    size += chunk.value.length
    if (size > MAX_FRAME_BYTES) throw malformed(model, `the body has more than ${MAX_FRAME_BYTES} bytes`)
  }
}

/** A refusal whose text cannot be read is still that refusal, unless the call itself is over. */
function textlessRefusal(error: unknown, guard: DeadlineGuard): string {
  if (guard.isOver()) throw error
  return ''
}

/** A server may answer a request for a stream with one body. Of an unknown type is what was asked for. */
function bodyKind(headers: Readonly<Record<string, string>>, request: JsonObject): 'stream' | 'whole' | 'page' {
  const type = headers['content-type'] ?? ''
  if (/html|xml/i.test(type)) return 'page'
  if (/event-stream|x-ndjson/i.test(type)) return 'stream'
  return request.stream === true && !/json/i.test(type) ? 'stream' : 'whole'
}
