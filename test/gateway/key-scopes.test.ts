import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueKey, type KeyGrant, revokeKey, rotateKey, type WantedKey } from '../../src/gateway/issued-keys.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { AuditQuery } from '../../src/spec/ports.ts'
import { openBudgetsLater } from '../../src/stores/budgets.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { type SampleRouter, sampleRouter } from '../support/sample-router.ts'
import { ACCEPT, SURE, script, USER } from './chat-script.ts'

const books: { close(): void }[] = []
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-scopes-'))
})
afterEach(async () => {
  await closeGateways()
  for (const book of books.splice(0)) book.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Sent {
  readonly model?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly content?: string
  readonly stream?: boolean
}

async function open() {
  const { policy, ...rest } = script({
    small: { answers: () => ({ text: 'Local.', signals: SURE }) },
    big: { answers: () => ({ text: 'Frontier.', usage: { inputTokens: 100, outputTokens: 400, source: 'reported' } }) },
  })
  const tasks = { ...policy.tasks, gated: { ...ACCEPT, gates: { entropyNats: 0.01 } } }
  const budgets = openBudgetsLater({ stateDir: folder, monotonicMs: () => performance.now() })
  books.push(budgets)
  const readAudit = ({ requestId = '' }: AuditQuery): readonly AuditRecord[] => {
    const found = sample.record(requestId)
    return found ? [found] : []
  }
  const sample: SampleRouter = sampleRouter({ ...rest, policy: { ...policy, tasks } }, { budgets, readAudit })
  const gateway = await testGateway(sample.router)
  const sendWith =
    (key: string) =>
    async ({ model = 'auto', metadata, headers, content, stream }: Sent = {}) => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          model,
          messages: content ? [{ role: 'user', content }] : USER,
          ...(metadata && { metadata }),
          ...(stream && { stream }),
        }),
      })
      const text = await response.text()
      const body = text.startsWith('{') ? JSON.parse(text) : { text }
      return { status: response.status, route: response.headers.get('x-spillway-route'), body }
    }
  const issue = (grant: KeyGrant, more: Omit<WantedKey, 'name' | 'grant'> = {}) => {
    const issued = issueKey(gateway.stateDir, { name: 'ci', grant, ...more })
    return { ...issued, send: sendWith(issued.key) }
  }
  const recordOf = (body: { spillway: { requestId: string } }) => sample.record(body.spillway.requestId)
  return { ...sample, gateway, issue, sendWith, recordOf }
}

const forbidden = (message: string) => ({ status: 403, body: { error: { code: 'key_forbids', message } } })

describe('a key with tasks', () => {
  it('answers these tasks, and refuses others with what is allowed, streamed or not', async () => {
    const { issue, models } = await open()
    const { send, id } = issue({ tasks: ['chat', 'label'] })
    expect(await send({ model: 'chat' })).toMatchObject({ status: 200, route: 'local' })
    const refused = forbidden(`API key ${id} may not use task direct; it may use chat, label.`)
    expect(await send({ model: 'direct' })).toMatchObject(refused)
    expect(await send({ metadata: { task: 'direct' } })).toMatchObject(refused)
    expect(await send({ headers: { 'x-spillway-task': 'direct' }, stream: true })).toMatchObject(refused)
    expect(models.big?.calls).toHaveLength(0)
  })
})

describe('what a key may say of an answer', () => {
  it('is only about answers of its tasks and tenants; others are unknown to it', async () => {
    const { issue, gateway, sendWith, journal } = await open()
    const asked = async (tenant: string, task = 'chat') => {
      const { body } = await sendWith(gateway.key)({ model: task, metadata: { tenant } })
      return body.spillway.requestId as string
    }
    const [own, others, otherTask] = [await asked('acme'), await asked('other'), await asked('acme', 'gated')]
    const { key, id } = issue({ tenants: ['acme'], tasks: ['chat'] })
    const label = async (requestId: string, source: string, apiKey = key) => {
      const response = await fetch(`${gateway.url}/v1/feedback`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ request_id: requestId, source, correct: false }),
      })
      return { status: response.status, body: await response.json() }
    }
    for (const hidden of [others, otherTask, 'nobody'])
      expect(await label(hidden, 'human')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
    const refused = `API key ${id} (ci) may not use the label source gold; it may use human, test, thumbs.`
    expect(await label(own, 'gold')).toMatchObject(forbidden(refused))
    expect(await label(own, 'frontier')).toMatchObject({ status: 403 })
    expect(journal.filter(({ type }) => type === 'label')).toEqual([])
    expect(await label(own, 'thumbs')).toMatchObject({ status: 200 })
    expect(await label(others, 'gold', gateway.key)).toMatchObject({ status: 200 })
    expect(journal.filter(({ type }) => type === 'label')).toMatchObject([{ requestId: own }, { requestId: others }])
  })
})

describe('a key with models', () => {
  it('asks none but these: a rejected local answer is not escalated to another, and the record says why', async () => {
    const { issue, models, recordOf } = await open()
    const { send } = issue({ models: ['small'] })
    const { status, body } = await send({ model: 'gated' })
    expect(status).toBe(200)
    expect(body.spillway).toMatchObject({ route: 'local', degraded: true })
    expect(recordOf(body)?.removals).toContainEqual(
      expect.objectContaining({ set: 'call', actor: 'frontier', rule: 'key', reason: 'policy_requires_local' }),
    )
    expect(models.big?.calls).toHaveLength(0)
  })

  it('takes a tier for all models of it', async () => {
    const { issue } = await open()
    const { send } = issue({ models: ['frontier'] })
    expect(await send({ model: 'chat' })).toMatchObject({ status: 200, route: 'frontier' })
  })

  it('may neither name another, nor use a task or a route that leaves none of them', async () => {
    const { issue, models } = await open()
    const { send, id } = issue({ models: ['small'] })
    expect(await send({ model: 'big' })).toMatchObject(
      forbidden(`API key ${id} (ci) may not use model big; it may use small.`),
    )
    const noModel = (task: string) =>
      forbidden(`API key ${id} may not use the models of task ${task}; it may use small.`)
    expect(await send({ model: 'direct' })).toMatchObject(noModel('direct'))
    expect(await send({ model: 'frontier' })).toMatchObject(noModel('chat'))
    expect(models.big?.calls).toHaveLength(0)
  })

  it('does not loosen a hard stop: who may answer is held for a human', async () => {
    const { issue } = await open()
    const { send } = issue({ models: ['small'] })
    const { status, body } = await send({ content: 'npm ERR! 403 Forbidden: permission denied for token' })
    expect({ status, code: body.error?.code }).toEqual({ status: 409, code: 'held_for_human' })
  })
})

describe('the list of models', () => {
  it('names what the key may use', async () => {
    const { gateway } = await open()
    const { key } = issueKey(gateway.stateDir, { name: 'ci', grant: { tasks: ['chat'], models: ['local_fast'] } })
    const list = async (apiKey: string) => {
      const response = await fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': apiKey } })
      return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id)
    }
    const named = ['auto', 'auto:fast', 'local', 'frontier', 'chat', 'small', 'embedded:smollm2-135m-instruct']
    expect(await list(key)).toEqual(named)
    expect(await list(gateway.key)).toEqual(expect.arrayContaining(['direct', 'big']))
    const one = await fetch(`${gateway.url}/v1/models/big`, { headers: { 'x-api-key': key } })
    expect(one.status).toBe(404)
  })
})

describe('a key with tenants', () => {
  it('is of its only tenant, whatever is said', async () => {
    const { issue, recordOf } = await open()
    const { send, id } = issue({ tenants: ['acme'] })
    expect(recordOf((await send()).body)).toMatchObject({ tenant: 'acme', key: id })
    expect(recordOf((await send({ metadata: { tenant: 'acme' } })).body)).toMatchObject({ tenant: 'acme' })
    const refused = forbidden(`API key ${id} (ci) may not use tenant other; it may use acme.`)
    expect(await send({ metadata: { tenant: 'other' } })).toMatchObject(refused)
    expect(await send({ headers: { 'x-spillway-tenant': 'other' } })).toMatchObject(refused)
  })

  it('says which of several', async () => {
    const { issue, recordOf } = await open()
    const { send, id } = issue({ tenants: ['acme', 'bolt'] })
    expect(recordOf((await send({ metadata: { tenant: 'bolt' } })).body)).toMatchObject({ tenant: 'bolt' })
    expect(await send()).toMatchObject(
      forbidden(`API key ${id} (ci) may not use tenant (none); it may use acme, bolt.`),
    )
  })
})

describe('a key with a partition', () => {
  it('tightens every request, and none can loosen it', async () => {
    const { issue, models } = await open()
    const { send } = issue({ partition: 'local_only' })
    const asked = [{ model: 'direct' }, { model: 'direct', metadata: { partition: 'public' } }]
    for (const one of asked) expect((await send(one)).status).toBe(409)
    expect(models.big?.calls).toHaveLength(0)
    const loose = issue({ partition: 'public' })
    expect((await loose.send({ model: 'direct', metadata: { partition: 'local_only' } })).status).toBe(409)
    expect((await loose.send({ model: 'direct' })).status).toBe(200)
  })
})

describe('a key with a budget', () => {
  it('is refused with its own ceiling once that is reached, and other keys are not', async () => {
    const { issue } = await open()
    const poor = issue({ budget: { day: 0.015 } })
    const first = await poor.send({ model: 'direct' })
    const { status, body } = await poor.send({ model: 'direct' })
    expect([first.status, status]).toEqual([200, 429])
    expect(body.error).toMatchObject({
      code: 'budget_exhausted',
      message: expect.stringMatching(new RegExp(`^The budget key:${poor.id} of \\d{4}-\\d\\d-\\d\\d has 0\\.01`)),
    })
    expect((await issue({ budget: { day: 1 } }).send({ model: 'direct' })).status).toBe(200)
    expect((await issue({}).send({ model: 'direct' })).status).toBe(200)
  })
})

describe('the route header', () => {
  it('chooses inside the sets for keys with the scope, and is refused for others', async () => {
    const { issue, gateway, sendWith, models } = await open()
    const route = (value: string) => ({ headers: { 'x-spillway-route': value } })
    const plain = issue({})
    expect(await plain.send(route('frontier'))).toMatchObject({ status: 403, body: { error: { code: 'key_forbids' } } })
    expect(await plain.send({ ...route('local'), stream: true })).toMatchObject({ status: 403 })
    expect(models.big?.calls).toHaveLength(0)
    const { send } = issue({ override: true })
    expect(await send(route('frontier'))).toMatchObject({ status: 200, route: 'frontier' })
    expect(await send({ model: 'chat', ...route('local') })).toMatchObject({ status: 200, route: 'local' })
    expect(await sendWith(gateway.key)(route('frontier'))).toMatchObject({ status: 200, route: 'frontier' })
    expect(await send(route('nowhere'))).toMatchObject({
      status: 400,
      body: { error: { code: 'request_invalid', param: 'the header x-spillway-route' } },
    })
  })

  it('never brings a local model back after a hard stop', async () => {
    const { issue } = await open()
    const { send } = issue({ override: true })
    const content = 'npm ERR! 403 Forbidden: permission denied for token'
    const { status, body } = await send({ content, headers: { 'x-spillway-route': 'local' } })
    expect({ status, code: body.error?.code }).toEqual({ status: 409, code: 'held_for_human' })
  })
})

describe('the headers that bound a request', () => {
  it('a cost that the call may pass is not made, with any key', async () => {
    const { issue, models } = await open()
    const { send } = issue({})
    const bounded = (usd: string, model = 'direct') => send({ model, headers: { 'x-spillway-max-cost-usd': usd } })
    const { status, body } = await bounded('0.000001')
    expect(status).toBe(429)
    expect(body.error.message).toMatch(/^The budget request of this request has 0\.000001 US dollars left/)
    expect(models.big?.calls).toHaveLength(0)
    expect((await bounded('0.5')).status).toBe(200)
    expect((await bounded('0', 'chat')).status).toBe(200)
    expect((await bounded('-1')).status).toBe(400)
    expect((await bounded('1e9')).status).toBe(400)
  })

  it('a time that is over ends the request with its own error', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ hang: true }] } }))
    const gateway = await testGateway(sample.router)
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway.key}`,
        'content-type': 'application/json',
        'x-spillway-deadline-ms': '30',
      },
      body: JSON.stringify({ model: 'direct', messages: USER }),
    })
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(response.status).toBe(504)
    expect(error.code).toBe('deadline_exceeded')
    expect(error.message).toMatch(/had no answer within the 30 ms that its caller gave it\.$/)
    const record = sample.journal.flatMap((entry) => (entry.type === 'settle' ? [entry.record] : []))[0]
    expect(record).toMatchObject({
      outcome: 'error',
      reason: 'cancelled',
      error: 'deadline_exceeded',
      attempts: [{ outcome: 'cancelled' }],
    })
  })
})

describe('the life of a key', () => {
  it('ends when it expires', async () => {
    const { issue } = await open()
    const { send } = issue({}, { expiresInMs: 150 })
    expect((await send()).status).toBe(200)
    await expect.poll(async () => (await send()).status).toBe(401)
  })

  it('goes on under a new secret; the one before opens during the grace only', async () => {
    const { issue, gateway, sendWith, recordOf } = await open()
    const before = issue({ tenants: ['acme'] })
    const atOnce = rotateKey(gateway.stateDir, before.id, { graceMs: 0 })
    expect((await before.send()).status).toBe(401)
    const first = sendWith(atOnce?.key ?? '')
    expect(recordOf((await first()).body)).toMatchObject({ tenant: 'acme', key: before.id })
    const graceful = rotateKey(gateway.stateDir, before.id, { graceMs: 200 })
    expect((await sendWith(graceful?.key ?? '')()).status).toBe(200)
    await expect.poll(async () => (await first()).status).toBe(401)
    expect(revokeKey(gateway.stateDir, before.id)).toBe(true)
    expect((await sendWith(graceful?.key ?? '')()).status).toBe(401)
    expect(rotateKey(gateway.stateDir, before.id, { graceMs: 0 })).toBeNull()
  })
})
