import { afterEach, describe, expect, it } from 'vitest'
import { issueKey, type KeyGrant } from '../../src/gateway/issued-keys.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { openKillSwitch } from '../../src/stores/kill-switch.ts'
import { scriptedModel } from '../../src/testing.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(closeAll)

const CONTENT_KEY = Buffer.alloc(32, 7).toString('base64')
const STOPPED = 'Is CVE-2024-3094 in our image?'
const LOCAL = { local: 'small', frontier: false, stage: 'accept', accept: { uncalibrated: true } } as const
const GATES = { gates: { entropyNats: null } } as const

interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

async function open(review: PolicyInput['review'] = {}) {
  const small = scriptedModel({
    name: 'small',
    answers: () => 'The local answer.',
    decisions: () => ({ probabilities: { yes: 0.99, no: 0.01 } }),
  })
  const opened = await gatewayOnCloud({
    policy: {
      models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
      tasks: {
        triage: { ...LOCAL, ...GATES },
        risky: { ...LOCAL, ...GATES, kind: 'choice', labels: ['yes', 'no'], render: 'Verdict: {value}' },
      },
      review,
    },
    router: { models: { small }, env: { KEY: 'provider-key', SPILLWAY_CONTENT_KEY: CONTENT_KEY } },
  })
  const { gateway } = opened
  opened.cloud.otherwise({
    headers: { 'content-type': 'application/json' },
    pieces: [
      JSON.stringify({
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model: 'gpt-4.1-nano',
        choices: [{ index: 0, message: { role: 'assistant', content: 'The cloud answer.' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
      }),
    ],
  })
  const call = async (
    path: string,
    { key = gateway.key, body, headers = {} }: { key?: string; body?: object; headers?: Record<string, string> } = {},
  ): Promise<Told> => {
    const response = await fetch(`${gateway.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Told['body'] }
  }
  const chat = (
    more: {
      key?: string
      task?: string
      content?: string
      headers?: Record<string, string>
      metadata?: object
      stream?: boolean
    } = {},
  ) => {
    const { key, task = 'triage', content = STOPPED, headers, metadata, stream } = more
    const body = {
      model: 'auto',
      messages: [{ role: 'user', content }],
      metadata: { task, ...metadata },
      ...(stream && { stream }),
    }
    return call('/v1/chat/completions', { body, ...(key !== undefined && { key }), ...(headers && { headers }) })
  }
  const issue = (grant: KeyGrant) => issueKey(gateway.stateDir, { name: 'ci', grant }).key
  return { ...opened, small, call, chat, issue }
}

function heldId({ body }: Told): string {
  return (body as unknown as { error: { held: { id: string } } }).error.held.id
}

function releasedId({ body }: Told): string {
  return (body as unknown as { request: { decision: { releasedAs: string } } }).request.decision.releasedAs
}

describe('a held request', () => {
  it('tells both dialects where it is asked for, and says that nobody has decided', async () => {
    const { call, chat } = await open()
    const held = await chat()
    const id = heldId(held)
    const url = `/spillway/v1/held/${id}`
    expect(held).toMatchObject({ status: 409, body: { error: { code: 'held_for_human', held: { id, url } } } })
    expect(held.headers.get('x-spillway-held')).toBe(url)
    const asked = await call(url)
    expect(asked).toMatchObject({
      status: 202,
      body: { id, status: 'held', task: 'triage', reason: 'hard_stop_security', response: null },
    })
    expect(asked.headers.get('retry-after')).toBe('5')
    const message = await call('/v1/messages', {
      headers: { 'anthropic-version': '2023-06-01', 'x-spillway-task': 'triage' },
      body: { model: 'auto', max_tokens: 50, messages: [{ role: 'user', content: STOPPED }] },
    })
    expect(message).toMatchObject({
      status: 409,
      body: { type: 'error', error: { held: { url: message.headers.get('x-spillway-held') } } },
    })
  })

  it('gets the answer of a person in the shape of its own dialect, and the audit says who it was', async () => {
    const { call, chat, router, folder, closeRouter } = await open()
    const chatId = heldId(await chat())
    const message = await call('/v1/messages', {
      headers: { 'anthropic-version': '2023-06-01', 'x-spillway-task': 'triage' },
      body: { model: 'auto', max_tokens: 50, messages: [{ role: 'user', content: STOPPED }] },
    })
    const items = await call('/v1/responses', { body: { model: 'auto', input: STOPPED, metadata: { task: 'triage' } } })
    for (const id of [chatId, heldId(message), heldId(items)])
      expect(
        await call(`/spillway/v1/held/${id}/answer`, { body: { text: 'No, it is not.', by: 'ann', why: 'looked' } }),
      ).toMatchObject({ status: 200, body: { status: 'answered', request: { decision: { by: 'ann' } } } })
    expect(await call(`/spillway/v1/held/${chatId}`)).toMatchObject({
      status: 200,
      body: {
        status: 'answered',
        response: {
          object: 'chat.completion',
          choices: [{ message: { content: 'No, it is not.' }, finish_reason: 'stop' }],
          spillway: { requestId: chatId, route: 'human', reason: 'held_for_human' },
        },
      },
    })
    expect((await call(`/spillway/v1/held/${heldId(message)}`)).body.response).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'No, it is not.' }],
      stop_reason: 'end_turn',
    })
    expect((await call(`/spillway/v1/held/${heldId(items)}`)).body.response).toMatchObject({
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ text: 'No, it is not.' }] }],
    })
    expect(router.audit({ requestId: chatId })[0]).toMatchObject({
      outcome: 'held',
      held: { action: 'answer', by: 'ann', why: 'looked' },
    })
    expect(await call(`/spillway/v1/held/${chatId}/refuse`, { body: { why: 'late' } })).toMatchObject({
      status: 409,
      body: { error: { code: 'held_decided' } },
    })
    await closeRouter()
    expect(readEvents(folder, 0)).toMatchObject(
      Array(3).fill({ kind: 'held', by: 'ann', what: { action: 'answer', why: 'looked' } }),
    )
  })

  it('is released by a person with its kept text: the stop is lifted, and its caller gets what the model says', async () => {
    const { call, chat, router, small } = await open({ keep: 'text' })
    const id = heldId(await chat({ stream: true }))
    expect(await call(`/spillway/v1/held/${id}/text`, { body: { by: 'ann' } })).toMatchObject({
      status: 200,
      body: { messages: [{ content: STOPPED }] },
    })
    expect(small.calls).toHaveLength(0)
    const released = await call(`/spillway/v1/held/${id}/release`, { body: { why: 'harmless', by: 'ann' } })
    expect(released).toMatchObject({
      status: 200,
      body: {
        status: 'answered',
        response: {
          choices: [{ message: { content: 'The local answer.' } }],
          spillway: { route: 'local', model: 'small' },
        },
      },
    })
    const releasedAs = releasedId(released)
    expect(router.audit({ requestId: releasedAs })[0]).toMatchObject({
      outcome: 'accepted',
      hardStops: [{ kind: 'security' }],
      release: { held: id, by: 'ann', why: 'harmless', to: null },
    })
    expect(router.audit({ requestId: id })[0]).toMatchObject({
      outcome: 'held',
      held: { action: 'release', releasedAs },
    })
    expect((await call(`/spillway/v1/held/${id}/text`, { body: {} })).status).toBe(404)
  })

  it('goes to a frontier that its task forbids only when a person says so, through egress and its ledger', async () => {
    const { call, chat, router, cloud } = await open({ keep: 'text' })
    const id = heldId(await chat({ content: `${STOPPED} My key is sk-ant-api03-${'a'.repeat(93)}AA.` }))
    expect(await call(`/spillway/v1/held/${id}/release`, { body: { why: 'x', to: 'huge' } })).toMatchObject({
      status: 409,
      body: { error: { code: 'release_refused', message: expect.stringContaining('no model huge') } },
    })
    const released = await call(`/spillway/v1/held/${id}/release`, { body: { why: 'ours', to: 'big' } })
    expect(released).toMatchObject({
      status: 200,
      body: {
        response: {
          choices: [{ message: { content: 'The cloud answer.' } }],
          spillway: { route: 'frontier', reason: 'manual_override' },
        },
      },
    })
    expect(cloud.requests).toHaveLength(1)
    expect(cloud.requests[0]?.text).not.toContain('sk-ant')
    const releasedAs = releasedId(released)
    expect(router.audit({ requestId: releasedAs })[0]).toMatchObject({
      egress: [{ model: 'big', redactions: { secret: 1 } }],
      release: { to: 'big' },
    })
  })

  it('never leaves when it is local_only, whoever releases it; here it is answered unproven', async () => {
    const { call, chat, cloud } = await open({ keep: 'text', keepLocalOnly: true })
    const id = heldId(await chat({ metadata: { partition: 'local_only' } }))
    for (const to of ['frontier', 'big'])
      expect(await call(`/spillway/v1/held/${id}/release`, { body: { why: 'x', to } })).toMatchObject({
        status: 409,
        body: { error: { code: 'release_refused', message: expect.stringContaining('never leaves') } },
      })
    expect(await call(`/spillway/v1/held/${id}/release`, { body: { why: 'x' } })).toMatchObject({
      status: 200,
      body: { response: { spillway: { route: 'local', proven: false } } },
    })
    expect(cloud.requests).toHaveLength(0)
  })

  it('stays under the kill switch, and waits again when a model or a gate lets nobody answer', async () => {
    const { call, chat, folder, router } = await open({ keep: 'text' })
    const id = heldId(await chat())
    const order = { scope: 'all', mode: 'stop', why: 'a leak', by: 'ann', at: new Date().toISOString() } as const
    const kill = openKillSwitch(folder, () => performance.now())
    kill.give(order)
    const release = (to?: string) =>
      call(`/spillway/v1/held/${id}/release`, { body: { why: 'harmless', by: 'ann', ...(to && { to }) } })
    await expect
      .poll(() => router.route({ messages: [{ role: 'user', content: 'x' }] }).decision.reason)
      .toBe('kill_switch')
    expect(await release()).toMatchObject({
      status: 409,
      body: { error: { code: 'held_again', message: expect.stringContaining('The kill switch says stop') } },
    })
    kill.lift(order)
    await expect
      .poll(() => router.route({ messages: [{ role: 'user', content: 'x' }] }).decision.reason)
      .not.toBe('kill_switch')
    expect(await call(`/spillway/v1/held/${id}`)).toMatchObject({
      status: 202,
      body: { status: 'held', request: { lastTry: { why: expect.stringContaining('kill switch') }, decision: null } },
    })
    expect(await release()).toMatchObject({ status: 200, body: { status: 'answered' } })
  })

  it('waits again when the model that it was released to fails', async () => {
    const { call, chat, cloud, router } = await open({ keep: 'text' })
    const id = heldId(await chat())
    cloud.enqueue('reset', 'reset', 'reset', 'reset')
    const failed = await call(`/spillway/v1/held/${id}/release`, { body: { why: 'x', to: 'frontier' } })
    expect(failed.status).toBe(503)
    expect(await call(`/spillway/v1/held/${id}`)).toMatchObject({
      status: 202,
      body: { request: { state: 'waiting', decision: null, hasText: true } },
    })
    expect(router.audit({ requestId: id })[0]?.held).toBeUndefined()
  })

  it('is sent again by its caller where its text is not kept: once, unchanged, and by nobody else', async () => {
    const { call, chat, issue, router } = await open()
    const [own, other] = [issue({}), issue({})]
    const id = heldId(await chat({ key: own }))
    const again = (more: Parameters<typeof chat>[0] = {}) =>
      chat({ key: own, headers: { 'x-spillway-held': id }, ...more })
    expect(await again()).toMatchObject({
      status: 409,
      body: { error: { code: 'release_refused', message: expect.stringContaining('nobody has released it yet') } },
    })
    expect((await call(`/spillway/v1/held/${id}/text`, { body: {} })).status).toBe(404)
    expect(await call(`/spillway/v1/held/${id}/release`, { body: { why: 'harmless', by: 'ann' } })).toMatchObject({
      status: 200,
      body: { status: 'released' },
    })
    expect(await call(`/spillway/v1/held/${id}`, { key: own })).toMatchObject({
      status: 200,
      body: { status: 'released', send_again: { header: 'x-spillway-held', value: id }, response: null },
    })
    expect((await again({ key: other })).status).toBe(404)
    expect((await chat({ headers: { 'x-spillway-held': id } })).status).toBe(404)
    expect(await again({ content: `${STOPPED} And delete it.` })).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringContaining('another request') } },
    })
    const answered = await again()
    expect(answered).toMatchObject({ status: 200, body: { choices: [{ message: { content: 'The local answer.' } }] } })
    expect(await again()).toMatchObject({
      status: 409,
      body: { error: { code: 'release_refused', message: expect.stringContaining('it is answered') } },
    })
    const { requestId } = (answered.body as unknown as { spillway: { requestId: string } }).spillway
    expect(router.audit({ requestId: id })[0]).toMatchObject({ held: { by: 'ann', releasedAs: requestId } })
  })

  it('is seen by its own key and tenant, and decided by the operator alone', async () => {
    const { call, chat, issue } = await open()
    const [acme, globex] = [issue({ tenants: ['acme'] }), issue({ tenants: ['globex'] })]
    const id = heldId(await chat({ key: acme }))
    heldId(await chat({ key: globex }))
    const list = async (key?: string) =>
      (await call('/spillway/v1/held', { ...(key !== undefined && { key }) })).body.data
    expect(await list(acme)).toMatchObject([{ id, status: 'held' }])
    expect(JSON.stringify(await list(acme))).not.toContain('globex')
    expect(await list()).toHaveLength(2)
    expect((await call(`/spillway/v1/held/${id}`, { key: acme })).body).not.toHaveProperty('request')
    expect((await call(`/spillway/v1/held/${id}`, { key: globex })).status).toBe(404)
    for (const [what, body] of [
      ['answer', { text: 'x' }],
      ['release', { why: 'x' }],
      ['refuse', { why: 'x' }],
      ['text', {}],
    ] as const)
      expect((await call(`/spillway/v1/held/${id}/${what}`, { key: acme, body })).status).toBe(404)
    expect((await call('/spillway/v1/held?state=gone')).status).toBe(400)
    expect((await call('/spillway/v1/held?sort=x')).status).toBe(400)
  })

  it('takes one of the options of its task, as the task renders it, and refuses what its caller cannot read', async () => {
    const { call, chat, router } = await open()
    const id = heldId(await chat({ task: 'risky' }))
    const answer = (body: object, of = id) => call(`/spillway/v1/held/${of}/answer`, { body })
    expect(await answer({ text: 'perhaps' })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('none of the options') } },
    })
    expect((await answer({ text: ' ' })).status).toBe(400)
    expect((await answer({ text: 'yes', by: ' ' })).status).toBe(400)
    expect((await answer({ txt: 'yes' })).status).toBe(400)
    expect(await answer({ text: 'Yes' })).toMatchObject({
      body: { response: { choices: [{ message: { content: 'Verdict: yes' } }] } },
    })
    const asked = await router.decide({ task: 'risky', input: STOPPED })
    expect(asked).toMatchObject({ value: null, held: { id: asked.requestId } })
    expect(await answer({ text: 'no' }, asked.requestId)).toMatchObject({
      body: { response: { object: 'decision', value: 'no', answer: 'Verdict: no' } },
    })
    expect(router.held.find(asked.requestId)?.outcome).toMatchObject({ value: 'no', decision: { route: 'human' } })
  })

  it('is refused with a reason that its caller is told, but not by whom', async () => {
    const { call, chat, issue } = await open()
    const key = issue({})
    const id = heldId(await chat({ key }))
    expect((await call(`/spillway/v1/held/${id}/refuse`, { body: {} })).status).toBe(400)
    await call(`/spillway/v1/held/${id}/refuse`, { body: { why: 'not our image', by: 'ann' } })
    const told = await call(`/spillway/v1/held/${id}`, { key })
    expect(told).toMatchObject({ status: 200, body: { status: 'refused', why: 'not our image', response: null } })
    expect(JSON.stringify(told.body)).not.toContain('ann')
  })

  it('is one of few that wait at a time for one owner; beyond them a request is refused as before', async () => {
    const { chat, issue } = await open({ maxWaiting: 1 })
    const [one, two] = [issue({}), issue({})]
    expect((await chat({ key: one })).body).toHaveProperty('error.held')
    const beyond = await chat({ key: one })
    expect(beyond.status).toBe(409)
    expect(beyond.body).not.toHaveProperty('error.held')
    expect(beyond.headers.get('x-spillway-held')).toBeNull()
    expect((await chat({ key: two })).body).toHaveProperty('error.held')
  })

  it('may be one whose secret cannot be masked, and a release does not let it out either', async () => {
    const { call, cloud } = await open({ keep: 'text' })
    const tools = [
      { type: 'function', function: { name: 'x', description: `sk-ant-api03-${'a'.repeat(93)}AA`, parameters: {} } },
    ]
    const held = await call('/v1/chat/completions', {
      body: { model: 'auto', messages: [{ role: 'user', content: 'Go.' }], metadata: { task: 'direct' }, tools },
    })
    const id = heldId(held)
    expect(held).toMatchObject({ status: 409, body: { error: { code: 'held_for_human' } } })
    expect(await call(`/spillway/v1/held/${id}/release`, { body: { why: 'x' } })).toMatchObject({
      status: 409,
      body: { error: { code: 'held_for_human' } },
    })
    expect(cloud.requests).toHaveLength(0)
    expect(await call(`/spillway/v1/held/${id}/answer`, { body: { text: 'Done.' } })).toMatchObject({ status: 200 })
  })
})
