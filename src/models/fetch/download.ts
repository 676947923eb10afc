import { createWriteStream } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RouterError } from '../../spec/errors.ts'
import { followRedirects } from './redirects.ts'
import { asDiskError, type FetchRequest, requireDiskSpace } from './source.ts'

export interface DownloadPlan {
  readonly source: 'hub' | 'url'
  readonly url: URL
  /** Where the bytes are kept until they are checked; a later call goes on with it. */
  readonly part: string
  /** null: the server is believed. */
  readonly totalBytes: number | null
  /** by_hash: what is there may be continued, since the hash decides in the end. by_tag: only what the server says is unchanged. */
  readonly resume: 'by_hash' | 'by_tag'
  /** Sent to the origin of `url` only, never after a redirect to another. */
  readonly token: string | null
}

export interface Downloaded {
  /** What the hub says the file's sha256 is; null when it does not say. */
  readonly linkedSha256: string | null
}

/**
 * Downloads into `plan.part`. A server that sends no response header within 5 s is given up. A download that breaks goes
 * on where it stopped, in this call or in a later one; a file that changed meanwhile is started again.
 *
 * @throws RouterError model_unreachable, model_failed, disk_full, cancelled
 */
export async function download(request: FetchRequest, plan: DownloadPlan): Promise<Downloaded> {
  if (plan.totalBytes !== null && (await sizeOf(plan.part)) > plan.totalBytes) await forgetPart(plan.part)
  for (let idleTries = 0; ; ) {
    const before = await sizeOf(plan.part)
    const record = await readRecord(plan)
    const total = plan.totalBytes ?? record?.totalBytes ?? null
    if (before > 0 && before === total) return { linkedSha256: record?.linkedSha256 ?? null }
    const outcome = await downloadOnce(request, plan, { from: before, record })
    if (!(outcome instanceof RouterError)) return outcome
    if (outcome.code !== 'model_failed') throw outcome
    idleTries = (await sizeOf(plan.part)) > before ? 0 : idleTries + 1
    if (idleTries >= MAX_IDLE_TRIES) throw outcome
  }
}

/** Removes a download that was not finished, and what is known about it. */
export async function forgetPart(part: string): Promise<void> {
  await rm(part, { force: true })
  await rm(recordFile(part), { force: true })
}

/** Removes what is known about a download that is finished. */
export async function forgetRecord(part: string): Promise<void> {
  await rm(recordFile(part), { force: true })
}

/** Bytes of a file; 0 when there is none. */
export async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Required by the product: a machine without access to hubs must move on to the next source quickly. */
const GIVE_UP_MS = 5000

/** Silence in the middle of a download that counts as a cut connection. */
const STALL_MS = 30_000

/** Tries of one call, counted only while none of them brings bytes. */
const MAX_IDLE_TRIES = 3

/** What the server said about the file whose beginning is in the part. */
interface PartRecord {
  readonly url: string
  /** A strong validator; null when the server gave none. */
  readonly etag: string | null
  readonly totalBytes: number | null
  readonly linkedSha256: string | null
}

interface Begin {
  readonly from: number
  readonly record: PartRecord | null
}

/** @returns a RouterError why the body did not end; `model_failed` means that another try may go on */
async function downloadOnce(
  request: FetchRequest,
  plan: DownloadPlan,
  { from, record }: Begin,
): Promise<Downloaded | RouterError> {
  const watch = new AbortController()
  let timer = setTimeout(() => watch.abort(), GIVE_UP_MS)
  let answered = false
  try {
    report(request, plan, { phase: 'connecting', receivedBytes: from, totalBytes: plan.totalBytes })
    const resume = from > 0 && (plan.resume === 'by_hash' || record?.etag != null)
    const { response, linkedSha256 } = await followRedirects({
      url: plan.url,
      token: plan.token,
      headers: {
        'accept-encoding': 'identity',
        ...(resume ? { range: `bytes=${from}-` } : {}),
        ...(resume && record?.etag ? { 'if-range': record.etag } : {}),
      },
      signal: AbortSignal.any([request.signal, watch.signal]),
      model: request.name,
    })
    answered = true
    if (response.status === 416) {
      await forgetPart(plan.part)
      return broken(request.name, from, plan.totalBytes)
    }
    if (response.body === null || !response.ok) throw refused(request.name, plan.url, response.status)
    const start = startOf(response, from)
    const totalBytes = plan.totalBytes ?? totalOf(response, start)
    await requireDiskSpace(plan.part, dirname(plan.part), (totalBytes ?? start) - start)
    await writeRecord(plan, { url: plan.url.href, etag: strongTag(response), totalBytes, linkedSha256 })
    let received = start
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer)
        timer = setTimeout(() => watch.abort(), STALL_MS)
        received += chunk.length
        report(request, plan, { phase: 'downloading', receivedBytes: received, totalBytes })
        done(totalBytes !== null && received > totalBytes ? tooLong(request.name, plan.url, totalBytes) : null, chunk)
      },
    })
    const target = createWriteStream(plan.part, start > 0 ? { flags: 'r+', start } : {})
    await pipeline(Readable.fromWeb(response.body), meter, target)
    return totalBytes !== null && received < totalBytes ? broken(request.name, received, totalBytes) : { linkedSha256 }
  } catch (error) {
    return await explain(error, request, {
      plan,
      ending: answered ? 'broken' : watch.signal.aborted ? 'silent' : 'refused',
    })
  } finally {
    clearTimeout(timer)
  }
}

/** A server that ignores Range, or has another file by now, answers 200 with the whole: start again from the first byte. */
function startOf(response: Response, from: number): number {
  const offset = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
  return response.status === 206 && Number(offset) === from ? from : 0
}

function totalOf(response: Response, start: number): number | null {
  const whole = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
  if (whole !== undefined) return Number(whole)
  const length = response.headers.get('content-length')
  return length === null ? null : start + Number(length)
}

/** A weak tag does not promise equal bytes. */
function strongTag(response: Response): string | null {
  const tag = response.headers.get('etag')
  return tag === null || tag.startsWith('W/') ? null : tag
}

type Ending = 'broken' | 'silent' | 'refused'

async function explain(
  error: unknown,
  request: FetchRequest,
  { plan, ending }: { readonly plan: DownloadPlan; readonly ending: Ending },
): Promise<RouterError> {
  if (error instanceof RouterError) return error
  if (request.signal.aborted) return new RouterError('cancelled', { requestId: `download of ${request.name}` }, error)
  const disk = asDiskError(error, plan.part)
  if (disk instanceof RouterError) return disk
  if (ending === 'broken') return broken(request.name, await sizeOf(plan.part), plan.totalBytes, error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
  const problem =
    ending === 'silent' ? `no answer from ${plan.url.host} within ${GIVE_UP_MS} ms` : `${plan.url.host}: ${cause}`
  return new RouterError('model_unreachable', { model: request.name, problem }, error)
}

function broken(model: string, received: number, total: number | null, cause?: unknown): RouterError {
  const problem = `the download stopped at ${received} of ${total ?? 'unknown'} bytes`
  const fix = 'Run the command again; it goes on where it stopped.'
  return new RouterError('model_failed', { model, problem, fix }, cause)
}

function tooLong(model: string, url: URL, total: number): RouterError {
  return new RouterError('model_unreachable', {
    model,
    problem: `${url.host} sends more than the ${total} bytes it said`,
  })
}

function refused(model: string, url: URL, status: number): RouterError {
  const key = status === 401 || status === 403 ? ' (a gated or private file: set HF_TOKEN)' : ''
  return new RouterError('model_unreachable', { model, problem: `${url.host} answered HTTP ${status}${key}` })
}

interface Step {
  readonly phase: 'connecting' | 'downloading'
  readonly receivedBytes: number
  readonly totalBytes: number | null
}

function report(request: FetchRequest, { source, url }: DownloadPlan, step: Step): void {
  const detail = step.phase === 'connecting' ? `Asking ${url.host}.` : `Downloading from ${url.host}.`
  request.report({ source, ...step, detail })
}

function recordFile(part: string): string {
  return `${part}.json`
}

async function readRecord(plan: DownloadPlan): Promise<PartRecord | null> {
  try {
    const record = JSON.parse(await readFile(recordFile(plan.part), 'utf8')) as PartRecord
    return record.url === plan.url.href ? record : null
  } catch {
    // Without a record the part cannot be matched with a file of the server, and is written anew.
    return null
  }
}

async function writeRecord(plan: DownloadPlan, record: PartRecord): Promise<void> {
  await writeFile(recordFile(plan.part), JSON.stringify(record), { mode: 0o600 })
}
