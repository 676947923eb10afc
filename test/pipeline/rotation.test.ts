import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput, StagePolicy } from '../../src/spec/policy.ts'
import type { RolloutChange } from '../../src/spec/rollout.ts'
import type { Candidate, LocalSetup } from '../../src/spec/rotation.ts'
import type { Router } from '../../src/spec/router.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { openRollouts, type RolloutStore } from '../../src/stores/rollouts.ts'
import { scriptedModel } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { otherSetup } from '../support/other-setup.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

const TRIAGE: Task = {
  ...ACCEPTING,
  kind: 'choice',
  labels: ['build', 'test'],
  accept: { uncalibrated: true, maxErrorRate: 0.05, auditRate: 1 },
}
const REQUEST = { messages: [{ role: 'user', content: 'The pipe is broken.' }], metadata: { task: 'triage' } } as const

let folder = ''
let open: Router[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-rotation-'))
  open = []
})
afterEach(async () => {
  for (const router of open) await router.close()
  rmSync(folder, { recursive: true, force: true })
})

const policyOf = (task: Task): PolicyInput => ({
  models: {
    ...SMALL_AND_BIG,
    other: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
  },
  tasks: { triage: task },
})
const paths = () => ({
  configDir: join(folder, 'config'),
  dataDir: join(folder, 'data'),
  cacheDir: join(folder, 'cache'),
  stateDir: join(folder, 'state'),
})
const store = (): RolloutStore => openRollouts(paths().stateDir, () => performance.now())

function router(task: Task = TRIAGE) {
  const says = (name: string, label: string) =>
    scriptedModel({ name, decisions: () => ({ probabilities: { build: 0.05, test: 0.05, [label]: 0.9 } }) })
  const models = {
    small: says('small', 'test'),
    other: says('other', 'build'),
    big: scriptedModel({ name: 'big', answers: () => 'test' }),
  }
  const made = createRouter({ policy: policyOf(task), env: { KEY: 'k' }, paths: paths(), models })
  open.push(made)
  return { router: made, models }
}

const setupFor = (task: Task, setup: Partial<LocalSetup> = {}): LocalSetup => otherSetup(policyOf(task), setup)

function change(part: Partial<RolloutChange>): RolloutChange {
  return {
    ...{ id: 'rotate-1', task: 'triage', action: 'rotate', cause: 'operator', from: 'accept', to: 'accept' },
    ...{ over: 'accept', after: null, why: 'it is better', by: 'me', at: '2026-01-01T00:00:00.000Z' },
    ...{ policyDigest: 'sha256:p', model: null, evidence: null, setup: setupFor(TRIAGE) },
    ...part,
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo() && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(isSo()).toBe(true)
}

const localNow = (one: Router): readonly string[] => one.route(REQUEST).decision.local

describe('what was rotated in', () => {
  it('answers without a restart, after one, and no more once it is rolled back', async () => {
    const { router: running, models } = router()
    expect(localNow(running)).toEqual(['small'])
    store().move(change({}), () => undefined)
    await until(() => localNow(running)[0] === 'other')
    expect(localNow(running)).toEqual(['other'])
    await running.complete(REQUEST)
    expect(models.other.decideCalls).toHaveLength(1)
    expect(models.small.decideCalls).toHaveLength(0)
    expect(running.status().rollouts.rotations).toEqual([{ task: 'triage', model: 'other' }])
    const { router: next } = router()
    expect(localNow(next)).toEqual(['other'])
    const { setup, ...rest } = change({ id: 'back-1', action: 'rollback', after: 'rotate-1' })
    store().move({ ...rest, setupBefore: setup }, () => undefined)
    await until(() => localNow(running)[0] === 'small' && localNow(next)[0] === 'small')
  })

  it('is a prompt and an order of labels as well, for every way to ask', async () => {
    const prompt = { system: 'Name the team.', shots: [{ input: 'x', output: 'test' }], version: 'v2' }
    const setup = setupFor(TRIAGE, { model: 'small', prompt, promptHash: 'sha256:p', labels: ['test', 'build'] })
    store().move(change({ setup }), () => undefined)
    const { router: running, models } = router()
    const outcome = await running.complete(REQUEST)
    await running.decide({ input: 'The pipe leaks.', task: 'triage' })
    expect(models.small.decideCalls).toMatchObject([
      { instruction: 'Name the team.', shots: prompt.shots, options: ['test', 'build'] },
      { instruction: 'Name the team.', options: ['test', 'build'] },
    ])
    const [record] = running.audit({ requestId: outcome.requestId })
    expect(record).toMatchObject({
      localModel: { name: 'small', prompt: { version: 'v2' } },
      circumstances: {
        rotated: { model: 'small', promptHash: 'sha256:p', labels: ['test', 'build'], over: setup.over },
      },
    })
    // The prompt's own text stays out of the records.
    expect(JSON.stringify(record)).not.toContain('Name the team')
  })

  it('lapses when the policy says something else of the models, and stays when it says another stage', () => {
    store().move(change({}), () => undefined)
    expect(localNow(router({ ...TRIAGE, local: ['small', 'other'] }).router)).toEqual(['small', 'other'])
    expect(localNow(router({ ...TRIAGE, prompt: { system: 'Which?' } }).router)).toEqual(['small'])
    expect(localNow(router({ ...TRIAGE, stage: 'shadow' }).router)).toEqual(['other'])
  })

  it('takes one place among several models, in the slot and in the tiers of a cascade', () => {
    const several: Task = { ...TRIAGE, local: ['small', 'other'] }
    store().move(change({ setup: setupFor(several) }), () => undefined)
    expect(localNow(router(several).router)).toEqual(['other'])
    const { local: _, frontier: __, ...unslotted } = TRIAGE
    const tiers: Task = { ...unslotted, pattern: { cascade: { tiers: ['small', 'big'].map((name) => [name]) } } }
    store().move(change({ id: 'rotate-2', after: 'rotate-1', setup: setupFor(tiers) }), () => undefined)
    const { decision } = router(tiers).router.route(REQUEST)
    expect(decision.tiers.map(({ models }) => models)).toEqual([['other'], ['big']])
  })

  it('ends its trial, and another candidate may begin', () => {
    const own = store()
    const said = { why: 'x', by: 'me', at: '2026-01-01T00:00:00.000Z', policyDigest: 'sha256:p' }
    const candidate: Candidate = { id: 'one', task: 'triage', setup: setupFor(TRIAGE), maxLoss: 0.02, ...said }
    const seen: string[] = []
    expect(own.start(candidate, () => seen.push('one'))).toBe(true)
    expect(own.start({ ...candidate, id: 'two' }, () => seen.push('two'))).toBe(false)
    expect(own.discard('two', () => seen.push('two'))).toBe(false)
    expect(own.candidates()).toHaveLength(1)
    own.move(change({}), () => undefined)
    expect(own.candidates()).toEqual([])
    expect(own.start({ ...candidate, id: 'three' }, () => seen.push('three'))).toBe(true)
    // Over another policy the one that stands there has lapsed.
    const edited = { ...candidate, id: 'four', setup: { ...candidate.setup, over: 'sha256:edited' } }
    expect(own.start(edited, () => seen.push('four'))).toBe(true)
    expect(own.candidates().map(({ id }) => id)).toEqual(['four'])
    expect(seen).toEqual(['one', 'three', 'four'])
    expect(own.discard('four', () => seen.push('over'))).toBe(true)
    expect(own.candidates()).toEqual([])
  })
})

describe('a bound that breaks after a rotation', () => {
  it('brings back the model and prompt of before, in the same stage, by itself', async () => {
    const at = new Date(Date.now() - 1000).toISOString()
    const prompt = { system: 'Name the team.', version: 'v2' }
    store().move(change({ at, setup: setupFor(TRIAGE, { prompt }) }), () => undefined)
    const { router: running, models } = router()
    let asked = 0
    // The candidate says build, the frontier test; every request is drawn for the audit.
    while (store().setups().length > 0 && asked < 60) {
      await running.complete(REQUEST)
      asked += 1
    }
    expect(asked).toBeLessThan(60)
    expect(store().list()).toMatchObject([{ action: 'rollback', cause: 'label_error', from: 'accept', to: 'accept' }])
    await until(() => localNow(running)[0] === 'small')
    expect(running.route(REQUEST).decision.stage).toBe('accept')
    await running.complete(REQUEST)
    expect(models.small.decideCalls.length).toBeGreaterThan(0)
    await running.close()
    open = []
    const [event] = readEvents(paths().stateDir, 0)
    expect(event).toMatchObject({
      kind: 'rollout',
      by: 'spillway',
      what: {
        ...{ task: 'triage', action: 'rollback', cause: 'label_error', from: 'accept', to: 'accept' },
        ...{ answeredBy: 'as the policy says', answeredBefore: 'model other, prompt v2' },
      },
    })
    expect(readFileSync(join(paths().stateDir, 'rollouts.json'), 'utf8')).not.toContain('"candidates":[{')
  })

  it('brings no policy file back: the stage goes down, and the event names what the file says otherwise', async () => {
    const shadowed: Task = { ...TRIAGE, stage: 'shadow' }
    const { router: first } = router(shadowed)
    const { policyDigest } = first.status()
    await first.close()
    const at = new Date(Date.now() - 1000).toISOString()
    const { setup: _, ...up } = change({ id: 'up', action: 'promote', from: 'shadow', to: 'accept', over: 'shadow' })
    store().move({ ...up, at, policyDigest }, () => undefined)
    const { router: edited } = router({ ...shadowed, prompt: { system: 'Which?' }, local: 'other' })
    let asked = 0
    while (store().list()[0]?.action === 'promote' && asked < 60) {
      await edited.complete(REQUEST)
      asked += 1
    }
    expect(store().list()).toMatchObject([{ action: 'rollback', from: 'accept', to: 'shadow', policyDigest }])
    expect(localNow(edited)).toEqual(['other'])
    await edited.close()
    open = []
    const [event] = readEvents(paths().stateDir, 0)
    expect(event?.what.detail).toBe('the policy says otherwise than then: tasks.triage.local, tasks.triage.prompt')
  })

  it('takes one step at a time: first the model, then the stage', () => {
    const own = store()
    const canary: StagePolicy = { canary: { percent: 10, groups: [], tenants: [] } }
    const { setup, ...up } = change({ id: 'up', action: 'promote', from: 'shadow', to: canary, over: 'shadow' })
    own.move(up, () => undefined)
    own.move(change({ from: canary, to: canary, over: 'shadow', after: 'up' }), () => undefined)
    expect(own.list()).toMatchObject([{ setup, before: [{ stage: 'shadow' }, { stage: canary }] }])
    const { setup: _, ...back } = change({ id: 'back', action: 'rollback', from: canary, to: canary, over: 'shadow' })
    own.move({ ...back, after: 'rotate-1' }, () => undefined)
    expect(own.list()[0]?.before).toMatchObject([{ stage: 'shadow' }])
    expect(own.setups()).toEqual([])
  })
})
