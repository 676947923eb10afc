/** F11: a provider redirects to another host. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAnthropicModel } from '../../src/models/anthropic.ts'
import { followRedirects } from '../../src/models/fetch/redirects.ts'
import { createOllamaModel } from '../../src/models/ollama.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { run, userCall } from '../support/model-calls.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let elsewhere: ScriptedCloud
beforeEach(async () => {
  cloud = await startScriptedCloud()
  elsewhere = await startScriptedCloud()
})
afterEach(async () => {
  await cloud.close()
  await elsewhere.close()
})

const hosted = { name: 'big', apiKey: 'sk-test-0123456789abcdef', model: 'x', maxOutputTokens: 9 }
const ollama = { contextTokens: 4096, keepAliveMs: -1, tier: 'frontier' as const }

describe.each([
  ['openai', () => createOpenAiCompatibleModel({ ...hosted, baseUrl: cloud.openAiBaseUrl })],
  ['anthropic', () => createAnthropicModel({ ...hosted, baseUrl: cloud.url })],
  ['ollama', () => createOllamaModel({ ...hosted, ...ollama, baseUrl: cloud.url })],
])('a redirect of %s', (_, open) => {
  it.each([301, 302, 303, 307, 308])(
    'with status %i is an error, and nothing goes to the other host',
    async (status) => {
      cloud.otherwise({ status, headers: { location: `${elsewhere.url}/v1/chat/completions` }, pieces: [] })
      const model = open()
      const { error } = await run(model, userCall('Hi'))
      await model.close()
      expect([error?.code, error?.message]).toEqual([
        'model_refused_request',
        `The provider of model big refused the request (HTTP ${status}): it redirects, and redirects are never followed.`,
      ])
      expect(elsewhere.connections()).toBe(0)
    },
  )
})

describe('F11 a redirect of a download', () => {
  it('is followed without the token', async () => {
    cloud.otherwise({ status: 307, headers: { location: `${elsewhere.url}/file` }, pieces: [] })
    elsewhere.otherwise({ pieces: ['bytes'] })
    const signal = AbortSignal.timeout(10_000)
    const asked = { url: new URL(`${cloud.url}/model`), token: 'hf-token', headers: {}, signal, model: 'a model' }
    const { response } = await followRedirects(asked)
    expect(await response.text()).toBe('bytes')
    expect(cloud.requests[0]?.headers.authorization).toBe('Bearer hf-token')
    expect(elsewhere.requests[0]?.headers.authorization).toBeUndefined()
  })
})
