/** A rotation from the first request to the last, through the real router and its stores, under a clock of the test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../../src/compose.ts'
import { mayTakeOver, planCandidate, rotationChange } from '../../../src/eval/rollout/rotate.ts'
import { type RotationReport, rotationReport } from '../../../src/eval/rollout/rotation.ts'
import { setupInForce } from '../../../src/pipeline/task-setup.ts'
import type { PolicyInput } from '../../../src/spec/policy.ts'
import type { Candidate } from '../../../src/spec/rotation.ts'
import { validatePolicy } from '../../../src/stores/policy-file.ts'
import { openRollouts } from '../../../src/stores/rollouts.ts'
import { type ManualClock, manualClock, scriptedModel } from '../../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../../support/chat-task.ts'

const POLICY: PolicyInput = {
  models: {
    ...SMALL_AND_BIG,
    worse: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
    better: { provider: 'embedded', model: 'smollm2-1.7b-instruct', tier: 'local_quality' },
  },
  tasks: { triage: { ...ACCEPTING, kind: 'choice', labels: ['build', 'test'], stage: 'shadow' } },
}

let folder = ''
let clock: ManualClock
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-drive-'))
  clock = manualClock({ epochMs: Date.parse('2026-03-01T00:00:00.000Z'), sleeping: 'skip' })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Right but for every so many-th request, by the number that its text ends with. */
const wrongEvery = (name: string, every: number) =>
  scriptedModel({
    name,
    decisions: ({ input }) => {
      const at = Number(input.split(' ').at(-1))
      const [right, wrong] = at % 2 === 0 ? ['build', 'test'] : ['test', 'build']
      const said = at % every === 0 ? wrong : right
      return { probabilities: { build: 0.05, test: 0.05, [said]: 0.95 } }
    },
  })

function opened() {
  const loaded = validatePolicy(POLICY, { file: 'p.yaml', env: { KEY: 'k' } })
  const [configDir, dataDir, cacheDir, stateDir] = ['config', 'data', 'cache', 'state'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  const big = scriptedModel({
    name: 'big',
    answers: ({ messages }) =>
      Number(String(messages.at(-1)?.content).split(' ').at(-1)) % 2 === 0 ? 'build' : 'test',
  })
  const models = {
    big,
    ...{ small: wrongEvery('small', 5), worse: wrongEvery('worse', 2), better: wrongEvery('better', 1000) },
  }
  const paths = { configDir, dataDir, cacheDir, stateDir }
  const router = createRouter({ policy: loaded, env: { KEY: 'k' }, paths, clock, models })
  return { loaded, router, models, store: openRollouts(stateDir, clock.monotonicMs) }
}

type Opened = ReturnType<typeof opened>
const now = (): string => new Date(clock.epochMs()).toISOString()

function begun({ loaded, store }: Opened, model: string): Candidate {
  const setup = setupInForce({ loaded, rollouts: store }, 'triage')
  const { policy } = loaded
  const planned = planCandidate({ model, prompt: null, labels: null }, { name: 'triage', policy, setup })
  if ('problem' in planned) throw new Error(planned.problem)
  const said = { why: 'a trial', by: 'me', at: now(), policyDigest: loaded.digest }
  const candidate = { id: model, task: 'triage', setup: planned.setup, maxLoss: 0.02, ...said }
  store.start(candidate, () => undefined)
  return candidate
}

async function verdictOn(one: Opened, candidate: Candidate, most: number): Promise<RotationReport> {
  const { router, loaded } = one
  const task = loaded.policy.tasks.triage
  if (!task) throw new Error('no task')
  // Routers look at the file five times a second.
  await clock.advance(1000)
  let report: RotationReport | null = null
  for (let at = 1; at <= most; at++) {
    await clock.advance(60_000)
    const content = `The pipe is broken at place ${at}`
    await router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'triage' } })
    // Shadow and candidate begin once the answer is out.
    if (at % 20 > 0) continue
    await expect.poll(() => idle(one)).toBe(true)
    const records = router.audit({ task: 'triage', sinceMs: Date.parse(candidate.at) })
    report = rotationReport({ records, candidate, task, options: 2, basis: 'drawn' })
    if (report.verdict !== 'not_enough') return report
  }
  throw new Error(`no verdict: ${report?.missing.join('; ')}`)
}

function idle({ router }: Opened): boolean {
  const { shadows, candidates } = router.status()
  return [shadows, candidates].every(({ running, waiting }) => running + waiting === 0)
}

describe('a rotation', () => {
  it('rejects a worse candidate, puts a better one in force while the router runs, and asks no frontier for it', async () => {
    const one = opened()
    const { router, store, models, loaded } = one
    const worse = begun(one, 'worse')
    const rejected = await verdictOn(one, worse, 400)
    expect(rejected.verdict).toBe('worse')
    expect(mayTakeOver(rejected)).toBe(false)
    expect(store.discard('worse', () => undefined)).toBe(true)

    const better = begun(one, 'better')
    const accepted = await verdictOn(one, better, 400)
    expect(accepted).toMatchObject({ verdict: 'better', dropped: {}, challenger: { errors: { wrong: 0 } } })
    expect(models.big.calls).toHaveLength(rejected.runs + accepted.runs)
    const change = rotationChange({
      ...{ id: 'rotate-1', report: accepted, stage: 'shadow', setup: undefined, inForce: null, written: 'shadow' },
      ...{ policyDigest: loaded.digest, maxErrorRate: null, why: 'it is better', by: 'me', at: now() },
    })
    expect(store.move(change, () => undefined)).toBe(true)
    await clock.advance(1000)
    const content = 'The pipe is broken at place 5'
    const { requestId } = await router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'triage' } })
    await expect.poll(() => router.audit({ requestId })[0]?.shadow?.model).toBe('better')
    expect(store.candidates()).toEqual([])
    await router.close()
  })
})
