import { afterEach, describe, expect, it } from 'vitest'
import { openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeGateways } from '../support/gateway.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { json } from '../support/scripted-cloud.ts'
import { failureOf } from './chat-script.ts'

afterEach(closeAll)

afterEach(closeGateways)

const QUESTION = 'Which river runs through Vienna?'

async function post({ gateway }: Pick<GatewayOnCloud, 'gateway'>, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { response, body: (await response.json()) as Record<string, unknown> }
}

describe('a whole response', () => {
  it('is an object of the dialect, with usage in its own words and the decision', async () => {
    const opened = await gatewayOnCloud()
    const usage = {
      prompt_tokens: 11,
      completion_tokens: 7,
      total_tokens: 18,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    }
    const message = { role: 'assistant', content: 'The Danube.' }
    opened.cloud.enqueue(json({ model: 'scripted-1', choices: [{ message, finish_reason: 'stop' }], usage }))
    const response = await opened.gateway.client.responses.create({
      model: 'auto',
      input: QUESTION,
      metadata: { ticket: '7' },
    })
    expect(response.output_text).toBe('The Danube.')
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'big',
      metadata: { ticket: '7' },
      store: false,
      spillway: { route: 'frontier', model: 'big' },
      usage: {
        input_tokens: 11,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 18,
      },
    })
    expect(response.id).toMatch(/^resp_[0-9a-f]{48}$/)
    const sent = await opened.cloud.request(0)
    expect(sent.path).toBe('/v1/chat/completions')
    expect(sent.body).toEqual({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: QUESTION }] })
  })

  it('is asked for in the chat dialect, field by field', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiText('{"river":"Danube"}'))
    const schema = { type: 'object', properties: { river: { type: 'string' } }, required: ['river'] }
    await opened.gateway.client.responses.create({
      model: 'auto',
      instructions: 'Be short.',
      input: [
        { role: 'developer', content: 'Know geography.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: QUESTION },
            { type: 'input_image', image_url: 'https://example.com/map.png', detail: 'low' },
          ],
        },
        { type: 'function_call', call_id: 'c1', name: 'lookup', arguments: '{"q":  "Vienna"}' },
        { type: 'function_call', call_id: 'c2', name: 'lookup', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'A city.' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'Nothing.' }] },
      ],
      tools: [
        { type: 'function', name: 'lookup', description: 'Looks up.', parameters: { type: 'object' }, strict: true },
      ],
      tool_choice: { type: 'function', name: 'lookup' },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'answer', schema, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'low' },
      max_output_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      service_tier: 'flex',
      prompt_cache_key: 'k1',
      include: ['reasoning.encrypted_content'],
      store: false,
    })
    expect((await opened.cloud.request(0)).body).toEqual({
      model: 'gpt-4.1-nano',
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'developer', content: 'Know geography.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: QUESTION },
            { type: 'image_url', image_url: { url: 'https://example.com/map.png', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'lookup', arguments: '{"q":  "Vienna"}' } },
            { id: 'c2', type: 'function', function: { name: 'lookup', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'A city.' },
        { role: 'tool', tool_call_id: 'c2', content: 'Nothing.' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'lookup', description: 'Looks up.', parameters: { type: 'object' }, strict: true },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'lookup' } },
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
      parallel_tool_calls: false,
      max_completion_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      verbosity: 'low',
      reasoning_effort: 'low',
      service_tier: 'flex',
      prompt_cache_key: 'k1',
    })
  })

  it('calls tools with the very bytes that the model wrote', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiToolCalls([{ id: 'call_9', name: 'lookup', arguments: '{"q":  "Wien\\u0065r"}' }]))
    const response = await opened.gateway.client.responses.create({
      model: 'auto',
      input: QUESTION,
      tools: [{ type: 'function', name: 'lookup', parameters: { type: 'object' }, strict: null }],
    })
    expect(response.output).toEqual([
      {
        type: 'function_call',
        id: expect.stringMatching(/^fc_/),
        call_id: 'call_9',
        name: 'lookup',
        arguments: '{"q":  "Wien\\u0065r"}',
        status: 'completed',
      },
    ])
  })

  it('lends custom tools one text argument, and gives the text back', async () => {
    const opened = await gatewayOnCloud()
    const patch = '*** Begin Patch\n"quoted" \\ end'
    opened.cloud.enqueue(
      openAiToolCalls([{ id: 'call_1', name: 'apply_patch', arguments: JSON.stringify({ input: patch }) }]),
    )
    const { data, response } = await opened.gateway.client.responses
      .create({
        model: 'auto',
        input: [
          { role: 'user', content: 'Fix it.' },
          { type: 'custom_tool_call', call_id: 'call_0', name: 'apply_patch', input: 'old "text"' },
          { type: 'custom_tool_call_output', call_id: 'call_0', output: 'failed' },
        ],
        tools: [
          {
            type: 'custom',
            name: 'apply_patch',
            format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
          },
        ],
      })
      .withResponse()
    expect(data.output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'call_1', name: 'apply_patch', input: patch },
    ])
    expect(response.headers.get('x-spillway-warning')).toContain('the grammar of tool apply_patch')
    const sent = JSON.stringify((await opened.cloud.request(0)).body)
    expect(sent).toContain(JSON.stringify(JSON.stringify({ input: 'old "text"' })))
    expect(sent).toContain('lark')
  })

  it('says that it is incomplete when its cap or a filter ended it', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(
      openAiText('The Dan', { finishReason: 'length' }),
      openAiText('', { finishReason: 'content_filter' }),
    )
    const { client } = opened.gateway
    const capped = await client.responses.create({ model: 'auto', input: QUESTION, max_output_tokens: 2 })
    expect(capped).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    expect(capped.output[0]).toMatchObject({ type: 'message', status: 'incomplete' })
    const filtered = await client.responses.create({ model: 'auto', input: QUESTION })
    expect(filtered).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'content_filter' } })
  })

  it('keeps refusals, thoughts, citations and log-probabilities in their own places', async () => {
    const opened = await gatewayOnCloud()
    const logprobs = { content: [{ token: 'No', logprob: -0.1, bytes: [78, 111], top_logprobs: [] }] }
    const cited = {
      type: 'url_citation',
      url_citation: { url: 'https://a.example', title: 'A', start_index: 0, end_index: 2 },
    }
    opened.cloud.enqueue(
      json({ choices: [{ message: { role: 'assistant', content: null, refusal: 'No.' }, finish_reason: 'stop' }] }),
      json({
        choices: [
          {
            message: { role: 'assistant', content: 'No', reasoning_content: 'Hm.', annotations: [cited] },
            logprobs,
            finish_reason: 'stop',
          },
        ],
      }),
    )
    const { client } = opened.gateway
    const refused = await client.responses.create({ model: 'auto', input: QUESTION })
    expect(refused.output[0]).toMatchObject({ content: [{ type: 'refusal', refusal: 'No.' }] })
    const told = await client.responses.create({
      model: 'auto',
      input: QUESTION,
      include: ['message.output_text.logprobs'],
      tools: [{ type: 'web_search', search_context_size: 'low' }],
    })
    expect(told.output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      {
        content: [
          {
            text: 'No',
            logprobs: logprobs.content,
            annotations: [{ type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 2 }],
          },
        ],
      },
    ])
    expect((await opened.cloud.request(1)).body).toMatchObject({
      logprobs: true,
      web_search_options: { search_context_size: 'low' },
    })
  })

  it('says in a header what no model could be told', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiText('Yes.'))
    const { response } = await post(opened, {
      model: 'gpt-4o',
      input: [
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
        { role: 'user', content: 'Hi.' },
      ],
      truncation: 'auto',
    })
    expect(response.headers.get('x-spillway-warning')).toBe(
      'model gpt-4o is not known here and was treated as auto; not carried to the model: reasoning items, truncation: auto (nothing is ever cut)',
    )
  })

  it('offers only the tools that tool_choice allows', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiText('Yes.'))
    const tools = ['one', 'two'].map((name) => ({ type: 'function', name }))
    const tool_choice = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'two' }] }
    await post(opened, { input: QUESTION, tools, tool_choice })
    expect((await opened.cloud.request(0)).body).toMatchObject({
      tools: [{ function: { name: 'two' } }],
      tool_choice: 'required',
    })
  })
})

describe('what is refused', () => {
  it.each([
    ['no input', {}, 'input'],
    ['a model that is no text', { model: 7, input: 'x' }, 'model'],
    [
      'a tool that a provider runs',
      { input: 'x', tools: [{ type: 'file_search', vector_store_ids: [] }] },
      'tools.0.type',
    ],
    ['a tool without a name', { input: 'x', tools: [{ type: 'function' }] }, 'tools.0.name'],
    ['an item of such a tool', { input: [{ type: 'computer_call', id: 'x' }] }, 'input.0.type'],
    ['a message without content', { input: [{ role: 'user' }] }, 'input.0.content'],
    [
      'an image at a provider',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
      'input.0.content.0.image_url',
    ],
    [
      'an image inside the network',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://10.0.0.1/x' }] }] },
      'messages.0.content.0.image_url.url',
    ],
    ['a background job', { input: 'x', background: true }, 'background'],
    ['a conversation object', { input: 'x', conversation: 'conv_1' }, 'conversation'],
    ['a prompt template', { input: 'x', prompt: { id: 'p' } }, 'prompt'],
    [
      'a choice of a missing tool',
      { input: 'x', tools: [{ type: 'function', name: 'a' }], tool_choice: { type: 'function', name: 'b' } },
      'tool_choice',
    ],
  ])('%s, by its place', async (_, body, param) => {
    const opened = await gatewayOnCloud()
    const { response, body: told } = await post(opened, body)
    expect(response.status).toBe(400)
    expect(told).toMatchObject({ error: { type: 'invalid_request_error', param, code: 'request_invalid' } })
    expect(opened.cloud.requests).toHaveLength(0)
  })

  it('is told in the words of the client that asked', async () => {
    const opened = await gatewayOnCloud()
    const call = opened.gateway.client.responses.create({ model: 'auto', input: 'x', previous_response_id: 'resp_1' })
    const failure = await failureOf(call)
    expect(failure).toMatchObject({ status: 400, param: 'previous_response_id' })
    expect(JSON.stringify(failure.error)).toContain('gateway.responses.store')
  })
})
