import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeMessages, openAiRequestBody } from '../../src/models/openai-wire.ts'
import type { ModelCall } from '../../src/spec/ports.ts'
import type { Message } from '../../src/spec/request.ts'

const SETTINGS = { model: 'gpt-x', maxOutputTokens: 500, server: 'compatible' } as const

describe('a request that carries the caller’s own body', () => {
  const body = {
    model: 'auto',
    messages: [
      { role: 'system', content: 'Be short.', cache_control: { type: 'ephemeral' } },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'mail a@b.se' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":  1}' } }],
        x_extra: 7,
      },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
    ],
    tools: [{ type: 'function', function: { name: 'f', strict: true } }],
    tool_choice: 'required',
    temperature: 0.3,
    x_unknown: { deep: [1, null] },
  }
  const messages: readonly Message[] = [
    { role: 'system', content: 'Be short.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'mail a@b.se' },
        { type: 'image', url: 'data:image/png;base64,AA', alt: 'a cat' },
      ],
    },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":  1}' }] },
    { role: 'tool', content: 'done', toolCallId: 'c1' },
  ]
  const call: ModelCall = { messages, stream: false, wire: { dialect: 'openai_chat', body }, maxOutputTokens: 9 }

  it('goes out unchanged but for the model', () => {
    expect(openAiRequestBody(call, SETTINGS)).toEqual({ ...body, model: 'gpt-x' })
  })

  it('keeps untouched messages as the very same values', () => {
    const sent = openAiRequestBody(call, SETTINGS).messages as readonly unknown[]
    expect(sent.map((message, index) => message === body.messages[index])).toEqual([true, true, true, true])
  })

  it('asks for a stream with usage, beside the caller’s own stream options', () => {
    const streamed = {
      ...call,
      stream: true,
      wire: { dialect: 'openai_chat' as const, body: { ...body, stream_options: { x: 1 } } },
    }
    expect(openAiRequestBody(streamed, SETTINGS)).toEqual({
      ...body,
      model: 'gpt-x',
      stream: true,
      stream_options: { x: 1, include_usage: true },
    })
  })

  it('takes a stream and its options back when the answer is wanted whole', () => {
    const held = {
      ...call,
      wire: {
        dialect: 'openai_chat' as const,
        body: { ...body, stream: true, stream_options: { include_usage: true } },
      },
    }
    expect(openAiRequestBody(held, SETTINGS)).toEqual({ ...body, model: 'gpt-x', stream: false })
  })

  it('sends masked texts and arguments in place of the caller’s, and keeps every other field', () => {
    const masked = messages.map((message, index): Message => {
      if (index === 1)
        return {
          role: 'user',
          content: [
            { type: 'text', text: 'mail [EMAIL_1]' },
            { type: 'image', url: 'data:image/png;base64,AA' },
          ],
        }
      return index === 2 ? { ...message, toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":"[KEY_1]"}' }] } : message
    })
    expect(openAiRequestBody({ ...call, messages: masked }, SETTINGS).messages).toEqual([
      { role: 'system', content: 'Be short.', cache_control: { type: 'ephemeral' } },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'mail [EMAIL_1]' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":"[KEY_1]"}' } }],
        x_extra: 7,
      },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
    ])
  })

  it('puts what the router added in front, and leaves the rest as it was', () => {
    const packet: Message = { role: 'system', content: 'A smaller model answered: access' }
    expect(openAiRequestBody({ ...call, messages: [packet, ...messages] }, SETTINGS).messages).toEqual([
      { role: 'system', content: 'A smaller model answered: access' },
      ...body.messages,
    ])
  })

  it('replaces parts by one text when the router flattened them', () => {
    const wire = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'image_url', image_url: { url: 'u' } },
          { type: 'text', text: 'two' },
        ],
      },
    ]
    expect(mergeMessages(wire, [{ role: 'user', content: 'one\ntwo' }])).toEqual(wire)
    expect(mergeMessages(wire, [{ role: 'user', content: 'masked' }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'masked' },
          { type: 'image_url', image_url: { url: 'u' } },
        ],
      },
    ])
  })

  it('masks the arguments of the right call when one of another type stands before it', () => {
    const custom = { id: 'c0', type: 'custom', custom: { name: 'sql', input: 'select 1' } }
    const wire = [
      {
        role: 'assistant',
        content: null,
        tool_calls: [custom, { id: 'c1', type: 'function', function: { name: 'f', arguments: 'raw' } }],
      },
    ]
    const own: Message = { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'f', arguments: 'masked' }] }
    expect(mergeMessages(wire, [own])).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: [custom, { id: 'c1', type: 'function', function: { name: 'f', arguments: 'masked' } }],
      },
    ])
  })

  it('adds a text where the caller sent only an image', () => {
    const wire = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'u' } }] }]
    expect(mergeMessages(wire, [{ role: 'user', content: 'look' }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'u' } },
          { type: 'text', text: 'look' },
        ],
      },
    ])
  })

  it('never sends a text that the call no longer holds', () => {
    const secret = 'S3CRET'
    const wireContent = fc.oneof(
      fc.constant(secret),
      fc.constant(null),
      fc.array(
        fc.constantFrom(
          { type: 'text', text: secret },
          { type: 'text', text: '' },
          { type: 'image_url', image_url: { url: 'u' } },
        ),
        { maxLength: 4 },
      ),
    )
    const ownContent = fc.oneof(
      fc.constantFrom('', 'masked'),
      fc.array(
        fc.constantFrom(
          { type: 'text' as const, text: 'masked' },
          { type: 'text' as const, text: '' },
          { type: 'image' as const, url: 'u' },
        ),
        { maxLength: 4 },
      ),
    )
    fc.assert(
      fc.property(fc.array(wireContent, { maxLength: 3 }), fc.array(ownContent, { maxLength: 4 }), (wire, own) => {
        const sent = mergeMessages(
          wire.map((content) => ({ role: 'user', content })),
          own.map((content) => ({ role: 'user', content })),
        )
        expect(sent).toHaveLength(own.length)
        expect(JSON.stringify(sent)).not.toContain(secret)
      }),
    )
  })
})

describe('a request built from the call', () => {
  it('carries every setting in the words of the dialect', () => {
    const call: ModelCall = {
      stream: false,
      messages: [
        { role: 'developer', content: 'Be short.' },
        {
          role: 'user',
          name: 'eva',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'image', url: 'https://x.test/a.png' },
          ],
        },
        { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'f', arguments: '{}' }] },
        { role: 'tool', content: 'ok', toolCallId: 'c1' },
      ],
      tools: [{ name: 'f', description: 'F.', parameters: { type: 'object' } }],
      responseSchema: { type: 'object' },
      maxOutputTokens: 60,
      temperature: 0,
      topP: 0.5,
      stop: ['END'],
      seed: 4,
    }
    expect(openAiRequestBody(call, SETTINGS)).toEqual({
      model: 'gpt-x',
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          name: 'eva',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', content: 'ok', tool_call_id: 'c1' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 60,
      tools: [{ type: 'function', function: { name: 'f', description: 'F.', parameters: { type: 'object' } } }],
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      temperature: 0,
      top_p: 0.5,
      stop: ['END'],
      seed: 4,
    })
  })

  it("gives a caller's cap to OpenAI itself by its newer name, and to others as it is", () => {
    const call = (body: object): ModelCall => ({
      stream: false,
      messages: [{ role: 'user', content: 'x' }],
      wire: { dialect: 'openai_chat', body: { messages: [{ role: 'user', content: 'x' }], ...body } },
    })
    const sent = (body: object, server: 'openai' | 'compatible') =>
      openAiRequestBody(call(body), { ...SETTINGS, server })
    expect(sent({ max_tokens: 9 }, 'openai')).toMatchObject({ max_completion_tokens: 9 })
    expect(sent({ max_tokens: 9 }, 'openai')).not.toHaveProperty('max_tokens')
    expect(sent({ max_tokens: 9, max_completion_tokens: 5 }, 'openai')).toMatchObject({ max_completion_tokens: 5 })
    expect(sent({ max_tokens: 9 }, 'compatible')).toMatchObject({ max_tokens: 9 })
  })

  it('uses the names that OpenAI itself wants, and the cap of the policy when the caller sets none', () => {
    const call: ModelCall = { stream: true, messages: [{ role: 'developer', content: 'x' }], responseSchema: 'json' }
    expect(openAiRequestBody(call, { ...SETTINGS, server: 'openai' })).toEqual({
      model: 'gpt-x',
      messages: [{ role: 'developer', content: 'x' }],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 500,
      response_format: { type: 'json_object' },
    })
  })
})
