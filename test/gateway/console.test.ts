/** Signing in, the cookie and what it opens, rows of tenants, and the document of the admin API. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConsole } from '../../src/cli/console/source.ts'
import { createRouter } from '../../src/compose.ts'
import { ADMIN_ROUTES } from '../../src/gateway/console/admin-routes.ts'
import { openApiOf } from '../../src/gateway/console/openapi.ts'
import { createSessions } from '../../src/gateway/console/sessions.ts'
import { issueKey, revokeKey } from '../../src/gateway/issued-keys.ts'
import { openKeyRing } from '../../src/gateway/keys.ts'
import { systemClock } from '../../src/pipeline/clock.ts'
import { type ConsoleSource, createLiveFeed } from '../../src/spec/console.ts'
import type { Router } from '../../src/spec/router.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let folder: string
let cloud: ScriptedCloud
let router: Router
let pages: ConsoleSource
let gateway: TestGateway
const issued: Record<'acme' | 'other' | 'plain', { readonly id: string; readonly key: string }> = {} as never

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-console-'))
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('Paris', { model: 'gpt-4.1-nano' }))
  const input = {
    models: {
      big: {
        provider: 'openai',
        model: 'gpt-4.1-nano',
        tier: 'frontier',
        baseUrl: cloud.openAiBaseUrl,
        apiKey: '${env:KEY}',
      },
    },
    tasks: { direct: { pattern: 'direct', local: false } },
    defaults: { task: 'direct' },
  }
  const loaded = validatePolicy(input, { file: '(given)', env: { KEY: 'k' } })
  const live = createLiveFeed()
  const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
  router = createRouter({ policy: loaded, env: { KEY: 'k' }, paths, onSettled: live.publish })
  pages = openConsole({ stateDir: folder, loaded: () => loaded, policyProblem: () => null, live, clock: systemClock })
  gateway = await testGateway(router, { stateDir: folder, console: pages })
  for (const name of ['acme', 'other'] as const) issued[name] = issueKey(folder, { name, grant: { tenants: [name] } })
  issued.plain = issueKey(folder, { name: 'plain' })
  for (const name of ['acme', 'other'] as const) await ask(issued[name].key)
})

afterAll(async () => {
  await closeGateways()
  await pages.close()
  await router.close()
  await cloud.close()
  rmSync(folder, { recursive: true, force: true })
})

async function ask(key: string): Promise<void> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Capital of France?' }] }),
  })
  expect(response.status).toBe(200)
  await response.text()
}

/** What is looked at of the answers of several paths. */
interface Body {
  readonly rows: readonly { readonly requestId: string; readonly tenant: string }[]
  readonly next: string | null
  readonly paths: Readonly<Record<string, object>>
  readonly csrf: string
  readonly error: object
}

interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

async function call(path: string, init: RequestInit = {}): Promise<Told> {
  const response = await fetch(`${gateway.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : {} }
}

function withKey(key: string): RequestInit {
  return { headers: { authorization: `Bearer ${key}` } }
}

async function signIn(key: string, name?: string) {
  const told = await call('/spillway/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key, ...(name && { name }) }),
  })
  const cookie = (told.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return { ...told, cookie, csrf: String(told.body.csrf) }
}

describe('a session', () => {
  it('begins with a key, and its cookie is for no script and no other site', async () => {
    const { status, headers, body } = await signIn(gateway.key, 'Ann')
    expect(status).toBe(200)
    expect(body).toMatchObject({ signedIn: true, name: 'Ann', isOperator: true, tenants: null })
    expect(headers.get('set-cookie')).toMatch(
      /^spillway_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=28800$/,
    )
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('opens the console, and no door that spends money', async () => {
    const { cookie } = await signIn(gateway.key)
    expect((await call('/spillway/v1/overview', { headers: { cookie } })).status).toBe(200)
    const paid = { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: '{}' }
    expect((await call('/v1/chat/completions', paid)).status).toBe(401)
    expect((await call('/metrics', { headers: { cookie } })).status).toBe(401)
  })

  it('changes nothing without its token, and is named with its reason in the log of the audit', async () => {
    const { cookie, csrf } = await signIn(gateway.key, 'Ann')
    const order = { order: 'local_only', reason: 'provider incident' }
    const change = (headers: Readonly<Record<string, string>>) =>
      call('/spillway/v1/kill', {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie, ...headers },
        body: JSON.stringify(order),
      })
    expect((await change({})).body.error).toMatchObject({ code: 'csrf_missing' })
    expect((await change({ 'x-spillway-csrf': `${csrf}x` })).status).toBe(403)
    expect((await change({ 'x-spillway-csrf': csrf })).status).toBe(200)
    const event = readEvents(folder, 0).findLast(({ kind }) => kind === 'kill')
    expect(event).toMatchObject({ by: 'Ann over HTTP', what: { mode: 'local_only', why: 'provider incident' } })
    const lift = { method: 'POST', ...withKey(gateway.key), body: JSON.stringify({ order: 'off', reason: 'over' }) }
    expect((await call('/spillway/v1/kill', lift)).status).toBe(200)
  })

  it('ends when somebody signs out, and when its key is revoked', async () => {
    const open = async (cookie: string) => (await call('/spillway/v1/requests', { headers: { cookie } })).status
    const { cookie, csrf } = await signIn(gateway.key)
    const out = { method: 'DELETE', headers: { cookie, 'x-spillway-csrf': csrf } }
    expect((await call('/spillway/v1/session', { ...out, headers: { cookie } })).status).toBe(403)
    expect((await call('/spillway/v1/session', out)).headers.get('set-cookie')).toContain('Max-Age=0')
    expect(await open(cookie)).toBe(401)

    const gone = issueKey(folder, { name: 'gone', grant: { tenants: ['acme'] } })
    const theirs = await signIn(gone.key)
    expect(await open(theirs.cookie)).toBe(200)
    revokeKey(folder, gone.id)
    expect(await open(theirs.cookie)).toBe(401)
  })

  it('does not begin from a form of another page, nor with a key that sees nothing', async () => {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ key: gateway.key }),
    }
    expect((await call('/spillway/v1/session', form)).status).toBe(415)
    const kept = readdirSync(join(folder, 'sessions'))
    expect((await signIn(issued.plain.key)).status).toBe(404)
    expect(readdirSync(join(folder, 'sessions'))).toEqual(kept)
  })

  it('is closed for a minute after ten wrong keys, and ends after an hour without a look', () => {
    let nowMs = 0
    const own = join(folder, 'timed')
    const sessions = createSessions({ keys: openKeyRing(folder), folder: own, nowMs: () => nowMs })
    for (let tries = 0; tries < 10; tries++)
      expect(() => sessions.begin('spw_wrong', null)).toThrow(/key is missing, wrong/)
    expect(() => sessions.begin(gateway.key, null)).toThrow(/10 wrong keys within a minute/)
    nowMs = 60_001
    const { cookie } = sessions.begin(gateway.key, null)
    const request = { headers: { cookie: cookie.split(';')[0] } } as never
    nowMs += 3_599_000
    expect(sessions.of(request)?.holder.isOperator).toBe(true)
    nowMs += 3_600_000
    expect(sessions.of(request)).toBeNull()
    expect(readdirSync(own)).toEqual([])
  })

  it('ends after eight hours, however often somebody looks', () => {
    let nowMs = 0
    const sessions = createSessions({ keys: openKeyRing(folder), folder: join(folder, 'long'), nowMs: () => nowMs })
    const { cookie } = sessions.begin(gateway.key, null)
    const request = { headers: { cookie: cookie.split(';')[0] } } as never
    for (nowMs = 1_800_000; nowMs < 8 * 3_600_000; nowMs += 1_800_000) expect(sessions.of(request)).not.toBeNull()
    expect(sessions.of(request)).toBeNull()
  })

  it('makes room for the latest of a hundred', () => {
    let nowMs = 0
    const own = join(folder, 'many')
    const sessions = createSessions({ keys: openKeyRing(folder), folder: own, nowMs: () => nowMs })
    const requests = Array.from({ length: 102 }, () => {
      nowMs += 1000
      return { headers: { cookie: sessions.begin(gateway.key, null).cookie.split(';')[0] } } as never
    })
    expect(readdirSync(own)).toHaveLength(100)
    expect(requests.map((request) => sessions.of(request) !== null)).toEqual([
      ...[false, false],
      ...Array.from({ length: 100 }, () => true),
    ])
  })

  it('is opened by another key of the operator no more', () => {
    const settings = { folder: join(folder, 'rekeyed'), nowMs: () => 0 }
    const { cookie } = createSessions({ ...settings, keys: openKeyRing(folder) }).begin(gateway.key, null)
    const request = { headers: { cookie: cookie.split(';')[0] } } as never
    expect(createSessions({ ...settings, keys: openKeyRing(folder) }).of(request)).not.toBeNull()
    const other = openKeyRing(join(folder, 'other-keys'))
    expect(createSessions({ ...settings, keys: other }).of(request)).toBeNull()
  })

  it('leaves neither cookie nor token on the disk, and what it leaves is its owner’s', async () => {
    const { cookie, csrf } = await signIn(gateway.key, 'Ann')
    const own = join(folder, 'sessions')
    const files = readdirSync(own).map((name) => join(own, name))
    const text = files.map((file) => `${file} ${readFileSync(file, 'utf8')}`).join(' ')
    expect(text).toContain('"name":"Ann"')
    expect(text).not.toContain(cookie.split('=')[1])
    expect(text).not.toContain(csrf)
    if (process.platform === 'win32') return
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual(files.map(() => 0o600))
    expect(statSync(own).mode & 0o777).toBe(0o700)
  })

  it('opens nothing when its file is damaged', async () => {
    const own = join(folder, 'cut-off')
    const sessions = createSessions({ keys: openKeyRing(folder), folder: own, nowMs: () => Date.now() })
    const request = { headers: { cookie: sessions.begin(gateway.key, null).cookie.split(';')[0] } } as never
    for (const name of readdirSync(own)) writeFileSync(join(own, name), '{"holderId":"oper')
    expect(sessions.of(request)).toBeNull()
  })
})

describe('a session over several gateways of one state directory', () => {
  const at = async (url: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
    (await fetch(`${url}/spillway/v1/session`, { method, headers })).json() as Promise<
      Readonly<Record<string, unknown>>
    >

  it('is begun at one and known to all, with one token for their changes', async () => {
    const other = await testGateway(router, { stateDir: folder, console: pages })
    const { cookie, csrf } = await signIn(gateway.key, 'Ann')
    expect(await at(other.url, { cookie })).toMatchObject({ signedIn: true, name: 'Ann', isOperator: true, csrf })
    const change = (token: string) =>
      fetch(`${other.url}/spillway/v1/kill`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie, 'x-spillway-csrf': token },
        body: JSON.stringify({ order: 'off', reason: 'drill' }),
      })
    expect((await change(csrf)).status).toBe(200)
    expect((await change('x')).status).toBe(403)
    expect((await call('/spillway/v1/overview', { headers: { cookie } })).status).toBe(200)
  })

  it('ends at all of them when somebody signs out at one, and when its key is revoked', async () => {
    const other = await testGateway(router, { stateDir: folder, console: pages })
    const { cookie, csrf } = await signIn(gateway.key)
    expect(await at(other.url, { cookie, 'x-spillway-csrf': csrf }, 'DELETE')).toEqual({ signedIn: false })
    expect(await at(gateway.url, { cookie })).toEqual({ signedIn: false })

    const gone = issueKey(folder, { name: 'gone', grant: { tenants: ['acme'] } })
    const theirs = await signIn(gone.key)
    expect(await at(other.url, { cookie: theirs.cookie })).toMatchObject({ signedIn: true })
    revokeKey(folder, gone.id)
    expect(await at(other.url, { cookie: theirs.cookie })).toEqual({ signedIn: false })
    expect(await at(gateway.url, { cookie: theirs.cookie })).toEqual({ signedIn: false })
  })
})

describe('a key of a tenant', () => {
  it('sees its own rows, and what is the operator’s is not there for it', async () => {
    const rows = async (key: string) => (await call('/spillway/v1/requests', withKey(key))).body.rows
    const own = await rows(issued.acme.key)
    expect(own.map(({ tenant }) => tenant)).toEqual(['acme'])
    expect((await rows(gateway.key)).length).toBe(2)
    const [others] = await rows(issued.other.key)
    expect((await call(`/spillway/v1/requests/${others?.requestId}`, withKey(issued.acme.key))).status).toBe(404)
    const overview = await call('/spillway/v1/overview', withKey(issued.acme.key))
    expect(overview.body).toMatchObject({ metrics: { all: { requests: 1 } }, budgets: [], stages: [] })
    const hidden = ADMIN_ROUTES.filter(({ caller, method }) => caller === 'operator' && method === 'GET')
    for (const { path } of hidden)
      expect([path, (await call(path.replace(/\{\w+\}/, 'x'), withKey(issued.acme.key))).status]).toEqual([path, 404])
  })
})

describe('live decisions', () => {
  it('come as they settle, to those who may see them', async () => {
    const stop = new AbortController()
    const follow = async (key: string) => {
      const { body } = await fetch(`${gateway.url}/spillway/v1/live`, { ...withKey(key), signal: stop.signal })
      const told = { text: '' }
      void (async () => {
        for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) told.text += part
      })().catch(() => undefined)
      return told
    }
    const [all, acme] = [await follow(gateway.key), await follow(issued.acme.key)]
    await ask(issued.other.key)
    await ask(issued.acme.key)
    await expect.poll(() => all.text.match(/"tenant":"\w+"/g)).toEqual(['"tenant":"other"', '"tenant":"acme"'])
    await expect.poll(() => acme.text.match(/"tenant":"\w+"/g)).toEqual(['"tenant":"acme"'])
    expect(all.text).toContain('event: decisions')
    stop.abort()
  })
})

describe('pages of decisions', () => {
  it('follow each other without a gap and without a row twice, also where many came at one moment', async () => {
    const seen: string[] = []
    let before: string | null = ''
    while (before !== null) {
      const { body } = await call(`/spillway/v1/requests?limit=1${before && `&before=${before}`}`, withKey(gateway.key))
      seen.push(...body.rows.map(({ requestId }) => requestId))
      before = body.next
    }
    const { body } = await call('/spillway/v1/requests?limit=200', withKey(gateway.key))
    expect(seen).toEqual(body.rows.map(({ requestId }) => requestId))
    expect((await call('/spillway/v1/requests?limit=0', withKey(gateway.key))).status).toBe(400)
    expect((await call('/spillway/v1/requests?before=x', withKey(gateway.key))).status).toBe(400)
    expect((await call('/spillway/v1/requests?colour=red', withKey(gateway.key))).status).toBe(400)
  })
})

describe('the OpenAPI document', () => {
  it('is served to everybody, and names every path of the admin API with what it takes', async () => {
    const { body } = await call('/spillway/v1/openapi.json')
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiOf(ADMIN_ROUTES))))
    const named = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(named.sort()).toEqual(ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`).sort())
  })

  it('tells the shape of what every report gives', async () => {
    const [row] = (await call('/spillway/v1/requests', withKey(gateway.key))).body.rows
    const ajv = new Ajv2020({ strict: false })
    const document = openApiOf(ADMIN_ROUTES) as never as {
      paths: Record<string, Record<string, { responses: { 200: { content: Record<string, { schema: object }> } } }>>
    }
    // This gateway was opened without metrics, and nothing is held.
    const absent = ['/spillway/v1/metrics', '/spillway/v1/held/{id}']
    const asked = ADMIN_ROUTES.filter(
      ({ method, stream, path }) => method === 'GET' && !stream && !absent.includes(path),
    )
    for (const { path } of asked) {
      const { status, body } = await call(path.replace('{id}', row?.requestId ?? ''), withKey(gateway.key))
      const schema = document.paths[path]?.get?.responses[200].content['application/json']?.schema ?? {}
      expect([path, status]).toEqual([path, 200])
      expect([path, ajv.validate(schema, body), ajv.errorsText()]).toEqual([path, true, 'No errors'])
    }
  })

  it('answers every path that it names, and a wrong method with the right ones', async () => {
    for (const { path } of ADMIN_ROUTES) {
      const { status, headers } = await call(path.replace(/\{\w+\}/, 'x'), { method: 'PATCH' })
      expect([path, status]).toEqual([path, 405])
      expect(headers.get('allow')).toBeTruthy()
    }
  })
})

describe('the files of the console', () => {
  it('come under a strict policy, the page anew each time and its parts for ever', async () => {
    const page = await call('/ui')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    )
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const text = await (await fetch(`${gateway.url}/ui`)).text()
    expect(text).not.toMatch(/<script>|<style|style=|https?:/)
    const [asset] = /\/ui\/assets\/[\w.-]+\.js/.exec(text) ?? []
    const script = await fetch(`${gateway.url}${asset}`)
    expect(script.headers.get('cache-control')).toContain('immutable')
    const known = await fetch(`${gateway.url}${asset}`, {
      headers: { 'if-none-match': script.headers.get('etag') ?? '' },
    })
    expect(known.status).toBe(304)
  })

  it('are the only files there are', async () => {
    for (const path of ['/ui/assets/..%2f..%2fpackage.json', '/ui/assets/index.html', '/ui/index.html', '/ui/assets/'])
      expect([path, (await call(path)).status]).toEqual([path, 404])
  })
})
