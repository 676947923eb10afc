/** What the batch APIs of providers have in common: calls go up together, and each has the answer it would have had alone. */
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
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

export interface BatchResult {
  /** By the id of the call; calls that the provider did not make are not in it. */
  readonly answers: ReadonlyMap<string, BatchedAnswer>
  /** Paths of what the provider keeps of it. */
  readonly kept: readonly string[]
}

/** One call of a batch: its id within the batch and its body, as it was written. */
export interface BatchedCall {
  readonly id: string
  readonly body: string
}

/** The batch API of one provider. Every method throws a RouterError of the provider. */
export interface BatchDialect {
  /** @param mark by which the batch is found again @returns its id */
  make(
    place: BatchPlace,
    batch: { readonly calls: readonly BatchedCall[]; readonly path: string; readonly mark: string },
  ): Promise<string>
  /** One that was made by a process that could not write down its id. @returns its id, null when there is none */
  find(
    place: BatchPlace,
    sought: { readonly mark: string; readonly calls: number; readonly pollMs: number },
  ): Promise<string | null>
  /** Waits for the end, ever more seldom. */
  answers(
    place: BatchPlace,
    batch: { readonly id: string; readonly mark: string; readonly pollMs: number },
  ): Promise<BatchResult>
}

const DEADLINES = { connectMs: 30_000, firstByteMs: 120_000, idleMs: 120_000, totalMs: 600_000 }
const MAX_POLL_MS = 60_000
const POLL_GROWTH = 1.5
/** A provider that is away for a moment must not lose what was paid for. */
const POLL_FAILURES = 20

/** The provider keeps results until somebody deletes them; what it will not delete changes nothing here. */
export async function deleteKept(place: BatchPlace, paths: readonly string[]): Promise<void> {
  for (const path of paths) await content(place, { path, method: 'DELETE' }).catch(() => undefined)
}

/** Looks until it has ended. */
export async function atItsEnd<Batch>(
  place: BatchPlace,
  { look, hasEnded, pollMs }: { look(): Promise<Batch>; hasEnded(batch: Batch): boolean; readonly pollMs: number },
): Promise<Batch> {
  let failures = 0
  for (let waitMs = pollMs; ; waitMs = Math.min(MAX_POLL_MS, waitMs * POLL_GROWTH)) {
    try {
      const batch = await look()
      if (hasEnded(batch)) return batch
      failures = 0
    } catch (error) {
      failures += 1
      const mayPass = error instanceof RouterError && error.row.retryable
      if (!mayPass || failures > POLL_FAILURES) throw error
    }
    await delay(waitMs, undefined, { signal: place.signal })
  }
}

interface Sent {
  /** Below the base. */
  readonly path: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly body?: string
  /** Default: JSON. */
  readonly type?: string
}

/** @throws RouterError model_malformed, and what the provider refuses */
export async function asked<Schema extends z.ZodType>(
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

/** The lines of a result. @throws RouterError model_malformed when one is not of the schema */
export async function askedLines<Schema extends z.ZodType>(
  place: BatchPlace,
  path: string,
  schema: Schema,
): Promise<readonly z.output<Schema>[]> {
  const text = await content(place, { path, method: 'GET' })
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return []
    const parsed = schema.safeParse(jsonOf(line))
    if (parsed.success) return [parsed.data]
    throw new RouterError('model_malformed', { model: place.model, problem: 'a line of the batch is no answer' })
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
