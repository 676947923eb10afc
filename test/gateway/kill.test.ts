import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKillSwitch } from '../../src/stores/kill-switch.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

let folder = ''
let gateway: TestGateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-kill-'))
  const { router } = sampleRouter(
    {
      policy: { models: SMALL_AND_BIG, tasks: { chat: ACCEPTING }, defaults: { task: 'chat' } },
      env: { KEY: 'k' },
      models: { small: { answers: () => 'A local answer.' }, big: { answers: () => 'A frontier answer.' } },
    },
    { killSwitch: openKillSwitch(folder, () => performance.now()) },
  )
  gateway = await testGateway(router, { stateDir: folder })
})
afterAll(async () => {
  await closeGateways()
  rmSync(folder, { recursive: true, force: true })
})

function call(path: string, body?: object, key = gateway.key): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
}

const order = (body: object) => call('/spillway/v1/kill', body)

async function answerFor(group?: string): Promise<string | null | undefined> {
  const answer = await gateway.client.chat.completions.create(
    { model: 'auto', messages: [{ role: 'user', content: 'Hello' }] },
    group === undefined ? {} : { headers: { 'x-spillway-group': group } },
  )
  return answer.choices[0]?.message.content
}

const looked = () => new Promise((resolve) => setTimeout(resolve, 250))

describe('the kill switch over HTTP', () => {
  it('takes local models out for a group of users, is shown, and is lifted', async () => {
    const given = await order({ order: 'frontier_only', group: 'beta', reason: 'bad model file' })
    expect(await given.json()).toMatchObject({
      ...{ scope: 'group:beta', order: 'frontier_only', why: 'bad model file', by: 'operator over HTTP' },
      isChanged: true,
    })
    await looked()
    expect(await answerFor('beta')).toBe('A frontier answer.')
    expect(await answerFor()).toBe('A local answer.')
    const shown = await call('/spillway/v1/kill')
    expect(await shown.json()).toMatchObject({
      orders: [{ scope: 'group:beta' }],
      history: [{ mode: 'frontier_only' }],
    })
    expect(await (await call('/healthz')).json()).toMatchObject({ killSwitch: { all: null, orders: 1 } })
    expect(await (await order({ order: 'off', group: 'beta' })).json()).toMatchObject({ isChanged: true })
    await looked()
    expect(await answerFor('beta')).toBe('A local answer.')
    expect(await (await order({ order: 'off', group: 'beta' })).json()).toMatchObject({ isChanged: false })
  })

  it.each([
    [{ order: 'everything', reason: 'x' }, 'order'],
    [{ order: 'stop' }, 'an order needs a reason'],
    [{ order: 'stop', reason: 'x', task: 'a', tenant: 'b' }, 'task and tenant exclude each other'],
    [{ order: 'stop', reason: 'x', user: 'me' }, 'user'],
  ])('says what is wrong with %j, and does nothing', async (body, problem) => {
    const response = await order(body)
    expect(response.status).toBe(400)
    expect(JSON.stringify(await response.json())).toContain(problem)
    expect(await (await call('/spillway/v1/kill')).json()).toMatchObject({ orders: [] })
  })

  it('is nobody else’s business', async () => {
    expect((await call('/spillway/v1/kill', undefined, 'sw-wrong')).status).toBe(401)
  })
})
