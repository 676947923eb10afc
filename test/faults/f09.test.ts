/** F09: the answer of a name server changes after the address was checked. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchFrom } from '../../src/models/dial.ts'
import { followRedirects } from '../../src/models/fetch/redirects.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type DialRecorder, recordDials } from '../support/dial-recorder.ts'
import { run, userCall } from '../support/model-calls.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

/** Of a block that is used in documents only; nothing answers there. */
const PUBLIC = '192.0.2.1'

let cloud: ScriptedCloud
let recorder: DialRecorder
const models: ModelPort[] = []
beforeEach(async () => {
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('Hello.'))
  recorder = recordDials()
})
afterEach(async () => {
  for (const model of models.splice(0)) await model.close()
  recorder[Symbol.dispose]()
  await cloud.close()
})

const port = () => new URL(cloud.url).port

function model(host: string, privateNetwork = false): ModelPort {
  const created = createOpenAiCompatibleModel({
    name: 'big',
    baseUrl: `http://${host}:${port()}/v1`,
    apiKey: 'sk-test-0123456789abcdef',
    model: 'gpt-x',
    maxOutputTokens: 10,
    privateNetwork,
  })
  models.push(created)
  return created
}

const hurried = { deadlines: { connectMs: 100, firstByteMs: 5000, idleMs: 5000, totalMs: 10_000 } }

async function ask(host: string, privateNetwork = false) {
  const { error, text } = await run(model(host, privateNetwork), userCall('Hi'), hurried)
  return error ?? text
}

describe('F09 a name of a frontier', () => {
  it('that leads to this machine the second time is not dialled, nor looked up a second time for one call', async () => {
    recorder.answer('api.example.test', [PUBLIC], ['127.0.0.1'])
    await ask('api.example.test')
    expect(recorder.lookups).toEqual(['api.example.test'])
    expect(recorder.dials).toEqual([`${PUBLIC}:${port()}`])
    expect(await ask('api.example.test')).toMatchObject({
      code: 'destination_refused',
      message: `No connection to api.example.test was made: the name leads to 127.0.0.1, an address of this machine.`,
    })
    expect(recorder.dials).toHaveLength(1)
    expect(cloud.connections()).toBe(0)
  })

  it.each([
    ['a private network', '10.0.0.8', 'an address of a private network'],
    ['the metadata service', '169.254.169.254', 'a link-local, metadata or otherwise unusable address'],
    ['this machine, written as IPv6', '::ffff:127.0.0.1', 'an address of this machine'],
  ])('may not lead to %s', async (_, address, words) => {
    recorder.answer('api.example.test', [address])
    expect(await ask('api.example.test')).toMatchObject({
      code: 'destination_refused',
      message: expect.stringContaining(words),
    })
    expect(recorder.dials).toEqual([])
  })

  it('is refused when one of its addresses is wrong', async () => {
    recorder.answer('api.example.test', [PUBLIC, '127.0.0.1'])
    expect(await ask('api.example.test')).toMatchObject({ code: 'destination_refused' })
    expect(recorder.dials).toEqual([])
  })

  it('may lead to a private network when the policy says so, never to a metadata service', async () => {
    recorder.answer('gpu-box.test', ['127.0.0.1'])
    expect(await ask('gpu-box.test', true)).toBe('Hello.')
    expect(recorder.dials).toEqual([`127.0.0.1:${port()}`])
    recorder.answer('gpu-box.test', ['169.254.169.254'])
    expect(await ask('gpu-box.test', true)).toMatchObject({ code: 'destination_refused' })
    expect(recorder.dials).toHaveLength(1)
  })

  it('needs no leave when the address itself is written down', async () => {
    expect(await ask('127.0.0.1')).toBe('Hello.')
    expect(recorder.lookups).toEqual([])
  })
})

describe('F09 a name of this machine', () => {
  it('that leads to another one is not dialled', async () => {
    recorder.answer('localhost', ['127.0.0.1'], ['10.0.0.8'], [PUBLIC])
    expect(await ask('localhost')).toBe('Hello.')
    for (const _ of [1, 2]) expect(await ask('localhost', true)).toMatchObject({ code: 'destination_refused' })
    expect(recorder.dials).toEqual([`127.0.0.1:${port()}`])
  })
})

describe('F09 a download', () => {
  const guarded = (url: string) => ({
    url: new URL(url),
    token: 'hf-token',
    headers: {},
    signal: AbortSignal.timeout(5000),
    model: 'a model',
  })

  it('from a mirror in a private network may go on there', async () => {
    recorder.answer('mirror.test', ['127.0.0.1'])
    recorder.answer('storage.test', ['127.0.0.1'])
    const location = `http://storage.test:${port()}/file`
    cloud.enqueue({ status: 302, headers: { location }, pieces: [] }, { pieces: ['bytes'] })
    const { response } = await followRedirects(guarded(`http://mirror.test:${port()}/model`))
    expect(await response.text()).toBe('bytes')
    expect(cloud.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  it('from a public server leads nowhere into this machine', async () => {
    const redirected = fetchFrom(new URL(cloud.url), {}, { reach: 'public' })
    await expect(redirected).rejects.toMatchObject({ cause: { code: 'destination_refused' } })
    recorder.answer('localhost', ['127.0.0.1'])
    const named = fetchFrom(new URL(`http://localhost:${port()}`), {}, { reach: 'public' })
    await expect(named).rejects.toMatchObject({ cause: { code: 'destination_refused' } })
    expect(cloud.connections()).toBe(0)
  })
})
