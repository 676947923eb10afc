/** F24: the engine dies in the middle of an answer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import { createRoster } from '../../src/pipeline/roster.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { manualClock, scriptedModel } from '../../src/testing.ts'

let paths: Paths
let client: EngineClient
let router: Router

beforeEach(() => {
  const stateDir = mkdtempSync(join(tmpdir(), 'spillway-f24-'))
  paths = { ...resolvePaths(process.env, process.platform), stateDir }
  client = new EngineClient({ paths, env: process.env, idleExitMs: 60_000 })
  router = createRouter({
    policy: {
      models: {
        small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', contextTokens: 512 },
        cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl: 'http://127.0.0.1:1' },
      },
      tasks: {
        story: {
          local: 'small',
          frontier: 'cloud',
          complexity: 'simple',
          stage: 'accept',
          accept: { uncalibrated: true },
          gates: { entropyNats: null, refusal: false },
        },
      },
    },
    paths,
    models: { cloud: scriptedModel({ name: 'cloud', answers: () => 'simulated frontier' }) },
  })
})
afterEach(async () => {
  await router.close()
  await client.call('shutdown', null).catch(() => undefined)
  await client.close()
  rmSync(paths.stateDir, { recursive: true, force: true })
})

const tell = (text: string) =>
  router.complete({ messages: [{ role: 'user', content: text }], metadata: { task: 'story' }, maxOutputTokens: 300 })

/** Waits until an answer is being written, then ends the engine's process the given way. */
async function endEngine(signal: NodeJS.Signals): Promise<void> {
  for (;;) {
    const { pid, models } = await client.call('ps', null)
    if (models.some(({ active }) => active > 0)) {
      process.kill(pid, signal)
      return
    }
  }
}

describe('F24', () => {
  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'an engine that ends by %s mid-answer costs an escalation, and the next request is answered locally',
    async (signal) => {
      await client.call('ps', null)
      const [outcome] = await Promise.all([tell('Write a long story about a dam and a river.'), endEngine(signal)])
      expect(outcome).toMatchObject({
        answer: 'simulated frontier',
        decision: { route: 'frontier', reason: 'local_unavailable' },
        attempts: [{ model: 'small', outcome: 'failed', error: 'engine_crashed' }, { model: 'cloud' }],
      })
      const next = await tell('What is the capital of France?')
      expect(next.attempts[0]).toMatchObject({ model: 'small', outcome: 'answered' })
    },
  )

  it('three crashes in a minute take the model off for a minute, after a second one it rests a second', async () => {
    const clock = manualClock()
    const { m: policy } = policySchema.parse({
      models: { m: { provider: 'embedded', model: 'x', tier: 'local_fast' } },
    }).models
    if (!policy) throw new Error('no model')
    const open = () => scriptedModel({ name: 'm' })
    const roster = createRoster([{ name: 'm', policy, obstacle: () => null, open }], clock)
    const unavailable = () => roster.states()[0]?.unavailable
    const crash = new RouterError('engine_crashed', { model: 'm', logFile: 'engine.log' })

    roster.failed('m', crash)
    expect(unavailable()).toBeNull()
    roster.answered('m')
    roster.failed('m', crash)
    expect(unavailable()).toMatchObject({ reason: 'local_unavailable', retryInMs: 1000 })
    await clock.advance(1000)
    roster.answered('m')
    roster.failed('m', crash)
    expect(unavailable()).toMatchObject({
      reason: 'local_unavailable',
      why: 'the engine crashed 3 times in a minute, tried again in 60 s',
    })
    await clock.advance(60_000)
    expect(unavailable()).toBeNull()
    roster.failed('m', crash)
    expect(unavailable()).toBeNull()
  })
})
