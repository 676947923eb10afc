/** Who may call: by address, by origin, by key. */
import type { IncomingMessage } from 'node:http'
import { RouterError } from '../spec/errors.ts'
import { HOP_HEADER, hopOf } from '../spec/hop.ts'
import { requireCsrf, type Sessions } from './console/sessions.ts'
import type { KeyHolder, KeyRing } from './keys.ts'

const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/**
 * A page in a browser can make its own host name point at this machine. On loopback only loopback names are answered,
 * and pages of other origins not at all.
 *
 * @throws RouterError forbidden_host
 */
export function requireOwnHost(request: IncomingMessage, isLoopback: boolean): void {
  const host = request.headers.host ?? ''
  // Node keeps the first; whatever stands in front of us may have looked at the second.
  if (hasTwoHosts(request.rawHeaders)) throw new RouterError('forbidden_host', { header: 'Host', value: 'given twice' })
  if (isLoopback && !LOOPBACK_HOST.test(host))
    throw new RouterError('forbidden_host', { header: 'Host', value: printable(host) })
  const { origin } = request.headers
  if (origin === undefined) return
  const isOwn = URL.canParse(origin) && new URL(origin).host === host
  if (!isOwn) throw new RouterError('forbidden_host', { header: 'Origin', value: printable(origin) })
}

const OWN_HOP = hopOf(process.pid, performance.timeOrigin)

/** What came from this process would be answered by asking this process again. @throws RouterError request_loop */
export function requireOtherSender({ headers }: IncomingMessage): void {
  if (headers[HOP_HEADER] === OWN_HOP) throw new RouterError('request_loop')
}

/** What the console asks; everything else takes keys alone, so that no page can spend money by a cookie. */
const OF_CONSOLE = /^\/spillway\/v1\//

/**
 * By key, and on the paths of the console by its cookie as well. A change under the cookie needs the token of its session.
 *
 * @throws RouterError unauthorized, csrf_missing
 */
export function requireHolder(
  request: IncomingMessage,
  { keys, sessions }: { readonly keys: KeyRing; readonly sessions: Sessions },
): KeyHolder {
  const { authorization, 'x-api-key': apiKey } = request.headers
  const isByCookie = authorization === undefined && apiKey === undefined && OF_CONSOLE.test(request.url ?? '')
  const session = isByCookie ? sessions.of(request) : null
  if (!session) return requireKey(request, keys)
  if (request.method !== 'GET' && request.method !== 'HEAD') requireCsrf(request, session)
  return session.holder
}

/**
 * `Authorization: Bearer` first, then `x-api-key`; a key in the URL is never looked at. Two different keys are refused.
 *
 * @throws RouterError unauthorized
 */
export function requireKey(request: IncomingMessage, keys: KeyRing): KeyHolder {
  const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header = request.headers['x-api-key']
  const apiKey = typeof header === 'string' ? header : undefined
  const presented = bearer ?? apiKey
  const ambiguous = bearer !== undefined && apiKey !== undefined && bearer !== apiKey
  const holder = presented === undefined || ambiguous ? null : keys.holderOf(presented)
  if (!holder) throw new RouterError('unauthorized')
  return holder
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts += 1
  return hosts > 1
}

function printable(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)
}
