/** Agents and local answers on `/v1/responses`. */
import type OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { SURE, script, UNSURE } from './chat-script.ts'

afterEach(closeAll)

afterEach(closeGateways)

describe('a coding agent that speaks Responses', () => {
  it('is understood with all that it sends along, turn after turn, without anything kept', async () => {
    const opened = await gatewayOnCloud()
    const shell = { name: 'shell', arguments: '{"command":["ls"]}' }
    opened.cloud.enqueue(openAiToolCalls([{ id: 'call_1', ...shell }]), openAiText('There is one file.'))
    const common = {
      model: 'auto',
      instructions: 'You are a coding agent.',
      tools: [
        {
          type: 'function' as const,
          name: 'shell',
          description: 'Runs.',
          strict: false,
          parameters: { type: 'object' },
        },
        { type: 'custom' as const, name: 'apply_patch', description: 'Patches.' },
      ],
      tool_choice: 'auto' as const,
      parallel_tool_calls: false,
      reasoning: { effort: 'medium' as const, summary: 'auto' as const },
      store: false,
      include: ['reasoning.encrypted_content' as const],
      prompt_cache_key: '0199',
      text: { verbosity: 'medium' as const },
      client_metadata: { origin: 'cli' },
    }
    const user = {
      type: 'message' as const,
      role: 'user' as const,
      content: [{ type: 'input_text' as const, text: 'What is here?' }],
    }
    const first = await opened.gateway.client.responses.stream({ ...common, input: [user] }).finalResponse()
    const [call] = first.output
    expect(call).toMatchObject({ type: 'function_call', call_id: 'call_1', ...shell })
    const output = { type: 'function_call_output' as const, call_id: 'call_1', output: 'a.txt' }
    const input = [user, call as OpenAI.Responses.ResponseFunctionToolCall, output]
    const second = await opened.gateway.client.responses.stream({ ...common, input }).finalResponse()
    expect(second.output_text).toBe('There is one file.')
    const sent = (await opened.cloud.request(1)).body
    expect(sent).not.toHaveProperty('client_metadata')
    expect(sent.messages).toEqual([
      { role: 'system', content: 'You are a coding agent.' },
      { role: 'user', content: [{ type: 'text', text: 'What is here?' }] },
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: shell }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'a.txt' },
    ])
  })
})

describe('a local answer', () => {
  it('has the same shape, gated like any other', async () => {
    const sample = sampleRouter(
      script({
        small: {
          answers: [
            { text: 'Water is wet.', signals: SURE },
            { text: 'REJECTED', signals: UNSURE },
          ],
        },
        big: { answers: ['Better.'] },
      }),
    )
    const { client } = await testGateway(sample.router)
    const local = await client.responses.create({ model: 'chat', input: 'Tell me something.' })
    expect(local).toMatchObject({ model: 'small', output_text: 'Water is wet.', spillway: { route: 'local' } })
    const escalated = await client.responses.create({ model: 'chat', input: 'Tell me more.' })
    expect(escalated).toMatchObject({ output_text: 'Better.', spillway: { route: 'frontier', reason: 'entropy_high' } })
    expect(JSON.stringify(escalated)).not.toContain('REJECTED')
  })

  it('is not given where the request needs what it cannot do', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: ['Found.'] } }))
    const { client } = await testGateway(sample.router)
    const response = await client.responses.create({
      model: 'chat',
      input: 'Tell me something.',
      tools: [{ type: 'web_search' }],
    })
    expect(response).toMatchObject({ spillway: { route: 'frontier', reason: 'capability_missing' } })
  })
})
