/** A gateway in front of a scripted cloud, and a client that sends requests with an idempotency key. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { closeGateways, type TestGateway, testGateway } from './gateway.ts'
import type { ScriptedCloud } from './scripted-cloud.ts'

export interface KeyedSent {
  readonly url: string
  readonly apiKey: string
  readonly idempotencyKey: string
  readonly content?: string
  readonly tenant?: string
  readonly stream?: boolean
}

export interface KeyedAnswer {
  readonly status: number
  /** Byte by byte. */
  readonly body: string
  readonly requestId: string | null
  readonly isReplay: boolean
  readonly isRerun: boolean
}

export async function sendKeyed(sent: KeyedSent): Promise<KeyedAnswer> {
  const { url, apiKey, idempotencyKey, content = 'hello', tenant, stream } = sent
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey,
    },
    body: JSON.stringify({
      model: 'auto',
      messages: [{ role: 'user', content }],
      ...(stream && { stream, stream_options: { include_usage: true } }),
      ...(tenant !== undefined && { metadata: { tenant } }),
    }),
  })
  return {
    status: response.status,
    body: Buffer.from(await response.arrayBuffer()).toString('latin1'),
    requestId: response.headers.get('x-request-id'),
    isReplay: response.headers.get('idempotent-replayed') === 'true',
    isRerun: response.headers.get('idempotent-rerun') === 'true',
  }
}

/** Everything goes to the cloud. */
export function cloudPolicy(baseUrl: string): PolicyInput {
  return {
    models: {
      cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl, apiKey: '${env:CLOUD_KEY}' },
    },
    tasks: { chat: { pattern: 'direct', local: false, frontier: 'cloud' } },
    defaults: { task: 'chat' },
  }
}

export interface KeyedGateways extends AsyncDisposable {
  /** Opens one more on the same state directory. */
  open(): Promise<TestGateway>
  readonly stateDir: string
}

export function keyedGateways(cloud: ScriptedCloud): KeyedGateways {
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-keyed-'))
  const routers: { close(): Promise<void> }[] = []
  return {
    stateDir,
    async open() {
      const router = createRouter({
        policy: cloudPolicy(cloud.openAiBaseUrl),
        env: { CLOUD_KEY: 'simulated' },
        paths: { ...resolvePaths(process.env, process.platform), stateDir },
      })
      routers.push(router)
      return await testGateway(router, { stateDir })
    },
    async [Symbol.asyncDispose]() {
      await closeGateways()
      for (const router of routers.splice(0)) await router.close()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}
