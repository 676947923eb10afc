import { RouterError } from '../../spec/errors.ts'

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
 * later redirect leads back; and a connection that began encrypted stays encrypted.
 *
 * @throws RouterError model_unreachable (too many redirects, or to an address that must not be used), whatever `fetch` throws
 */
export async function followRedirects(request: GuardedRequest): Promise<GuardedResponse> {
  let url = request.url
  let token = mayCarryToken(url) ? request.token : null
  let linkedSha256: string | null = null
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(url, {
      headers: { ...request.headers, ...authorization },
      redirect: 'manual',
      signal: request.signal,
    })
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
