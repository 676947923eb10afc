/** Reads a JSON body with limits: bytes, depth, encoding. */
import type { IncomingMessage } from 'node:http'
import { letOthersIn } from '../pipeline/parted.ts'
import { RouterError } from '../spec/errors.ts'
import { holdsOddNumber, parseExact } from '../spec/exact-json.ts'

/** Deeper JSON is no request anybody means, and recursive code must not meet it. */
const MAX_DEPTH = 128

/**
 * @returns the parsed body; always an object
 * @throws RouterError body_too_large, body_not_json, unsupported_media, request_invalid
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  const text = await readText(request, maxBytes)
  const body = asObject(parse(text))
  await letOthersIn(text.length)
  return body
}

/** A body as JavaScript reads it, and with its numbers as they were written; the same value where both are equal. */
export interface ExactBody {
  readonly plain: JsonBody
  readonly exact: JsonBody
}

/**
 * The same for bodies whose parts are sent on: 1.0 stays 1.0, and a number of twenty digits keeps them all.
 *
 * @throws RouterError as `readJsonBody`
 */
export async function readExactBody(request: IncomingMessage, maxBytes: number): Promise<ExactBody> {
  const text = await readText(request, maxBytes)
  const plain = asObject(parse(text))
  await letOthersIn(text.length)
  const exact = holdsOddNumber(text) ? asObject(parseExact(text)) : plain
  await letOthersIn(text.length)
  return { plain, exact }
}

export type JsonBody = Readonly<Record<string, unknown>>

/** Of a request's body; of one that does not tell its length, more than any has. */
export function bytesOf({ 'content-length': length }: { readonly 'content-length'?: string | undefined }): number {
  return length === undefined ? Number.POSITIVE_INFINITY : Number(length)
}

async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  requirePlainJson(request)
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw new RouterError('body_too_large', { limitBytes: maxBytes })
  const text = decode(
    await readBytes(request, maxBytes, () => new RouterError('body_too_large', { limitBytes: maxBytes })),
  )
  await letOthersIn(text.length)
  requireShallow(text)
  await letOthersIn(text.length)
  return text
}

function asObject(value: unknown): JsonBody {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RouterError('request_invalid', {
      path: 'the body',
      problem: 'it is not a JSON object',
      fix: 'Send an object.',
    })
  return value as JsonBody
}

function requirePlainJson(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']
  if (encoding && encoding !== 'identity')
    throw new RouterError('unsupported_media', { header: 'Content-Encoding', value: plain(encoding) })
  const type = request.headers['content-type'] ?? 'application/json'
  const isJson = /^\s*(application\/([\w.+-]*\+)?json|text\/plain)\s*(;|$)/i.test(type)
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(type)?.[1]
  if (!isJson || (charset && !/^utf-?8$/i.test(charset)))
    throw new RouterError('unsupported_media', { header: 'Content-Type', value: plain(type) })
}

/**
 * By events: an iterator costs more than all the rest of reading a small body.
 *
 * @throws what `tooLarge` makes; RouterError cancelled when the connection ends first
 */
export function readBytes(
  request: IncomingMessage,
  maxBytes: number,
  tooLarge: () => RouterError,
): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) return reject(new RouterError('cancelled', { requestId: 'of this connection' }))
    const chunks: Buffer<ArrayBuffer>[] = []
    let size = 0
    request.on('data', (chunk: Buffer<ArrayBuffer>) => {
      size += chunk.length
      if (size <= maxBytes) return void chunks.push(chunk)
      // What else comes of it is not read: the connection ends with the answer.
      request.pause()
      request.removeAllListeners('data')
      reject(tooLarge())
    })
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)))
    request.once('error', reject)
    request.once('close', () => {
      if (!request.complete) reject(new RouterError('cancelled', { requestId: 'of this connection' }))
    })
  })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    throw new RouterError('body_not_json', { problem: 'it is not valid UTF-8' }, error)
  }
}

/** The name itself, or an escape of an ASCII letter, behind which it may hide. Looking at every key costs five times the parsing. */
const MAYBE_PROTO = /__proto__|\\u00/

function parse(text: string): unknown {
  try {
    if (!MAYBE_PROTO.test(text)) return JSON.parse(text)
    return JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value))
  } catch (error) {
    // The parser's own words quote the text; the place is enough.
    const at = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
    throw new RouterError(
      'body_not_json',
      { problem: at === undefined ? 'it cannot be parsed' : `see character ${at}` },
      error,
    )
  }
}

/** Long conversations with many tools have some thousands. Each step over so many takes 10 to 25 ms, in which nobody else is answered. */
const MAX_VALUES = 20_000

/** Counts brackets and commas outside of strings, without building anything. */
function requireShallow(text: string): void {
  let depth = 0
  let values = 1
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++depth > MAX_DEPTH) throw excess(`it is nested deeper than ${MAX_DEPTH} levels`, 'Send a flatter object.')
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--
    else if (code === COMMA && ++values > MAX_VALUES)
      throw excess(`it has more than ${MAX_VALUES} values`, 'Send less in one request.')
  }
}

function excess(problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path: 'the body', problem, fix })
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

function plain(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)
}
