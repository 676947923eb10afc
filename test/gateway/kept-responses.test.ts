/** Going on from an earlier response: only where the policy keeps it, only for who may, and never with local-only text. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import { openResponses } from '../../src/stores/responses.ts'
import type { PurgeFilter } from '../../src/stores/retention.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiStream, openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { failureOf, SURE } from './chat-script.ts'

afterEach(closeAll)

const KEEPING = { gateway: { responses: { store: 3_600_000 } } }

async function failed(call: Promise<unknown>) {
  const { status, param, message } = await failureOf(call)
  return { status, param, message }
}

describe('a kept response', () => {
  it('is gone on from with everything that led to it, calls of tools included', async () => {
    const { gateway, cloud } = await gatewayOnCloud(KEEPING)
    const { client } = gateway
    cloud.enqueue(
      openAiToolCalls([{ id: 'c1', name: 'lookup', arguments: '{}' }]),
      openAiText('Grey.'),
      openAiText('Sure.'),
    )
    const tools = [{ type: 'function' as const, name: 'lookup', parameters: { type: 'object' }, strict: null }]
    const first = await client.responses.create({
      model: 'auto',
      instructions: 'Rhyme.',
      input: 'Which colour?',
      tools,
    })
    expect(first).toMatchObject({ store: true })
    const second = await client.responses.create({
      model: 'auto',
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'c1', output: 'grey' }],
    })
    expect(second).toMatchObject({ output_text: 'Grey.', previous_response_id: first.id })
    await client.responses.create({ model: 'auto', previous_response_id: second.id, input: 'Really?' })
    // Instructions are of one request, and are not gone on with.
    expect((await cloud.request(2)).body.messages).toEqual([
      { role: 'user', content: 'Which colour?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'lookup', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'grey' },
      { role: 'assistant', content: [{ type: 'text', text: 'Grey.' }] },
      { role: 'user', content: 'Really?' },
    ])
  })

  it('can be read and deleted, streamed ones too', async () => {
    const { gateway, cloud } = await gatewayOnCloud(KEEPING)
    const { client } = gateway
    cloud.enqueue(openAiStream(['The ', 'Danube.']))
    const told = await client.responses.stream({ model: 'auto', input: 'Which river?' }).finalResponse()
    const kept = await client.responses.retrieve(told.id)
    expect(kept).toMatchObject({ id: told.id, status: 'completed', store: true, output_text: 'The Danube.' })
    await client.responses.delete(told.id)
    expect(await failed(client.responses.retrieve(told.id))).toMatchObject({ status: 404 })
    expect(await failed(client.responses.delete(told.id))).toMatchObject({ status: 404 })
  })

  it('lies on disk for its owner alone, and not in plain text', async () => {
    const { gateway, cloud } = await gatewayOnCloud(KEEPING)
    cloud.enqueue(openAiText('An unusual answer.'))
    const { id } = await gateway.client.responses.create({ model: 'auto', input: 'An unusual question.' })
    const path = join(gateway.stateDir, 'responses.sqlite')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const bytes = [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join('')
    expect(bytes.length).toBeGreaterThan(0)
    for (const text of ['unusual', id]) expect(bytes).not.toContain(text)
  })

  it('is nobody else’s: not of another tenant, and not of another key', async () => {
    const { gateway, cloud } = await gatewayOnCloud(KEEPING)
    cloud.enqueue(openAiText('Yes.'))
    const headers = { 'x-spillway-tenant': 'acme' }
    const { id } = await gateway.client.responses.create({ model: 'auto', input: 'Hello?' }, { headers })
    const next = { model: 'auto', input: 'And now?', previous_response_id: id }
    expect(await failed(gateway.client.responses.create(next))).toMatchObject({ status: 404 })
    expect(await failed(gateway.client.responses.retrieve(id))).toMatchObject({ status: 404 })
    expect((await gateway.client.responses.retrieve(id, undefined, { headers })).id).toBe(id)
    const { key } = issueKey(gateway.stateDir, { name: 'ci', grant: {} })
    const other = gateway.client.withOptions({ apiKey: key })
    expect(await failed(other.responses.retrieve(id, undefined, { headers }))).toMatchObject({ status: 404 })
  })

  it('goes with a purge for its tenant, its user or its age, and with no other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-responses-'))
    const { gateway, cloud, closeRouter } = await gatewayOnCloud({
      gateway: { ...KEEPING.gateway, stateDir: folder },
      router: { paths: { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder } },
    })
    const ask = async (tenant: string, user: string) => {
      cloud.enqueue(openAiText('Yes.'))
      const headers = { 'x-spillway-tenant': tenant, 'x-spillway-user': user }
      const { id } = await gateway.client.responses.create({ model: 'auto', input: 'Hello?' }, { headers })
      return () => gateway.client.responses.retrieve(id, undefined, { headers }).then(({ id: found }) => found === id)
    }
    const isThere = (one: () => Promise<boolean>) => one().catch((error: { status: number }) => error.status)
    const purge = (filter: PurgeFilter, dryRun = false) =>
      purgeStore({
        stateDir: gateway.stateDir,
        filter,
        dryRun,
        monotonicMs: () => performance.now(),
        sleep: delay,
      })
    const [annAtAcme, bobAtAcme, annAtBeta] = [
      await ask('acme', 'ann'),
      await ask('acme', 'bob'),
      await ask('beta', 'ann'),
    ] as const
    const all = () => Promise.all([annAtAcme, bobAtAcme, annAtBeta].map(isThere))
    expect(await purge({ tenant: 'gamma' })).toMatchObject({ records: 0, responses: 0 })
    expect(await purge({ tenant: 'acme' }, true)).toMatchObject({ records: 2, responses: 2 })
    expect(await all()).toEqual([true, true, true])
    expect(await purge({ tenant: 'acme', subject: 'ann' })).toMatchObject({ records: 1, responses: 1 })
    expect(await all()).toEqual([404, true, true])
    expect(await purge({ subject: 'ann' })).toMatchObject({ records: 1, responses: 1 })
    expect(await all()).toEqual([404, true, 404])
    expect(await purge({ beforeMs: Date.now() + 60_000 })).toMatchObject({ responses: 1 })
    expect(await all()).toEqual([404, 404, 404])
    await closeRouter()
    rmSync(folder, { recursive: true })
  })

  it('is kept only as long as the policy says', () => {
    let now = 1000
    const folder = mkdtempSync(join(tmpdir(), 'spillway-responses-'))
    const book = openResponses({ path: join(folder, 'responses.sqlite'), epochMs: () => now })
    book.keep('a', Buffer.from('x'), 2000, { requestId: 'r', tenant: null, keptMs: now })
    expect(book.find('a')).not.toBeNull()
    now = 2000
    expect(book.find('a')).toBeNull()
    expect(book.drop('a')).toBe(false)
    book.close()
    rmSync(folder, { recursive: true })
  })
})

describe('nothing is kept', () => {
  const stored = async (opened: GatewayOnCloud, body: object, headers: Record<string, string> = {}) => {
    opened.cloud.enqueue(openAiText('Yes.'))
    const params = { model: 'auto', input: 'What is it?', ...body }
    const response = await opened.gateway.client.responses.create(params, { headers })
    return { response, again: () => opened.gateway.client.responses.retrieve(response.id) }
  }

  it('unless the policy says so', async () => {
    const opened = await gatewayOnCloud()
    const { response, again } = await stored(opened, { store: true })
    expect(response).toMatchObject({ store: false })
    const failure = await failed(again())
    expect(failure).toMatchObject({ status: 400 })
    expect(failure.message).toContain('answers are not kept here')
  })

  it('when the caller does not want it', async () => {
    const { response, again } = await stored(await gatewayOnCloud(KEEPING), { store: false })
    expect(response).toMatchObject({ store: false })
    expect(await failed(again())).toMatchObject({ status: 404 })
  })

  it('of a request whose text may not leave', async () => {
    const models: PolicyInput['models'] = {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
    }
    const chat = { local: 'small', frontier: false, stage: 'accept', accept: { uncalibrated: true } } as const
    const privacy: PolicyInput['privacy'] = { localOnly: { unproven: 'serve_marked' } }
    const small = scriptedModel({ name: 'small', answers: [{ text: 'Here.', signals: SURE }] })
    const opened = await gatewayOnCloud({
      ...KEEPING,
      policy: { models, tasks: { chat }, privacy },
      router: { models: { small } },
    })
    const { response, again } = await stored(opened, { model: 'chat' }, { 'x-spillway-partition': 'local_only' })
    expect(response).toMatchObject({ output_text: 'Here.', store: false })
    expect(await failed(again())).toMatchObject({ status: 404 })
  })
})
