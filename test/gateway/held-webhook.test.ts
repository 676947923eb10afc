import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'
import { recordDials } from '../support/dial-recorder.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
const OTHER = `whsec_${Buffer.alloc(32, 4).toString('base64')}`
const STOPPED = 'Is CVE-2024-3094 in our image?'

interface Heard {
  readonly id: string
  readonly isGenuine: boolean
  readonly body: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }
  readonly text: string
}

interface Receiver {
  readonly url: string
  readonly heard: readonly Heard[]
  readonly paths: readonly string[]
  /** Statuses for the next messages, in order; 204 afterwards. A message with a wrong signature gets 401 in any case. */
  answer(...statuses: number[]): void
  close(): Promise<void>
}

const receivers: Receiver[] = []
const routers: Router[] = []
afterEach(async () => {
  await closeAll()
  for (const router of routers.splice(0)) await router.close()
  for (const receiver of receivers.splice(0)) await receiver.close()
})

/** A receiver that checks signatures with the library of the standard. */
async function receiver(secret = SECRET, port = 0): Promise<Receiver> {
  const heard: Heard[] = []
  const paths: string[] = []
  const script: number[] = []
  const server: Server = createServer((request, response) => {
    paths.push(request.url ?? '')
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => void pieces.push(piece))
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString('utf8')
      const isGenuine = verifies(secret, text, request.headers)
      heard.push({ id: String(request.headers['webhook-id']), isGenuine, body: JSON.parse(text), text })
      const status = isGenuine ? (script.shift() ?? 204) : 401
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const opened: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    paths,
    answer: (...statuses) => void script.push(...statuses),
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  receivers.push(opened)
  return opened
}

function verifies(secret: string, text: string, headers: IncomingHttpHeaders): boolean {
  try {
    new Webhook(secret).verify(text, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

function policyFor(url: string, more: object = {}): PolicyInput {
  return {
    models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
    tasks: { triage: { local: 'small', frontier: false, stage: 'accept', accept: { uncalibrated: true } } },
    review: { webhook: { url, secret: '${env:HOOK_SECRET}', ...more } },
  }
}

async function open(
  url: string,
  { env = { KEY: 'k', HOOK_SECRET: SECRET }, more = {} }: { env?: Record<string, string>; more?: object } = {},
) {
  const small = scriptedModel({ name: 'small', answers: () => 'Local.' })
  const opened = await gatewayOnCloud({ policy: policyFor(url, more), router: { models: { small }, env } })
  const health = async () => (await (await fetch(`${opened.gateway.url}/healthz`)).json()) as Record<string, unknown>
  const hold = () =>
    opened.router.complete({
      messages: [{ role: 'user', content: STOPPED }],
      metadata: { task: 'triage', tenant: 'acme' },
    })
  return { ...opened, health, hold }
}

describe('the webhook of held requests', () => {
  it('hears what is held and what became of it, signed, without any text', async () => {
    const hook = await receiver()
    const { router, hold, health } = await open(hook.url)
    const { held } = await hold()
    await expect.poll(() => hook.heard).toHaveLength(1)
    expect(hook.heard[0]).toMatchObject({
      isGenuine: true,
      body: {
        type: 'request.held',
        data: { id: held?.id, status: 'held', task: 'triage', tenant: 'acme', path: `/spillway/v1/held/${held?.id}` },
      },
    })
    await router.held.answer(held?.id ?? '', { by: 'ann', text: 'No.' })
    const other = (await hold()).held?.id ?? ''
    await router.held.refuse(other, { by: 'ann', why: 'not ours' })
    await expect
      .poll(() => hook.heard.map(({ body }) => body.type).sort())
      .toEqual(['request.answered', 'request.held', 'request.held', 'request.refused'])
    const told = hook.heard.map(({ text }) => text).join()
    for (const text of ['CVE', 'No.', 'ann', 'not ours']) expect(told).not.toContain(text)
    await expect
      .poll(async () => (await health()).held)
      .toMatchObject({ webhook: { waiting: 0, givenUp: 0, problem: null } })
  })

  it('hears the same message again after a failure, under the same id, and the health page says so meanwhile', async () => {
    const hook = await receiver()
    hook.answer(500, 500)
    const { hold, health } = await open(hook.url)
    await hold()
    await expect.poll(health).toMatchObject({
      status: 'degraded',
      held: { waiting: 1, webhook: { waiting: 1, problem: 'it answered HTTP 500' } },
    })
    await expect.poll(() => hook.heard, { timeout: 30_000 }).toHaveLength(3)
    expect(new Set(hook.heard.map(({ id }) => id)).size).toBe(1)
    await expect.poll(health).toMatchObject({ status: 'ok', held: { webhook: { waiting: 0, problem: null } } })
  })

  it('is not followed to where it redirects', async () => {
    const hook = await receiver()
    hook.answer(302, 302, 302)
    const { hold, health } = await open(hook.url)
    await hold()
    await expect.poll(health).toMatchObject({ held: { webhook: { problem: 'it answered HTTP 302' } } })
    expect(hook.paths.filter((path) => path !== '/hook')).toEqual([])
  })

  it('refuses what was signed with another secret', async () => {
    const hook = await receiver(OTHER)
    const { hold, health } = await open(hook.url)
    await hold()
    await expect.poll(() => hook.heard[0]).toMatchObject({ isGenuine: false })
    await expect.poll(health).toMatchObject({ held: { webhook: { problem: 'it answered HTTP 401' } } })
  })

  it('is told after a restart what it did not hear before', async () => {
    const gone = await receiver()
    await gone.close()
    const { hold, closeRouter, folder, health } = await open(gone.url)
    const id = (await hold()).held?.id
    await expect.poll(health).toMatchObject({ held: { webhook: { problem: 'the connection failed (ECONNREFUSED)' } } })
    await closeRouter()
    const hook = await receiver(SECRET, Number(new URL(gone.url).port))
    const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
    routers.push(createRouter({ policy: policyFor(gone.url), env: { HOOK_SECRET: SECRET }, paths }))
    await expect
      .poll(() => hook.heard, { timeout: 30_000 })
      .toMatchObject([{ isGenuine: true, body: { data: { id } } }])
  })

  it('is dialled where the policy says and nowhere else: no name that leads into a private network or here', async () => {
    const { hold, health } = await open('https://hooks.example/spillway')
    using recorder = recordDials()
    recorder.answer('hooks.example', ['10.0.0.7'], ['127.0.0.1'])
    recorder.answer('127.0.0.1', ['127.0.0.1'])
    await hold()
    await expect
      .poll(health)
      .toMatchObject({ held: { webhook: { problem: expect.stringContaining('hooks.example') } } })
    expect(recorder.lookups).toContain('hooks.example')
    expect(recorder.dials.filter((dial) => dial.endsWith(':443'))).toEqual([])
  })

  it('hears nothing unsigned: without the secret the queue waits, and the health page says why', async () => {
    const hook = await receiver()
    const { hold, health } = await open(hook.url, { env: { KEY: 'k' } })
    await hold()
    await expect.poll(health).toMatchObject({
      status: 'degraded',
      held: { webhook: { waiting: 1, problem: 'the secret of its signatures is not set' } },
    })
    expect(hook.heard).toEqual([])
  })

  it.each([
    ['http://hooks.example/x', SECRET, 'it is not reached over https'],
    ['https://hooks.example/x', 'whsec_c2hvcnQ=', 'is not whsec_ and 24 to 64 bytes in base64'],
    ['ftp://hooks.example/x', SECRET, 'review.webhook.url'],
  ])('is not configured as %s with the secret %s', (url, secret, problem) => {
    expect(() => createRouter({ policy: policyFor(url), env: { HOOK_SECRET: secret } })).toThrow(problem)
  })
})
