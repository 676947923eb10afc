import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { StagePolicy } from '../../src/spec/policy.ts'
import type { RolloutBook, RolloutChange } from '../../src/spec/rollout.ts'
import { openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { NO_ROLLOUTS, openRollouts } from '../../src/stores/rollouts.ts'
import { scriptedModel } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

const move = (to: StagePolicy, part: Partial<RolloutChange> = {}): RolloutChange => ({
  id: 'move-1',
  task: 'chat',
  action: 'rollback',
  cause: 'operator',
  from: 'accept',
  to,
  over: 'accept',
  after: null,
  why: 'a test',
  by: 'me',
  at: '2026-01-01T00:00:00.000Z',
  policyDigest: 'sha256:one',
  model: null,
  evidence: null,
  ...part,
})

function moved(to: StagePolicy | null): RolloutBook {
  return { ...NO_ROLLOUTS, find: () => to && { ...move(to), before: [] } }
}

function sample(to: StagePolicy | null, task: object = {}) {
  return sampleRouter(
    {
      policy: { models: SMALL_AND_BIG, tasks: { chat: { ...ACCEPTING, ...task } } },
      env: { KEY: 'k' },
      models: { small: { answers: () => 'A local answer.' }, big: { answers: () => 'A frontier answer.' } },
    },
    { rollouts: moved(to) },
  )
}

const canary = (percent: number): StagePolicy => ({ canary: { percent, groups: [], tenants: [] } })
const ask = (one: ReturnType<typeof sample>) =>
  one.router.complete({ messages: [{ role: 'user', content: 'What is a dam?' }], metadata: { task: 'chat' } })

describe('a stage that was moved over that of the policy', () => {
  it.each([
    ['off', 'frontier', 'stage_off', 'off'],
    ['shadow', 'frontier', 'stage_shadow', 'shadow'],
    [canary(0), 'frontier', 'canary_excluded', 'canary'],
    [canary(100), 'local', 'local_accepted', 'canary'],
    [null, 'local', 'local_accepted', 'accept'],
  ] satisfies readonly (readonly [StagePolicy | null, string, string, string])[])(
    '%j: the %s answers',
    async (to, route, reason, stage) => {
      expect((await ask(sample(to))).decision).toMatchObject({ route, reason, stage })
    },
  )

  it('goes up from the stage of the policy, too', async () => {
    expect((await ask(sample('accept', { stage: 'shadow' }))).decision).toMatchObject({ route: 'local' })
  })

  it('changes nothing for a task without a local model', async () => {
    expect((await ask(sample('shadow', { local: false }))).decision.route).toBe('frontier')
  })

  it('holds for questions that bring options of their own to the task, and for no other task', async () => {
    const question = { input: 'It leaks.', options: ['yes', 'no'] }
    const named = await sample('off').router.decide({ ...question, task: 'chat' })
    expect(named.decision).toMatchObject({ reason: 'stage_off' })
    const own = await sample('off').router.decide(question)
    expect(own.decision.reason).toBe('stage_shadow')
  })
})

describe('a router on a machine', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-rollout-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const paths = () => ({
    configDir: join(folder, 'config'),
    dataDir: join(folder, 'data'),
    cacheDir: join(folder, 'cache'),
    stateDir: join(folder, 'state'),
  })
  const router = () =>
    createRouter({
      policy: { models: SMALL_AND_BIG, tasks: { chat: ACCEPTING } },
      env: { KEY: 'k' },
      paths: paths(),
      models: {
        small: scriptedModel({ name: 'small', answers: () => 'A local answer.' }),
        big: scriptedModel({ name: 'big', answers: () => 'A frontier answer.' }),
      },
    })
  const REQUEST = { messages: [{ role: 'user', content: 'What is a dam?' }], metadata: { task: 'chat' } } as const

  it('obeys a move while it runs, and after a restart', async () => {
    const running = router()
    expect(running.route(REQUEST).decision.route).toBe('local')
    openRollouts(paths().stateDir, () => performance.now()).move(move('shadow'), () => undefined)
    const stageNow = (): string => running.route(REQUEST).decision.stage
    for (let tries = 0; stageNow() !== 'shadow' && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(stageNow()).toBe('shadow')
    expect(running.status().rollouts).toMatchObject({ problem: null, inForce: [{ task: 'chat', to: 'shadow' }] })
    await running.close()
    const next = router()
    expect(next.route(REQUEST).decision.stage).toBe('shadow')
    await next.close()
  })

  it('keeps events that went through the journal, once, in the chain', async () => {
    const { stateDir } = paths()
    const event = {
      id: 'event-1',
      kind: 'rollout',
      at: '2026-01-01T00:00:00.000Z',
      by: 'spillway',
      what: { task: 'chat' },
    } as const
    for (const _ of [1, 2]) {
      const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
      log.journal.append({ type: 'event', requestId: event.id, event })
      expect(log.list({})).toEqual([])
      expect(readEvents(stateDir, 0)).toEqual([event])
      expect(log.list({})).toEqual([])
      await log.close()
    }
    const read = readAuditLog({ stateDir })
    expect(read.verify([])).toMatchObject({ events: 1, links: 1, problems: [] })
    read.close()
  })
})
