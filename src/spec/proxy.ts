/** Which proxy stands on the way to an address. Pure. */
import { onThisMachine } from './destination.ts'
import { RouterError } from './errors.ts'
import type { Policy } from './policy.ts'

/**
 * The proxy of a destination, or null for none.
 *
 * @param env read only where the policy says `environment`; the names in small letters win, as with curl
 * @throws RouterError destination_refused: a variable holds no address of an HTTP proxy
 */
export function proxyFor(
  url: URL,
  { proxy, noProxy }: Policy['network'],
  env: Readonly<Record<string, string | undefined>>,
): URL | null {
  if (proxy === 'none' || onThisMachine(url.href)) return null
  if (noProxy.some((entry) => covers(entry, url))) return null
  if (proxy !== 'environment') return new URL(proxy)
  const exempt = (env.no_proxy ?? env.NO_PROXY ?? '').split(/[\s,]+/).filter((entry) => entry !== '')
  if (exempt.some((entry) => covers(entry, url))) return null
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = env[name.toLowerCase()] ?? env[name]
  return value ? addressIn(value.trim(), name) : null
}

/** `*`, a name with all names below it (with or without a dot before it), an address, each also with a port. */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true
  const [, name = '', port] = entry.toLowerCase().match(/^(.*?)(?::(\d+))?$/) ?? []
  if (port !== undefined && port !== portOf(url)) return false
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const suffix = name.replace(/^\*?\./, '').replace(/^\[|\]$/g, '')
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`))
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

function addressIn(value: string, name: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return url
  // The value may hold a password.
  throw new RouterError('destination_refused', {
    host: 'the proxy',
    problem: `${name} is not the address of an HTTP proxy`,
    fix: `Set ${name} to http://host:port, or network.proxy in the policy.`,
  })
}
