import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Router } from '../../src/spec/router.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type PluginFolder, pluginFolder } from '../support/plugin-folder.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let place: PluginFolder
let cloud: ScriptedCloud

beforeAll(async () => {
  place = pluginFolder()
  cloud = await startScriptedCloud()
})
afterAll(async () => {
  await place.close()
  await cloud.close()
})

const head = (kind: string, name: string, version = '1.0.0'): string =>
  `api: 1, kind: '${kind}', name: '${name}', version: '${version}'`

/** Writes a plugin, and names it as a policy would. */
function plugin(name: string, kind: string, body: string): string {
  place.write(`${name}.mjs`, `export default { ${head(kind, name)}, ${body} }\n`)
  return `./${name}.mjs`
}

interface Setup {
  readonly plugins: string
  readonly answers?: readonly string[]
  readonly task?: string
  readonly more?: string
}

const policyOf = ({ plugins, task = '', more = '' }: Setup): string => `plugins: ${plugins}
models:
  small: { provider: openai, model: s, tier: local_fast, baseUrl: "http://127.0.0.1:9/v1" }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:KEY}" }
tasks:
  chat: { kind: text, complexity: simple, stage: accept, accept: { uncalibrated: true }, gates: { entropyNats: null }${task} }
  other: { kind: text, complexity: simple, stage: accept, accept: { uncalibrated: true }, gates: { entropyNats: null } }
defaults: { task: chat }
${more}
`

function routerWith(setup: Setup): Router {
  const small = scriptedModel({ name: 'small', answers: setup.answers ?? ['A short answer.'] })
  return place.router(policyOf(setup), { models: { small } })
}

const ask = (content: string, task?: string) => ({
  messages: [{ role: 'user' as const, content }],
  ...(task && { metadata: { task } }),
})
const recorded = (router: Router, requestId: string) => router.audit({ requestId })[0]

describe('a plugin that fails', () => {
  it('has not accepted, as a gate', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const router = routerWith({
      plugins: `[${plugin('throws', 'gate', "check() { throw new TypeError('secret text') }")}]`,
    })
    cloud.enqueue(openAiText('From the cloud.'))
    const outcome = await router.complete(ask('Hello?'))
    expect(outcome.decision).toMatchObject({ route: 'frontier', reason: 'gate_error' })
    expect(recorded(router, outcome.requestId)?.plugins).toEqual([
      { kind: 'gate', name: 'throws', version: '1.0.0', did: 'failed' },
    ])
    expect(warned.mock.calls).toEqual([
      ['The gate plugin throws 1.0.0 failed (TypeError).', { code: 'SPILLWAY_PLUGIN' }],
    ])
    warned.mockRestore()
  })

  it('has not accepted, as a gate that says something else than an opinion, or nothing within its time', async () => {
    const vague = plugin('vague', 'gate', "check: () => ({ accepted: 'yes', detail: 'fine' })")
    const slow = plugin('slow', 'gate', 'check: () => new Promise(() => {})')
    const late = routerWith({ plugins: `[{ from: ${slow}, timeout: 20ms }]` })
    cloud.otherwise(openAiText('From the cloud.'))
    expect((await late.complete(ask('Hello?'))).decision.reason).toBe('gate_error')
    const patient = plugin('patient', 'gate', "check: async () => ({ accepted: true, detail: 'fine' })")
    const enough = routerWith({ plugins: `[{ from: ${patient}, timeout: 10s }]` })
    expect((await enough.complete(ask('Hello?'))).decision.reason).toBe('local_accepted')
    expect((await routerWith({ plugins: `[${vague}]` }).complete(ask('Hello?'))).decision.reason).toBe('gate_error')
  })

  it('is passed over, as a solver', async () => {
    const broken = plugin('broken', 'solver', "solve() { throw new Error('x') }")
    const silent = plugin('silent', 'solver', 'solve: () => ({ answer: 7 })')
    const knows = plugin('knows', 'solver', "solve: (question) => question === 'Colour?' ? { answer: 'blue' } : null")
    const router = routerWith({ plugins: `[${broken}, ${silent}, ${knows}]` })
    const outcome = await router.complete(ask('Colour?'))
    expect(outcome).toMatchObject({ answer: 'blue', decision: { route: 'solver' } })
    expect(recorded(router, outcome.requestId)?.plugins?.map(({ name, did }) => `${name} ${did}`)).toEqual([
      'broken failed',
      'silent failed',
      'knows answered',
    ])
  })

  it('lets nothing out, as a detector', async () => {
    const blind = plugin('blind', 'detector', "finds: 'name', find() { throw new Error('x') }")
    const outside = plugin('outside', 'detector', "finds: 'name', find: (text) => [{ start: 0, end: text.length + 1 }]")
    for (const from of [blind, outside]) {
      const detecting = routerWith({
        plugins: `[${from}]`,
        more: 'privacy: { localOnly: { detect: [name], unproven: serve_marked } }',
      })
      const kept = await detecting.complete(ask('Hello?'))
      expect(kept.decision.route).toBe('local')
      expect(recorded(detecting, kept.requestId)).toMatchObject({ features: { partition: 'local_only' } })
      const before = cloud.requests.length
      const masking = routerWith({ plugins: `[${from}]`, task: ', local: false', more: 'privacy: { redact: [name] }' })
      await expect(masking.complete(ask('Hello?'))).rejects.toMatchObject({ code: 'privacy_local_only' })
      expect(cloud.requests).toHaveLength(before)
      expect(masking.audit({ limit: 1, newestFirst: true })[0]?.plugins).toMatchObject([
        { kind: 'detector', did: 'failed' },
      ])
    }
  })

  it('shows no text of a request whose preview it should have masked', async () => {
    const blind = plugin('blind-too', 'detector', "finds: 'name', find() { throw new Error('x') }")
    const router = routerWith({
      plugins: `[${blind}]`,
      more: 'privacy: { redact: [name] }\naudit: { content: preview }',
    })
    const { requestId } = await router.complete(ask('Hello?'))
    expect(recorded(router, requestId)?.preview).toBeNull()
  })

  it('leaves the request to the cascade, as a pattern: thrown, stolen, or rejected by gates', async () => {
    const pattern = ', pattern: { plugin: { name: NAME } }'
    const patterns = {
      thrower: "async run() { throw new Error('x') }",
      forger: "run: async () => ({ actor: 'local', model: 'small', text: 'Anything.' })",
      pusher: "run: (_, { ask }) => ask('local')",
    }
    for (const [name, body] of Object.entries(patterns)) {
      const from = plugin(name, 'pattern', body)
      // The first answer has no end, which a gate rejects.
      const answers = name === 'pusher' ? ['', 'A short answer.'] : ['A short answer.']
      const router = routerWith({ plugins: `[${from}]`, task: pattern.replace('NAME', name), answers })
      const outcome = await router.complete(ask('Hello?'))
      expect(outcome).toMatchObject({ answer: 'A short answer.', decision: { route: 'local', pattern: 'plugin' } })
      expect(recorded(router, outcome.requestId)?.plugins).toMatchObject([{ kind: 'pattern', name, did: 'failed' }])
    }
  })

  it('holds nobody up who goes, as a pattern or a gate that waits for ever', async () => {
    const waiting = plugin('waiting', 'pattern', 'run: () => new Promise(() => {})')
    const pondering = plugin('pondering', 'gate', 'check: () => new Promise(() => {})')
    const routers = [
      routerWith({ plugins: `[${waiting}]`, task: ', pattern: { plugin: { name: waiting } }' }),
      routerWith({ plugins: `[{ from: ${pondering}, timeout: 1h }]` }),
    ]
    for (const router of routers)
      await expect(router.complete(ask('Hello?'), { deadlineMs: 50 })).rejects.toMatchObject({
        code: 'deadline_exceeded',
      })
  })

  it('gets nothing any more once it has ended, as a pattern', async () => {
    const from = plugin(
      'lingers',
      'pattern',
      "async run(_, { ask }) { setImmediate(() => ask('local').catch((error) => { globalThis.lingered = error.message })); throw new Error('x') }",
    )
    const router = routerWith({ plugins: `[${from}]`, task: ', pattern: { plugin: { name: lingers } }' })
    expect((await router.complete(ask('Hello?'))).attempts).toHaveLength(1)
    const seen = globalThis as { readonly lingered?: string }
    await expect.poll(() => seen.lingered).toBe('it asks for something after it has ended')
  })

  it('cannot ask whom the rules left out, as a pattern', async () => {
    const from = plugin('leaky', 'pattern', "run: (_, { ask }) => ask('frontier')")
    const router = routerWith({
      plugins: `[${from}]`,
      task: ', pattern: { plugin: { name: leaky } }',
      more: 'privacy: { localOnly: { unproven: serve_marked } }',
    })
    const before = cloud.requests.length
    const request = { ...ask('Hello?'), metadata: { partition: 'local_only' as const } }
    expect((await router.complete(request)).decision.route).toBe('local')
    expect(cloud.requests).toHaveLength(before)
  })

  it('gives way to the next model, as an adapter, whatever it does', async () => {
    const bodies = {
      raises: "async *generate() { yield 'Half'; throw new Error('x') }",
      odd: 'async *generate() { yield 7 }',
    }
    for (const [name, body] of Object.entries(bodies)) {
      const from = plugin(name, 'model', body)
      const house = `models: { house: { provider: plugin, plugin: ${name}, model: m, tier: frontier }, big: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:KEY}" } }`
      const router = place.router(
        `plugins: [${from}]\n${house}\ntasks: { chat: { kind: text, local: false, frontier: [house, big] } }\ndefaults: { task: chat }\n`,
      )
      const outcome = await router.complete(ask('Hello?'))
      expect(outcome).toMatchObject({ answer: 'From the cloud.', decision: { model: 'big' } })
      expect(recorded(router, outcome.requestId)).toMatchObject({ egress: [{ destination: 'plugin' }, {}] })
    }
  })
})

describe('the tasks of a plugin', () => {
  it('are all, or those that the policy names', async () => {
    const never = plugin('never', 'gate', "check: () => ({ accepted: false, detail: 'no' })")
    cloud.otherwise(openAiText('From the cloud.'))
    const all = routerWith({ plugins: `[${never}]` })
    expect((await all.complete(ask('Hello?', 'other'))).decision.route).toBe('frontier')
    const some = routerWith({ plugins: `[{ from: ${never}, tasks: [chat] }]`, answers: ['One.', 'Two is an answer.'] })
    expect((await some.complete(ask('Hello?', 'other'))).decision.route).toBe('local')
    expect((await some.complete(ask('Hello?', 'chat'))).decision.route).toBe('frontier')
  })
})

describe('a policy with plugins', () => {
  const fails = (setup: Setup): string => {
    try {
      parsePolicy(policyOf(setup), { file: join(place.folder, 'spillway.yaml'), env: { KEY: 'k' } })
      return 'loaded'
    } catch (error) {
      const { message, fix } = error as { readonly message: string; readonly fix: string }
      return `${message.replace(/^.* is invalid at /, '')} ${fix}`
    }
  }

  it('names the entry, the problem and the fix of what cannot be loaded', () => {
    expect(fails({ plugins: '[./nothing.mjs]' })).toBe(
      'plugins.0 (line 1:11): there is no file ./nothing.mjs beside the policy file. Correct the path, or remove it.',
    )
    expect(fails({ plugins: '[spillway-plugin-nobody]' })).toMatch(
      /there is no package spillway-plugin-nobody\. Run `npm install/,
    )
    place.write('syntax.mjs', 'export default {{')
    expect(fails({ plugins: '[./syntax.mjs]' })).toMatch(/^plugins\.0 .*: \.\/syntax\.mjs cannot be loaded: /)
    place.write('waits.mjs', 'await 0\nexport default {}')
    expect(fails({ plugins: '[./waits.mjs]' })).toContain('waits for something while it is loaded')
  })

  it('says which part of a plugin is wrong', () => {
    const shape = (name: string, text: string): string => {
      place.write(`${name}.mjs`, `export default ${text}\n`)
      return fails({ plugins: `[./${name}.mjs]` }).replace(/^plugins\.0 \(line 1:11\): /, '')
    }
    expect(shape('w1', '7')).toBe(
      './w1.mjs is no plugin: it exports number, not a plugin. Export definePlugin({ … }) as its default.',
    )
    expect(shape('w2', "{ api: 2, kind: 'gate' }")).toBe(
      './w2.mjs is no plugin: its api is 2, this version has 1. Write api: 1, or use another version of it.',
    )
    expect(shape('w3', "{ api: 1, kind: 'judge' }")).toContain(
      'its kind is "judge". Kinds are gate, solver, pattern, detector, model.',
    )
    expect(shape('w4', "{ api: 1, kind: 'gate', name: 'Mine' }")).toContain('its name is "Mine".')
    expect(shape('w5', "{ api: 1, kind: 'gate', name: 'mine' }")).toContain('its version is missing.')
    expect(shape('w6', `{ ${head('gate', 'mine')} }`)).toContain('gate mine has no function check. Add check.')
    expect(shape('w7', `{ ${head('detector', 'mine')}, find() {}, finds: 'cats' }`)).toContain(
      'detector mine finds "cats".',
    )
    expect(shape('w8', '[]')).toContain('exports an empty list')
  })

  it('refuses two of one name, tasks and names that are not there, and settings that a kind does not take', () => {
    const one = plugin('one', 'gate', 'check() {}')
    place.write('same.mjs', `export default { ${head('gate', 'one', '2.0.0')}, check() {} }\n`)
    expect(fails({ plugins: `[${one}, ./same.mjs]` })).toContain('./same.mjs has a gate one, and so has ./one.mjs.')
    expect(fails({ plugins: `[{ from: ${one}, tasks: [chta] }]` })).toContain(
      'there is no task chta. Did you mean chat?',
    )
    const finder = plugin('finder', 'detector', "finds: 'name', find: () => []")
    expect(fails({ plugins: `[{ from: ${finder}, tasks: [chat] }]` })).toContain(
      'detector finder is not chosen by task',
    )
    expect(fails({ plugins: '[]', task: ', pattern: plugin' })).toContain('no pattern plugin is named')
    expect(fails({ plugins: '[]', task: ', pattern: { plugin: { name: ask-once } }' })).toContain(
      'there is no pattern plugin ask-once',
    )
    expect(fails({ plugins: '[]', more: 'network: { proxy: none }' })).toBe('loaded')
  })

  it('has another digest with another plugin', () => {
    const load = (plugins: string): string =>
      parsePolicy(policyOf({ plugins }), { file: join(place.folder, 'spillway.yaml'), env: { KEY: 'k' } }).digest
    const [one, two] = [plugin('digest-one', 'gate', 'check() {}'), plugin('digest-two', 'gate', 'check() {}')]
    expect(load(`[${one}]`)).toBe(load(`[${one}]`))
    expect(load(`[${one}]`)).not.toBe(load(`[${two}]`))
    expect(load(`[${one}]`)).not.toBe(load('[]'))
  })

  it('does not take a file that changed since it was loaded for what it was', () => {
    const from = plugin('moving', 'gate', 'check() {}')
    expect(fails({ plugins: `[${from}]` })).toBe('loaded')
    plugin('moving', 'gate', 'check() { return null }')
    expect(fails({ plugins: `[${from}]` })).toContain('./moving.mjs has changed since it was loaded')
  })
})
