/** What is masked in bodies of the Messages API, what is refused, and how it comes back: over the real router and real HTTP. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createUnmasker, createVault, maskText, unmask } from '../../../src/classify/privacy/mask.ts'
import { createMessageRestorer } from '../../../src/pipeline/restore-messages.ts'
import { anthropicFrames } from '../../support/cloud-answers.ts'
import { closeMessagesGateways, dataOf, framesOf, messagesGateway } from '../../support/messages-gateway.ts'
import { eventStream, json } from '../../support/scripted-cloud.ts'

afterEach(closeMessagesGateways)

const KEY = 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'
const MAIL = 'jane.doe@example.com'
const POLICY = { privacy: { redact: ['email' as const] } }
const SIGNATURE = 'EqQBCkYIBxgCKkDr5dPK0z3vVpVuOWnHhMLZ0Wu5SpYj1yTz0q6Yx4H2fG8bB1nKcQ7J3mXoP5rS9tUvWxYzAbCdEfGh=='
const BASE = { model: 'auto', max_tokens: 99 }
const say = (content: unknown) => ({ ...BASE, messages: [{ role: 'user', content }] })
const message = (content: readonly unknown[]) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
})

describe('secrets and private data', () => {
  const texts = (value: string) => ({
    ...BASE,
    system: [{ type: 'text', text: `System ${value}`, cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: `Plain ${value}` },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: `Thought ${value}`, signature: SIGNATURE },
          { type: 'text', text: `Said ${value}` },
          { type: 'tool_use', id: 'toolu_1', name: 'send', input: { to: value, nested: { [value]: [`"${value}"`] } } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: `Result ${value}` }] },
          { type: 'tool_result', tool_use_id: 'toolu_2', content: `String ${value}`, is_error: true },
          {
            type: 'document',
            source: { type: 'text', media_type: 'text/plain', data: `Data ${value}` },
            title: `Title ${value}`,
            context: `Context ${value}`,
          },
          { type: 'document', source: { type: 'content', content: [{ type: 'text', text: `Inner ${value}` }] } },
          {
            type: 'search_result',
            source: `https://x.test/?q=${value}`,
            title: value,
            content: [{ type: 'text', text: value }],
          },
          { type: 'made_up_block', words: { deep: [`Deep ${value}`] } },
        ],
      },
    ],
  })

  it.each([
    ['a secret', KEY, '[secret_1]'],
    ['an address', MAIL, '[email_1]'],
  ])('%s is masked in every text of a body, and the rest stays as it came', async (_what, value, placeholder) => {
    const { cloud, post } = await messagesGateway({ policy: POLICY })
    cloud.enqueue(json(message([{ type: 'text', text: 'Done.' }])))
    expect((await post('/v1/messages', texts(value))).status).toBe(200)
    const { body, text } = await cloud.request(0)
    expect(text).not.toContain(value)
    const { model, ...sent } = body
    const { model: _, ...wanted } = texts(placeholder)
    expect(model).toBe('claude-haiku-4-5')
    expect(sent).toEqual(wanted)
  })

  it.each<[string, unknown]>([
    [
      'a description of a tool',
      { ...say('Hi'), tools: [{ name: 't', description: KEY, input_schema: { type: 'object' } }] },
    ],
    ['a default in a schema', { ...say('Hi'), tools: [{ name: 't', input_schema: { type: 'object', default: KEY } }] }],
    ['an unknown field', { ...say('Hi'), made_up: { deep: [KEY] } }],
    ['the metadata', { ...say('Hi'), metadata: { user_id: KEY } }],
    ['a stop sequence', { ...say('Hi'), stop_sequences: [KEY] }],
    ['the name of a field', say([{ type: 'made_up_block', [KEY]: 1 }])],
    ['the id of a tool call', say([{ type: 'tool_result', tool_use_id: KEY, content: 'x' }])],
    [
      'a signature',
      { ...BASE, messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: '', signature: KEY }] }] },
    ],
  ])('a secret in %s, which cannot be masked, holds the request', async (_where, body) => {
    const { cloud, post } = await messagesGateway({ policy: POLICY })
    const response = await post('/v1/messages', body)
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ type: 'error', error: { code: 'held_for_human' } })
    expect(cloud.requests).toHaveLength(0)
  })

  it('personal data is masked where a secret would hold the request', async () => {
    const { cloud, post } = await messagesGateway({ policy: POLICY })
    cloud.enqueue(json(message([{ type: 'text', text: 'Done.' }])))
    const tools = [
      { name: 't', description: `Ask ${MAIL}.`, input_schema: { type: 'object', properties: { [MAIL]: {} } } },
    ]
    await post('/v1/messages', { ...say('Hi'), tools, metadata: { user_id: MAIL } })
    const { text, body } = await cloud.request(0)
    expect(text).not.toContain(MAIL)
    expect(body.metadata).toEqual({ user_id: '[email_1]' })
  })

  it('ids, signatures and encrypted content of the provider are no secrets', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.enqueue(json(message([{ type: 'text', text: 'Done.' }])))
    const blocks = [
      { type: 'thinking', thinking: 'Hm.', signature: SIGNATURE.repeat(4).replaceAll('=', 'A') },
      { type: 'redacted_thinking', data: SIGNATURE },
      { type: 'server_tool_use', id: 'srvtoolu_01WYG3ziw53XMcoyKL4XcZmE', name: 'web_search', input: { query: 'x' } },
      {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_01WYG3ziw53XMcoyKL4XcZmE',
        content: [{ type: 'web_search_result', url: 'https://x.test', title: 'X', encrypted_content: SIGNATURE }],
      },
      { type: 'tool_use', id: 'toolu_01D7FLrfh4GYq7yT1ULFeyMV', name: 'read', input: {} },
    ]
    const body = {
      ...BASE,
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: blocks },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'toolu_01D7FLrfh4GYq7yT1ULFeyMV', content: 'ok' }],
        },
      ],
    }
    expect((await post('/v1/messages', body)).status).toBe(200)
    expect((await cloud.request(0)).body.messages).toEqual(body.messages)
  })
})

describe('a text that may not leave', () => {
  const person = 'Personnummer 19811218-9876'
  it.each<[string, unknown]>([
    ['a result of a tool', [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: person }] }]],
    ['a document', [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: person } }]],
    ['the title of a file', [{ type: 'document', source: { type: 'file', file_id: 'f' }, title: person }]],
    ['a thought', [{ type: 'thinking', thinking: person, signature: 's' }]],
    ['a block that nobody knows', [{ type: 'made_up_block', deep: { words: [person] } }]],
    [
      'a block that nobody knows in a result',
      [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'x', words: person }] }],
    ],
  ])('keeps the request here when it stands in %s', async (_where, content) => {
    const { cloud, post } = await messagesGateway({ policy: { privacy: { localOnly: { detect: ['national_id'] } } } })
    const response = await post('/v1/messages', say(content))
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ error: { code: 'privacy_local_only' } })
    expect(cloud.requests).toHaveLength(0)
    cloud.enqueue(json(message([{ type: 'text', text: 'Done.' }])))
    const clean = JSON.parse(JSON.stringify(content).replaceAll(person, 'Nobody')) as unknown
    expect((await post('/v1/messages', say(clean))).status).toBe(200)
  })
})

describe('what was masked', () => {
  it('stands in a whole answer again: in texts, thoughts and inputs of tools', async () => {
    const { cloud, post } = await messagesGateway({ policy: POLICY })
    const answer = (value: string) =>
      message([
        { type: 'thinking', thinking: `To ${value}?`, signature: SIGNATURE },
        { type: 'text', text: `Writing to ${value}.`, citations: [{ cited_text: value }] },
        { type: 'tool_use', id: 'toolu_1', name: 'send', input: { to: value, cc: [value] } },
      ])
    cloud.enqueue(json(answer('[email_1]')))
    const response = await post('/v1/messages', say(`Write to ${MAIL}.`))
    const { spillway: _, ...rest } = (await response.json()) as Record<string, unknown>
    expect(rest).toEqual(answer(MAIL))
  })

  it('stands in a stream again, wherever the pieces are cut, and every other event comes as it came', async () => {
    const { cloud, post } = await messagesGateway({ policy: POLICY })
    const frames = anthropicFrames([
      {
        start: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          { type: 'thinking_delta', thinking: 'To [ema' },
          { type: 'thinking_delta', thinking: 'il_1]' },
          { type: 'signature_delta', signature: SIGNATURE },
        ],
      },
      {
        start: { type: 'text', text: '' },
        deltas: [
          { type: 'text_delta', text: 'Mail [email' },
          { type: 'text_delta', text: '_1], or [em' },
        ],
      },
      {
        start: { type: 'tool_use', id: 'toolu_1', name: 'send', input: {} },
        deltas: [
          { type: 'input_json_delta', partial_json: '{"to":"[emai' },
          { type: 'input_json_delta', partial_json: 'l_1]"}' },
        ],
      },
    ])
    cloud.enqueue(eventStream(frames))
    const response = await post('/v1/messages', { ...say(`Write to ${MAIL}.`), stream: true })
    const events = framesOf(await response.text()).map(dataOf) as { index?: number; delta?: Record<string, string> }[]
    const joined = (index: number, field: string): string =>
      events.map((event) => (event.index === index ? (event.delta?.[field] ?? '') : '')).join('')
    expect(joined(0, 'thinking')).toBe(`To ${MAIL}`)
    expect(joined(0, 'signature')).toBe(SIGNATURE)
    expect(joined(1, 'text')).toBe(`Mail ${MAIL}, or [em`)
    expect(joined(2, 'partial_json')).toBe(`{"to":"${MAIL}"}`)
    expect(events[0]).toEqual(dataOf(frames[0]))
    expect(events.at(-1)).toMatchObject({ type: 'message_stop' })
  })

  it('is restored the same for every way of cutting a text into events', () => {
    const pieces = fc.array(fc.constantFrom('[email_1]', '[', 'email', '_', '1]', 'word ', '[secret_1]', '"', '\\'), {
      maxLength: 12,
    })
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(pieces, sizes, (parts, cuts) => {
        const vault = createVault()
        maskText(`${MAIL} ${KEY}`, ['email', 'secret'], vault)
        const text = parts.join('')
        const take = createMessageRestorer(vault, 'text')
        const raw = (chunk: Record<string, unknown>) => take({ type: 'raw', dialect: 'anthropic_messages', chunk })
        const out = [...raw({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })]
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          const delta = { type: 'text_delta', text: text.slice(at, at + size) }
          out.push(...raw({ type: 'content_block_delta', index: 0, delta }))
          at += size
        }
        out.push(...raw({ type: 'content_block_stop', index: 0 }))
        const said = out.map(({ chunk }) => (chunk.delta as { text?: string } | undefined)?.text ?? '').join('')
        expect(said).toBe(unmask(text, vault))
      }),
    )
    expect(createUnmasker(createVault()).flush()).toBe('')
  })
})
