import { describe, expect, it } from 'vitest'
import { type LogFormat, readRow } from '../../../src/eval/import/log-formats.ts'
import type { Row } from '../../../src/eval/import/log-row.ts'

const MESSAGES = [
  { role: 'system', content: 'Answer yes or no.' },
  { role: 'user', content: 'Is it late?' },
]
const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 20, completion_tokens: 1, total_tokens: 21, prompt_tokens_details: { cached_tokens: 8 } },
}

const callIn = (row: Row, format: LogFormat) => {
  const read = readRow(row, format)
  return 'call' in read ? read.call : read.skipped
}

describe('a row of an OpenAI log', () => {
  it.each([
    ['a pair of request and response', { request: { model: 'gpt-4o-mini', messages: MESSAGES }, response: COMPLETION }],
    ['a stored completion with its messages', { ...COMPLETION, messages: MESSAGES }],
    [
      'a line of a batch beside its result',
      {
        custom_id: 'row-1',
        url: '/v1/chat/completions',
        body: { model: 'gpt-4o-mini', messages: MESSAGES },
        response: { status_code: 200, body: COMPLETION },
        error: null,
      },
    ],
  ])('is read from %s', (_, row) => {
    expect(callIn(row, 'openai')).toMatchObject({
      body: { messages: MESSAGES },
      answer: { text: 'yes', tools: [] },
      usage: { inputTokens: 20, outputTokens: 1, cachedInputTokens: 8 },
      costUsd: null,
    })
  })

  it('takes the last turn of a conversation as the answer', () => {
    const row = { messages: [...MESSAGES, { role: 'assistant', content: 'no' }] }
    expect(callIn(row, 'openai')).toMatchObject({ body: { messages: MESSAGES }, answer: { text: 'no' }, usage: null })
  })

  it('leaves out failures, other APIs and results without their request', () => {
    expect(callIn({ body: { messages: MESSAGES }, response: { status_code: 429, body: {} } }, 'openai')).toBe(
      'failed_call',
    )
    expect(callIn({ url: '/v1/embeddings', body: { input: 'x' } }, 'openai')).toBe('not_chat')
    expect(callIn({ custom_id: 'a', response: { status_code: 200, body: COMPLETION } }, 'openai')).toBe('no_text')
  })
})

describe('a row of a LiteLLM log', () => {
  const payload = {
    id: 'chatcmpl-2',
    call_type: 'acompletion',
    status: 'success',
    response_cost: 0.00042,
    prompt_tokens: 20,
    completion_tokens: 1,
    startTime: 1_790_000_000.25,
    model: 'gpt-4o-mini',
    messages: MESSAGES,
    response: COMPLETION,
    model_parameters: { max_tokens: 4, stream: true, user: 'u', extra_body: {} },
    cache_hit: false,
  }

  it('is read from the standard logging payload, bare or inside of kwargs', () => {
    const wanted = {
      id: 'chatcmpl-2',
      body: { model: 'gpt-4o-mini', messages: MESSAGES, max_tokens: 4 },
      answer: { text: 'yes' },
      usage: { inputTokens: 20, outputTokens: 1 },
      costUsd: 0.00042,
      at: '2026-09-21T14:13:20.250Z',
    }
    expect(callIn(payload, 'litellm')).toMatchObject(wanted)
    expect(callIn({ kwargs: { standard_logging_object: payload } }, 'litellm')).toMatchObject(wanted)
  })

  it('is read from the spend log, whose objects are texts', () => {
    const row = {
      request_id: 'r1',
      call_type: 'acompletion',
      spend: '0.0005',
      prompt_tokens: 9,
      completion_tokens: 2,
      startTime: '2026-09-21T14:13:20Z',
      model: 'openai/gpt-4o',
      messages: '{}',
      response: JSON.stringify(COMPLETION),
      proxy_server_request: JSON.stringify({ model: 'gpt-4o', messages: MESSAGES, temperature: 0 }),
      cache_hit: 'False',
    }
    expect(callIn(row, 'litellm')).toMatchObject({
      id: 'r1',
      body: { temperature: 0 },
      costUsd: 0.0005,
      answer: { text: 'yes' },
    })
  })

  it.each([
    ['failed_call', { status: 'failure' }],
    ['failed_call', { error_str: 'Timeout' }],
    ['cache_hit', { cache_hit: 'True' }],
    ['not_chat', { call_type: 'aembedding' }],
    ['no_text', { messages: '{}', proxy_server_request: '{}' }],
  ])('is left out as %s for %j', (skipped, change) => {
    expect(callIn({ ...payload, ...change }, 'litellm')).toBe(skipped)
  })
})

describe('a row of another log', () => {
  it('is read where request and response are bodies', () => {
    const row = {
      request_id: 'h1',
      request_created_at: '2026-09-21 14:13:20Z',
      request_body: { model: 'gpt-4o', messages: MESSAGES },
      response_body: COMPLETION,
      response_status: 200,
      cost_usd: 0.001,
    }
    expect(callIn(row, 'jsonl')).toMatchObject({
      id: 'h1',
      answer: { text: 'yes' },
      costUsd: 0.001,
      usage: { inputTokens: 20 },
    })
  })

  it('is read where a tracer wrote input and output', () => {
    const row = {
      type: 'GENERATION',
      model: 'claude-haiku-4-5',
      input: { messages: MESSAGES },
      output: { role: 'assistant', content: 'no' },
      usageDetails: { input: 30, output: 2 },
      calculatedTotalCost: 0.00002,
      startTime: '2026-09-21T14:13:20.000Z',
      modelParameters: { temperature: 0, name: 'x' },
    }
    expect(callIn(row, 'jsonl')).toMatchObject({
      body: { model: 'claude-haiku-4-5', temperature: 0 },
      answer: { text: 'no' },
      usage: { inputTokens: 30, outputTokens: 2 },
    })
    expect(callIn({ ...row, type: 'SPAN' }, 'jsonl')).toBe('not_chat')
  })

  it('is read from a bare body, tools and format included', () => {
    const body = { model: 'gpt-4o', messages: MESSAGES, response_format: { type: 'json_object' } }
    expect(callIn(body, 'jsonl')).toMatchObject({ body, answer: null, usage: null, costUsd: null, at: null })
  })

  it('knows the answers of the Messages and the Responses API', () => {
    const messages = {
      content: [
        { type: 'text', text: 'a' },
        { type: 'tool_use', name: 'look', input: {} },
      ],
    }
    expect(callIn({ body: { messages: MESSAGES }, response: messages }, 'jsonl')).toMatchObject({
      answer: { text: 'a', tools: ['look'] },
    })
    const responses = { output: [{ type: 'message', content: [{ type: 'output_text', text: 'b' }] }] }
    expect(callIn({ body: { messages: MESSAGES }, response: responses }, 'jsonl')).toMatchObject({
      answer: { text: 'b', tools: [] },
    })
  })

  it('takes a cost of nothing for an unknown one', () => {
    expect(callIn({ messages: MESSAGES, cost: 0 }, 'jsonl')).toMatchObject({ costUsd: null })
  })
})
