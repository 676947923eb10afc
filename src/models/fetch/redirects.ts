import type { Response } from 'undici'
import { RouterError } from '../../spec/errors.ts'
import { fetchFrom, type Reach } from '../dial.ts'

export interface GuardedRequest {
  readonly url: URL
  /** A bearer token for the origin of `url`. */
  readonly token: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** For messages. */
  readonly model: string
}

export interface GuardedResponse {
  /** The last one; its body is not read yet. */
  readonly response: Response
  /** The file's sha256 as a hub tells it beside a redirect to its storage; null when it does not. */
  readonly linkedSha256: string | null
}

/** Hubs redirect once or twice, to their storage. */
const MAX_REDIRECTS = 5

/**
 * GET with redirects followed by hand: the token goes to the origin that it is for, and to no other, not even when a
 * later redirect leads back; a connection that began encrypted stays encrypted; and a server on a public address leads
 * nowhere into the private network.
 *
 * @throws RouterError model_unreachable (too many redirects, or to an address that must not be used), destination_refused,
 * whatever `fetch` throws
 */
export async function followRedirects(request: GuardedRequest): Promise<GuardedResponse> {
  let url = request.url
  let token = mayCarryToken(url) ? request.token : null
  let linkedSha256: string | null = null
  let reach: Reach | null = null
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
    let isPublic = true
    const sent = { headers: { ...request.headers, ...authorization }, signal: request.signal }
    const response = await fetchFrom(url, sent, {
      ...(reach && { reach }),
      onPlace: (place) => {
        isPublic &&= place === 'public'
      },
    }).catch(plainRefusal)
    reach ??= isPublic ? 'public' : 'private_network'
    // Only the hub itself is asked for the hash: whoever it redirects to serves the bytes that the hash is to check.
    if (hop === 0) linkedSha256 = sha256Of(response)
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || location === null) return { response, linkedSha256 }
    await response.body?.cancel()
    const next = new URL(location, url)
    if (!isAllowed(next, url)) {
      const problem = `${url.host} redirects to ${next.protocol}//${next.host}, which is not encrypted`
      throw new RouterError('model_unreachable', { model: request.model, problem })
    }
    if (next.origin !== url.origin) token = null
    url = next
  }
  const problem = `${request.url.host} redirects more than ${MAX_REDIRECTS} times`
  throw new RouterError('model_unreachable', { model: request.model, problem })
}

/** `fetch` wraps what the door says. */
function plainRefusal(error: unknown): never {
  throw error instanceof Error && error.cause instanceof RouterError ? error.cause : error
}

/** Whether an address of this machine: what goes there crosses no network. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

function mayCarryToken(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url)
}

function isAllowed(next: URL, from: URL): boolean {
  return next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:')
}

function sha256Of(response: Response): string | null {
  return /^"?([0-9a-f]{64})"?$/.exec(response.headers.get('x-linked-etag') ?? '')?.[1] ?? null
}
