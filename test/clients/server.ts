/** One built gateway for all clients: `spillway serve` as a process, the embedded engine, and a scripted cloud. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { sandbox } from '../cli/spillway.ts'
import { auditRecords, serveProcess } from '../support/serve-process.ts'
import type { Client, Door } from './client.ts'
import { type ClientCloud, startClientCloud } from './cloud.ts'
import type { AuditRecord } from './records.ts'

const BUILT = resolve(import.meta.dirname, '../../dist/cli/main.js')

/**
 * What the task of a case leads to. `same` and `other` are upstreams of the client's own dialect and of the other; the
 * faulty ones are apart, since a model that failed is left alone for a while.
 */
export type Upstream = 'same' | 'other' | 'limited' | 'flaky' | 'refusing' | 'faulty' | 'keyless' | 'local'

/** The embedded engine's, as the policy calls it. */
export const LOCAL_MODEL = 'small'

export interface ClientServer extends ClientCloud {
  readonly url: string
  readonly key: string
  /** Of what was recorded until now; complete once the server has ended. */
  records(): Promise<readonly AuditRecord[]>
  stop(): Promise<void>
  close(): Promise<void>
}

/** The task of one client that leads to an upstream; it is the model name that the client sends. */
export function taskOf(client: Pick<Client, 'name'>, upstream: Upstream): string {
  return `${client.name}-${upstream}`
}

export async function startClientServer(clients: readonly Client[]): Promise<ClientServer> {
  if (!existsSync(BUILT)) throw new Error('There is no built gateway: run `npm run build` first.')
  const { cloud, requestsOf } = await startClientCloud()
  const box = sandbox()
  const server = await serveProcess(box, { policy: policyFor(clients, cloud), main: BUILT })
  return {
    cloud,
    requestsOf,
    url: server.url,
    key: server.key,
    records: async () => (await auditRecords(box)) as readonly AuditRecord[],
    stop: async () => void (await server.stop()),
    async close() {
      await server.stop()
      await box.close()
      await cloud.close()
    },
  }
}

/** JSON is YAML, too. Clients own the retries here, so that what they do with an answer can be seen. */
function policyFor(clients: readonly Client[], cloud: ClientCloud['cloud']): string {
  const entries = clients.flatMap((client) =>
    UPSTREAMS.map((upstream) => ({ name: taskOf(client, upstream), client, upstream })),
  )
  const models = entries
    .filter(({ upstream }) => upstream !== 'local')
    .map(({ name, client, upstream }) => [name, modelAt(cloud, dialectOf(client.door, upstream), upstream)])
  const tasks = entries.map(({ name, upstream }) => [name, upstream === 'local' ? LOCAL_TASK : directTo(name)])
  return JSON.stringify({
    models: {
      [LOCAL_MODEL]: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      ...Object.fromEntries(models.map(([name, model]) => [`${String(name)}-model`, model])),
    },
    tasks: Object.fromEntries(tasks),
    routing: { maxFallbackAttempts: 0 },
    gateway: { unknownModel: 'error', headersAfter: '60s' },
  })
}

const UPSTREAMS: readonly Upstream[] = ['same', 'other', 'limited', 'flaky', 'refusing', 'faulty', 'keyless', 'local']

const LOCAL_TASK = {
  pattern: 'cascade',
  local: LOCAL_MODEL,
  frontier: false,
  stage: 'accept',
  accept: { uncalibrated: true },
  gates: { entropyNats: null },
}

function directTo(name: string): object {
  return { pattern: 'direct', local: false, frontier: `${name}-model` }
}

function dialectOf(door: Door, upstream: Upstream): Door {
  if (upstream !== 'other') return door
  return door === 'openai' ? 'anthropic' : 'openai'
}

function modelAt({ url, openAiBaseUrl }: ClientCloud['cloud'], dialect: Door, upstream: Upstream): object {
  const apiKey = `\${env:${upstream === 'keyless' ? 'NO_SUCH_KEY' : 'CLOUD_KEY'}}`
  return dialect === 'openai'
    ? { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl: openAiBaseUrl, apiKey }
    : { provider: 'anthropic', model: 'claude-haiku-4-5', tier: 'frontier', baseUrl: url, apiKey }
}
