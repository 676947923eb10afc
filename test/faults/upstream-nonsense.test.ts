/** F19, F20, F22, F23: answers that break the protocol, are no answers, count wrongly, or come from another model. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiFrames, openAiStream, openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import { nameOf, streamRows } from '../support/provider-streams.ts'
import { cutBytes, eventStream, htmlPage, json, type Reply, type ScriptedReply } from '../support/scripted-cloud.ts'

afterEach(closeFaultyUpstreams)

const ONCE = { routing: { maxFallbackAttempts: 0 } }
const MARKER = 'marker-5c0ffee5'

describe('F19 a frame that is not what the protocol says', () => {
  const opening = openAiFrames([])[0] ?? ''
  it.each([
    ['text that is not JSON', `data: {"choices": ${MARKER}\n\n`],
    ['JSON that is no object', `data: ["${MARKER}"]\n\n`],
    ['half an object', `data: {"id":"${MARKER}","choices":[{"delta":{"content":"x\n\n`],
    ['binary', `data: \u0000\u0001${MARKER}\n\n`],
    ['an unknown error', `data: {"error":{"type":"${MARKER}","message":"${MARKER} sk-abcdefghijklmn"}}\n\n`],
  ])('F19 %s: a typed error, and its text in no log, record or file', async (_kind, frame) => {
    for (const pieces of [[frame], [opening, ...openAiStream(['begun']).pieces.slice(1, 2), frame]]) {
      const up = await faultyUpstreams({ clouds: [[eventStream(pieces)]], policy: ONCE })
      const text = await (await up.chat({ stream: true })).text()
      expect(text).toMatch(/"code":"model_(malformed|failed)"/)
      expect(text).not.toMatch(/\[DONE\]|"finish_reason":"|sk-abcdefghijklmn/)
      // What a provider reports as an error is for the client; what it only broke is for nobody.
      if (!frame.includes('"error"')) expect(text).not.toContain(MARKER)
      expect(up.record().outcome).toBe('error')
      expect(up.gateway.logLines.length).toBeGreaterThan(0)
      expect(up.written()).not.toContain(MARKER)
    }
  })

  const rows = streamRows('stream_faults_dev.jsonl').filter(({ fault }) => fault === 'bad-json-frame')
  it.skipIf(rows.length === 0)(
    `F19 each of ${rows.length} rows with a bad frame (skipped without the shared data)`,
    async () => {
      const up = {
        'openai-chat': await faultyUpstreams({ clouds: [[]], policy: ONCE }),
        anthropic: await faultyUpstreams({ clouds: [[]], dialects: ['anthropic'], policy: ONCE }),
      }
      for (const row of rows) {
        const own = up[row.dialect]
        own.clouds[0]?.enqueue(eventStream(cutBytes(row.text, 333)))
        const text = await (await own.chat({ stream: true })).text()
        expect(`${nameOf(row)} ${text.match(/"code":"(\w+)"/)?.[1]}`).toBe(`${nameOf(row)} model_malformed`)
        expect(own.record()).toMatchObject({ outcome: 'error', error: 'model_malformed' })
        await own.clock.advance(60_000)
      }
    },
  )
})

describe('F20 a 200 that is no answer', () => {
  const replies: readonly (readonly [string, ScriptedReply])[] = [
    ['a page', htmlPage()],
    ['a page that says it is a stream', eventStream(['<html><body>502</body></html>'])],
    ['a page that says it is JSON', { headers: { 'content-type': 'application/json' }, pieces: ['<html></html>'] }],
    ['an empty stream', eventStream([])],
    ['an empty body', { headers: { 'content-type': 'application/json' }, pieces: [] }],
    ['an empty body of no type', { pieces: [] }],
    ['an empty object', json({})],
    ['no choices', json({ id: 'x', choices: [] })],
    ['a message without an end', json({ choices: [{ index: 0, message: { role: 'assistant', content: 'x' } }] })],
    ['null', json(null)],
    ['a stream of nothing but [DONE]', eventStream(['data: [DONE]\n\n'])],
    ['a stream of comments', eventStream([': hi\n\n', ': ho\n\n'])],
    ['plain words', { headers: { 'content-type': 'text/plain' }, pieces: ['service unavailable'] }],
    [
      'a compressed body nobody asked for',
      {
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        pieces: [Buffer.from([31, 139, 8, 0])],
      },
    ],
  ]
  it.each([false, true])('F20 whatever it is, it lets the next model answer (stream: %s)', async (stream) => {
    const up = await faultyUpstreams({ clouds: [[], []] })
    up.clouds[1]?.otherwise(openAiText('from b'))
    for (const [kind, reply] of replies) {
      up.clouds[0]?.enqueue(reply)
      const response = await up.chat({ stream })
      expect([kind, response.status, response.headers.get('x-spillway-model')]).toEqual([kind, 200, 'b'])
      expect(await response.text()).toContain('from b')
      expect(up.record().attempts).toMatchObject([
        { model: 'a', outcome: 'failed', error: expect.stringMatching(/^model_(malformed|incomplete)$/) },
        { model: 'b', outcome: 'answered' },
      ])
      await up.clock.advance(60_000)
    }
  })

  it.each([false, true])(
    'F20 is an error, never an empty success, where nobody else is left (stream: %s)',
    async (stream) => {
      const up = await faultyUpstreams({ clouds: [[]], policy: ONCE })
      for (const [kind, reply] of replies) {
        up.clouds[0]?.enqueue(reply)
        const response = await up.chat({ stream })
        const { error } = (await response.json()) as { readonly error: { readonly code: string } }
        expect([kind, response.status, error.code]).toEqual([
          kind,
          502,
          expect.stringMatching(/^model_(malformed|incomplete)$/),
        ])
        await up.clock.advance(60_000)
      }
    },
  )
})

describe('F22 a usage block that is missing or cannot be true', () => {
  const usages: readonly (readonly [string, unknown])[] = [
    ['missing', undefined],
    ['null', null],
    ['zeros for something', { prompt_tokens: 0, completion_tokens: 0 }],
    ['negative', { prompt_tokens: -5, completion_tokens: 7 }],
    ['a fraction', { prompt_tokens: 1.5, completion_tokens: 7 }],
    ['text', { prompt_tokens: '11', completion_tokens: '7' }],
    ['half of it', { prompt_tokens: 11 }],
    ['a giant number', { prompt_tokens: 9_007_199_254_740_991, completion_tokens: 7 }],
    ['larger than any number', { prompt_tokens: 1e308, completion_tokens: 7 }],
    ['a list', [11, 7]],
  ]
  /** Four characters a token: `Tell me something.` has 18, the answer 20. */
  const ESTIMATED_USD = (5 * 10 + 5 * 20) / 1e6
  const answer = 'twenty characters ok'

  it.each(usages)('F22 %s: estimated, flagged, and never free', async (_kind, usage) => {
    const choices = [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }]
    const frames = openAiFrames([{ content: answer }], { usage: null })
    const counted = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage })}\n\n`
    const streamed = eventStream([...frames.slice(0, -1), counted, ...frames.slice(-1)])
    const up = await faultyUpstreams({ clouds: [[json({ id: 'c', model: 'm', choices, usage }), streamed]] })
    for (const stream of [false, true]) {
      const text = await (await up.chat({ stream })).text()
      expect(text).toContain('"source":"estimated"')
      expect(text).not.toMatch(/NaN|"costUsd":(null|0)[,}]/)
      const { attempts, costUsd, usage: booked } = up.record()
      expect(attempts).toMatchObject([{ usage: { inputTokens: 5, outputTokens: 5, source: 'estimated' } }])
      expect(booked).toMatchObject({ source: 'estimated' })
      expect(costUsd).toBeCloseTo(ESTIMATED_USD, 12)
    }
  })

  it('F22 a broken count does not break a budget', async () => {
    const choices = [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }]
    const body = { id: 'c', model: 'm', choices, usage: { prompt_tokens: 9e15, completion_tokens: 9e15 } }
    const up = await faultyUpstreams({ clouds: [[json(body), openAiText('again')]], policy: { budgets: { day: 1 } } })
    expect((await up.chat()).status).toBe(200)
    expect((await up.chat()).status).toBe(200)
  })
})

describe('F23 an answer of another model, with a tool call', () => {
  const tools = [{ type: 'function', function: { name: 'run', parameters: { type: 'object' } } }]
  const awkward = [
    '{"cmd": "rm  -rf ./build",\n\t"n":1.0, "big":12345678901234567890, "dup":1,"dup":2}',
    '{"text":"Grüße \\u4e16\\ud83d\\ude00 \u2028 </script> \\u0000 \\\\n"}',
    '{"unfinished": [1, 2',
    '',
    ' {"spaces" : true} ',
    '{"lone":"\\ud800"}',
  ]
  const sha = (text: string | undefined) =>
    createHash('sha256')
      .update(text ?? 'absent')
      .digest('hex')

  it.each(awkward)(
    'F23 a tool call (%#) passes byte for byte, whole and streamed, and the model that served it is recorded',
    async (args) => {
      const call = { id: 'call_9', name: 'run', arguments: args }
      const whole = openAiToolCalls([call], { model: 'other-model-7' })
      const cut = Math.floor(args.length / 2)
      const streamed = eventStream(
        cutBytes(
          openAiFrames(
            [
              { tool_calls: [{ index: 0, id: 'call_9', type: 'function', function: { name: 'run', arguments: '' } }] },
              { tool_calls: [{ index: 0, function: { arguments: args.slice(0, cut) } }] },
              { tool_calls: [{ index: 0, function: { arguments: args.slice(cut) } }] },
            ],
            { finishReason: 'tool_calls', model: 'other-model-7' },
          ).join(''),
          7,
        ),
      )
      const up = await faultyUpstreams({ clouds: [[whole, streamed] as Reply[]] })
      const response = await up.gateway.client.chat.completions.create({
        model: 'auto',
        messages: [{ role: 'user', content: 'Run it.' }],
        tools: tools as never,
      })
      const [got] = response.choices[0]?.message.tool_calls ?? []
      expect(got?.type === 'function' && [got.id, got.function.name, sha(got.function.arguments)]).toEqual([
        'call_9',
        'run',
        sha(args),
      ])
      expect(response.model).toBe('other-model-7')
      expect(up.record().attempts).toMatchObject([{ model: 'a', servedBy: 'other-model-7' }])

      const stream = await up.gateway.client.chat.completions.create({
        model: 'auto',
        messages: [{ role: 'user', content: 'Run it.' }],
        tools: tools as never,
        stream: true,
      })
      let joined = ''
      for await (const chunk of stream) joined += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? ''
      expect(sha(joined)).toBe(sha(args))
      expect(up.record().attempts).toMatchObject([{ model: 'a', servedBy: 'other-model-7' }])
    },
  )

  it('F23 passes through from a provider of another dialect, too', async () => {
    const args = '{"cmd": "ls  -l",\n "n":1.0, "deep":{"ü":[1e3]}}'
    const frames = [
      {
        type: 'message_start',
        message: {
          id: 'm',
          type: 'message',
          role: 'assistant',
          model: 'other-model-8',
          content: [],
          usage: { input_tokens: 5, output_tokens: 1 },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't1', name: 'run', input: {} } },
      ...[args.slice(0, 9), args.slice(9, 10), args.slice(10)].map((partial_json) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json },
      })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    const up = await faultyUpstreams({ clouds: [[eventStream(frames), eventStream(frames)]], dialects: ['anthropic'] })
    const messages = [{ role: 'user' as const, content: 'Run it.' }]
    const response = await up.gateway.client.chat.completions.create({ model: 'auto', messages, tools: tools as never })
    const [got] = response.choices[0]?.message.tool_calls ?? []
    expect(got?.type === 'function' && sha(got.function.arguments)).toBe(sha(args))
    expect(up.record().attempts).toMatchObject([{ model: 'a', servedBy: 'other-model-8' }])
  })
})
