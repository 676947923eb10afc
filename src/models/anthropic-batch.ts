/** Anthropic's Message Batches: the calls go up in one body, and a file of results comes back. */
import { z } from 'zod'
import { asked, askedLines, atItsEnd, type BatchDialect, type BatchedAnswer } from './batch-http.ts'

const count = z.number().default(0)
const batchSchema = z.object({
  id: z.string(),
  processing_status: z.string(),
  request_counts: z.object({ processing: count, succeeded: count, errored: count, canceled: count, expired: count }),
})
const listSchema = z.object({ data: z.array(batchSchema), has_more: z.boolean().optional() })
const lineSchema = z.object({
  custom_id: z.string(),
  result: z.object({
    type: z.string(),
    message: z.unknown().optional(),
    error: z
      .object({ error: z.object({ type: z.string() }).loose().optional() })
      .loose()
      .optional(),
  }),
})

type Batch = z.output<typeof batchSchema>

const ENDED = 'ended'

export const ANTHROPIC_BATCHES: BatchDialect = {
  async make(place, { calls, mark }) {
    // As each was written: reading and writing it again would change numbers.
    const requests = calls.map(({ id, body }) => `{"custom_id":${JSON.stringify(marked(mark, id))},"params":${body}}`)
    const body = `{"requests":[${requests.join(',')}]}`
    return (await asked(place, { path: 'messages/batches', method: 'POST', body }, batchSchema)).id
  },

  /** A batch carries nothing of its maker but the ids of its calls, which are told with the results. */
  async find(place, { mark, calls, pollMs }) {
    for (let after: string | null = null; ; ) {
      const path: string = `messages/batches?limit=100${after === null ? '' : `&after_id=${encodeURIComponent(after)}`}`
      const page: z.output<typeof listSchema> = await asked(place, { path, method: 'GET' }, listSchema)
      for (const batch of page.data) {
        if (sizeOf(batch) !== calls) continue
        const ended = await atItsEnd(place, { ...looking(place, batch.id), pollMs })
        const [first] = await results(place, ended.id)
        if (first?.custom_id.startsWith(marked(mark, ''))) return batch.id
      }
      after = page.data.at(-1)?.id ?? null
      if (page.has_more !== true || after === null) return null
    }
  },

  async answers(place, { id, mark, pollMs }) {
    await atItsEnd(place, { ...looking(place, id), pollMs })
    const own = marked(mark, '')
    const answers = new Map<string, BatchedAnswer>()
    for (const { custom_id: key, result } of await results(place, id)) {
      const answer = answerOf(result)
      if (answer && key.startsWith(own)) answers.set(key.slice(own.length), answer)
    }
    return { answers, kept: [pathOf(id)] }
  },
}

function looking(place: Parameters<BatchDialect['find']>[0], id: string) {
  return {
    look: () => asked(place, { path: pathOf(id), method: 'GET' }, batchSchema),
    hasEnded: ({ processing_status: status }: Batch) => status === ENDED,
  }
}

/** Not where the batch says that its results are: an answer does not choose where the key is sent. */
function results(place: Parameters<BatchDialect['find']>[0], id: string) {
  return askedLines(place, `${pathOf(id)}/results`, lineSchema)
}

function pathOf(id: string): string {
  return `messages/batches/${encodeURIComponent(id)}`
}

function sizeOf({ request_counts: counts }: Batch): number {
  return Object.values(counts).reduce((sum, calls) => sum + calls, 0)
}

const MARK_CHARS = 16

/** An id has 64 characters at most, of letters, digits, `_` and `-`. */
function marked(mark: string, id: string): string {
  return `${mark.replaceAll('-', '').slice(0, MARK_CHARS)}_${id}`
}

/** Statuses by the type of an error, as the API's page on errors names them (https://platform.claude.com/docs/en/api/errors). */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

/** @returns null for a call that was cancelled or came too late: it was not made, and is not billed */
function answerOf({ type, message, error }: z.output<typeof lineSchema>['result']): BatchedAnswer | null {
  if (type === 'succeeded') return { status: 200, body: JSON.stringify(message ?? {}) }
  if (type !== 'errored') return null
  return { status: STATUS[error?.error?.type ?? ''] ?? 500, body: JSON.stringify(error ?? {}) }
}
