/** `/v1/files`: rows that a client leaves for a batch, and what became of them. */
import { pipeline } from 'node:stream/promises'
import type { BatchBook, BatchOwner, StoredFile } from '../spec/batch-book.ts'
import { RouterError } from '../spec/errors.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { pageOf, sendPage } from './list-page.ts'
import { readMultipart } from './multipart.ts'
import { callersTenant } from './tenant.ts'

const MAX_NAME_CHARS = 256

export async function createFile(exchange: Exchange): Promise<void> {
  const { app, request, response } = exchange
  const { book, keepMs } = shelfOf(exchange)
  const owner = ownerOf(exchange)
  const { fields, file } = await readMultipart(request, app.settings.batches.maxFileBytes)
  if (fields.get('purpose') !== 'batch')
    throw invalid('purpose', 'files are taken for batches only', 'Send purpose=batch.')
  const extra = [...fields.keys()].find((name) => name !== 'purpose')
  if (extra !== undefined)
    throw invalid(
      extra.slice(0, 100),
      'it is not offered',
      'gateway.batches.keep of the policy says how long files stay.',
    )
  if (!file) throw invalid('file', 'there is none', 'Send the rows as the part `file` of a multipart form.')
  const filename = file.name.slice(0, MAX_NAME_CHARS) || 'file.jsonl'
  const stored = await book.addFile({ owner, filename, keptUntilMs: Date.now() + keepMs }, file.content)
  sendJson(response, 200, fileObject(stored))
}

export async function listFiles(exchange: Exchange): Promise<void> {
  const { book } = shelfOf(exchange)
  const page = pageOf(exchange.request)
  sendPage(exchange.response, page, book.files(ownerOf(exchange), page).map(fileObject))
}

export async function oneFile(exchange: Exchange): Promise<void> {
  sendJson(exchange.response, 200, fileObject(findFile(exchange)))
}

export async function deleteFile(exchange: Exchange): Promise<void> {
  const { id } = findFile(exchange)
  if (!shelfOf(exchange).book.dropFile(id)) throw new RouterError('batch_file_in_use', { id })
  sendJson(exchange.response, 200, { id, object: 'file', deleted: true })
}

/** Passed on as it is read: a result may be large. */
export async function fileContent(exchange: Exchange): Promise<void> {
  const { response, request } = exchange
  const { id, bytes } = findFile(exchange)
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes })
  if (request.method === 'HEAD') return void response.end()
  await pipeline(shelfOf(exchange).book.content(id), response, { signal: exchange.signal })
}

/** @throws RouterError not_found, for a file of somebody else, too */
export function findFile(exchange: Exchange, id = exchange.params[0] ?? ''): StoredFile {
  const file = shelfOf(exchange).book.file(id, ownerOf(exchange))
  if (file) return file
  const fix = 'It belongs to another key or tenant, it was deleted, or its time is over.'
  throw new RouterError('not_found', { subject: 'file', value: id.slice(0, 100), fix })
}

/** @throws RouterError not_found where the policy keeps nothing */
export function shelfOf({ app }: Pick<Exchange, 'app'>): { readonly book: BatchBook; readonly keepMs: number } {
  const { keep } = app.settings.batches
  if (app.batches && keep !== false) return { book: app.batches.book, keepMs: keep }
  const fix = 'Set gateway.batches.keep in the policy to a span such as 7d.'
  throw new RouterError('not_found', { subject: 'path', value: 'for files: none are kept here', fix })
}

export function ownerOf(exchange: Exchange): BatchOwner {
  return { holder: exchange.holder?.id ?? '', tenant: callersTenant(exchange) }
}

function fileObject({ id, bytes, createdMs, keptUntilMs, filename, purpose }: StoredFile) {
  return {
    ...{ id, object: 'file', bytes, filename, purpose, status: 'processed', status_details: null },
    ...{ created_at: seconds(createdMs), expires_at: seconds(keptUntilMs) },
  }
}

export function seconds(epochMs: number): number {
  return Math.floor(epochMs / 1000)
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
