/** What a streaming client sees while a pattern asks somebody else. Real gateway, real HTTP; both models are scripted (simulated). */
import { afterEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { closeMessagesGateways, messagesGateway } from '../support/messages-gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let servers: ScriptedCloud[] = []
afterEach(async () => {
  await closeMessagesGateways()
  for (const server of servers) await server.close()
  servers = []
})

async function advisedGateway() {
  const local = await startScriptedCloud()
  servers.push(local)
  local.otherwise(openAiText('Ada wrote it.'))
  return messagesGateway({
    upstream: 'openai',
    gateway: { headersAfter: 20 },
    policy: {
      models: { own: { provider: 'openai', model: 'qwen3', tier: 'local_quality', baseUrl: local.openAiBaseUrl } },
      tasks: {
        chat: {
          local: 'own',
          frontier: 'big',
          stage: 'accept',
          accept: { uncalibrated: true },
          gates: { entropyNats: null },
          complexity: 'moderate',
          pattern: 'advisor',
        },
      },
      defaults: { task: 'chat' },
    },
  })
}

const BODY = { model: 'auto', stream: true, messages: [{ role: 'user', content: 'Who wrote it?' }] }

describe('a stream that waits for advice', () => {
  it('gets heartbeats and nothing of the draft until the adviser has spoken', async () => {
    const { cloud, post } = await advisedGateway()
    const advice = Promise.withResolvers<void>()
    const approve = openAiText('APPROVE')
    cloud.enqueue((request) => {
      const reply = typeof approve === 'function' ? approve(request) : approve
      return typeof reply === 'string' ? reply : { ...reply, held: advice.promise }
    })
    const response = await post('/v1/chat/completions', BODY)
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
    const decoder = new TextDecoder()
    let text = ''
    while (!text.includes(': waiting')) text += decoder.decode((await reader.read()).value, { stream: true })
    await cloud.request(0)
    expect(text).not.toContain('Ada')
    advice.resolve()
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value)
    expect(text).toContain('Ada wrote it.')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })

  it('ends the consultation when its client goes, and the audit says so', async () => {
    const { cloud, gateway, router, post } = await advisedGateway()
    cloud.enqueue('hang')
    const caller = new AbortController()
    const gone = fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(BODY),
      signal: caller.signal,
    }).then((response) => response.text())
    const asked = await cloud.request(0)
    caller.abort()
    await expect(gone).rejects.toThrow()
    await asked.closed
    cloud.enqueue(openAiText('APPROVE'))
    expect((await post('/v1/chat/completions', { ...BODY, stream: false })).status).toBe(200)
    const records = [...router.audit({})]
    const cancelled = records.find(({ error }) => error === 'cancelled')
    expect(cancelled?.attempts.map(({ purpose, outcome }) => `${purpose} ${outcome}`)).toEqual([
      'answer answered',
      'advice cancelled',
    ])
  })
})
