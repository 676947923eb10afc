/** F63: private data in any field of a request, in answers that come in pieces, in a draft that is sent on. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { type ModelScript, scriptedModel } from '../../src/testing.ts'
import { openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream } from '../support/scripted-cloud.ts'

afterEach(closeAll)

/** Of five kinds; `core` is what must be found nowhere. None of them is anybody's. */
const PATTERNS = {
  provider_key: (n: number) => `sk-ant-api03-${'Qx7'.repeat(8)}${pad(n)}${'kZ9'.repeat(4)}`,
  github_token: (n: number) => `ghp_${'aB3dE6gH9jK2mN5pQ8sT'}${pad(n)}${'uV1wX4yZ7cA1'}`,
  email: (n: number) => `marker.${pad(n)}@mail-of-somebody.com`,
  card: (n: number) => withCheckDigit(`411111${pad(n)}00000`),
  iban: (n: number) => ibanOf(`37040044053201${pad(n)}`),
} as const
type Pattern = keyof typeof PATTERNS

function pad(n: number): string {
  return String(n).padStart(4, '0')
}

/** Luhn. */
function withCheckDigit(digits: string): string {
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}

/** A German one: the check digits of ISO 13616. */
function ibanOf(account: string): string {
  const check = 98n - (BigInt(`${account}131400`) % 97n)
  return `DE${String(check).padStart(2, '0')}${account}`
}

type Body = Readonly<Record<string, unknown>>
const say = (content: unknown) => [{ role: 'user', content }]
const USER = { role: 'user', content: 'Please go on.' }
const toolWith = (change: Body) => [{ type: 'function', function: { name: 'look_up', ...change } }]
const callWith = (call: Body, called: Body) => [
  { role: 'user', content: 'Look it up.' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}', ...called }, ...call },
    ],
  },
  { role: 'tool', tool_call_id: call.id ?? 'call_1', content: 'found' },
]
const schemaOf = (schema: Body, more: Body = {}) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...more } },
})

/** Every place of a request that takes text: what a body with the marker there looks like. */
const PLACES: Readonly<Record<string, (marker: string) => Body>> = {
  'user text': (m) => ({ messages: say(`My note: ${m}`) }),
  'system text': (m) => ({ messages: [{ role: 'system', content: `Note: ${m}` }, USER] }),
  'developer text': (m) => ({ messages: [{ role: 'developer', content: `Note: ${m}` }, USER] }),
  'assistant text': (m) => ({ messages: [USER, { role: 'assistant', content: `Note: ${m}` }, USER] }),
  'tool result': (m) => ({
    messages: callWith({}, {}).map((one) => (one.role === 'tool' ? { ...one, content: m } : one)),
  }),
  'text part': (m) => ({ messages: say([{ type: 'text', text: `Note: ${m}` }]) }),
  'second text part': (m) => ({
    messages: say([
      { type: 'text', text: 'First.' },
      { type: 'text', text: `Note: ${m}` },
    ]),
  }),
  'tool result part': (m) => ({
    messages: callWith({}, {}).map((one) =>
      one.role === 'tool' ? { ...one, content: [{ type: 'text', text: m }] } : one,
    ),
  }),
  'name of a speaker': (m) => ({ messages: [{ ...USER, name: m }] }),
  'arguments of a call': (m) => ({ messages: callWith({}, { arguments: JSON.stringify({ note: m }) }) }),
  'name of a called tool': (m) => ({ messages: callWith({}, { name: m }) }),
  'id of a call': (m) => ({ messages: callWith({ id: m }, {}) }),
  'unknown field of a message': (m) => ({ messages: [{ ...USER, note: m }] }),
  'unknown field of a part': (m) => ({ messages: say([{ type: 'text', text: 'Hi.', note: m }]) }),
  'refusal of the assistant': (m) => ({ messages: [USER, { role: 'assistant', content: 'No.', refusal: m }, USER] }),
  'address of an image': (m) => ({
    messages: say([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: `https://images.example/a.png?note=${encodeURIComponent(m)}` } },
    ]),
  }),
  'name of a file': (m) => ({
    messages: say([
      { type: 'text', text: 'Read.' },
      { type: 'file', file: { filename: m, file_id: 'f1' } },
    ]),
  }),
  'transcript of a sound': (m) => ({
    messages: say([
      { type: 'text', text: 'Hear.' },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' }, transcript: m },
    ]),
  }),
  'name of a tool': (m) => ({
    messages: [USER],
    tools: [{ type: 'function', function: { name: m } }],
  }),
  'description of a tool': (m) => ({ messages: [USER], tools: toolWith({ description: `For ${m}` }) }),
  'description of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { type: 'string', description: m } } } }),
  }),
  'choices of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { enum: ['x', m] } } } }),
  }),
  'default of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { type: 'string', default: m } } } }),
  }),
  'name of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { [m]: {} } } }),
  }),
  'schema of the answer': (m) => ({
    messages: [USER],
    ...schemaOf({ type: 'object', properties: { a: { type: 'string', description: m } } }),
  }),
  'description of the schema': (m) => ({ messages: [USER], ...schemaOf({ type: 'object' }, { description: m }) }),
  'stop text': (m) => ({ messages: [USER], stop: [m] }),
  'field user': (m) => ({ messages: [USER], user: m }),
  'field metadata': (m) => ({ messages: [USER], metadata: { note: m } }),
  prediction: (m) => ({ messages: [USER], prediction: { type: 'content', content: m } }),
  'unknown field': (m) => ({ messages: [USER], vendor_options: { deep: [{ note: m }] } }),
}

const POLICY: PolicyInput = {
  privacy: { redact: ['secret', 'email', 'card', 'iban'] },
  cache: { exact: true },
  routing: { maxFallbackAttempts: 0 },
}

async function send(
  { gateway }: GatewayOnCloud,
  body: Body,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ model: 'auto', ...body }),
  })
  return { status: response.status, text: await response.text() }
}

/** Everything that is on disk below a folder. */
function onDisk(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n')
}

/** A marker in whatever spelling it may have got on its way. */
function spellings(marker: string): readonly string[] {
  return [marker, encodeURIComponent(marker), Buffer.from(marker).toString('base64')]
}

function whereFound(marker: string, places: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(places)
    .filter(([, text]) => spellings(marker).some((spelling) => text.includes(spelling)))
    .map(([place]) => place)
}

describe('F63', () => {
  it('31 places times 5 patterns: no marker at the cloud, in logs, traces, the state directory or the cache', async () => {
    const on = await gatewayOnCloud({ policy: POLICY })
    on.cloud.otherwise(openAiText('fine'))
    const markers: {
      readonly place: string
      readonly pattern: string
      readonly marker: string
      readonly status: number
    }[] = []
    let n = 0
    for (const [place, body] of Object.entries(PLACES))
      for (const pattern of Object.keys(PATTERNS) as Pattern[]) {
        const marker = PATTERNS[pattern](++n)
        const { status } = await send(on, body(marker))
        markers.push({ place, pattern, marker, status })
      }
    expect(markers).toHaveLength(155)
    expect(markers.filter(({ status }) => status >= 500)).toEqual([])
    const trace = JSON.stringify(on.router.audit({}))
    await on.closeRouter()
    const places = {
      cloud: on.cloud.requests.map(({ text, headers, path }) => text + JSON.stringify(headers) + path).join('\n'),
      log: on.gateway.logLines.join('\n'),
      trace,
      disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
    }
    const found = markers.flatMap(({ place, pattern, marker }) =>
      whereFound(marker, places).map((where) => `${pattern} in ${place} is in ${where}`),
    )
    expect(found).toEqual([])
    // Where a text can be masked the request is answered.
    const answered = markers.filter(({ status }) => status === 200).length
    expect(answered).toBeGreaterThan(80)
  })

  it('a placeholder that the provider splits over pieces is put back for the client, and only for it', async () => {
    const on = await gatewayOnCloud({ policy: POLICY })
    const key = PATTERNS.provider_key(7777)
    const mail = PATTERNS.email(7778)
    for (let cut = 1; cut < 9; cut++) {
      const answer = `Use [secret_1] and write to [email_1].`
      const pieces = [...answer].reduce<string[]>((all, letter, index) => {
        if (index % cut === 0) all.push('')
        all[all.length - 1] += letter
        return all
      }, [])
      on.cloud.enqueue(eventStream(openAiFrames(pieces.map((content) => ({ content })))))
      const { text } = await send(on, { messages: say(`Attempt ${cut}: ${key} and ${mail}`), stream: true })
      const told = [...text.matchAll(/^data: (\{.*)$/gm)]
        .map(
          ([, json]) =>
            (JSON.parse(json ?? '') as { choices: { delta?: { content?: string } }[] }).choices[0]?.delta?.content,
        )
        .join('')
      expect(told).toBe(`Use ${key} and write to ${mail}.`)
    }
    const trace = JSON.stringify(on.router.audit({}))
    await on.closeRouter()
    const places = {
      cloud: on.cloud.requests.map(({ text }) => text).join('\n'),
      log: on.gateway.logLines.join('\n'),
      trace,
      disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
    }
    expect([...whereFound(key, places), ...whereFound(mail, places)]).toEqual([])
  })

  it.each(Object.keys(PATTERNS) as Pattern[])(
    'a local draft with a %s in pieces is sent on masked when it escalates',
    async (pattern) => {
      const marker = PATTERNS[pattern](8888)
      const text = [...`The answer is ${marker}, I think`].map(String)
      const script: ModelScript = { name: 'small', answers: () => ({ text, finishReason: 'length' }) }
      const on = await gatewayOnCloud({
        policy: {
          ...POLICY,
          models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
          tasks: { chat: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } },
          defaults: { task: 'chat' },
        },
        router: { models: { small: scriptedModel(script) } },
      })
      on.cloud.otherwise(openAiText('fine'))
      const { status, text: body } = await send(on, { messages: say('What is it?') })
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({ spillway: { route: 'frontier' } })
      expect(on.cloud.requests).toHaveLength(1)
      const trace = JSON.stringify(on.router.audit({}))
      await on.closeRouter()
      const places = {
        cloud: on.cloud.requests.map(({ text: sent }) => sent).join('\n'),
        log: on.gateway.logLines.join('\n'),
        trace,
        disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
      }
      expect(whereFound(marker, places)).toEqual([])
    },
  )
})
