/** The tool `advisor_20260301`: executed for a local model, passed through to a provider that has it. Real HTTP, real client. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../../src/spec/policy.ts'
import { anthropicError, anthropicText, openAiText, openAiToolCalls } from '../../support/cloud-answers.ts'
import {
  closeMessagesGateways,
  dataOf,
  framesOf,
  type MessagesGateway,
  messagesGateway,
} from '../../support/messages-gateway.ts'
import {
  type RecordedRequest,
  type Reply,
  type ScriptedCloud,
  startScriptedCloud,
} from '../../support/scripted-cloud.ts'

const ADVISOR = { type: 'advisor_20260301' as const, name: 'advisor' as const, model: 'claude-opus-4-8' }
const READ = { name: 'read_file', input_schema: { type: 'object' as const, properties: { path: { type: 'string' } } } }
const WORK = 'Mend the build.'
const ASKED = { model: 'auto', max_tokens: 200, messages: [{ role: 'user' as const, content: WORK }] }

interface LocalServer {
  readonly baseUrl: string
  enqueue(...replies: readonly Reply[]): void
  /** What the agent's model was asked; what the router asks to learn what a server can do is left out. */
  turns(): readonly RecordedRequest[]
}

let servers: ScriptedCloud[] = []
afterEach(async () => {
  await closeMessagesGateways()
  for (const server of servers) await server.close()
  servers = []
})

async function localServer(): Promise<LocalServer> {
  const server = await startScriptedCloud()
  servers.push(server)
  const queue: Reply[] = []
  const isTurn = ({ text }: RecordedRequest): boolean => text.includes(WORK)
  server.otherwise((request) => {
    const reply = isTurn(request) ? queue.shift() : openAiText('x')
    return typeof reply === 'function' ? reply(request) : (reply ?? 'reset')
  })
  return {
    baseUrl: server.openAiBaseUrl,
    enqueue: (...replies) => void queue.push(...replies),
    turns: () => server.requests.filter(isTurn),
  }
}

/** A local server that speaks the OpenAI dialect, and the frontier `big` that speaks Messages. */
async function agentGateway(
  advisor: Readonly<Record<string, unknown>> = {},
  upstream: 'anthropic' | 'openai' = 'anthropic',
): Promise<MessagesGateway & { readonly local: LocalServer }> {
  const local = await localServer()
  const policy: PolicyInput = {
    models: { own: { provider: 'openai', model: 'qwen3-coder', tier: 'local_quality', baseUrl: local.baseUrl } },
    tasks: {
      agent: {
        kind: 'text',
        local: 'own',
        frontier: 'big',
        stage: 'accept',
        accept: { uncalibrated: true },
        gates: { entropyNats: null },
        allowCodeChange: true,
        complexity: 'moderate',
        pattern: { advisor },
      },
    },
    defaults: { task: 'agent' },
  }
  return { ...(await messagesGateway({ policy, upstream })), local }
}

const calls = (id: string, question: string) =>
  openAiToolCalls([{ id, name: 'advisor', arguments: JSON.stringify({ question }) }])

describe('a local model with the tool advisor', () => {
  it('gets a plan that binds it, and the client sees call and advice as blocks of the provider', async () => {
    const { client, cloud, local } = await agentGateway()
    local.enqueue(
      calls('a1', 'Where do I look?'),
      openAiToolCalls([{ id: 'c1', name: 'read_file', arguments: '{"path":"tsconfig.json"}' }]),
    )
    cloud.enqueue(anthropicText('1. Read "tsconfig.json" first.'))
    const message = await client.beta.messages.create({
      ...ASKED,
      tools: [ADVISOR, READ],
      betas: ['advisor-tool-2026-03-01'],
    })
    expect(message.content).toEqual([
      {
        type: 'server_tool_use',
        id: expect.stringMatching(/^srvtoolu_\w+_0$/),
        name: 'advisor',
        input: { question: 'Where do I look?' },
      },
      {
        type: 'advisor_tool_result',
        tool_use_id: expect.stringMatching(/^srvtoolu_\w+_0$/),
        content: { type: 'advisor_result', text: '1. Read "tsconfig.json" first.', stop_reason: 'end_turn' },
      },
      { type: 'tool_use', id: 'c1', name: 'read_file', input: { path: 'tsconfig.json' } },
    ])
    expect(message.stop_reason).toBe('tool_use')
    expect(message.model).toBe('own')
    const tools = local.turns()[0]?.body.tools
    const offered = (Array.isArray(tools) ? tools : []).map(
      (tool: { function: { name: string } }) => tool.function.name,
    )
    expect(offered).toEqual(['read_file', 'advisor'])
    expect(local.turns()[1]?.text).toContain('You MUST follow every step')
    const asked = cloud.requests[0]
    expect(asked?.text).toContain('Mend the build.')
    expect(asked?.text).toContain('Where do I look?')
    expect(asked?.text).not.toContain('advisor_20260301')
  })

  it('streams the same blocks in front of what the model says', async () => {
    const { post, cloud, local } = await agentGateway()
    local.enqueue(calls('a1', ''), openAiText('Done.'))
    cloud.enqueue(anthropicText('1. Say done.'))
    const response = await post('/v1/messages', { ...ASKED, stream: true, tools: [ADVISOR] })
    const events = framesOf(await response.text()).map(dataOf)
    const started = events.flatMap((event) => (event.type === 'content_block_start' ? [event] : []))
    expect(started.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(started[0]?.content_block).toMatchObject({ type: 'server_tool_use', name: 'advisor', input: {} })
    expect(started[1]?.content_block).toMatchObject({ content: { type: 'advisor_result', text: '1. Say done.' } })
    expect(started[2]?.content_block).toEqual({ type: 'text', text: '' })
    expect(events.filter(({ type }) => type === 'content_block_stop')).toHaveLength(3)
    expect(events.at(-1)?.type).toBe('message_stop')
  })

  it('reads in the next turn what it was told in the last', async () => {
    const { client, cloud, local } = await agentGateway()
    local.enqueue(calls('a1', ''), openAiText('First done.'), openAiText('Second done.'))
    cloud.enqueue(anthropicText('1. Begin with the lock file.'))
    const body = { ...ASKED, tools: [ADVISOR, READ] }
    const first = await client.beta.messages.create(body)
    const second = await client.beta.messages.create({
      ...body,
      messages: [
        ...ASKED.messages,
        { role: 'assistant', content: first.content as never },
        { role: 'user', content: 'Go on.' },
      ],
    })
    expect(second.content).toEqual([{ type: 'text', text: 'Second done.' }])
    expect(local.turns()[2]?.text).toContain('Begin with the lock file.')
  })

  it('is told when nobody advises, works on alone, and the consultation is given back', async () => {
    const { client, cloud, local } = await agentGateway({ maxConsultations: 1 })
    local.enqueue(calls('a1', 'How?'), openAiText('Done alone.'))
    cloud.enqueue(anthropicError(529, 'overloaded_error', 'busy'))
    const message = await client.beta.messages.create({ ...ASKED, tools: [ADVISOR] })
    expect(message.content).toMatchObject([
      { type: 'server_tool_use' },
      { type: 'advisor_tool_result', content: { type: 'advisor_tool_result_error', error_code: 'unavailable' } },
      { type: 'text', text: 'Done alone.' },
    ])
    expect(local.turns()[1]?.text).toContain('The adviser cannot be reached')
    expect(local.turns()[1]?.body.tools).toBeUndefined()
  })

  it('is offered no more consultations than caller and policy both allow', async () => {
    const { client, cloud, local } = await agentGateway({ maxConsultations: 3 })
    local.enqueue(calls('a1', 'One?'), openAiText('Done.'))
    cloud.enqueue(anthropicText('1. Plan.'))
    await client.beta.messages.create({ ...ASKED, tools: [{ ...ADVISOR, max_uses: 1, max_tokens: 1024 }] })
    expect(local.turns()[1]?.body.tools).toBeUndefined()
    expect(cloud.requests[0]?.body.max_tokens).toBe(600)
  })

  it('asks for itself under the OpenAI dialect as well, and the client sees only its own tools', async () => {
    const { post, cloud, local } = await agentGateway()
    local.enqueue(calls('a1', 'How?'), openAiText('Done.'))
    cloud.enqueue(anthropicText('1. Plan.'))
    const tools = [{ type: 'function', function: { name: 'read_file', parameters: { type: 'object' } } }]
    const response = await post('/v1/chat/completions', { model: 'auto', messages: ASKED.messages, tools })
    const { choices } = (await response.json()) as { choices: { message: object; finish_reason: string }[] }
    expect(choices[0]).toMatchObject({ message: { content: 'Done.' }, finish_reason: 'stop' })
    expect(JSON.stringify(choices)).not.toContain('Plan')
  })

  it('leaves a tool of the caller that has the same name to the caller', async () => {
    const { client, cloud, local } = await agentGateway()
    local.enqueue(openAiToolCalls([{ id: 'c1', name: 'advisor', arguments: '{}' }]))
    cloud.enqueue(anthropicText('APPROVE'))
    const message = await client.messages.create({ ...ASKED, tools: [{ ...READ, name: 'advisor' }] })
    expect(message.content).toEqual([{ type: 'tool_use', id: 'c1', name: 'advisor', input: {} }])
  })

  it('shows its advice to nobody when a gate sends the request to the frontier after all', async () => {
    const { client, cloud, local } = await agentGateway({ maxConsultations: 1 })
    local.enqueue(calls('a1', 'How?'), openAiText("I'm sorry, but I can't help with that."))
    cloud.enqueue(anthropicText('1. Plan.'), anthropicText('From the frontier.'))
    const message = await client.beta.messages.create({ ...ASKED, tools: [ADVISOR] })
    expect(message.content).toEqual([{ type: 'text', text: 'From the frontier.' }])
    expect(cloud.requests[1]?.body.tools).toEqual([ADVISOR])
  })
})

describe('the tool advisor elsewhere', () => {
  it('passes through to a provider that has it, with the header that switches it on', async () => {
    const { client, cloud } = await messagesGateway()
    cloud.enqueue(anthropicText('Done.'))
    await client.beta.messages.create({ ...ASKED, tools: [ADVISOR, READ], betas: ['advisor-tool-2026-03-01'] })
    expect(cloud.requests[0]?.body.tools).toEqual([ADVISOR, READ])
    expect(cloud.requests[0]?.headers['anthropic-beta']).toBe('advisor-tool-2026-03-01')
  })

  it('takes a task of any other pattern to the provider that has it', async () => {
    const { post, cloud } = await messagesGateway({
      policy: { tasks: { chat: { frontier: 'big' } }, defaults: { task: 'chat' } },
    })
    cloud.enqueue(anthropicText('Done.'))
    const response = await post('/v1/messages', { ...ASKED, tools: [ADVISOR] })
    expect(response.status).toBe(200)
    expect(cloud.requests[0]?.body.tools).toEqual([ADVISOR])
  })

  it.each([
    [{ ...ADVISOR, name: 'adviser' }, 'tools.0'],
    [{ ...ADVISOR, max_uses: 0 }, 'tools.0'],
  ])('refuses a tool of that type in another form', async (tool, path) => {
    const { post } = await messagesGateway()
    const response = await post('/v1/messages', { ...ASKED, tools: [tool] })
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain(path)
  })
})
