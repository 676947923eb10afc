/** A real gateway over a real router and a real state directory; only the cloud is scripted. For tests of faults. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter, type RouterSettings } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { closeGateways, type TestGateway, testGateway } from './gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'

export interface GatewayOnCloud {
  readonly gateway: TestGateway
  readonly router: Router
  readonly cloud: ScriptedCloud
  /** The state directory of the router. */
  readonly folder: string
  /** Ends the router before its time, so that what it wrote down is complete. */
  closeRouter(): Promise<void>
}

const open: GatewayOnCloud[] = []

export interface CloudGatewaySettings {
  /** Of the cloud where it names further models there. */
  readonly policy?: PolicyInput | ((cloud: ScriptedCloud) => PolicyInput)
  readonly gateway?: Parameters<typeof testGateway>[1]
  readonly router?: Partial<RouterSettings>
}

/** One frontier `big` at the cloud with a known price, and a task `direct` that sends everything there. */
export async function gatewayOnCloud(settings: CloudGatewaySettings = {}): Promise<GatewayOnCloud> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-fault-'))
  const cloud = await startScriptedCloud()
  const given = typeof settings.policy === 'function' ? settings.policy(cloud) : settings.policy
  const { models, tasks, ...rest } = given ?? {}
  const policy: PolicyInput = {
    models: { big: bigAt(cloud), ...models },
    tasks: { direct: { pattern: 'direct', local: false }, ...tasks },
    defaults: { task: 'direct' },
    ...rest,
  }
  const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
  const router = createRouter({ policy, env: { KEY: 'provider-key' }, paths, ...settings.router })
  const gateway = await testGateway(router, settings.gateway)
  let closing: Promise<void> | null = null
  const closeRouter = (): Promise<void> => {
    closing ??= router.close()
    return closing
  }
  const opened = { gateway, router, cloud, folder, closeRouter }
  open.push(opened)
  return opened
}

export function bigAt({ openAiBaseUrl: baseUrl }: ScriptedCloud): NonNullable<PolicyInput['models']>[string] {
  return { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' }
}

export function claudeAt({ url: baseUrl }: ScriptedCloud): NonNullable<PolicyInput['models']>[string] {
  return { provider: 'anthropic', model: 'claude-haiku-4-5', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' }
}

/** Ends everything that was opened. */
export async function closeAll(): Promise<void> {
  await closeGateways()
  for (const { closeRouter, cloud, folder } of open.splice(0)) {
    await closeRouter()
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
