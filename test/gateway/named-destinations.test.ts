/** What a body says of where to go, at whatever depth, goes nowhere; servers that a provider is to call are those of the policy. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { anthropicText, openAiText } from '../support/cloud-answers.ts'
import { claudeAt, closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(closeAll)

const HI = [{ role: 'user', content: 'Hello' }]
const EVIL = 'https://evil.example.test/v1'
const NESTED = {
  api_base: EVIL,
  litellm_params: { api_base: EVIL, api_key: 'sk-evil', keep: 'me' },
  provider: { base_url: EVIL, order: ['one', { baseUrl: EVIL }] },
  metadata: { api_base: EVIL, note: 'mine' },
  deep: [{ er: { extra_headers: { host: EVIL }, mcp_servers: [{ url: EVIL }] } }],
}

async function opened(frontier: 'big' | 'claude', privacy: PolicyInput['privacy'] = {}) {
  const on = await gatewayOnCloud({
    policy: (cloud) => ({
      models: { claude: claudeAt(cloud) },
      tasks: { direct: { pattern: 'direct', local: false, frontier } },
      privacy,
    }),
  })
  on.cloud.otherwise(frontier === 'big' ? openAiText('fine') : anthropicText('fine'))
  const send = async (path: string, body: object): Promise<{ readonly status: number; readonly text: string }> => {
    const response = await fetch(`${on.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${on.gateway.key}` },
      body: JSON.stringify({ model: 'auto', ...body }),
    })
    return { status: response.status, text: await response.text() }
  }
  return { ...on, send }
}

describe('a destination in a body', () => {
  it.each([
    ['/v1/chat/completions', 'big', { messages: HI }],
    ['/v1/messages', 'claude', { messages: HI, max_tokens: 50 }],
    ['/v1/responses', 'big', { input: 'Hello' }],
  ] as const)('at %s before %s stays here at every depth, and all else goes on', async (path, frontier, body) => {
    const { send, cloud } = await opened(frontier)
    expect(await send(path, { ...body, ...NESTED })).toMatchObject({ status: 200 })
    const [sent] = cloud.requests
    expect(sent?.text).not.toContain('evil')
    expect(sent?.body).toMatchObject({
      litellm_params: { keep: 'me' },
      provider: { order: ['one', {}] },
      deep: [{ er: {} }],
      // The dialect of responses keeps its metadata here.
      ...(path !== '/v1/responses' && { metadata: { note: 'mine' } }),
    })
  })

  it('is none where it is a word of somebody, or a field of a schema', async () => {
    const { send, cloud } = await opened('big')
    const schema = { type: 'object', properties: { endpoint: { type: 'string' }, api_key: { type: 'string' } } }
    const body = {
      messages: [{ role: 'user', content: 'Hello', note: { endpoint: 'a' } }],
      tools: [{ type: 'function', function: { name: 'f', parameters: schema } }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    }
    await send('/v1/chat/completions', body)
    expect(cloud.requests[0]?.body).toMatchObject(body)
  })
})

describe('a server that a provider is to call', () => {
  const server = (url: string) => ({ mcp_servers: [{ type: 'url', url, name: 'x' }] })
  const asked = { messages: HI, max_tokens: 50 }
  const LISTED = { mcpHosts: ['tools.example.test'] }

  it.each([
    ['any without a list', {}, server('https://tools.example.test/sse')],
    ['another host', LISTED, server('https://evil.example.test/sse')],
    ['another port', LISTED, server('https://tools.example.test:8443/sse')],
    ['a host that begins alike', LISTED, server('https://tools.example.test.evil.example/sse')],
    ['a user in the address', LISTED, server('https://tools.example.test@evil.example.test/sse')],
    ['no https', LISTED, server('http://tools.example.test/sse')],
    ['no address', LISTED, { mcp_servers: [{ type: 'url', name: 'x' }] }],
    ['no list', LISTED, { mcp_servers: { url: 'https://evil.example.test' } }],
    ['a tool with a server', LISTED, { tools: [{ type: 'mcp', name: 'x', server_url: 'https://evil.example.test' }] }],
  ])('is refused: %s', async (_what, privacy, change) => {
    const { send, cloud } = await opened('claude', privacy)
    const { status, text } = await send('/v1/messages', { ...asked, ...change })
    expect([status, text]).toEqual([400, expect.stringContaining('privacy.mcpHosts')])
    expect(text).not.toContain('evil')
    const chat = await send('/v1/chat/completions', { messages: HI, ...change })
    expect(chat.status).toBe(400)
    expect(cloud.requests).toEqual([])
  })

  it('passes when the policy lists its host', async () => {
    const { send, cloud } = await opened('claude', LISTED)
    const listed = server('https://tools.example.test/sse')
    expect(await send('/v1/messages', { ...asked, ...listed })).toMatchObject({ status: 200 })
    expect(cloud.requests[0]?.body).toMatchObject(listed)
  })
})
