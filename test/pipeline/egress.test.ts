import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { keepReadings, type ReadingOrder, readTexts } from '../../src/classify/long-texts.ts'
import { type Egress, generateThroughEgress } from '../../src/pipeline/egress.ts'
import { createPlaceholderNumbers } from '../../src/pipeline/placeholder-numbers.ts'
import type { PipelineDeps, Run } from '../../src/pipeline/run.ts'
import type { JournalEntry } from '../../src/spec/audit.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { CallLimits, ModelCall, ModelEvent } from '../../src/spec/ports.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { manualClock, type ScriptedText, scriptedModel } from '../../src/testing.ts'

const KEY = 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'
const MAIL = 'jane.doe@example.com'
const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 },
}
const POLICY: PolicyInput = {
  models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } },
  tasks: {},
  privacy: { redact: ['email'] },
}

interface Wanted {
  readonly answer?: ScriptedText
  readonly partition?: 'public' | 'internal' | 'local_only'
  readonly frontier?: readonly string[]
  readonly policy?: PolicyInput
  readonly events?: readonly ModelEvent[]
  readonly findPrivate?: PipelineDeps['findPrivate']
  readonly textReader?: PipelineDeps['textReader']
  readonly isAnonymised?: boolean
}

/** The door with a scripted model behind it: what it was asked, what it left on disk, what came back. */
async function through(call: Partial<ModelCall>, wanted: Wanted = {}) {
  const { answer = { text: 'Yes.' }, partition = 'internal', frontier = ['big'], policy = POLICY } = wanted
  const scripted = scriptedModel({ name: 'big', answers: [answer] })
  const given = wanted.events
  const port = given ? { ...scripted, generate: () => Readable.from(given) as AsyncIterable<ModelEvent> } : scripted
  const journal: JournalEntry[] = []
  const run = {
    requestId: 'r',
    decision: { frontier },
    features: { partition, anonymised: wanted.isAnonymised === true },
    told: [],
    unwritten: [],
  } as unknown as Run
  const deps = {
    loaded: validatePolicy(policy, { file: 'sample.yaml', env: { KEY: 'k' } }),
    journal: { write: async (entries: readonly JournalEntry[]) => void journal.push(...entries) },
    clock: manualClock({ sleeping: 'skip' }),
    placeholders: createPlaceholderNumbers(),
    findPrivate: wanted.findPrivate,
    textReader: wanted.textReader,
  } as unknown as PipelineDeps
  const { baseUrl } = deps.loaded.policy.models[port.name] ?? {}
  const egress: Egress = { port, run, deps, purpose: 'answer', baseUrl }
  const events: ModelEvent[] = []
  const whole = { messages: [{ role: 'user', content: 'Hello' }], stream: false, ...call } as ModelCall
  for await (const some of await generateThroughEgress(egress, whole, LIMITS)) events.push(...some)
  return { sent: scripted.calls[0], events, journal, text: textOf(events) }
}

function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
}

const held = { code: 'held_for_human' }
const say = (content: unknown) => ({ messages: [{ role: 'user', content }] as unknown as ModelCall['messages'] })

describe('the egress door', () => {
  it('is closed to text of local_only and to models that the route does not name, and asks nobody', async () => {
    await expect(through({}, { partition: 'local_only' })).rejects.toMatchObject({ code: 'privacy_local_only' })
    await expect(through({}, { frontier: ['other'] })).rejects.toMatchObject({ code: 'privacy_local_only' })
  })

  it('masks secrets and what is listed, in text, parts and arguments of tools, and restores the answer', async () => {
    const messages = [
      { role: 'user', content: `Mail ${MAIL}, key ${KEY}` },
      {
        role: 'user',
        content: [
          { type: 'text', text: `Again ${MAIL}` },
          { type: 'image', url: 'data:image/png;base64,AAAA' },
        ],
      },
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'send', arguments: `{"to":"${MAIL}"}` }] },
    ] as unknown as ModelCall['messages']
    const { sent, text, journal } = await through({ messages }, { answer: { text: ['Sent to [em', 'ail_1].'] } })
    const written = JSON.stringify(sent?.messages)
    expect(written).not.toContain(MAIL)
    expect(written).not.toContain(KEY)
    expect(written.match(/\[email_1\]/g)).toHaveLength(3)
    expect(written).toContain('data:image/png;base64,AAAA')
    expect(text).toBe(`Sent to ${MAIL}.`)
    const [entry] = journal
    expect(entry).toMatchObject({
      type: 'egress',
      row: { redactions: { email: 1, secret: 1 }, destination: 'api.openai.com' },
    })
    expect(JSON.stringify(entry)).not.toContain(MAIL)
  })

  it('has long texts that were built for the call read elsewhere first, in every place of its messages', async () => {
    for (const isAnonymised of [false, true]) {
      const asked: string[] = []
      const textReader = {
        read: async (order: ReadingOrder) => {
          asked.push(...order.texts.map(({ text, writing }) => `${writing} ${text.slice(0, 12)}`))
          keepReadings(order, readTexts(order))
        },
      } as PipelineDeps['textReader']
      const long = (beginning: string): string => `${beginning} ${isAnonymised} ${MAIL} ${'word '.repeat(2000)}`
      const messages = [
        { role: 'system', content: long('instructions') },
        { role: 'user', content: [{ type: 'text', text: long('a text part') }] },
        { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'send', arguments: `{"a":"${long('x')}"}` }] },
      ] as unknown as ModelCall['messages']
      const { sent } = await through({ messages }, { textReader, isAnonymised })
      expect(asked).toEqual(
        expect.arrayContaining(['text instructions', 'text a text part ', expect.stringMatching(/^json /)]),
      )
      expect(JSON.stringify(sent?.messages)).not.toContain(MAIL)
    }
  })

  it('restores the arguments of tool calls, each for itself, and drops bytes that cannot be restored', async () => {
    const answer: ScriptedText = {
      text: '',
      toolCalls: [
        { id: 'a', name: 'send', arguments: '{"to":"[email_1]"}' },
        { id: 'b', name: 'send', arguments: '{"cc":"[email_1]"}' },
      ],
      raw: { id: 'upstream' },
    }
    const { events } = await through(say(`Write to ${MAIL}`), { answer })
    const argumentsOf = (index: number) =>
      events.map((event) => (event.type === 'tool_call' && event.index === index ? event.argumentsDelta : '')).join('')
    expect([argumentsOf(0), argumentsOf(1)]).toEqual([`{"to":"${MAIL}"}`, `{"cc":"${MAIL}"}`])
    expect(events.at(-1)).toMatchObject({ type: 'finish', raw: null })
  })

  it('puts a value back into an answer that is JSON so that it stays JSON', async () => {
    const answer = { text: '{"to":"[email_1]"}' }
    const call = { ...say(`Write to ${MAIL}`), responseSchema: 'json' } as const
    expect(JSON.parse((await through(call, { answer })).text)).toEqual({ to: MAIL })
  })

  it('drops raw pieces of an answer that has something to restore, and passes them on where nothing was masked', async () => {
    const raw = { type: 'raw', chunk: { text: '[email_1]' } } as unknown as ModelEvent
    const events: readonly ModelEvent[] = [raw, { type: 'text', delta: '[email_1]' }]
    expect((await through(say(MAIL), { events })).events).toEqual([{ type: 'text', delta: MAIL }])
    expect((await through(say('Hello'), { events })).events).toEqual(events)
  })

  it('lets an answer pass as it is when nothing was masked', async () => {
    const { events } = await through({}, { answer: { text: 'Yes.', raw: { id: 'upstream' }, loading: true } })
    expect(events.map(({ type }) => type)).toContain('loading')
    expect(events.at(-1)).toMatchObject({ type: 'finish', raw: { dialect: 'openai_chat', body: { id: 'upstream' } } })
    const masked = await through(say(MAIL), { answer: { text: 'Yes.', loading: true } })
    expect(masked.events.map(({ type }) => type)).toContain('loading')
  })

  it.each<[string, Partial<ModelCall>]>([
    ['tool definitions', { tools: [{ name: 't', description: KEY, parameters: {} }] as never }],
    ['a schema', { responseSchema: { const: KEY } }],
    ['a name of a message', { messages: [{ role: 'user', name: KEY, content: 'Hi' }] as never }],
    ['a part of a message that is no text', say([{ type: 'file', file: KEY }])],
    ['a part that is only a string', say([KEY])],
    [
      'content that is neither text nor parts',
      { wire: wire({ messages: [{ role: 'user', content: { text: KEY } }] }) },
    ],
    ['the address of an image', say([{ type: 'image', url: `https://example.com/${KEY}` }])],
    [
      'text of a part that calls itself something else',
      say([{ type: 'image', url: 'data:image/png;base64,A', text: KEY }]),
    ],
    [
      'the name of a called tool',
      { messages: [{ role: 'assistant', content: '', toolCalls: [{ id: '1', name: KEY, arguments: '' }] }] as never },
    ],
    ['an unknown field of the body', { wire: wire({ messages: [], metadata: { note: KEY } }) }],
    ['messages of the body that are no list', { wire: wire({ messages: { note: KEY } }) }],
    ['a message of the body that is no object', { wire: wire({ messages: [KEY] }) }],
    [
      'a called function of the body',
      {
        wire: wire({
          messages: [{ role: 'assistant', content: '', tool_calls: [{ function: { name: KEY, arguments: '' } }] }],
        }),
      },
    ],
    [
      'a called function that is no object',
      { wire: wire({ messages: [{ role: 'assistant', content: '', tool_calls: [{ function: KEY }] }] }) },
    ],
    ['a call that is no object', { wire: wire({ messages: [{ role: 'assistant', content: '', tool_calls: [KEY] }] }) }],
    ['calls that are no list', { wire: wire({ messages: [{ role: 'assistant', content: '', tool_calls: KEY }] }) }],
    ['sound that is a text', say([{ type: 'input_audio', input_audio: { data: KEY, format: 'wav' } }])],
    ['sound without its bytes', say([{ type: 'input_audio', input_audio: null, note: KEY }])],
  ])('holds a request with a secret in %s', async (_where, call) => {
    await expect(through(call)).rejects.toMatchObject(held)
  })

  it('takes bytes of images and sound for what they are, and masked places of the body for masked', async () => {
    const audio = { type: 'input_audio', input_audio: { data: Buffer.alloc(600, 7).toString('base64'), format: 'wav' } }
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${KEY}` } }
    const messages = [
      { role: 'user', content: [{ type: 'text', text: KEY }, audio, image] },
      { role: 'assistant', content: KEY, tool_calls: [{ function: { name: 'f', arguments: KEY } }] },
    ]
    const { sent } = await through({ wire: wire({ messages }) })
    expect(sent).toBeDefined()
  })

  it('lets nothing out in which a kind is left that stays here, whoever wrote it', async () => {
    const detect = { localOnly: { detect: ['email' as const] } }
    const draft = say(`A draft for ${MAIL}`)
    const policy = { ...POLICY, privacy: { ...detect, redact: [] } }
    await expect(through(draft, { policy })).rejects.toMatchObject({
      code: 'privacy_local_only',
      values: { why: expect.stringContaining('email') },
    })
    await expect(through({ stop: [MAIL] }, { policy })).rejects.toMatchObject({ code: 'privacy_local_only' })
    const { sent } = await through(draft, { policy: { ...POLICY, privacy: { ...detect, redact: ['email'] } } })
    expect(JSON.stringify(sent)).not.toContain(MAIL)
    const findPrivate = (): never => {
      throw new Error('broken')
    }
    await expect(through({}, { policy, findPrivate })).rejects.toMatchObject({ code: 'privacy_local_only' })
  })

  it('masks personal data in files that are text, and holds a file that cannot be written anew', async () => {
    const inFile = (text: string) => Buffer.from(text).toString('base64')
    const sendFile = (data: string) =>
      through({ wire: wire({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: data } }] }] }) })
    const { sent } = await sendFile(`data:text/csv;base64,${inFile(`name,mail\nJane,${MAIL}\n`)}`)
    expect(JSON.stringify(sent)).toContain(inFile('name,mail\nJane,[email_1]\n'))
    await expect(sendFile(inFile(`%PDF-1.4 (${MAIL}) Tj`))).rejects.toMatchObject(held)
    await expect(sendFile(inFile(`${'A long note. '.repeat(900)} ${KEY}`))).rejects.toMatchObject(held)
  })

  it('masks ids and names of calls the same in the body and in what is built from it', async () => {
    const call = { id: MAIL, name: 'f', arguments: `{"key":"${KEY}"}` }
    const body = {
      messages: [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: MAIL, type: 'function', function: { name: 'f', arguments: call.arguments } }],
        },
      ],
    }
    const { sent } = await through({
      messages: [
        { role: 'assistant', content: '', toolCalls: [call] },
        { role: 'tool', content: 'ok', toolCallId: MAIL },
      ],
      wire: wire(body),
    })
    expect(sent?.messages[0]?.toolCalls?.[0]).toMatchObject({ id: '[email_1]', arguments: '{"key":"[secret_1]"}' })
    expect(sent?.messages[1]?.toolCallId).toBe('[email_1]')
    expect(sent?.wire?.body.messages).toMatchObject([{ tool_calls: [{ id: '[email_1]' }] }])
  })

  it('names no destination for a model that the policy does not know', async () => {
    const { journal } = await through({}, { policy: { models: {}, tasks: {} } })
    expect(journal[0]).toMatchObject({ row: { destination: 'unknown', bytes: expect.any(Number) } })
  })
})

function wire(body: Readonly<Record<string, unknown>>): NonNullable<ModelCall['wire']> {
  return { dialect: 'openai_chat', body }
}
