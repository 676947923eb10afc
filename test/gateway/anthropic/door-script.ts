/** A gateway that is asked in the Messages dialect. */
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { testGateway } from '../../support/gateway.ts'
import { sampleRouter } from '../../support/sample-router.ts'
import { script } from '../chat-script.ts'

export const HI = {
  model: 'auto',
  max_tokens: 99,
  messages: [{ role: 'user' as const, content: 'Tell me something.' }],
}

export async function scripted(models: Parameters<typeof script>[0], gateway: Parameters<typeof testGateway>[1] = {}) {
  const sample = sampleRouter(script(models))
  const { url, key } = await testGateway(sample.router, gateway)
  const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 })
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', headers: { 'x-api-key': key, ...headers }, body: JSON.stringify(body) })
  return { sample, client, post, url, key }
}

export async function failureOf(call: Promise<unknown>): Promise<APIError> {
  try {
    await call
  } catch (error) {
    if (error instanceof APIError) return error
    throw error
  }
  throw new Error('the call succeeded')
}
