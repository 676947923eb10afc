/** `Idempotency-Key`: a request that is sent again is answered once, and asks no model again. */
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '../spec/errors.ts'
import type { IdempotencyBook } from '../spec/idempotency.ts'
import type { Exchange, Idempotency, KeyedWork } from './exchange.ts'
import { recordedResponse } from './recorded-response.ts'
import { type KeptAnswer, seal, unseal } from './sealed-answer.ts'

const MAX_KEY_CHARS = 255
/** Larger answers are not kept: a retry asks again. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024
/** How often another process is looked at that answers the same request. */
const LOOK_MS = 50

interface Running {
  readonly requestHash: string
  readonly answer: Promise<KeptAnswer | null>
}

export function createIdempotency(book: IdempotencyBook): Idempotency {
  const running = new Map<string, Running>()
  const working = new Set<AbortController>()

  const run = async (keyed: Keyed, { exchange, work }: Job): Promise<KeptAnswer | null> => {
    let answer: KeptAnswer | null = null
    const own = new AbortController()
    working.add(own)
    const response = recordedResponse(exchange.response, (whole, isWhole) => {
      if (!isWhole) return
      answer = whole
      // A failure is written before it is thrown where a stream was asked for: whether it is one is known only then.
      if (whole.status < 400) keep(keyed, whole)
    })
    try {
      await work.answer({ ...exchange, response, signal: own.signal })
      const whole = answer as KeptAnswer | null
      if (!whole) quietly(() => book.forget(keyed.name))
      else if (whole.status >= 400) keep(keyed, whole)
      return answer
    } catch (error) {
      // What a stopping server broke off stays claimed: whoever asks next is told that it is asked for once more.
      if (!own.signal.aborted) quietly(() => book.forget(keyed.name))
      throw error
    } finally {
      working.delete(own)
    }
  }
  /** Whoever waits for the answer gets it, whatever the disk says; a retry after the end of this process asks again. */
  const keep = (keyed: Keyed, answer: KeptAnswer): void => {
    const isWorthIt = answer.status < 500 && answer.body.length <= MAX_KEPT_BYTES
    quietly(() => (isWorthIt ? book.finish(keyed.name, seal(answer, keyed.secret)) : book.forget(keyed.name)))
  }
  const first = async (keyed: Keyed, job: Job): Promise<void> => {
    const answer = run(keyed, job)
    running.set(keyed.name, { requestHash: keyed.requestHash, answer })
    try {
      await answer
    } finally {
      running.delete(keyed.name)
    }
  }
  return {
    async once(exchange, work) {
      const header = exchange.request.headers['idempotency-key']
      if (header === undefined) return await work.answer(exchange)
      const keyed = keyedBy(checked(header), exchange, work)
      while (true) {
        const here = running.get(keyed.name)
        if (here && here.requestHash !== keyed.requestHash) throw mismatch(header)
        if (here) {
          const answer = await untilGone(here.answer, exchange.signal)
          if (answer) return replay(exchange, answer)
          continue
        }
        const claim = book.claim(keyed.name, keyed.requestHash)
        if (claim.state === 'other_request') throw mismatch(header)
        if (claim.state === 'done') return replay(exchange, unseal(claim.sealed, keyed.secret))
        if (claim.state !== 'running') {
          if (claim.state === 'rerun') exchange.response.setHeader('idempotent-rerun', 'true')
          return await first(keyed, { exchange, work })
        }
        await untilGone(wait(LOOK_MS), exchange.signal)
      }
    },
    stop() {
      for (const own of working) own.abort(new RouterError('shutting_down'))
    },
  }
}

interface Job {
  readonly exchange: Exchange
  readonly work: KeyedWork
}

interface Keyed {
  readonly name: string
  readonly requestHash: string
  /** What its answer is sealed with; never stored. */
  readonly secret: string
}

function keyedBy(key: string, { holder, request }: Exchange, { tenant, asked }: KeyedWork): Keyed {
  const path = request.url?.split('?', 1)[0] ?? ''
  const secret = JSON.stringify([key, path, asked])
  return { name: hash(JSON.stringify([holder?.id, tenant, key])), requestHash: hash(secret), secret }
}

function replay({ response }: Exchange, { status, headers, body }: KeptAnswer): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('idempotent-replayed', 'true')
  response.writeHead(status)
  response.end(body)
}

/** @throws RouterError cancelled when the client goes first */
async function untilGone<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const gone = Promise.withResolvers<never>()
  const leave = (): void => gone.reject(new RouterError('cancelled', { requestId: 'of this call' }))
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, gone.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // Told by the next request that needs the file.
  }
}

function mismatch(key: string | string[]): RouterError {
  return new RouterError('idempotency_mismatch', { key: String(key) })
}

function checked(key: string | string[]): string {
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARS) return key
  throw new RouterError('request_invalid', {
    path: 'the header Idempotency-Key',
    problem: `it is not one text of 1 to ${MAX_KEY_CHARS} characters`,
    fix: 'Send a UUID.',
  })
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
