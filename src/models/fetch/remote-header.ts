/** The header of a GGUF file on a server, by range requests: what a download would need is known before it starts. */
import { RouterError } from '../../spec/errors.ts'
import { type GgufHeader, type GgufPart, joinParts, parseGguf, partNames } from '../embedded/gguf.ts'
import { type ByteSource, MAX_HEADER_BYTES } from '../embedded/gguf-cursor.ts'
import { followRedirects } from './redirects.ts'

/**
 * Reads no more than the header, in pieces, and at most 64 MiB of it. A server that sends nothing for 5 s is given up.
 *
 * @param url http or https; of a model in parts the address of the first
 * @throws RouterError model_unreachable (down, refused, no ranges), model_file_invalid, cancelled
 */
export async function readRemoteGgufHeader(url: URL, signal: AbortSignal): Promise<GgufHeader> {
  const first = await readPart(url, signal)
  const others: GgufPart[] = []
  for (const path of partNames(url.pathname, first.parts)) {
    const part = new URL(url)
    part.pathname = path
    others.push(await readPart(part, signal))
  }
  return joinParts(first, others)
}

/** The header of a vocabulary of 50,000 words has 1.8 MB; most are read with two to four requests. */
const FIRST_PIECE_BYTES = 1024 * 1024
const GIVE_UP_MS = 5000

/** Thrown by the source when the parser wants bytes that were not fetched yet; never leaves this file. */
class NotFetched extends Error {}

/** Parses what is here; each time that is too little, half as much again is fetched and the parser starts over. */
async function readPart(url: URL, signal: AbortSignal): Promise<GgufPart> {
  let have: Buffer = Buffer.alloc(0)
  for (
    let pieceBytes = FIRST_PIECE_BYTES;
    ;
    pieceBytes = Math.max(FIRST_PIECE_BYTES / 2, Math.floor(have.length / 2))
  ) {
    const piece = await fetchRange(url, { from: have.length, to: have.length + pieceBytes }, signal)
    have = Buffer.concat([have, piece.bytes])
    try {
      return parseGguf(prefixSource(have, piece.sizeBytes), nameOf(url))
    } catch (error) {
      if (!(error instanceof NotFetched)) throw error
    }
    if (piece.bytes.length === 0) throw unreachable(url, 'it sent less than it said')
  }
}

function prefixSource(have: Buffer, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: (target, position) => {
      if (position >= have.length) throw new NotFetched()
      return have.copy(target, 0, position)
    },
  }
}

interface Piece {
  readonly bytes: Buffer
  /** Of the whole file. */
  readonly sizeBytes: number
}

async function fetchRange(
  url: URL,
  range: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<Piece> {
  const to = Math.min(range.to, MAX_HEADER_BYTES)
  const late = AbortSignal.timeout(GIVE_UP_MS)
  try {
    const { response } = await followRedirects({
      url,
      token: null,
      // Without identity a server may send, and count, compressed bytes.
      headers: { range: `bytes=${range.from}-${to - 1}`, 'accept-encoding': 'identity' },
      signal: AbortSignal.any([signal, late]),
      model: nameOf(url),
    })
    const sizeBytes = sizeOf(response, range.from)
    if (sizeBytes === null) {
      await response.body?.cancel()
      throw unreachable(url, refusal(response.status))
    }
    return { bytes: await readAtMost(response, to - range.from), sizeBytes }
  } catch (error) {
    if (error instanceof RouterError) throw error
    if (signal.aborted) throw new RouterError('cancelled', { requestId: `header of ${nameOf(url)}` }, error)
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw unreachable(url, late.aborted ? `no answer within ${GIVE_UP_MS} ms` : cause, error)
  }
}

/** The size of the whole file; null when this is not the range that was asked for. */
function sizeOf(response: Response, from: number): number | null {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  return response.status === 206 && Number(start) === from ? Number(total) : null
}

function refusal(status: number): string {
  return status === 200 || status === 206 ? 'it does not serve ranges of a file' : `it answered HTTP ${status}`
}

/** A server that sends more than the range is cut off, so that a header never costs a whole download. */
async function readAtMost(response: Response, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= limitBytes) break
  }
  return Buffer.concat(chunks).subarray(0, limitBytes)
}

/** Without its query, which may hold a signature. */
function nameOf(url: URL): string {
  return url.origin + url.pathname
}

function unreachable(url: URL, problem: string, cause?: unknown): RouterError {
  return new RouterError('model_unreachable', { model: nameOf(url), problem }, cause)
}
