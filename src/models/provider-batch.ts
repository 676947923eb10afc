/** The batch API of OpenAI and of servers like it: a file of calls goes up, and a file of answers comes back. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { PROCESS_TIMERS, startDeadlines } from './deadlines.ts'
import type { Transport } from './transport.ts'
import { refusalError } from './upstream-errors.ts'

/** Where a batch is made, and as whom. */
export interface BatchPlace {
  /** Name of the model in the policy. */
  readonly model: string
  readonly transport: Transport
  /** With a slash at its end: `https://api.openai.com/v1/`. */
  readonly base: URL
  /** Those that open the door. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** One answer: the status and the body that the call alone would have had. */
export interface BatchedAnswer {
  readonly status: number
  readonly body: string
}

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

export type MadeBatch = z.output<typeof batchSchema>

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled'])
const DEADLINES = { connectMs: 30_000, firstByteMs: 120_000, idleMs: 120_000, totalMs: 600_000 }
/** The key in the metadata of a batch by which it is found again. */
const MARK = 'spillway_batch'
const MAX_POLL_MS = 60_000
const POLL_GROWTH = 1.5
/** A provider that is away for a moment must not lose what was paid for. */
const POLL_FAILURES = 20

/** @param lines one call each; @param mark by which it is found again @throws RouterError of the provider */
export async function makeBatch(
  place: BatchPlace,
  { lines, endpoint, mark }: { readonly lines: readonly string[]; readonly endpoint: string; readonly mark: string },
): Promise<MadeBatch> {
  const form = new FormData()
  form.set('purpose', 'batch')
  form.set('file', new Blob([lines.join('\n')], { type: 'application/jsonl' }), 'calls.jsonl')
  const encoded = new Response(form)
  const type = encoded.headers.get('content-type') ?? ''
  const file = await asked(place, { path: 'files', method: 'POST', body: await encoded.text(), type }, fileSchema)
  const wanted = { input_file_id: file.id, endpoint, completion_window: '24h', metadata: { [MARK]: mark } }
  return await asked(place, { path: 'batches', method: 'POST', body: JSON.stringify(wanted) }, batchSchema)
}

/** One that was made by a process that could not write down its id. @returns null when there is none */
export async function findBatch(place: BatchPlace, mark: string): Promise<MadeBatch | null> {
  for (let after: string | null = null; ; ) {
    const path: string = `batches?limit=100${after === null ? '' : `&after=${encodeURIComponent(after)}`}`
    const page: z.output<typeof listSchema> = await asked(place, { path, method: 'GET' }, listSchema)
    const found = page.data.find(({ metadata }) => metadata?.[MARK] === mark)
    if (found) return found
    after = page.data.at(-1)?.id ?? null
    if (page.has_more !== true || after === null) return null
  }
}

export interface BatchResult {
  /** By custom id; calls that the provider did not make are not in it. */
  readonly answers: ReadonlyMap<string, BatchedAnswer>
  /** What the provider keeps of it. */
  readonly files: readonly string[]
}

/** Waits for the end, ever more seldom. */
export async function batchAnswers(place: BatchPlace, id: string, pollMs: number): Promise<BatchResult> {
  const batch = await batchAtItsEnd(place, id, pollMs)
  const answers = new Map<string, BatchedAnswer>()
  for (const file of [batch.output_file_id, batch.error_file_id]) {
    if (!file) continue
    const text = await content(place, { path: `files/${encodeURIComponent(file)}/content`, method: 'GET' })
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue
      const parsed = lineSchema.safeParse(jsonOf(line)).data
      if (!parsed)
        throw new RouterError('model_malformed', { model: place.model, problem: 'a line of the batch is no answer' })
      const { custom_id: key, response } = parsed
      if (response) answers.set(key, { status: response.status_code, body: JSON.stringify(response.body ?? {}) })
    }
  }
  return {
    answers,
    files: [batch.input_file_id, batch.output_file_id, batch.error_file_id].flatMap((file) => file ?? []),
  }
}

/** The provider keeps files until somebody deletes them; one that it will not delete changes nothing here. */
export async function deleteFiles(place: BatchPlace, files: readonly string[]): Promise<void> {
  for (const file of files)
    await content(place, { path: `files/${encodeURIComponent(file)}`, method: 'DELETE' }).catch(() => undefined)
}

async function batchAtItsEnd(place: BatchPlace, id: string, firstMs: number): Promise<MadeBatch> {
  let failures = 0
  for (let pollMs = firstMs; ; pollMs = Math.min(MAX_POLL_MS, pollMs * POLL_GROWTH)) {
    try {
      const path = `batches/${encodeURIComponent(id)}`
      const batch = await asked(place, { path, method: 'GET' }, batchSchema)
      if (ENDED.has(batch.status)) return batch
      failures = 0
    } catch (error) {
      failures += 1
      const mayPass = error instanceof RouterError && error.row.retryable
      if (!mayPass || failures > POLL_FAILURES) throw error
    }
    await delay(pollMs, undefined, { signal: place.signal })
  }
}

interface Sent {
  readonly path: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly body?: string
  /** Default: JSON. */
  readonly type?: string
}

async function asked<Schema extends z.ZodType>(
  place: BatchPlace,
  sent: Sent,
  schema: Schema,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(jsonOf(await content(place, sent)))
  if (parsed.success) return parsed.data
  throw new RouterError('model_malformed', {
    model: place.model,
    problem: `the answer of ${sent.path.split('?')[0]} is none`,
  })
}

async function content(place: BatchPlace, { path, method, body, type }: Sent): Promise<string> {
  const { model, transport, base, headers, signal } = place
  const limits = { signal, deadlines: DEADLINES }
  const guard = startDeadlines({ model, tier: 'frontier', limits, timers: PROCESS_TIMERS })
  try {
    const response = await transport.post({
      ...{ model, url: new URL(path, base), guard, method, body: body ?? '' },
      headers: { ...headers, ...(body !== undefined && { 'content-type': type ?? 'application/json' }) },
    })
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const { status } = response
    if (status >= 200 && status < 300) return text
    throw refusalError({ model, status, headers: response.headers, body: text, apiKey: null, nowMs: Date.now() })
  } finally {
    guard.end()
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
