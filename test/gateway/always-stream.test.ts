/** Whole answers that are asked for in pieces: what the caller gets, and which deadline ends them. */
import { afterEach, describe, expect, it } from 'vitest'
import { openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type Reply, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const clouds: ScriptedCloud[] = []

afterEach(async () => {
  await closeAll()
  for (const cloud of clouds.splice(0)) await cloud.close()
})

async function modelThat(alwaysStream: boolean, reply: Reply): Promise<{ on: GatewayOnCloud; cloud: ScriptedCloud }> {
  const cloud = await startScriptedCloud(reply)
  clouds.push(cloud)
  const big = { provider: 'openai', model: 'm', tier: 'frontier', baseUrl: cloud.openAiBaseUrl, alwaysStream } as const
  const deadlines = { frontier: { firstByte: 150, idle: 160, total: 700 } }
  return {
    on: await gatewayOnCloud({ policy: { models: { big }, deadlines, routing: { maxFallbackAttempts: 0 } } }),
    cloud,
  }
}

const ask = ({ gateway }: GatewayOnCloud, body: Readonly<Record<string, unknown>> = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }], verbosity: 'low', ...body }),
  })

describe('a whole answer under alwaysStream', () => {
  it('is put together from the pieces, with its usage', async () => {
    const { on, cloud } = await modelThat(true, openAiText('Hello.'))
    expect(await (await ask(on)).json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    })
    expect(cloud.requests[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      verbosity: 'low',
    })
  })

  it.each([{ n: 2 }, { logprobs: true }])(
    'is asked for whole when only a whole body can hold it: %j',
    async (asked) => {
      const { on, cloud } = await modelThat(true, openAiText('Hello.'))
      expect(await (await ask(on, asked)).text()).toContain('Hello.')
      expect(cloud.requests[0]?.body.stream).not.toBe(true)
    },
  )

  it.each([
    [true, 'hang' as const, 'no first byte within 150 ms'],
    [true, eventStream(openAiFrames([{ content: 'Hel' }]).slice(0, 2), { end: 'hang' }), 'no next piece within 160 ms'],
    [false, 'hang' as const, 'no complete answer within 700 ms'],
  ])('ends with the deadline that says what was missing (alwaysStream: %s)', async (always, reply, words) => {
    const { on, cloud } = await modelThat(always, reply)
    const response = await ask(on)
    expect([response.status, await response.text()]).toEqual([504, expect.stringContaining(words)])
    await (await cloud.request(0)).closed
  })
})
