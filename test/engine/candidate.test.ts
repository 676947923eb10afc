/** A candidate on the real engine: two copies of one small model, which differ by their prompt. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import { writtenSetup } from '../../src/pipeline/task-setup.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { openRollouts } from '../../src/stores/rollouts.ts'
import { scriptedModel } from '../../src/testing.ts'

let paths: Paths
let client: EngineClient
beforeEach(() => {
  paths = {
    ...resolvePaths(process.env, process.platform),
    stateDir: mkdtempSync(join(tmpdir(), 'spillway-candidate-')),
  }
  client = new EngineClient({ paths, env: process.env, idleExitMs: 60_000 })
})
afterEach(async () => {
  await client.call('shutdown', null).catch(() => undefined)
  await client.close()
  rmSync(paths.stateDir, { recursive: true, force: true })
})

const EMBEDDED = { provider: 'embedded', model: 'smollm2-135m-instruct', threads: 1, parallel: 1 } as const
const POLICY: PolicyInput = {
  models: {
    small: { ...EMBEDDED, tier: 'local_fast', contextTokens: 512 },
    other: { ...EMBEDDED, tier: 'local_quality', contextTokens: 640 },
    cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl: 'http://127.0.0.1:1' },
  },
  tasks: {
    mood: {
      kind: 'choice',
      labels: ['positive', 'negative'],
      local: 'small',
      frontier: 'cloud',
      stage: 'shadow',
      accept: { uncalibrated: true },
    },
  },
}
const QUESTION = 'I love this place, the food was wonderful.'

function tryOther(): void {
  const written = validatePolicy(POLICY, { file: 'p.yaml', env: {} }).policy.tasks.mood
  if (!written) throw new Error('no task')
  const prompt = { system: 'Say whether the review is positive or negative.', version: 'v2' }
  const setup = {
    model: 'other',
    replaces: 'small',
    prompt,
    promptHash: 'sha256:prompt',
    labels: null,
    over: writtenSetup(written),
  }
  const said = { why: 'a test', by: 'me', at: '2026-01-01T00:00:00.000Z', policyDigest: 'sha256:p' }
  openRollouts(paths.stateDir, () => performance.now()).start(
    { id: 'candidate-1', task: 'mood', setup, maxLoss: 0.02, ...said },
    () => undefined,
  )
}

function open(availableMemory: () => number): Router {
  const models = { cloud: scriptedModel({ name: 'cloud', answers: () => 'positive' }) }
  return createRouter({ policy: POLICY, paths, models, availableMemory })
}

const ask = (router: Router) =>
  router.complete({ messages: [{ role: 'user', content: QUESTION }], metadata: { task: 'mood' } })

describe('a candidate on the embedded engine', () => {
  it('answers the request that the model in force was shadowed on, and its record says which weights and prompt', async () => {
    tryOther()
    const router = open(() => 2 ** 40)
    const { requestId } = await ask(router)
    await expect.poll(() => router.audit({ requestId })[0]?.candidate?.option).toMatch(/^(positive|negative)$/)
    const [record] = router.audit({ requestId })
    await router.close()
    expect(record?.candidate).toMatchObject({
      model: 'other',
      identity: { digest: expect.stringMatching(/^sha256:/), quantisation: expect.any(String) },
      prompt: { version: 'v2' },
      frontierOption: 'positive',
      incumbent: { model: 'small', option: expect.stringMatching(/^(positive|negative)$/), isFair: true },
      attempt: { actor: 'local', purpose: 'shadow', outcome: 'answered' },
    })
    expect(record?.candidate?.identity).toEqual(record?.shadow?.identity)
  })

  it('is left out where the model in force would have to leave memory for it', async () => {
    let freeBytes = 2 ** 40
    const router = open(() => freeBytes)
    const { requestId: first } = await ask(router)
    await expect.poll(() => router.audit({ requestId: first })[0]?.shadow).toBeTruthy()
    // The model in force is loaded, and would make room if another one asked for it.
    freeBytes = 20_000_000
    tryOther()
    await expect.poll(() => router.status().rollouts.candidates).toHaveLength(1)
    expect(router.status().models).toContainEqual(expect.objectContaining({ name: 'other', unavailable: null }))
    const { requestId } = await ask(router)
    await expect.poll(() => router.audit({ requestId })[0]?.candidateDropped).toBe('memory_no_fit')
    expect(router.audit({ requestId })[0]?.shadow?.attempt.outcome).toBe('answered')
    await router.close()
  })
})
