/** The files of the console, as they were built into the package. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { RouterError } from '../../spec/errors.ts'
import type { Exchange } from '../exchange.ts'

/** `dist/ui` of the package: the same from `src/gateway/console` and from `dist/gateway/console`. */
const FOLDER = fileURLToPath(new URL('../../../dist/ui/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Nothing but what the package holds: no script and no style in the page itself, nothing of another host, in nobody's frame. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

interface Asset {
  readonly type: string
  readonly plain: Buffer
  readonly packed: Buffer
  readonly etag: string
}

const read = new Map<string, Asset>()

/** `GET /ui`: the page. It is asked for anew each time, so that a new version shows at once. */
export async function consolePage({ request, response }: Exchange): Promise<void> {
  send({ request, response }, assetOf('index.html'), 'no-cache')
}

/** `GET /ui/assets/<name>`: the name holds a hash of what is in it, so it never changes. */
export async function consoleAsset({ request, response, params }: Exchange): Promise<void> {
  send({ request, response }, assetOf(join('assets', params[0] ?? '')), 'public, max-age=31536000, immutable')
}

/** Named by the folder, not by the request: no path leads out of it. @throws RouterError not_found */
function assetOf(name: string): Asset {
  const known = read.get(name)
  if (known) return known
  if (!namesOf().includes(name))
    throw new RouterError('not_found', {
      subject: 'file of the console',
      value: name.slice(0, 60),
      fix: 'The console is at /ui; a checkout builds it with `npm run build`.',
    })
  const plain = readFileSync(join(FOLDER, name))
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  const asset = { type: TYPES[extname(name)] ?? 'application/octet-stream', plain, packed: gzipSync(plain), etag }
  read.set(name, asset)
  return asset
}

function namesOf(): readonly string[] {
  try {
    return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

interface Answer {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

function send({ request, response }: Answer, { type, plain, packed, etag }: Asset, cache: string): void {
  const isKnown = request.headers['if-none-match'] === etag
  const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  const body = takesGzip ? packed : plain
  response.writeHead(isKnown ? 304 : 200, {
    ...HEADERS,
    'cache-control': cache,
    etag,
    vary: 'accept-encoding',
    ...(!isKnown && {
      'content-type': type,
      'content-length': body.length,
      ...(takesGzip && { 'content-encoding': 'gzip' }),
    }),
  })
  response.end(isKnown ? undefined : body)
}
