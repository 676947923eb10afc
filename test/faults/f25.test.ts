/** F25: memory that runs out when a model is loaded. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { hostEndpoint, prepareEndpoint } from '../../src/models/embedded/endpoint.ts'
import { engineDirectory } from '../../src/models/embedded/install.ts'
import { programFile } from '../../src/models/embedded/program.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'

let paths: Paths
let client: EngineClient
const routers: Router[] = []

beforeEach(() => {
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-f25-'))
  paths = { ...resolvePaths(process.env, process.platform), stateDir }
  client = new EngineClient({ paths, env: process.env, idleExitMs: 60_000 })
})
afterEach(async () => {
  await Promise.all(routers.splice(0).map((router) => router.close()))
  await client.call('shutdown', null).catch(() => undefined)
  await client.close()
  rmSync(paths.stateDir, { recursive: true, force: true })
})

type Tasks = NonNullable<PolicyInput['tasks']>
const task = (local: string): Tasks[string] => ({
  local,
  frontier: 'cloud',
  complexity: 'simple',
  stage: 'accept',
  accept: { uncalibrated: true },
  gates: { entropyNats: null, refusal: false },
})

const embedded = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } as const

/** `large` holds 3 GB of cache where `small` holds 12 MB. */
function open(settings: { readonly availableMemory?: () => number; readonly memory?: PolicyInput['memory'] }): Router {
  const { memory, ...more } = settings
  const router = createRouter({
    policy: {
      models: {
        small: { ...embedded, contextTokens: 512, parallel: 1 },
        large: { ...embedded, contextTokens: 8192, parallel: 16 },
        cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl: 'http://127.0.0.1:1' },
      },
      tasks: { short: task('small'), long: task('large') },
      ...(memory && { memory }),
    },
    paths,
    models: { cloud: scriptedModel({ name: 'cloud', answers: () => 'simulated frontier' }) },
    ...more,
  })
  routers.push(router)
  return router
}

const ask = (router: Router, name: string) =>
  router.complete({
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    metadata: { task: name },
    maxOutputTokens: 8,
  })

const ESCALATED = {
  answer: 'simulated frontier',
  decision: { route: 'frontier', reason: 'memory_no_fit' },
  attempts: [{ model: 'cloud' }],
}

describe('F25', () => {
  it('a model that would not fit is not loaded: the request goes to the next tier, with the reason', async () => {
    const router = open({ availableMemory: () => 1_000_000 })
    const { decision } = router.route({
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
      metadata: { task: 'short' },
    })
    expect(decision.removals).toContainEqual(expect.objectContaining({ reason: 'memory_no_fit' }))
    expect(await ask(router, 'short')).toMatchObject(ESCALATED)
  })

  it.each([
    ['may take less than it needs', { maxLocalMb: 100 }],
    ['must leave more free than it would', { keepFreeMb: 900_000_000 }],
  ])('so it is when a model %s by the policy', async (_, memory) => {
    expect(await ask(open({ memory }), 'short')).toMatchObject(ESCALATED)
  })

  it('a model that is loaded is used, however little memory is free', async () => {
    let freeBytes = 2 ** 40
    const router = open({ availableMemory: () => freeBytes, memory: { keepFreeMb: 100 } })
    expect((await ask(router, 'short')).attempts[0]).toMatchObject({ model: 'small', outcome: 'answered' })
    freeBytes = 1_000_000
    expect((await ask(router, 'short')).attempts[0]).toMatchObject({ model: 'small', outcome: 'answered' })
  })

  it('what another model of ours holds counts as free, since it gives way', async () => {
    let freeBytes = 2 ** 40
    const router = open({ availableMemory: () => freeBytes })
    await ask(router, 'short')
    // `large` needs 3.2 GB: too much with 3.1 GB free, enough with the 0.2 GB that `small` holds.
    freeBytes = 3_100_000_000
    const fits = router.route({ messages: [{ role: 'user', content: 'Hello.' }], metadata: { task: 'long' } })
    expect(fits.decision.removals).not.toContainEqual(expect.objectContaining({ reason: 'memory_no_fit' }))
    freeBytes = 2_900_000_000
    const tooLarge = router.route({ messages: [{ role: 'user', content: 'Hello.' }], metadata: { task: 'long' } })
    expect(tooLarge.decision.removals).toContainEqual(expect.objectContaining({ reason: 'memory_no_fit' }))
  })

  it.skipIf(process.platform !== 'linux')(
    'memory that runs out all the same is a typed error and an escalation, and the router and its host go on',
    async () => {
      // Node reserves 5.7 GB of addresses under this limit; `small` takes 0.6 more, `large` 3.3.
      const host = await hostWithAddressSpace(8_000_000)
      const router = open({})
      expect(await ask(router, 'long')).toMatchObject({
        answer: 'simulated frontier',
        decision: { route: 'frontier', reason: 'local_unavailable' },
        attempts: [{ model: 'large', outcome: 'failed', error: 'model_failed' }, { model: 'cloud' }],
      })
      expect((await ask(router, 'short')).attempts[0]).toMatchObject({ model: 'small', outcome: 'answered' })
      expect((await client.call('ps', null)).pid).toBe(host.pid)
    },
  )
})

/** Starts the host of `paths` through a shell that limits its addresses. */
async function hostWithAddressSpace(kibibytes: number): Promise<ChildProcess> {
  const { stateDir } = paths
  await prepareEndpoint(hostEndpoint(stateDir))
  const settings = JSON.stringify({ stateDir, enginePath: engineDirectory(paths), idleExitMs: 60_000 })
  const script = `ulimit -v ${kibibytes}; exec "$0" "$@"`
  const child = spawn('sh', ['-c', script, process.execPath, programFile('host-main'), settings], { stdio: 'ignore' })
  await once(child, 'spawn')
  await expect.poll(() => isListening(), { timeout: 10_000 }).toBe(true)
  return child
}

async function isListening(): Promise<boolean> {
  const socket = connect(hostEndpoint(paths.stateDir).address)
  return await new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
