/** F10: a provider whose certificate proves nothing. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const KEY = 'sk-test-0123456789abcdef'
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

let folder: string
let server: Server | null = null
/** Everything that a client sent inside TLS. */
let heard = ''

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** A certificate of our own authority, for a name and a span of days. */
function certificate(name: string, names: string, span: readonly string[]): void {
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=test')
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`)
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`, ...span]
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed)
}

beforeAll(() => {
  if (!hasOpenssl) return
  folder = mkdtempSync(join(tmpdir(), 'spillway-f10-'))
  const own = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=authority of a test']
  openssl('req', '-x509', ...own, '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl('req', '-x509', ...own, '-keyout', 'self.key', '-out', 'self.pem', '-addext', 'subjectAltName=IP:127.0.0.1')
  certificate('good', 'IP:127.0.0.1', ['-days', '2'])
  certificate('wrong-host', 'DNS:api.example.test', ['-days', '2'])
  certificate('expired', 'IP:127.0.0.1', ['-days', '-1'])
})
afterAll(() => hasOpenssl && rmSync(folder, { recursive: true, force: true }))
afterEach(() => server?.close())

async function serve(name: string): Promise<number> {
  heard = ''
  const [key, cert] = [`${name}.key`, `${name}.pem`].map((file) => readFileSync(join(folder, file)))
  server = createServer({ key, cert }, (request, response) => {
    heard += JSON.stringify(request.headers)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ choices: [{ message: { content: 'Hello.' }, finish_reason: 'stop' }] }))
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) =>
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** In a process of its own, since Node reads its variables about certificates once. */
const CALLER = `
import { createOpenAiCompatibleModel } from '${ROOT}/src/models/openai-compatible.ts'
const [baseUrl] = process.argv.slice(1)
const model = createOpenAiCompatibleModel({ name: 'big', baseUrl, apiKey: '${KEY}', model: 'x', maxOutputTokens: 9 })
const deadlines = { connectMs: 20000, firstByteMs: 20000, idleMs: 20000, totalMs: 30000 }
let text = ''
try {
  const call = { messages: [{ role: 'user', content: 'Hi' }], stream: false }
  for await (const event of model.generate(call, { signal: new AbortController().signal, deadlines }))
    if (event.type === 'text') text += event.delta
  console.log(JSON.stringify({ text }))
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
await model.close()
`

async function call(port: number, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const args = ['--no-warnings', '--input-type=module', '-e', CALLER, `https://127.0.0.1:${port}/v1`]
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString()
  })
  await once(child, 'close')
  return JSON.parse(out)
}

describe.skipIf(!hasOpenssl)('a provider (skipped without openssl)', () => {
  it('is talked to over a certificate that an authority of the system has signed', async () => {
    const port = await serve('good')
    // No proxy variable has an effect: nothing listens at that port.
    const proxy = { HTTPS_PROXY: 'http://127.0.0.1:1', NODE_USE_ENV_PROXY: '1' }
    const trusted = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
    expect(await call(port, { ...trusted, ...proxy })).toEqual({ text: 'Hello.' })
    expect(heard).toContain(KEY)
  })

  it.each([
    ['self', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('with a certificate that is %s is refused, and no byte of the request reaches it', async (name, code) => {
    const port = await serve(name)
    const refusal = {
      code: 'model_unreachable',
      message: `Model big cannot be reached: the TLS certificate or handshake of 127.0.0.1:${port} was refused (${code}).`,
    }
    const trusted = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
    expect(await call(port, trusted)).toEqual(refusal)
    expect(await call(port, { ...trusted, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toEqual(refusal)
    expect(heard).toBe('')
  })
})
