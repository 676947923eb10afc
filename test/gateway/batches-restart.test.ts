import { once } from 'node:events'
import type OpenAI from 'openai'
import { toFile } from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type RecordedRequest, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess | null = null

beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise((request) => answerTo(request))
})
afterEach(async () => {
  await server?.stop()
  await box.close()
  await cloud.close()
})

const NAMES = Array.from({ length: 20 }, (_, index) => `row-${index}`)

function wordsOf({ body }: Pick<RecordedRequest, 'body'>): string {
  return (body.messages as readonly { readonly content: string }[]).at(-1)?.content ?? ''
}

function answerTo(request: RecordedRequest) {
  const reply = openAiText(`answer to ${wordsOf(request)}`)
  return typeof reply === 'function' ? reply(request) : reply
}

async function begin(client: OpenAI): Promise<OpenAI.Batch> {
  const rows = NAMES.map((name) => ({
    custom_id: name,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'auto', messages: [{ role: 'user', content: name }] },
  }))
  const text = rows.map((row) => JSON.stringify(row)).join('\n')
  const { id } = await client.files.create({ purpose: 'batch', file: await toFile(Buffer.from(text), 'rows.jsonl') })
  const wanted = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  return await client.batches.create(wanted)
}

async function completed(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  await expect
    .poll(async () => (await client.batches.retrieve(id)).status, { timeout: 60_000, interval: 100 })
    .toBe('completed')
  return await client.batches.retrieve(id)
}

async function idsOf(client: OpenAI, file: string | null | undefined): Promise<readonly string[]> {
  if (!file) return []
  const lines = (await (await client.files.content(file)).text()).split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { readonly custom_id: string }).custom_id)
}

describe('a gateway that was killed in the middle of a batch', () => {
  it('goes on by itself: every row has one line, and no frontier was called twice for a row', async () => {
    let calls = 0
    cloud.otherwise((request) => {
      calls += 1
      return calls > 5 ? 'hang' : answerTo(request)
    })
    const policy = cloudPolicy(cloud.openAiBaseUrl)
    server = await serveProcess(box, { policy })
    const { id } = await begin(server.client)
    await cloud.request(6)
    server.process.kill('SIGKILL')
    await once(server.process, 'exit')
    cloud.otherwise((request) => answerTo(request))
    server = await serveProcess(box, { policy })
    const batch = await completed(server.client, id)
    expect(batch.request_counts).toEqual({ total: 20, completed: 18, failed: 2 })
    const answered = await idsOf(server.client, batch.output_file_id)
    const failed = await idsOf(server.client, batch.error_file_id)
    expect([...answered, ...failed].toSorted()).toEqual(NAMES.toSorted())
    // Two were under way: they may have been paid for, and are not asked again.
    expect(cloud.requests.map(wordsOf).toSorted()).toEqual(NAMES.toSorted())
  })

  it('loses nothing when it is told to stop: rows under way end first', async () => {
    const release = Promise.withResolvers<void>()
    cloud.otherwise((request) => ({ ...(answerTo(request) as { pieces: [] }), held: release.promise }))
    const policy = cloudPolicy(cloud.openAiBaseUrl)
    server = await serveProcess(box, { policy })
    const { id } = await begin(server.client)
    await cloud.request(1)
    const stopped = server.stop()
    await expect.poll(() => server?.said()).toContain('Stopping')
    release.resolve()
    expect(await stopped).toBe(0)
    server = await serveProcess(box, { policy })
    const batch = await completed(server.client, id)
    expect(batch.request_counts).toEqual({ total: 20, completed: 20, failed: 0 })
    expect(cloud.requests).toHaveLength(20)
  })
})

describe('an order of the kill switch', () => {
  it('holds a batch, which says so, and goes on once it is lifted', async () => {
    server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl) })
    const { client } = server
    expect((await box.run(['kill', 'stop', '--reason', 'drill'])).exitCode).toBe(0)
    const { id } = await begin(client)
    await expect
      .poll(async () => (await client.batches.retrieve(id)) as unknown, { timeout: 20_000 })
      .toMatchObject({ status: 'in_progress', spillway: { waiting: { reason: 'kill_switch' } } })
    expect(cloud.requests).toHaveLength(0)
    expect((await box.run(['kill', 'off'])).exitCode).toBe(0)
    const batch = await completed(client, id)
    expect(batch.request_counts).toEqual({ total: 20, completed: 20, failed: 0 })
  })
})
