/** `Idempotency-Key`: a request that is sent again is answered once, and asks no model again. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { RouterError } from '../spec/errors.ts'

export interface Keyed<T> {
  /** The header; undefined when the client sent none. */
  readonly key: string | string[] | undefined
  /** Whose key it is: the same key of another client is another one. */
  readonly holder: string
  /** The parsed body, and what headers say of the request. */
  readonly body: unknown
  /** @param signal aborts when the client goes away, unless it sent a key: then it will ask again */
  readonly work: (signal: AbortSignal | null) => Promise<T>
}

export interface Once<T> {
  readonly value: T
  readonly isReplay: boolean
}

export interface Idempotency {
  /**
   * Concurrent requests with one key share one answer. A failure that may pass by itself is forgotten, all else is
   * given again for 24 hours, by this process.
   *
   * @throws RouterError idempotency_mismatch, request_invalid; whatever `work` throws
   */
  once<T>(keyed: Keyed<T>): Promise<Once<T>>
}

/** As long as clients of payment services may count on it; that is what the header is known from. */
const KEPT_MS = 24 * 3_600_000
const MAX_KEYS = 10_000
const MAX_KEY_CHARS = 255

interface Entry {
  readonly bodyHash: string
  readonly answer: Promise<unknown>
}

export function createIdempotency(): Idempotency {
  const known = new LRUCache<string, Entry>({ max: MAX_KEYS, ttl: KEPT_MS })
  return {
    async once<T>({ key, holder, body, work }: Keyed<T>): Promise<Once<T>> {
      if (key === undefined) return { value: await work(null), isReplay: false }
      const name = hash([holder, checked(key)])
      const bodyHash = hash(body)
      const before = known.get(name)
      if (before && before.bodyHash !== bodyHash) throw new RouterError('idempotency_mismatch', { key: String(key) })
      if (before) return { value: (await before.answer) as T, isReplay: true }
      const answer = work(new AbortController().signal)
      known.set(name, { bodyHash, answer })
      answer.catch((error: unknown) => {
        if (!(error instanceof RouterError) || error.row.retryable) known.delete(name)
      })
      return { value: await answer, isReplay: false }
    },
  }
}

function checked(key: string | string[]): string {
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARS) return key
  throw new RouterError('request_invalid', {
    path: 'the header Idempotency-Key',
    problem: `it is not one text of 1 to ${MAX_KEY_CHARS} characters`,
    fix: 'Send a UUID.',
  })
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
