/** The batch API of OpenAI and of servers like it: a file of calls goes up, and a file of answers comes back. */
import { z } from 'zod'
import { asked, askedLines, atItsEnd, type BatchDialect, type BatchedAnswer } from './batch-http.ts'

const fileSchema = z.object({ id: z.string() })
const batchSchema = z.object({
  id: z.string(),
  status: z.string(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})
const listSchema = z.object({ data: z.array(batchSchema), has_more: z.boolean().optional() })
const lineSchema = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.number(), body: z.unknown() }).nullish(),
  error: z.unknown().optional(),
})

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])
/** The key in the metadata of a batch by which it is found again. */
const MARK = 'spillway_batch'

export const OPENAI_BATCHES: BatchDialect = {
  async make(place, { calls, path, mark }) {
    const endpoint = `/v1/${path}`
    const lines = calls.map(({ id, body }) => {
      const about = JSON.stringify({ custom_id: id, method: 'POST', url: endpoint })
      // As it was written: reading and writing it again would change numbers.
      return `${about.slice(0, -1)},"body":${body}}`
    })
    const form = new FormData()
    form.set('purpose', 'batch')
    form.set('file', new Blob([lines.join('\n')], { type: 'application/jsonl' }), 'calls.jsonl')
    const encoded = new Response(form)
    const type = encoded.headers.get('content-type') ?? ''
    const file = await asked(place, { path: 'files', method: 'POST', body: await encoded.text(), type }, fileSchema)
    const wanted = { input_file_id: file.id, endpoint, completion_window: '24h', metadata: { [MARK]: mark } }
    return (await asked(place, { path: 'batches', method: 'POST', body: JSON.stringify(wanted) }, batchSchema)).id
  },

  async find(place, { mark }) {
    for (let after: string | null = null; ; ) {
      const path: string = `batches?limit=100${after === null ? '' : `&after=${encodeURIComponent(after)}`}`
      const page: z.output<typeof listSchema> = await asked(place, { path, method: 'GET' }, listSchema)
      const found = page.data.find(({ metadata }) => metadata?.[MARK] === mark)
      if (found) return found.id
      after = page.data.at(-1)?.id ?? null
      if (page.has_more !== true || after === null) return null
    }
  },

  async answers(place, { id, pollMs }) {
    const path = `batches/${encodeURIComponent(id)}`
    const look = () => asked(place, { path, method: 'GET' }, batchSchema)
    const batch = await atItsEnd(place, { look, hasEnded: ({ status }) => ENDED.has(status), pollMs })
    const answers = new Map<string, BatchedAnswer>()
    for (const file of [batch.output_file_id, batch.error_file_id]) {
      if (!file) continue
      for (const { custom_id: key, response } of await askedLines(place, `${pathOf(file)}/content`, lineSchema))
        if (response) answers.set(key, { status: response.status_code, body: JSON.stringify(response.body ?? {}) })
    }
    const files = [batch.input_file_id, batch.output_file_id, batch.error_file_id]
    return { answers, kept: files.flatMap((file) => (file ? [pathOf(file)] : [])) }
  },
}

function pathOf(file: string): string {
  return `files/${encodeURIComponent(file)}`
}
