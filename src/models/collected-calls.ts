/** Collects the calls of a frontier until nobody can go on without their answers, and sends them as one batch of the provider. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { hash, randomUUID } from 'node:crypto'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { ProviderEntry, ProviderJournal } from '../spec/provider-batch.ts'
import { ANTHROPIC_BATCHES } from './anthropic-batch.ts'
import { type BatchDialect, type BatchedAnswer, type BatchPlace, type BatchResult, deleteKept } from './batch-http.ts'
import { OPENAI_BATCHES } from './openai-batch.ts'
import type { PostRequest, PostResponse, Transport } from './transport.ts'

export interface CollectedCalls {
  /** Calls of the work belong to this row; several rows run side by side. */
  within<T>(row: string, work: () => Promise<T>): Promise<T>
  /** Resolves when the row waits for answers of a batch; never when it needs none. */
  parked(row: string): Promise<void>
  /** No further row begins: whatever waits is all there is. */
  noMore(): void
  /** In the place of the transport of a model. */
  collect(model: string, transport: Transport): Transport
  /** Deletes what the providers keep of the batches; only once every row has its line. */
  tidy(): Promise<void>
  /** Gives up waiting; what the provider has is found again by the next process. */
  stop(): void
}

export interface CollectSettings {
  readonly journal: ProviderJournal
  /** The first wait between two looks; later ones are longer. */
  readonly pollMs: number
}

/** What a provider takes in one batch: 50,000 calls and 200 MB; the rest is left for what stands around the bodies. */
const MAX_CALLS = 50_000
const MAX_BYTES = 150_000_000

interface Waiting {
  readonly id: string
  readonly row: string
  readonly body: string
  readonly request: PostRequest
  readonly place: Place
  readonly settle: (answer: BatchedAnswer | RouterError) => void
}

interface Row {
  calls: number
  waiting: number
  readonly parked: PromiseWithResolvers<void>
}

export function createCollectedCalls({ journal, pollMs }: CollectSettings): CollectedCalls {
  const current = new AsyncLocalStorage<string>()
  const rows = new Map<string, Row>()
  const over = new AbortController()
  const desk = createDesk({ journal, pollMs })
  let queue: Waiting[] = []
  let isLast = false
  const check = (): void => {
    if (queue.length === 0) return
    const isStuck = isLast && [...rows.values()].every(({ waiting }) => waiting > 0)
    if (!isStuck && !isFull(queue)) return
    const calls = queue
    queue = []
    for (const group of grouped(calls)) void desk.send(group)
  }
  const enqueue = (waiting: Waiting): void => {
    queue.push(waiting)
    check()
  }
  const take = (own: Row, waiting: Omit<Waiting, 'id' | 'settle'>): Promise<PostResponse> => {
    const { promise, resolve, reject } = Promise.withResolvers<PostResponse>()
    const { guard } = waiting.request
    own.waiting += 1
    const gone = (): void => settle(toRouterError(guard.signal.reason))
    const settle = once((answer: BatchedAnswer | RouterError): void => {
      guard.signal.removeEventListener('abort', gone)
      own.waiting -= 1
      queue = queue.filter((one) => one.settle !== settle)
      if (answer instanceof RouterError) reject(answer)
      else resolve(responseOf(answer))
    })
    if (guard.signal.aborted) gone()
    guard.signal.addEventListener('abort', gone, { once: true })
    guard.connected()
    own.parked.resolve()
    const whole = { ...waiting, id: `${idOf(waiting.row)}-${own.calls++}`, settle }
    const before = desk.answered(whole)
    if (!before) enqueue(whole)
    else
      before.then(
        (answer) => (answer ? settle(answer) : enqueue(whole)),
        (error: unknown) => settle(toRouterError(error)),
      )
    return promise
  }
  return {
    async within(row, work) {
      rows.set(row, { calls: 0, waiting: 0, parked: Promise.withResolvers() })
      try {
        return await current.run(row, work)
      } finally {
        rows.delete(row)
        check()
      }
    },
    parked: (row) => rows.get(row)?.parked.promise ?? new Promise(() => undefined),
    noMore() {
      isLast = true
      check()
    },
    collect: (model, transport) => ({
      post(request) {
        const row = current.getStore()
        const own = row === undefined ? undefined : rows.get(row)
        const place = placeOf(request, { model, transport, signal: over.signal })
        if (row === undefined || !own || !place) return transport.post(request)
        return take(own, { row, body: wholeBody(request.body), request, place })
      },
      close: () => transport.close(),
    }),
    tidy: desk.tidy,
    stop: () => over.abort(new RouterError('cancelled', { requestId: 'of this run' })),
  }
}

/** What a batch of a provider may hold, by the end of the path. */
const DIALECTS: Readonly<Record<string, BatchDialect>> = {
  'chat/completions': OPENAI_BATCHES,
  embeddings: OPENAI_BATCHES,
  messages: ANTHROPIC_BATCHES,
}

/** Of one provider, and where in it. */
interface Place extends BatchPlace {
  readonly dialect: BatchDialect
  /** Of a call, below the base. */
  readonly path: string
}

interface Desk {
  /** Never rejects: whoever waits has the failure. */
  send(group: readonly Waiting[]): Promise<void>
  /** Null where no batch of an earlier process holds the call; else its answer, or null when the provider did not make it. */
  answered(waiting: Waiting): Promise<BatchedAnswer | null> | null
  tidy(): Promise<void>
}

/** Makes batches and fetches what they hold, those of earlier processes, too. */
function createDesk({ journal, pollMs }: CollectSettings): Desk {
  const known = earlier(journal.entries)
  const fetched = new Map<string, Promise<BatchResult>>()
  const leftovers: { readonly place: BatchPlace; readonly kept: readonly string[] }[] = []
  const result = async (place: Place, id: string, mark: string): Promise<BatchResult> => {
    const found = await place.dialect.answers(place, { id, mark, pollMs })
    leftovers.push({ place, kept: found.kept })
    return found
  }
  const before = async ({ intent: mark, batch, calls }: Earlier, place: Place): Promise<BatchResult> => {
    const sought = { mark, calls: Object.keys(calls).length, pollMs }
    const id = batch ?? (await place.dialect.find(place, sought))
    return id === null ? { answers: new Map(), kept: [] } : await result(place, id, mark)
  }
  return {
    async send(group) {
      const [first] = group
      if (!first) return
      const { place } = first
      const intent = randomUUID()
      try {
        const calls = Object.fromEntries(group.map(({ id, body }) => [id, hashOf(body)]))
        // On disk before the provider hears of it, and its own id as soon as it is known.
        journal.append({ type: 'intent', intent, model: place.model, calls })
        const id = await place.dialect.make(place, { calls: group, path: place.path, mark: intent })
        journal.append({ type: 'made', intent, batch: id })
        const { answers } = await result(place, id, intent)
        for (const { id: call, settle } of group) settle(answers.get(call) ?? NOT_MADE)
      } catch (error) {
        for (const { settle } of group) settle(toRouterError(error))
      }
    },
    answered({ id, row, body, place }) {
      const batch = known.findLast(({ calls }) => id in calls)
      if (!batch) return null
      if (batch.calls[id] !== hashOf(body)) return Promise.reject(changed(row))
      const all = fetched.get(batch.intent) ?? before(batch, place)
      fetched.set(batch.intent, all)
      return all.then(({ answers }) => answers.get(id) ?? null)
    },
    async tidy() {
      for (const { place, kept } of leftovers) await deleteKept(place, kept)
    },
  }
}

/** The answer is there, to another question: a row that was masked or drafted in another way. */
function changed(row: string): RouterError {
  return new RouterError('batch_row_interrupted', {
    id: row.replace(/^row /, ''),
    requestId: 'of the run before',
    fix: 'It would ask something else now; run it again with --retry-failed and without --provider-batch to have it asked once more.',
  })
}

function idOf(row: string): string {
  return hash('sha256', row, 'hex').slice(0, 24)
}

interface Earlier {
  readonly intent: string
  readonly calls: Readonly<Record<string, string>>
  /** Null when the process ended before it knew. */
  readonly batch: string | null
}

function earlier(entries: readonly ProviderEntry[]): readonly Earlier[] {
  const found = new Map<string, Earlier>()
  for (const entry of entries) {
    if (entry.type === 'intent') found.set(entry.intent, { intent: entry.intent, calls: entry.calls, batch: null })
    const before = found.get(entry.intent)
    if (entry.type === 'made' && before) found.set(entry.intent, { ...before, batch: entry.batch })
  }
  return [...found.values()]
}

/** As a refusal that is not billed and that nobody tries again by himself. */
const NOT_MADE: BatchedAnswer = {
  status: 409,
  body: '{"error":{"message":"the batch of the provider ended without this call","type":"batch_incomplete"}}',
}

/** @returns null for a call that no batch holds */
function placeOf(
  { url, headers }: PostRequest,
  { model, transport, signal }: Pick<BatchPlace, 'model' | 'transport' | 'signal'>,
): Place | null {
  const path = Object.keys(DIALECTS).find((end) => url.pathname.endsWith(`/${end}`))
  const dialect = path === undefined ? undefined : DIALECTS[path]
  if (path === undefined || !dialect) return null
  const { 'content-type': _, ...own } = headers
  const base = new URL(url.href.slice(0, -path.length))
  return { model, transport, base, headers: own, signal, dialect, path }
}

/** Nobody reads along: a provider takes no streams into a batch. */
function wholeBody(text: string): string {
  if (!text.includes('"stream')) return text
  const { stream: _, stream_options: __, ...body } = JSON.parse(text) as Readonly<Record<string, unknown>>
  return JSON.stringify(body)
}

function responseOf({ status, body }: BatchedAnswer): PostResponse {
  async function* whole(): AsyncGenerator<Buffer> {
    yield Buffer.from(body)
  }
  return { status, headers: { 'content-type': 'application/json' }, body: whole(), discard: () => undefined }
}

/** One batch goes to one path of one provider, under one key. */
function grouped(calls: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const groups = Map.groupBy(calls, ({ place, request }) => JSON.stringify([place.model, request.url, place.headers]))
  return [...groups.values()]
}

function isFull(calls: readonly Waiting[]): boolean {
  return calls.length >= MAX_CALLS || calls.reduce((sum, { body }) => sum + body.length, 0) >= MAX_BYTES
}

function hashOf(body: string): string {
  return hash('sha256', body, 'hex')
}

function once(settle: Waiting['settle']): Waiting['settle'] {
  let isSettled = false
  return (answer) => {
    if (isSettled) return
    isSettled = true
    settle(answer)
  }
}
