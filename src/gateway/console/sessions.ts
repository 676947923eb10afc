/** Who is signed in to the console: an API key once, then a cookie that scripts cannot read. In memory: a restart ends them. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { RouterError } from '../../spec/errors.ts'
import type { KeyHolder, KeyRing } from '../keys.ts'

export interface Session {
  readonly holder: KeyHolder
  /** To be sent with every change as `x-spillway-csrf`. */
  readonly csrf: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface Sessions {
  /**
   * @param name who sits at the console, where several people share a key; kept with what they change
   * @returns the session, and the cookie that opens it
   * @throws RouterError unauthorized, console_locked
   */
  begin(key: string, name: string | null): { readonly session: Session; readonly cookie: string }
  /** @returns null without a cookie, and when it opens nothing any more */
  of(request: IncomingMessage): Session | null
  /** @returns the cookie that takes the place of the other */
  end(request: IncomingMessage): string
}

export interface SessionSettings {
  readonly keys: KeyRing
  /** Epoch milliseconds. */
  readonly nowMs: () => number
}

const COOKIE = 'spillway_session'
/** A working day, and an hour without a look. */
const LONGEST_MS = 8 * 3_600_000
const IDLE_MS = 3_600_000
/** More people than look at one console; the one that was idle longest makes room. */
const MOST = 100
/** Guessing 256 bits is hopeless at any rate; this keeps a script from filling the log. */
const TRIES = 10
const TRIES_MS = 60_000

interface Kept {
  readonly holderId: string
  readonly name: string | null
  readonly csrf: string
  readonly until: number
  seenAt: number
}

export function createSessions({ keys, nowMs }: SessionSettings): Sessions {
  const kept = new Map<string, Kept>()
  let failures: readonly number[] = []
  const find = (request: IncomingMessage): { readonly id: string; readonly found: Kept } | null => {
    const id = cookieOf(request)
    const found = id === null ? undefined : kept.get(id)
    if (id === null || !found) return null
    const now = nowMs()
    if (now < found.until && now < found.seenAt + IDLE_MS) return { id, found }
    kept.delete(id)
    return null
  }
  return {
    begin(key, name) {
      const now = nowMs()
      failures = failures.filter((at) => at > now - TRIES_MS)
      const [oldest] = failures
      if (failures.length >= TRIES && oldest !== undefined)
        throw new RouterError('console_locked', {
          tries: TRIES,
          retryAfterSeconds: secondsUntil(oldest + TRIES_MS, now),
        })
      const holder = keys.holderOf(key)
      if (!holder) {
        failures = [...failures, now]
        throw new RouterError('unauthorized')
      }
      const id = randomBytes(32).toString('base64url')
      const csrf = randomBytes(32).toString('base64url')
      kept.set(id, { holderId: holder.id, name, csrf, until: now + LONGEST_MS, seenAt: now })
      const [idlest] = [...kept].toSorted(([, a], [, b]) => a.seenAt - b.seenAt)
      if (kept.size > MOST && idlest) kept.delete(idlest[0])
      const session = { holder: named(holder, name), csrf, expiresAt: now + LONGEST_MS }
      return { session, cookie: cookieText(id, LONGEST_MS / 1000) }
    },
    of(request) {
      const open = find(request)
      // A key that was revoked closes what it opened.
      const holder = open && keys.holderById(open.found.holderId)
      if (!open || !holder) return null
      const { found } = open
      found.seenAt = nowMs()
      return { holder: named(holder, found.name), csrf: found.csrf, expiresAt: found.until }
    },
    end(request) {
      const open = find(request)
      if (open) kept.delete(open.id)
      return cookieText('', 0)
    },
  }
}

/** @throws RouterError csrf_missing: a page of another site can make a browser send the cookie, and not this header */
export function requireCsrf(request: IncomingMessage, { csrf }: Session): void {
  const sent = Buffer.from(String(request.headers['x-spillway-csrf'] ?? ''))
  const wanted = Buffer.from(csrf)
  if (sent.length === wanted.length && timingSafeEqual(sent, wanted)) return
  throw new RouterError('csrf_missing')
}

function named(holder: KeyHolder, name: string | null): KeyHolder {
  return name === null ? holder : { ...holder, name }
}

function secondsUntil(at: number, now: number): number {
  return Math.max(1, Math.ceil((at - now) / 1000))
}

function cookieText(id: string, maxAgeS: number): string {
  return `${COOKIE}=${id}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeS}`
}

function cookieOf({ headers }: IncomingMessage): string | null {
  const found = (headers.cookie ?? '').split(';').map((part) => part.trim().split('='))
  return found.find(([name]) => name === COOKIE)?.[1] || null
}
