import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Router } from '../../src/spec/router.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { guideBlocks, type PluginFolder, pluginFolder } from '../support/plugin-folder.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let place: PluginFolder
let cloud: ScriptedCloud
const { files, policies } = guideBlocks()

beforeAll(async () => {
  place = pluginFolder()
  cloud = await startScriptedCloud()
  for (const [name, text] of files) place.write(name, text)
})
afterAll(async () => {
  await place.close()
  await cloud.close()
})

interface Setup {
  readonly plugins: string
  readonly answers?: readonly string[]
  readonly task?: string
  readonly privacy?: string
  readonly house?: string
}

/** A scripted local model, and a scripted cloud behind it. */
function routerWith({ plugins, answers = [], task = '', privacy = '', house = '' }: Setup): Router {
  const policy = `plugins: ${plugins}
models:
  small: { provider: openai, model: s, tier: local_fast, baseUrl: "http://127.0.0.1:9/v1" }
${house}
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:KEY}" }
tasks:
  support: { kind: text, complexity: simple, stage: accept, accept: { uncalibrated: true }, gates: { entropyNats: null }${task} }
defaults: { task: support }
${privacy}
`
  return place.router(policy, { models: { small: scriptedModel({ name: 'small', answers }) } })
}

const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }] })

describe('the examples of the guide', () => {
  it('are five plugins, one of each kind, in policies that load', () => {
    expect(files.size).toBe(5)
    const whole = policies.map((text) => text.replace(/^plugins:[\s\S]*$/m, (list) => list)).join('')
    const { plugins } = parsePolicy(whole, { file: join(place.folder, 'spillway.yaml'), env: {} })
    expect(plugins.map(({ plugin }) => plugin.kind).sort()).toEqual(['detector', 'gate', 'model', 'pattern', 'solver'])
  })

  it('hold a gate that takes an answer away and stands in the record', async () => {
    const router = routerWith({
      plugins: '[./no-promises.mjs]',
      answers: ['We guarantee a refund.', 'We will look at it.'],
    })
    cloud.enqueue(openAiText('Please send us the receipt.'))
    const stopped = await router.complete(ask('My kettle is broken.'))
    expect(stopped.decision).toMatchObject({ route: 'frontier', reason: 'check_failed' })
    expect(stopped.verdicts.find(({ gate }) => gate === 'plugin:no-promises')).toMatchObject({
      accepted: false,
      score: 2,
      threshold: 0,
    })
    const [record] = router.audit({ requestId: stopped.requestId })
    expect(record?.plugins).toEqual([{ kind: 'gate', name: 'no-promises', version: '1.0.0', did: 'rejected' }])
    const passed = await router.complete(ask('My kettle is cold.'))
    expect(passed.decision).toMatchObject({ route: 'local', reason: 'local_accepted' })
    expect(router.audit({ requestId: passed.requestId })[0]?.plugins).toMatchObject([{ did: 'accepted' }])
    expect(router.route(ask('x')).gates).toContain('plugin:no-promises')
  })

  it('hold a solver that answers what it reads, and nothing else', async () => {
    const router = routerWith({
      plugins: '[{ from: ./order-numbers.mjs, tasks: [support] }]',
      answers: ['No idea, sorry for that.'],
    })
    const solved = await router.complete(ask('Is 123456789012 a valid order number?'))
    expect(solved).toMatchObject({ answer: 'no', decision: { route: 'solver', reason: 'solver_answered' } })
    expect(router.audit({ requestId: solved.requestId })[0]?.plugins).toEqual([
      { kind: 'solver', name: 'order-numbers', version: '1.0.0', did: 'answered' },
    ])
    expect((await router.complete(ask('Where is my order?'))).decision.route).toBe('local')
  })

  it('hold a detector whose findings are masked, and kept here where the policy says so', async () => {
    const masking = routerWith({
      plugins: '[./staff-ids.mjs]',
      task: ', local: false',
      privacy: 'privacy: { redact: [national_id] }',
    })
    cloud.enqueue(openAiText('Ask [national_id_1] again.'))
    const masked = await masking.complete(ask('Who is STAFF-123456?'))
    expect(cloud.requests.at(-1)?.text).toContain('Who is [national_id_1]?')
    expect(masked.answer).toBe('Ask STAFF-123456 again.')
    expect(masking.audit({ requestId: masked.requestId })[0]).toMatchObject({
      egress: [{ redactions: { national_id: 1 } }],
      plugins: [{ kind: 'detector', name: 'staff-ids', did: 'found' }],
    })
    const keeping = routerWith({
      plugins: '[./staff-ids.mjs]',
      privacy: 'privacy: { localOnly: { detect: [national_id], unproven: serve_marked } }',
      answers: ['Somebody of the staff.'],
    })
    const kept = await keeping.complete(ask('Who is STAFF-1\u200b23456?'))
    expect(kept.decision.route).toBe('local')
    expect(keeping.audit({ requestId: kept.requestId })[0]).toMatchObject({
      features: { partition: 'local_only' },
      egress: [],
    })
  })

  it('hold a pattern that asks twice before it asks a frontier', async () => {
    const twice = routerWith({
      plugins: '[./ask-twice.mjs, ./no-promises.mjs]',
      task: ', pattern: { plugin: { name: ask-twice } }',
      answers: ['I promise a refund.', 'We will look at it.', 'I promise it.', 'I guarantee it.'],
    })
    const second = await twice.complete(ask('My kettle is broken.'))
    expect(second).toMatchObject({ answer: 'We will look at it.', decision: { route: 'local', pattern: 'plugin' } })
    expect(second.attempts).toHaveLength(2)
    expect(twice.audit({ requestId: second.requestId })[0]).toMatchObject({
      pattern: { name: 'plugin', did: { rejectedBy: ['plugin:no-promises'] } },
      plugins: expect.arrayContaining([{ kind: 'pattern', name: 'ask-twice', version: '1.0.0', did: 'answered' }]),
    })
    cloud.enqueue(openAiText('From the cloud.'))
    const third = await twice.complete(ask('My kettle is cold.'))
    expect(third).toMatchObject({ answer: 'From the cloud.', decision: { route: 'frontier', reason: 'check_failed' } })
    expect(twice.audit({ requestId: third.requestId })[0]).toMatchObject({ outcome: 'escalated' })
  })

  it('hold a model adapter behind the egress door', async () => {
    const server = createServer((_request, response) => {
      response.end(JSON.stringify({ text: 'From the house.', tokens: { in: 12, out: 4 } }))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const router = routerWith({
      plugins: '[./in-house.mjs]',
      task: ', local: false, frontier: [house, big]',
      house: `  house: { provider: plugin, plugin: in-house, model: house-7b, tier: frontier, baseUrl: "${address}" }`,
    })
    const answered = await router.complete(ask('Hello?'))
    expect(answered).toMatchObject({
      answer: 'From the house.',
      usage: { inputTokens: 12, outputTokens: 4, source: 'reported' },
    })
    expect(router.audit({ requestId: answered.requestId })[0]).toMatchObject({
      egress: [{ model: 'house', destination: new URL(address).host }],
      plugins: [{ kind: 'model', name: 'in-house', version: '1.0.0', did: 'answered' }],
    })
    await new Promise((done) => server.close(done))
    cloud.enqueue(openAiText('From the cloud.'))
    const fallen = await router.complete(ask('Hello again?'))
    expect(fallen).toMatchObject({ answer: 'From the cloud.', decision: { model: 'big' } })
    expect(router.audit({ requestId: fallen.requestId })[0]?.plugins).toMatchObject([
      { name: 'in-house', did: 'failed' },
    ])
  })
})
