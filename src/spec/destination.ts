/** "Local" is a matter of destination: where the bytes of a request go, whatever the provider is called. Pure. */

/**
 * Whether an address is this machine itself: `localhost`, names below it (RFC 6761), 127.0.0.0/8 and ::1. Addresses of a
 * private network are other machines. Names of this host are not taken, since name servers decide what they mean.
 *
 * @param baseUrl an absolute URL, or nothing
 */
export function onThisMachine(baseUrl: string | undefined): boolean {
  if (!baseUrl) return false
  const known = places.get(baseUrl)
  if (known !== undefined) return known
  const isHere = isAddressHere(baseUrl)
  if (places.size >= MOST_PLACES) places.clear()
  places.set(baseUrl, isHere)
  return isHere
}

/** Addresses come from policies and are asked about with every request; reading one costs as much as routing by it. */
const places = new Map<string, boolean>()
const hosts = new Map<string, string>()
const MOST_PLACES = 1000

function isAddressHere(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false
  const host = new URL(baseUrl).hostname.replace(/\.$/, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  // URL has brought every spelling of an IPv4 address into four decimal numbers, and of IPv6 into its shortest.
  return /^127(\.\d{1,3}){3}$/.test(host) || host === '[::1]' || /^\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]$/.test(host)
}

const HERE = 'this machine'
const UNKNOWN = 'unknown'

/** Of the model of an MCP client nothing is known but that it is not ours, nor where a plugin sends what it is given. */
const WITHOUT_ADDRESS: readonly string[] = ['mcp-client', 'plugin']

/** Where providers are reached that the policy gives no address for. */
export const PROVIDER_URLS = { anthropic: 'https://api.anthropic.com', openai: 'https://api.openai.com/v1' } as const

/** @returns the host that a model's requests go to, with its port where it is not the usual one; `unknown` where the address is none, `mcp-client` for the program that runs us, `plugin` where only its code knows */
export function destinationOf({
  provider,
  baseUrl,
}: {
  readonly provider: string
  readonly baseUrl?: string | undefined
}): string {
  if (baseUrl === undefined && WITHOUT_ADDRESS.includes(provider)) return provider
  const url = baseUrl ?? (provider in PROVIDER_URLS ? PROVIDER_URLS[provider as keyof typeof PROVIDER_URLS] : null)
  if (url === null) return HERE
  const known = hosts.get(url)
  if (known !== undefined) return known
  const host = URL.canParse(url) ? new URL(url).host : UNKNOWN
  if (hosts.size >= MOST_PLACES) hosts.clear()
  hosts.set(url, host)
  return host
}

/**
 * Whether a model id says that the server on this machine only passes the request on: Ollama runs `name:cloud` and
 * `name:120b-cloud` on machines of its own.
 */
export function isPassedOn(model: string): boolean {
  return /:(?:[^:]*-)?cloud$/i.test(model.trim())
}

/**
 * The address that `OLLAMA_HOST` stands for, as Ollama's own client reads it: scheme and port may be missing, and an
 * address to listen on everywhere means this machine.
 *
 * @returns without a slash at the end; the default address when the variable is not set or cannot be read
 */
export function ollamaBaseUrl(host: string | undefined): string {
  const text = host?.trim().replace(/^["']|["']$/g, '') ?? ''
  if (text === '') return OLLAMA_URL
  const url = /^https?:\/\//i.test(text) ? text : `http://${text.startsWith(':') ? `127.0.0.1${text}` : text}`
  if (!URL.canParse(url)) return OLLAMA_URL
  const { protocol, hostname, port, pathname } = new URL(url)
  const name = hostname === '0.0.0.0' || hostname === '[::]' ? '127.0.0.1' : hostname
  // A port that is the default of its scheme is gone from `port`; Ollama's default holds only where no scheme is given.
  const hasScheme = url === text
  const shown = port !== '' ? `:${port}` : hasScheme || /:\d+\/?$/.test(text) ? '' : `:${OLLAMA_PORT}`
  return `${protocol}//${name}${shown}${pathname.replace(/\/+$/, '')}`
}

const OLLAMA_PORT = 11434
const OLLAMA_URL = `http://127.0.0.1:${OLLAMA_PORT}`
