/** A real gateway over a real router, with scripted clouds of both dialects on loopback, and the real Anthropic client. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { closeGateways, type TestGateway, testGateway } from './gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'

export interface MessagesGateway {
  readonly gateway: TestGateway
  readonly router: Router
  readonly cloud: ScriptedCloud
  readonly client: Anthropic
  readonly folder: string
  /** A request by hand, for bytes and headers. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>
}

const open: { close(): Promise<void> }[] = []

export interface MessagesGatewaySettings {
  /** What the frontier `big` speaks. Default anthropic. */
  readonly upstream?: 'anthropic' | 'openai'
  /** The id of the frontier there. */
  readonly model?: string
  readonly policy?: PolicyInput
  readonly gateway?: Parameters<typeof testGateway>[1]
}

export async function messagesGateway(settings: MessagesGatewaySettings = {}): Promise<MessagesGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-messages-'))
  const cloud = await startScriptedCloud()
  const { upstream = 'anthropic', model = upstream === 'anthropic' ? 'claude-haiku-4-5' : 'gpt-4.1-nano' } = settings
  const { models, tasks, ...rest } = settings.policy ?? {}
  const baseUrl = upstream === 'anthropic' ? cloud.url : cloud.openAiBaseUrl
  const policy: PolicyInput = {
    models: { big: { provider: upstream, model, tier: 'frontier', baseUrl, apiKey: '${env:KEY}' }, ...models },
    tasks: { direct: { pattern: 'direct', local: false }, ...tasks },
    defaults: { task: 'direct' },
    routing: { maxFallbackAttempts: 0 },
    ...rest,
  }
  const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
  const router = createRouter({ policy, env: { KEY: 'provider-key' }, paths })
  const gateway = await testGateway(router, settings.gateway)
  const { url, key } = gateway
  open.push({
    async close() {
      await router.close()
      await cloud.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
  return {
    gateway,
    router,
    cloud,
    folder,
    client: new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 }),
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

/** Ends everything that was opened. */
export async function closeMessagesGateways(): Promise<void> {
  await closeGateways()
  for (const one of open.splice(0)) await one.close()
}

/** The frames of an event stream, without the empty lines between them. */
export function framesOf(text: string): readonly string[] {
  return text.split('\n\n').filter((frame) => frame !== '')
}

/** What the data of a frame says. */
export function dataOf(frame: string | undefined): Record<string, unknown> {
  const line = (frame ?? '').split('\n').find((one) => one.startsWith('data: ')) ?? 'data: {}'
  return JSON.parse(line.slice('data: '.length)) as Record<string, unknown>
}
