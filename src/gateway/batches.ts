/** `/v1/batches`: the rows of a file, answered when nobody waits for them. */
import { z } from 'zod'
import type { BatchStatus, StoredBatch } from '../spec/batch-book.ts'
import { ENDED } from '../spec/batch-book.ts'
import { RouterError } from '../spec/errors.ts'
import { BATCH_ENDPOINTS } from './batch-row.ts'
import { readJsonBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { findFile, ownerOf, seconds, shelfOf } from './files.ts'
import { pageOf, sendPage } from './list-page.ts'
import { metadataOf, type RequestHeaders } from './metadata.ts'
import { parseBody } from './read-body.ts'
import { wishesOf } from './wishes.ts'

/** The one window of the API. */
const WINDOW = '24h'
const WINDOW_MS = 86_400_000

const bodySchema = z.strictObject({
  input_file_id: z.string().min(1).max(128),
  endpoint: z.enum(BATCH_ENDPOINTS, `must be one of ${BATCH_ENDPOINTS.join(', ')}`),
  completion_window: z.literal(WINDOW, `must be "${WINDOW}"`),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((value) => Object.keys(value).length <= 16, 'has more than 16 keys')
    .nullish(),
})

export async function createBatch(exchange: Exchange): Promise<void> {
  const { app, request, response } = exchange
  const { book } = shelfOf(exchange)
  const raw = await readJsonBody(request, app.settings.maxBodyBytes)
  const body = parseBody(bodySchema, raw, {
    what: 'a batch',
    fix: 'Send {"input_file_id": "file-…", "endpoint": "/v1/chat/completions", "completion_window": "24h"}.',
  })
  const { id, purpose } = findFile(exchange, body.input_file_id)
  if (purpose !== 'batch')
    throw new RouterError('request_invalid', {
      path: 'input_file_id',
      problem: `${id} is a result`,
      fix: 'Name a file that was sent with purpose=batch.',
    })
  const batch = book.addBatch({
    owner: ownerOf(exchange),
    endpoint: body.endpoint,
    inputFile: id,
    headers: ownHeaders(request.headers),
    metadata: body.metadata ?? null,
    expiresMs: Date.now() + WINDOW_MS,
  })
  app.batches?.look()
  sendJson(response, 200, batchObject(batch))
}

export async function listBatches(exchange: Exchange): Promise<void> {
  const page = pageOf(exchange.request)
  sendPage(exchange.response, page, shelfOf(exchange).book.batches(ownerOf(exchange), page).map(batchObject))
}

export async function oneBatch(exchange: Exchange): Promise<void> {
  sendJson(exchange.response, 200, batchObject(findBatch(exchange)))
}

/** Rows under way end; what is answered by then is in the result. */
export async function cancelBatch(exchange: Exchange): Promise<void> {
  const { id, status } = findBatch(exchange)
  if (ENDED.includes(status))
    throw new RouterError('request_invalid', {
      path: 'the batch',
      problem: `it is ${status} already`,
      fix: 'Only a batch that has not ended can be cancelled.',
    })
  const cancelled = shelfOf(exchange).book.change(id, (batch) =>
    ENDED.includes(batch.status) ? batch : moved(batch, 'cancelling'),
  )
  exchange.app.batches?.look()
  sendJson(exchange.response, 200, batchObject(cancelled ?? findBatch(exchange)))
}

/** A batch that became something else now. */
export function moved(batch: StoredBatch, status: BatchStatus): StoredBatch {
  if (batch.status === status) return batch
  return { ...batch, status, times: { ...batch.times, [status]: Date.now() } }
}

function findBatch(exchange: Exchange): StoredBatch {
  const id = exchange.params[0] ?? ''
  const batch = shelfOf(exchange).book.batch(id, ownerOf(exchange))
  if (batch) return batch
  const fix = 'It belongs to another key or tenant, or its time is over.'
  throw new RouterError('not_found', { subject: 'batch', value: id.slice(0, 100), fix })
}

/**
 * What the caller says of itself and of its wishes holds for every row.
 *
 * @throws RouterError request_invalid
 */
function ownHeaders(headers: RequestHeaders): Readonly<Record<string, string>> {
  metadataOf({}, headers)
  wishesOf(headers)
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-spillway-') && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

function batchObject(batch: StoredBatch): Readonly<Record<string, unknown>> & { readonly id: string } {
  const { id, endpoint, problems, inputFile, status, times, counts, metadata, waiting } = batch
  const at = (what: BatchStatus): number | null => (times[what] === undefined ? null : seconds(times[what]))
  const data = problems.map(({ code, message, line }) => ({ code, message, param: null, line }))
  return {
    ...{ id, object: 'batch', endpoint, errors: data.length > 0 ? { object: 'list', data } : null },
    ...{ input_file_id: inputFile, completion_window: WINDOW, status },
    ...{ output_file_id: batch.outputFile, error_file_id: batch.errorFile },
    ...{
      created_at: seconds(batch.createdMs),
      in_progress_at: at('in_progress'),
      expires_at: seconds(batch.expiresMs),
    },
    ...{ finalizing_at: at('finalizing'), completed_at: at('completed'), failed_at: at('failed') },
    ...{ expired_at: at('expired'), cancelling_at: at('cancelling'), cancelled_at: at('cancelled') },
    ...{ request_counts: counts, metadata },
    ...(waiting && { spillway: { waiting } }),
  }
}
