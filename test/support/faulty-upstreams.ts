/** A real gateway and router in front of scripted clouds: real sockets on both sides, time by hand. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Clock, ModelPort } from '../../src/spec/ports.ts'
import type { Router } from '../../src/spec/router.ts'
import { type ManualClock, manualClock } from '../../src/testing.ts'
import { closeGateways, type TestGateway, testGateway } from './gateway.ts'
import { type Reply, type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'

export interface FaultySetup {
  /** A script per cloud; they become the models `a`, `b`, … in this order, each priced 10 and 20 dollars a million. */
  readonly clouds: readonly (readonly Reply[])[]
  /** Per cloud; default `openai`. */
  readonly dialects?: readonly ('openai' | 'anthropic')[]
  /** In place of the address of a cloud, by model name. */
  readonly urls?: Readonly<Record<string, string>>
  readonly policy?: Partial<PolicyInput>
  /** A local model that may stand in. */
  readonly local?: ModelPort
  /** Default: a manual clock whose sleeps pass at once. */
  readonly clock?: Clock
}

export interface FaultyUpstreams {
  readonly gateway: TestGateway
  readonly router: Router
  readonly clouds: readonly ScriptedCloud[]
  /** The default clock. */
  readonly clock: ManualClock
  /** A chat request; `stream` and other fields as given. */
  chat(body?: Readonly<Record<string, unknown>>): Promise<Response>
  /** The newest record. */
  record(): AuditRecord
  /** Everything that was written to disk. */
  written(): string
}

const open: { readonly close: () => Promise<void> }[] = []

export async function closeFaultyUpstreams(): Promise<void> {
  await closeGateways()
  for (const one of open.splice(0)) await one.close()
}

export async function faultyUpstreams(setup: FaultySetup): Promise<FaultyUpstreams> {
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-faults-'))
  const clouds = await Promise.all(setup.clouds.map((script) => startScriptedCloud(...script)))
  const clock = manualClock({ epochMs: 1_700_000_000_000, sleeping: 'skip' })
  const router = createRouter({
    policy: policyOf(setup, clouds),
    env: {},
    paths: { ...resolvePaths({}, process.platform), stateDir, dataDir: stateDir, cacheDir: stateDir },
    clock: setup.clock ?? clock,
    ...(setup.local && { models: { small: setup.local } }),
  })
  const gateway = await testGateway(router)
  open.push({
    close: async () => {
      await router.close()
      for (const cloud of clouds) await cloud.close()
      rmSync(stateDir, { recursive: true, force: true })
    },
  })
  return {
    gateway,
    router,
    clouds,
    clock,
    chat: (body = {}) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Tell me something.' }], ...body }),
      }),
    record() {
      const found = router.audit({ newestFirst: true, limit: 1 })[0]
      if (!found) throw new Error('there is no record')
      return found
    },
    written: () => [...textsIn(stateDir), ...gateway.logLines].join('\n'),
  }
}

function policyOf(setup: FaultySetup, clouds: readonly ScriptedCloud[]): PolicyInput {
  const names = clouds.map((_cloud, index) => 'abcdef'[index] ?? 'z')
  const models = clouds.map((cloud, index): [string, NonNullable<PolicyInput['models']>[string]] => {
    const provider = setup.dialects?.[index] ?? 'openai'
    const name = names[index] ?? ''
    const baseUrl = setup.urls?.[name] ?? (provider === 'openai' ? cloud.openAiBaseUrl : cloud.url)
    const priceUsdPerMillion = { input: 10, output: 20 }
    return [name, { provider, model: 'scripted', tier: 'frontier', baseUrl, priceUsdPerMillion }]
  })
  const local = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } as const
  return {
    models: { ...Object.fromEntries(models), ...(setup.local && { small: local }) },
    tasks: { chat: { pattern: 'direct', local: setup.local ? 'small' : false, frontier: names } },
    defaults: { task: 'chat' },
    ...setup.policy,
  }
}

/** Files that hold text; the database repeats what the journal said. */
function textsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
}
