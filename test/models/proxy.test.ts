/** Proxies, authorities and certificates of one's own on the way to a provider. Real sockets, a real proxy, real TLS. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { proxyFor } from '../../src/spec/proxy.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { type Certificates, certificates, hasOpenssl } from '../support/certificates.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

let files: Certificates
let provider: Server
/** One line per request: who the client says it is, and its key. */
const heard: string[] = []
const proxies: ConnectProxy[] = []

beforeAll(async () => {
  if (!hasOpenssl) return
  files = certificates()
  for (const name of ['company', 'stranger']) files.authority(name)
  files.signed('provider', 'company', 'DNS:api.example.test')
  files.signed('us', 'company', 'DNS:us.example.test')
  files.signed('them', 'stranger', 'DNS:us.example.test')
  const [key, cert, ca] = ['provider.key', 'provider.pem', 'company.pem'].map((file) => readFileSync(files.path(file)))
  provider = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const socket = request.socket as TLSSocket
    heard.push(
      `${socket.authorized ? socket.getPeerCertificate().subject.CN : 'nobody'} ${request.headers.authorization}`,
    )
    if (request.url?.startsWith('/mutual') && !socket.authorized) return void response.writeHead(403).end('{}')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ choices: [{ message: { content: 'Hello.' }, finish_reason: 'stop' }] }))
  })
  provider.on('tlsClientError', () => undefined)
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
})
afterEach(async () => {
  await closeAll()
  for (const proxy of proxies.splice(0)) await proxy.close()
  heard.length = 0
})
afterAll(() => {
  if (!hasOpenssl) return
  provider.close()
  provider.closeAllConnections()
  files.remove()
})

async function proxy(places?: Parameters<typeof startConnectProxy>[0]): Promise<ConnectProxy> {
  const { port } = provider.address() as AddressInfo
  const started = await startConnectProxy(
    places ?? ((name) => (name === 'api.example.test:443' ? port : { refuse: 502 })),
  )
  proxies.push(started)
  return started
}

interface Way {
  readonly network?: PolicyInput['network']
  readonly env?: Readonly<Record<string, string>>
  readonly tls?: Readonly<Record<string, string>>
  readonly baseUrl?: string
  readonly policy?: PolicyInput
}

function through({
  network,
  env,
  tls = { ca: files.path('company.pem') },
  baseUrl,
  policy,
}: Way): Promise<GatewayOnCloud> {
  const big = {
    provider: 'openai',
    model: 'm',
    tier: 'frontier',
    baseUrl: baseUrl ?? 'https://api.example.test/v1',
    apiKey: '${env:KEY}',
    tls,
  } as const
  return gatewayOnCloud({
    policy: { models: { big }, routing: { maxFallbackAttempts: 0 }, ...(network && { network }), ...policy },
    router: { env: { KEY: 'provider-key', ...env } },
  })
}

async function ask({ gateway }: GatewayOnCloud) {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'A question of ours.' }] }),
  })
  return { status: response.status, text: await response.text() }
}

describe.skipIf(!hasOpenssl)('a proxy (skipped without openssl)', () => {
  it('of the policy is asked for a tunnel by name, and sees nothing of what goes through it', async () => {
    const way = await proxy()
    const on = await through({ network: { proxy: way.url } })
    expect(await ask(on)).toMatchObject({ status: 200, text: expect.stringContaining('Hello.') })
    expect(await ask(on)).toMatchObject({ status: 200 })
    expect(heard).toEqual(['nobody Bearer provider-key', 'nobody Bearer provider-key'])
    // One tunnel serves both: connections are kept.
    expect(way.asked.map(({ authority }) => authority)).toEqual(['api.example.test:443'])
    expect(JSON.stringify(way.asked)).not.toContain('provider-key')
    expect(way.seen().length).toBeGreaterThan(0)
    for (const secret of ['provider-key', 'A question of ours.']) expect(way.seen()).not.toContain(secret)
    expect(on.router.audit({})[0]?.egress).toMatchObject([{ destination: 'api.example.test' }])
  })

  it('of the environment is used when the policy says so, with its user and password', async () => {
    const way = await proxy()
    const HTTPS_PROXY = way.url.replace('://', '://anna:s%40fe@')
    const on = await through({ network: { proxy: 'environment' }, env: { HTTPS_PROXY } })
    expect(await ask(on)).toMatchObject({ status: 200 })
    const sent = Buffer.from('anna:s@fe').toString('base64')
    expect(way.asked.map(({ headers }) => headers['proxy-authorization'])).toEqual([`Basic ${sent}`])
  })

  it.each([
    ['the policy does not say so', {}, {}],
    ['NO_PROXY names the host', { proxy: 'environment' }, { NO_PROXY: 'localhost, example.test' }],
    ['network.noProxy does', { proxy: 'environment', noProxy: ['api.example.test:443'] }, {}],
  ] as const)('of the environment is not used when %s', async (_what, network, env) => {
    const way = await proxy()
    const on = await through({
      network: { ...network, noProxy: [...('noProxy' in network ? network.noProxy : [])] },
      env: { HTTPS_PROXY: way.url, ...env },
    })
    // Without it the name leads nowhere.
    expect(await ask(on)).toMatchObject({ status: 503, text: expect.stringContaining('dns_failure') })
    expect(way.asked).toEqual([])
  })

  it('is never used for a model on this machine', async () => {
    const way = await proxy()
    const on = await gatewayOnCloud({ policy: { network: { proxy: way.url } } })
    on.cloud.otherwise(openAiText('from here'))
    expect(await ask(on)).toMatchObject({ status: 200, text: expect.stringContaining('from here') })
    expect(way.asked).toEqual([])
  })

  it('is asked for a tunnel to an http address, too', async () => {
    const on = await gatewayOnCloud()
    on.cloud.otherwise(openAiText('in the clear'))
    const way = await proxy(() => Number(new URL(on.cloud.url).port))
    const big = { provider: 'openai', model: 'm', tier: 'frontier', baseUrl: 'http://api.example.test/v1' } as const
    const plain = await gatewayOnCloud({ policy: { models: { big }, network: { proxy: way.url } } })
    expect(await ask(plain)).toMatchObject({ status: 200, text: expect.stringContaining('in the clear') })
    expect(way.asked.map(({ authority }) => authority)).toEqual(['api.example.test:80'])
  })

  it.each([
    [407, /wants a user and a password/],
    [403, /gave no tunnel \(HTTP 403\)/],
  ])('that answers %d is named in a 503, and nothing was sent or paid', async (refuse, words) => {
    const way = await proxy(() => ({ refuse }))
    const on = await through({
      network: { proxy: 'environment' },
      env: { HTTPS_PROXY: way.url.replace('://', '://anna:hidden@') },
    })
    const { status, text } = await ask(on)
    expect([status, text]).toEqual([503, expect.stringMatching(words)])
    expect(text).not.toContain('hidden')
    expect(on.router.audit({})[0]).toMatchObject({ error: 'model_unreachable', costUsd: 0 })
  })

  it('that nobody answers for, or that says nothing, ends with an error that names it', async () => {
    const way = await proxy()
    await way.close()
    proxies.splice(0)
    const dead = await through({ network: { proxy: way.url } })
    expect(await ask(dead)).toMatchObject({
      status: 503,
      text: expect.stringMatching(/the proxy 127.0.0.1:\d+ cannot be reached \(ECONNREFUSED\)/),
    })
    const silent = await proxy(() => 'hang')
    const waiting = await through({
      network: { proxy: silent.url },
      policy: { deadlines: { frontier: { connect: 150 } } },
    })
    expect(await ask(waiting)).toMatchObject({
      status: 504,
      text: expect.stringContaining('gave no connection within 150 ms'),
    })
  })

  it('does not make an address allowed that is not, nor a certificate good that is not', async () => {
    const way = await proxy()
    const strange = await through({ network: { proxy: way.url }, tls: { ca: files.path('stranger.pem') } })
    expect(await ask(strange)).toMatchObject({
      status: 503,
      text: expect.stringMatching(/certificate or handshake of api.example.test/),
    })
    expect(heard).toEqual([])
    const odd = await through({
      network: { proxy: 'environment' },
      env: { HTTPS_PROXY: 'socks5://user:hidden@127.0.0.1:9' },
    })
    const { text } = await ask(odd)
    expect(text).toContain('HTTPS_PROXY is not the address of an HTTP proxy')
    expect(text).not.toContain('hidden')
  })
})

describe.skipIf(!hasOpenssl)('certificates of a model (skipped without openssl)', () => {
  const direct = (): string => `https://localhost:${(provider.address() as AddressInfo).port}`

  it('are believed only when the policy names their authority', async () => {
    const way = await proxy()
    const network = { proxy: way.url }
    expect(await ask(await through({ network, tls: {} }))).toMatchObject({ status: 503 })
    expect(await ask(await through({ network }))).toMatchObject({ status: 200 })
    expect(heard).toHaveLength(1)
  })

  it('are shown to a provider that asks for ours', async () => {
    const way = await proxy()
    const own = { ca: files.path('company.pem') }
    const settings = { network: { proxy: way.url }, baseUrl: 'https://api.example.test/mutual' }
    expect(await ask(await through({ ...settings, tls: own }))).toMatchObject({
      status: 502,
      text: expect.stringContaining('model_auth_failed'),
    })
    const shown = { ...own, cert: files.path('us.pem'), key: files.path('us.key') }
    expect(await ask(await through({ ...settings, tls: shown }))).toMatchObject({ status: 200 })
    expect(heard).toEqual(['nobody Bearer provider-key', 'us Bearer provider-key'])
  })

  it.each([
    [{ ca: 'gone.pem' }, /models.big.tls.ca .*gone.pem cannot be read/],
    [{ ca: 'us.key' }, /models.big.tls.ca .*holds no certificate/],
    [{ cert: 'us.pem' }, /models.big.tls.cert .*no key/],
    [{ key: 'us.key' }, /models.big.tls.key .*no cert/],
    [{ cert: 'us.pem', key: 'them.key' }, /models.big.tls.key .*not the key of cert/],
    [{ cert: 'us.pem', key: 'us.pem' }, /models.big.tls.key .*no private key/],
  ])('that are wrong stop the start: %j', (tls, words) => {
    const file = files.path('policy.json')
    const model = { provider: 'openai', model: 'm', tier: 'frontier', baseUrl: direct(), tls }
    writeFileSync(file, JSON.stringify({ models: { big: model } }))
    expect(() => parsePolicy(readFileSync(file, 'utf8'), { file, env: {} })).toThrow(words)
  })

  it('belong to https addresses only', () => {
    const model = {
      provider: 'openai',
      model: 'm',
      tier: 'frontier',
      baseUrl: 'http://a.test',
      tls: { ca: 'company.pem' },
    }
    const text = JSON.stringify({ models: { big: model } })
    expect(() => parsePolicy(text, { file: files.path('policy.json'), env: {} })).toThrow(
      /models.big.tls .*not reached over https/,
    )
  })
})

describe('the way to an address', () => {
  const env = {
    HTTPS_PROXY: 'proxy.test:3128',
    HTTP_PROXY: 'http://plain.test:3128',
    NO_PROXY: '.internal.test,10.0.0.7, [fd00::1]:8443',
  }
  const way = (url: string, noProxy: string[] = [], proxy = 'environment') =>
    proxyFor(new URL(url), { proxy, noProxy }, env)?.host ?? null

  it.each([
    ['https://api.example.test/v1', 'proxy.test:3128'],
    ['http://api.example.test/v1', 'plain.test:3128'],
    ['https://internal.test', null],
    ['https://llm.internal.test', null],
    ['https://notinternal.test', 'proxy.test:3128'],
    ['https://10.0.0.7:8443', null],
    ['https://10.0.0.77', 'proxy.test:3128'],
    ['https://[fd00::1]:8443', null],
    ['https://[fd00::1]:9443', 'proxy.test:3128'],
    ['http://127.0.0.1:11434', null],
    ['http://localhost:1234', null],
  ])('%s goes through %s', (url, host) => {
    expect(way(url)).toBe(host)
  })

  it('leaves out what the policy names, by name, with a port, or all', () => {
    expect(way('https://api.example.test', ['example.test'])).toBeNull()
    expect(way('https://api.example.test', ['api.example.test:8443'])).toBe('proxy.test:3128')
    expect(way('https://api.example.test:8443', ['api.example.test:8443'])).toBeNull()
    expect(way('https://api.example.test', ['*'])).toBeNull()
    expect(way('https://api.example.test', [], 'http://own.test:8080')).toBe('own.test:8080')
    expect(way('https://api.example.test', [], 'none')).toBeNull()
  })

  it('holds no password in the policy', () => {
    const text = 'network: { proxy: "http://anna:hidden@proxy.test:3128" }'
    const read = () => parsePolicy(text, { file: 'p.yaml', env: {} })
    expect(read).toThrow(/network.proxy .*password may not stand in the policy/)
    expect(read).not.toThrow(/hidden/)
  })
})
