import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { toFile } from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import { openBatches } from '../../src/stores/batches.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { testGateway } from '../support/gateway.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { json, type RecordedRequest } from '../support/scripted-cloud.ts'

afterEach(closeAll)

type Line = Readonly<Record<string, unknown>> & {
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly body: Readonly<Record<string, unknown>> } | null
  readonly error: { readonly code: string } | null
}

const LOOK = { batchLookMs: 50 }

function answerTo(request: RecordedRequest) {
  const [message] = (request.body.messages as readonly { readonly content: string }[]).slice(-1)
  const reply = openAiText(`answer to ${message?.content}`)
  return typeof reply === 'function' ? reply(request) : reply
}

async function opened(settings: Parameters<typeof gatewayOnCloud>[0] = {}): Promise<GatewayOnCloud> {
  const gateway = await gatewayOnCloud({ ...settings, gateway: { ...LOOK, ...settings.gateway } })
  gateway.cloud.otherwise((request) => answerTo(request))
  return gateway
}

function row(id: string, content = id, more: Readonly<Record<string, unknown>> = {}) {
  const body = { model: 'auto', messages: [{ role: 'user', content }], ...more }
  return { custom_id: id, method: 'POST', url: '/v1/chat/completions', body }
}

async function upload(client: OpenAI, rows: readonly unknown[]) {
  const text = rows.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
  return await client.files.create({ purpose: 'batch', file: await toFile(Buffer.from(text), 'rows.jsonl') })
}

async function begin(client: OpenAI, rows: readonly unknown[], headers: Record<string, string> = {}) {
  const { id } = await upload(client, rows)
  const wanted = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  return await client.batches.create(wanted, { headers })
}

async function ended(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  return await expect
    .poll(() => client.batches.retrieve(id), { timeout: 30_000, interval: 50 })
    .toSatisfy((batch: OpenAI.Batch) => ['completed', 'failed', 'expired', 'cancelled'].includes(batch.status))
    .then(() => client.batches.retrieve(id))
}

async function contentOf(client: OpenAI, id: string | null | undefined): Promise<readonly Line[]> {
  if (!id) return []
  const text = await (await client.files.content(id)).text()
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
}

describe('a batch by the openai client', () => {
  it('is answered by the router, and its result is a file', async () => {
    const { gateway, cloud, router } = await opened()
    const { client } = gateway
    const file = await upload(client, [row('a'), row('b')])
    expect(file).toMatchObject({ object: 'file', purpose: 'batch', filename: 'rows.jsonl', status: 'processed' })
    expect(file.bytes).toBeGreaterThan(100)
    const begun = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { job: 'nightly' },
    })
    expect(begun).toMatchObject({
      object: 'batch',
      status: 'validating',
      output_file_id: null,
      metadata: { job: 'nightly' },
    })
    const batch = await ended(client, begun.id)
    expect(batch).toMatchObject({
      status: 'completed',
      request_counts: { total: 2, completed: 2, failed: 0 },
      error_file_id: null,
      errors: null,
    })
    for (const at of [batch.in_progress_at, batch.finalizing_at, batch.completed_at])
      expect(at).toEqual(expect.any(Number))
    const lines = await contentOf(client, batch.output_file_id)
    expect(lines.map(({ custom_id, response }) => [custom_id, response?.status_code, response?.body.object])).toEqual(
      expect.arrayContaining([
        ['a', 200, 'chat.completion'],
        ['b', 200, 'chat.completion'],
      ]),
    )
    expect(lines[0]?.response?.body).toMatchObject({ spillway: { route: 'frontier', model: 'big' } })
    const result = await client.files.retrieve(batch.output_file_id ?? '')
    expect(result).toMatchObject({ purpose: 'batch_output' })
    expect(cloud.requests).toHaveLength(2)
    expect(router.audit({ limit: 10 })).toHaveLength(2)
    // Names and lists, newest first.
    expect((await client.batches.list()).data.map(({ id }) => id)).toEqual([begun.id])
    expect((await client.files.list({ limit: 1 })).data.map(({ id }) => id)).toEqual([batch.output_file_id])
    const all: string[] = []
    for await (const one of client.files.list({ limit: 1 })) all.push(one.id)
    expect(all).toEqual([batch.output_file_id, file.id])
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true })
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404, code: 'not_found' })
    await expect(client.files.content(file.id)).rejects.toMatchObject({ status: 404 })
  })

  it('puts rows that fail into a file of their own, each with the status it would have had', async () => {
    const { gateway, cloud } = await opened()
    cloud.otherwise((request) =>
      JSON.stringify(request.body).includes('bad')
        ? { status: 400, pieces: ['{"error":{"message":"no"}}'] }
        : answerTo(request),
    )
    const begun = await begin(gateway.client, [row('good'), row('bad'), row('cold', 'x', { temperature: 9 })])
    const batch = await ended(gateway.client, begun.id)
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 3, completed: 1, failed: 2 } })
    expect((await contentOf(gateway.client, batch.output_file_id)).map((line) => line.custom_id)).toEqual(['good'])
    const failed = await contentOf(gateway.client, batch.error_file_id)
    const told = failed.map(({ custom_id, response }) => [custom_id, response?.status_code])
    expect(told.toSorted()).toEqual([
      ['bad', 400],
      ['cold', 400],
    ])
    expect(failed[0]?.response?.body).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  it.each([
    ['/v1/responses', { model: 'auto', input: 'hello' }, { object: 'response', status: 'completed' }],
    ['/v1/embeddings', { model: 'big', input: 'hello' }, { object: 'list', data: [{ embedding: [0.6, 0.8] }] }],
  ] as const)('goes through the door of %s', async (endpoint, body, told) => {
    const { gateway, cloud } = await opened()
    if (endpoint === '/v1/embeddings')
      cloud.otherwise(json({ data: [{ index: 0, embedding: [3, 4] }], usage: { prompt_tokens: 1, total_tokens: 1 } }))
    const { id } = await upload(gateway.client, [{ custom_id: 'r', method: 'POST', url: endpoint, body }])
    const begun = await gateway.client.batches.create({ input_file_id: id, endpoint, completion_window: '24h' })
    const batch = await ended(gateway.client, begun.id)
    expect(batch.request_counts).toMatchObject({ completed: 1, failed: 0 })
    const [line] = await contentOf(gateway.client, batch.output_file_id)
    expect(line?.response?.body).toMatchObject(told)
  })
})

describe('a file with wrong rows', () => {
  it.each([
    ['a line that is no JSON', [row('a'), 'nothing'], 2, 'request_invalid'],
    ['an id twice', [row('a'), row('a')], 2, 'request_invalid'],
    ['another endpoint', [{ ...row('a'), url: '/v1/embeddings' }], 1, 'request_invalid'],
    ['a stream', [row('a', 'a', { stream: true })], 1, 'request_invalid'],
    ['no row', [''], null, 'request_invalid'],
  ])('fails as a whole and says where: %s', async (_, rows, line, code) => {
    const { gateway, cloud } = await opened()
    const begun = await begin(gateway.client, rows)
    const batch = await ended(gateway.client, begun.id)
    expect(batch).toMatchObject({ status: 'failed', output_file_id: null })
    expect(batch.failed_at).toEqual(expect.any(Number))
    expect(batch.errors?.data).toMatchObject([{ line, code }])
    expect(cloud.requests).toHaveLength(0)
  })

  it('fails when it has more rows than the policy allows', async () => {
    const { gateway } = await opened({
      gateway: { batches: { keep: 60_000, maxFileBytes: 4096, maxRows: 1, parallel: 1 } },
    })
    const begun = await begin(gateway.client, [row('a'), row('b')])
    expect((await ended(gateway.client, begun.id)).errors?.data?.[0]?.message).toContain('gateway.batches.maxRows')
    const large = upload(gateway.client, [row('a', 'x'.repeat(5000))])
    await expect(large).rejects.toMatchObject({ status: 413, code: 'batch_file_too_large' })
  })
})

describe('who may see a batch', () => {
  it('is the key that sent it, under its own tenant and limits', async () => {
    const { gateway, router } = await opened()
    const keyed = (grant: Parameters<typeof issueKey>[1]['grant']) =>
      new OpenAI({
        baseURL: `${gateway.url}/v1`,
        apiKey: issueKey(gateway.stateDir, { name: 'team', ...(grant && { grant }) }).key,
        maxRetries: 0,
      })
    const one = keyed({ tenants: ['acme'], tokensPerMinute: 50 })
    const other = keyed({ tenants: ['globex'] })
    const begun = await begin(one, [row('a')])
    for (const client of [other, gateway.client]) {
      await expect(client.batches.retrieve(begun.id)).rejects.toMatchObject({ status: 404 })
      await expect(client.batches.cancel(begun.id)).rejects.toMatchObject({ status: 404 })
      await expect(client.files.content(begun.input_file_id)).rejects.toMatchObject({ status: 404 })
      await expect(client.files.delete(begun.input_file_id)).rejects.toMatchObject({ status: 404 })
      const wanted = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const
      const theirs = client.batches.create({ input_file_id: begun.input_file_id, ...wanted })
      await expect(theirs).rejects.toMatchObject({ status: 404 })
      expect((await client.files.list()).data).toEqual([])
      expect((await client.batches.list()).data).toEqual([])
    }
    const batch = await ended(one, begun.id)
    expect(batch.status).toBe('completed')
    const [record] = router.audit({ limit: 1 })
    expect(record).toMatchObject({ tenant: 'acme' })
    await expect(other.files.content(batch.output_file_id ?? '')).rejects.toMatchObject({ status: 404 })
  })

  it('holds for what rows may use: the scope of the key is asked for each', async () => {
    const { gateway, cloud } = await opened({ policy: { tasks: { other: { pattern: 'direct', local: false } } } })
    const { key } = issueKey(gateway.stateDir, { name: 'narrow', grant: { tasks: ['other'] } })
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
    const begun = await begin(client, [row('mine', 'x', { metadata: { task: 'other' } }), row('not-mine')])
    const batch = await ended(client, begun.id)
    expect(batch.request_counts).toMatchObject({ completed: 1, failed: 1 })
    const [failed] = await contentOf(client, batch.error_file_id)
    expect(failed).toMatchObject({ custom_id: 'not-mine', response: { status_code: 403 } })
    expect(cloud.requests).toHaveLength(1)
  })

  it('headers of the batch hold for every row', async () => {
    const { gateway, router } = await opened()
    const begun = await begin(gateway.client, [row('a')], {
      'x-spillway-user': 'ann',
      'x-spillway-partition': 'local_only',
    })
    const batch = await gateway.client.batches.retrieve(begun.id)
    expect((await ended(gateway.client, batch.id)).request_counts).toMatchObject({ failed: 1 })
    expect(router.audit({ limit: 1 })[0]).toMatchObject({ user: 'ann', features: { partition: 'local_only' } })
    const wrong = begin(gateway.client, [row('a')], { 'x-spillway-partition': 'nowhere' })
    await expect(wrong).rejects.toMatchObject({ status: 400, code: 'request_invalid' })
  })
})

describe('a batch that is cancelled', () => {
  it('keeps what is answered, and says of the others that they were not asked', async () => {
    const { gateway, cloud } = await opened({
      gateway: { batches: { keep: 600_000, maxFileBytes: 1_000_000, maxRows: 100, parallel: 1 } },
    })
    const release = Promise.withResolvers<void>()
    cloud.enqueue((request) => ({ ...(answerTo(request) as { pieces: [] }), held: release.promise }))
    const begun = await begin(gateway.client, [row('a'), row('b'), row('c')])
    await cloud.request(0)
    await expect(gateway.client.files.delete(begun.input_file_id)).rejects.toMatchObject({ status: 409 })
    const cancelling = await gateway.client.batches.cancel(begun.id)
    expect(cancelling).toMatchObject({ status: 'cancelling', cancelling_at: expect.any(Number) })
    release.resolve()
    const batch = await ended(gateway.client, begun.id)
    expect(batch).toMatchObject({ status: 'cancelled', request_counts: { total: 3, completed: 1, failed: 2 } })
    expect(await contentOf(gateway.client, batch.output_file_id)).toHaveLength(1)
    const failed = await contentOf(gateway.client, batch.error_file_id)
    expect(failed.map(({ error }) => error?.code)).toEqual(['batch_cancelled', 'batch_cancelled'])
    expect(cloud.requests).toHaveLength(1)
    await expect(gateway.client.batches.cancel(begun.id)).rejects.toMatchObject({ status: 400 })
  })
})

describe('a batch whose window is over', () => {
  it('ends as expired, with what was answered by then', async () => {
    const { gateway, cloud } = await opened({
      gateway: { batches: { keep: 600_000, maxFileBytes: 1_000_000, maxRows: 100, parallel: 1 } },
    })
    const release = Promise.withResolvers<void>()
    cloud.enqueue((request) => ({ ...(answerTo(request) as { pieces: [] }), held: release.promise }))
    const { id } = await begin(gateway.client, [row('a'), row('b')])
    await cloud.request(0)
    const clock = { machineMs: () => 0, epochMs: () => Date.now() }
    const book = openBatches({ folder: join(gateway.stateDir, 'batches'), writer: '0 test', ...clock })
    book.change(id, (batch) => ({ ...batch, expiresMs: Date.now() }))
    book.close()
    // Whoever sends a batch has the worker look at all of them.
    await begin(gateway.client, [row('z')])
    release.resolve()
    const batch = await ended(gateway.client, id)
    expect(batch).toMatchObject({ status: 'expired', request_counts: { completed: 1, failed: 1 } })
    const [failed] = await contentOf(gateway.client, batch.error_file_id)
    expect(failed).toMatchObject({ custom_id: 'b', response: null, error: { code: 'batch_expired' } })
  })
})

describe('somebody who waits', () => {
  it('is served before the rows of a batch', async () => {
    const sample = sampleRouter({
      policy: {
        models: { small: { provider: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'x', tier: 'local_fast' } },
        tasks: { chat: { pattern: 'direct', local: 'small', stage: 'accept', accept: { uncalibrated: true } } },
        defaults: { task: 'chat' },
      },
      models: { small: { answers: () => 'fine' } },
    })
    const gateway = await testGateway(sample.router, LOOK)
    const { id } = await begin(gateway.client, [row('a')])
    await ended(gateway.client, id)
    await gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    expect(sample.models.small?.limits.map(({ priority }) => priority)).toEqual(['batch', 'interactive'])
  })
})

describe('a gateway that does not keep files', () => {
  it('has no such paths, and nothing on disk', async () => {
    const { gateway } = await opened({
      gateway: { batches: { keep: false, maxFileBytes: 1_000_000, maxRows: 10, parallel: 1 } },
    })
    await expect(upload(gateway.client, [row('a')])).rejects.toMatchObject({ status: 404, code: 'not_found' })
    const folder = join(gateway.stateDir, 'batches')
    expect(existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : []).toEqual([])
  })
})

describe('a wrong call', () => {
  it('is refused in the shape of the API', async () => {
    const { gateway } = await opened()
    const { client } = gateway
    const file = await toFile(Buffer.from('x'), 'x.jsonl')
    await expect(client.files.create({ purpose: 'assistants', file })).rejects.toMatchObject({
      status: 400,
      param: 'purpose',
      type: 'invalid_request_error',
    })
    const raw = (headers: Record<string, string>, body: string) =>
      fetch(`${gateway.url}/v1/files`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.key}`, ...headers },
        body,
      })
    expect((await raw({ 'content-type': 'application/json' }, '{}')).status).toBe(400)
    expect((await raw({ 'content-type': 'multipart/form-data; boundary=x' }, 'nothing')).status).toBe(400)
    const { id } = await upload(client, [row('a')])
    const wanted = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
    await expect(client.batches.create({ ...wanted, input_file_id: 'file-0' })).rejects.toMatchObject({ status: 404 })
    const endpoint = '/v1/moderations' as '/v1/embeddings'
    await expect(client.batches.create({ ...wanted, endpoint })).rejects.toMatchObject({ param: 'endpoint' })
    const window = '1h' as '24h'
    await expect(client.batches.create({ ...wanted, completion_window: window })).rejects.toMatchObject({ status: 400 })
    await expect(client.files.list({ limit: 0 })).rejects.toMatchObject({ status: 400, param: 'limit' })
  })
})
