import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RouterError } from '../../spec/errors.ts'
import type { HubLocation } from '../catalog.ts'
import { sha256OfFile } from './digest.ts'
import { asDiskError, type FetchedFile, type FetchRequest, type ModelSource, requireDiskSpace } from './source.ts'

/**
 * Downloads from a model hub, or from the mirror that HF_ENDPOINT or MODEL_ENDPOINT names. A hub that sends no response
 * header within 5 s is given up. A download that breaks goes on where it stopped, in this call or in a later one.
 *
 * @throws RouterError model_unreachable, model_failed, checksum_mismatch, disk_full
 */
export const hubSource: ModelSource = {
  name: 'hub',
  async fetch(request) {
    const location = request.entry?.hub
    if (location === null || location === undefined) return null
    const target = join(request.folder, location.file)
    const part = `${target}.part`
    await requireDiskSpace(target, request.folder, location.sizeBytes - (await sizeOf(part)))
    const resumed = (await sizeOf(part)) > 0
    await download(request, location, part)
    try {
      return await verify(request, location, { part, target })
    } catch (error) {
      // What an earlier run left may be the damaged piece; one clean download tells.
      if (!resumed) throw error
      await download(request, location, part)
      return await verify(request, location, { part, target })
    }
  },
}

const PUBLIC_HUB = 'https://huggingface.co'

/** Required by the product: a machine without access to hubs must move on to the next source quickly. */
const GIVE_UP_MS = 5000

/** Silence in the middle of a download that counts as a cut connection. */
const STALL_MS = 30_000

/** Tries of one call, counted only while none of them brings bytes. */
const MAX_IDLE_TRIES = 3

async function download(request: FetchRequest, location: HubLocation, part: string): Promise<void> {
  const base = request.env.HF_ENDPOINT ?? request.env.MODEL_ENDPOINT ?? PUBLIC_HUB
  const url = new URL(`${base.replace(/\/+$/, '')}/${location.repo}/resolve/${location.revision}/${location.file}`)
  const have = await sizeOf(part)
  if (have > location.sizeBytes) await rm(part, { force: true })
  for (let idleTries = 0; (await sizeOf(part)) < location.sizeBytes; ) {
    const before = await sizeOf(part)
    const failure = await downloadOnce(request, { url, part, from: before, total: location.sizeBytes })
    if (failure === null) return
    if (failure.code !== 'model_failed') throw failure
    idleTries = (await sizeOf(part)) > before ? 0 : idleTries + 1
    if (idleTries >= MAX_IDLE_TRIES) throw failure
  }
}

interface Piece {
  readonly url: URL
  readonly part: string
  readonly from: number
  readonly total: number
}

/** @returns null when the body ended, else why it did not; `model_failed` means that another try may go on */
async function downloadOnce(request: FetchRequest, piece: Piece): Promise<RouterError | null> {
  const watch = new AbortController()
  let timer = setTimeout(() => watch.abort(), GIVE_UP_MS)
  let answered = false
  try {
    request.report(progress(piece, 'connecting', piece.from, `Asking ${piece.url.host}.`))
    const response = await fetch(piece.url, {
      headers: piece.from > 0 ? { range: `bytes=${piece.from}-` } : {},
      signal: AbortSignal.any([request.signal, watch.signal]),
    })
    answered = true
    const start = startOf(response, piece)
    const body = response.body
    if (body === null || !response.ok) throw refused(request.name, piece.url, response.status)
    let received = start
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer)
        timer = setTimeout(() => watch.abort(), STALL_MS)
        received += chunk.length
        request.report(progress(piece, 'downloading', received, `Downloading from ${piece.url.host}.`))
        done(null, chunk)
      },
    })
    await pipeline(
      Readable.fromWeb(body),
      meter,
      createWriteStream(piece.part, start > 0 ? { flags: 'r+', start } : {}),
    )
    return received < piece.total ? broken(request.name, piece, received) : null
  } catch (error) {
    return await explain(error, request, piece, answered ? 'broken' : watch.signal.aborted ? 'silent' : 'refused')
  } finally {
    clearTimeout(timer)
  }
}

/** A server that ignores Range answers 200 with the whole file: start again from the first byte. */
function startOf(response: Response, piece: Piece): number {
  const offset = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
  return response.status === 206 && Number(offset) === piece.from ? piece.from : 0
}

type Ending = 'broken' | 'silent' | 'refused'

async function explain(error: unknown, request: FetchRequest, piece: Piece, ending: Ending): Promise<RouterError> {
  if (error instanceof RouterError) return error
  if (request.signal.aborted) return new RouterError('cancelled', { requestId: `download of ${request.name}` }, error)
  const disk = asDiskError(error, piece.part)
  if (disk instanceof RouterError) return disk
  if (ending === 'broken') return broken(request.name, piece, await sizeOf(piece.part), error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
  const problem =
    ending === 'silent' ? `no answer from ${piece.url.host} within ${GIVE_UP_MS} ms` : `${piece.url.host}: ${cause}`
  return new RouterError('model_unreachable', { model: request.name, problem }, error)
}

function broken(model: string, piece: Piece, received: number, cause?: unknown): RouterError {
  const problem = `the download stopped at ${received} of ${piece.total} bytes`
  return new RouterError(
    'model_failed',
    { model, problem, fix: 'Run the command again; it goes on where it stopped.' },
    cause,
  )
}

function refused(model: string, url: URL, status: number): RouterError {
  return new RouterError('model_unreachable', { model, problem: `${url.host} answered HTTP ${status}` })
}

async function verify(
  request: FetchRequest,
  location: HubLocation,
  files: { readonly part: string; readonly target: string },
): Promise<FetchedFile> {
  const total = location.sizeBytes
  const report = { source: 'hub', receivedBytes: total, totalBytes: total } as const
  request.report({ ...report, phase: 'verifying', detail: 'Checking the sha256.' })
  const actual = await sha256OfFile(files.part, request.signal)
  if (location.sha256 !== null && actual !== location.sha256) {
    await rm(files.part, { force: true })
    throw new RouterError('checksum_mismatch', { path: files.target, actual, expected: location.sha256 })
  }
  await rename(files.part, files.target)
  const detail =
    location.sha256 === null ? `No checksum is pinned; this download has ${actual}.` : 'The sha256 is right.'
  request.report({ ...report, phase: 'done', detail })
  return { path: files.target, sha256: actual }
}

function progress(piece: Piece, phase: 'connecting' | 'downloading', received: number, detail: string) {
  return { source: 'hub', phase, receivedBytes: received, totalBytes: piece.total, detail } as const
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch {
    return 0
  }
}
