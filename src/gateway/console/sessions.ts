/** Who is signed in to the console: an API key once, then a cookie that scripts cannot read. All gateways of a state directory know it. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { RouterError } from '../../spec/errors.ts'
import type { KeyHolder, KeyRing } from '../keys.ts'
import { openSessionFiles } from './session-files.ts'

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
   * @throws RouterError unauthorized, console_locked, state_unwritable
   */
  begin(key: string, name: string | null): { readonly session: Session; readonly cookie: string }
  /** @returns null without a cookie, and when it opens nothing any more */
  of(request: IncomingMessage): Session | null
  /** @returns the cookie that takes the place of the other */
  end(request: IncomingMessage): string
}

export interface SessionSettings {
  readonly keys: KeyRing
  /** Where sessions are kept. */
  readonly folder: string
  /** Epoch milliseconds. */
  readonly nowMs: () => number
}

const COOKIE = 'spillway_session'
/** A working day. */
const LONGEST_MS = 8 * 3_600_000
/** Guessing 256 bits is hopeless at any rate; this keeps a script from filling the log. */
const TRIES = 10
const TRIES_MS = 60_000

export function createSessions({ keys, folder, nowMs }: SessionSettings): Sessions {
  const files = openSessionFiles(folder)
  // With the operator's key: when that is replaced, no cookie of before opens anything.
  const digestOf = (id: string): string => keys.macOf(`session ${id}`)
  let failures: readonly number[] = []
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
      const until = now + LONGEST_MS
      files.keep(digestOf(id), { holderId: holder.id, name, until }, now)
      const session = { holder: named(holder, name), csrf: csrfOf(id), expiresAt: until }
      return { session, cookie: cookieText(id, LONGEST_MS / 1000) }
    },
    of(request) {
      const id = cookieOf(request)
      const found = id === null ? null : files.look(digestOf(id), nowMs())
      // A key that was revoked closes what it opened.
      const holder = found && keys.holderById(found.holderId)
      if (id === null || !found || !holder) return null
      return { holder: named(holder, found.name), csrf: csrfOf(id), expiresAt: found.until }
    },
    end(request) {
      const id = cookieOf(request)
      if (id !== null) files.drop(digestOf(id))
      return cookieText('', 0)
    },
  }
}

/** Told to whoever signed in, so made from their cookie alone: nothing that is made with the operator's key leaves the machine. */
function csrfOf(id: string): string {
  return hash('sha256', `csrf ${id}`)
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
