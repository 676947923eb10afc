import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CandidateResult } from '../../src/spec/audit.ts'
import type { KillOrder } from '../../src/spec/kill-switch.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { LocalSetup } from '../../src/spec/rotation.ts'
import { openRollouts, type RolloutStore } from '../../src/stores/rollouts.ts'
import type { ModelScript } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { otherSetup } from '../support/other-setup.ts'
import { type SampleRouter, sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

const MODELS = {
  ...SMALL_AND_BIG,
  other: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
} as const
const TRIAGE: Task = {
  ...ACCEPTING,
  kind: 'choice',
  labels: ['build', 'test', 'network'],
  stage: 'shadow',
  prompt: { system: 'Which team?', version: 'v1' },
}

let folder = ''
let store: RolloutStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-candidate-'))
  let now = 0
  store = openRollouts(folder, () => (now += 1000))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const says = (label: string, sure = 0.9): Omit<ModelScript, 'name'> => ({
  decisions: () => ({ probabilities: { build: 0.05, test: 0.02, network: 0.01, [label]: sure } }),
})

function policyOf(task: Task): PolicyInput {
  return { models: MODELS, tasks: { triage: task } }
}

const setupFor = (task: Task, setup: Partial<LocalSetup> = {}): LocalSetup => otherSetup(policyOf(task), setup)

function tried(task: Task = TRIAGE, setup: Partial<LocalSetup> = {}): void {
  const own = setupFor(task, setup)
  const said = { why: 'a test', by: 'me', at: '2026-01-01T00:00:00.000Z', policyDigest: 'sha256:one' }
  store.start({ id: 'candidate-1', task: 'triage', setup: own, maxLoss: 0.02, ...said }, () => undefined)
}

interface Scripts {
  readonly small?: Omit<ModelScript, 'name'>
  readonly other?: Omit<ModelScript, 'name'>
  readonly big?: string
}

function sample(task: Task = TRIAGE, scripts: Scripts = {}, own: object = {}): SampleRouter {
  const { small = says('build'), other = says('test'), big = 'test' } = scripts
  return sampleRouter(
    { policy: policyOf(task), env: { KEY: 'k' }, models: { small, other, big: { answers: () => big } } },
    { rollouts: store, ...own },
  )
}

const REQUEST = { messages: [{ role: 'user', content: 'The pipe is broken.' }], metadata: { task: 'triage' } } as const

async function candidatesOf(one: SampleRouter): Promise<readonly CandidateResult[]> {
  await one.router.close()
  return one.journal.flatMap((entry) => (entry.type === 'candidate' ? [entry.candidate] : []))
}

const droppedIn = ({ journal }: SampleRouter) =>
  journal.flatMap((entry) => (entry.type === 'candidate_dropped' ? [entry.why] : []))

describe('a candidate in shadow', () => {
  it('is asked beside the shadow, and the record says what both and the frontier said', async () => {
    tried()
    const one = sample()
    const outcome = await one.router.complete(REQUEST)
    expect(outcome).toMatchObject({ answer: 'test', decision: { route: 'frontier' } })
    expect(await candidatesOf(one)).toMatchObject([
      {
        candidate: 'candidate-1',
        model: 'other',
        identity: { servedBy: 'other' },
        prompt: { version: 'v1' },
        option: 'test',
        routeCandidate: 'local',
        agrees: true,
        isSame: false,
        frontierOption: 'test',
        incumbent: { model: 'small', option: 'build', routeCandidate: 'local', agrees: false, isFair: true },
      },
    ])
    expect(one.models.big?.calls).toHaveLength(1)
  })

  it('is a new prompt, other shots and another order of labels of the same model, too', async () => {
    const prompt = { system: 'Name the team.', shots: [{ input: 'x', output: 'test' }], version: 'v2' }
    tried(TRIAGE, { model: 'small', prompt, labels: ['network', 'test', 'build'] })
    const one = sample()
    await one.router.complete(REQUEST)
    const [found] = await candidatesOf(one)
    expect(found).toMatchObject({ model: 'small', prompt: { version: 'v2' }, isSame: true })
    expect(one.models.small?.decideCalls).toMatchObject([
      { instruction: 'Which team?', shots: [], options: ['build', 'test', 'network'] },
      { instruction: 'Name the team.', shots: prompt.shots, options: ['network', 'test', 'build'] },
    ])
    // Another setup, so that evidence and calibrations of the two stay apart.
    expect(found?.draft?.setup).not.toBe(found?.incumbent.setup)
  })

  it('begins after the caller has the answer, as background work, and only once the shadow has answered', async () => {
    tried()
    const one = sample()
    await one.router.complete(REQUEST)
    expect(one.models.other?.decideCalls).toEqual([])
    await one.router.close()
    expect(one.models.other?.limits).toMatchObject([{ priority: 'background' }])
    const kinds = one.journal.map(({ type }) => type).filter((type) => type === 'shadow' || type === 'candidate')
    expect(kinds).toEqual(['shadow', 'candidate'])
  })

  it('is dropped and counted when too many wait', async () => {
    tried()
    let free: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      free = resolve
    })
    const text: Task = { ...ACCEPTING, stage: 'accept' }
    store.discard('candidate-1', () => undefined)
    tried(text)
    const one = sample(text, {
      small: { answers: () => 'A dam.' },
      other: { answers: () => ({ text: 'A dam.', after: gate }) },
    })
    for (let at = 0; at < 140; at++) {
      await one.router.complete(REQUEST)
      // A candidate begins in a turn of its own.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { candidates, shadows } = one.router.status()
    expect(candidates.running + candidates.waiting + candidates.dropped).toBe(140)
    expect(candidates).toMatchObject({ running: 2, waiting: 128, dropped: 10 })
    expect(shadows).toMatchObject({ running: 0, waiting: 0, dropped: 0 })
    free()
    await one.router.close()
    expect(droppedIn(one)).toEqual(Array.from({ length: 10 }, () => 'queue_full'))
  })

  it('records its failure, which is nobody else’s', async () => {
    tried()
    const one = sample(TRIAGE, { other: { decisions: () => ({ fail: 'model_timeout' }) } })
    const outcome = await one.router.complete(REQUEST)
    expect(outcome.answer).toBe('test')
    expect(await candidatesOf(one)).toMatchObject([
      { option: null, answerHash: null, isSame: null, attempt: { outcome: 'failed', error: 'model_timeout' } },
    ])
  })
})

describe('a candidate beside a model that serves', () => {
  const serving: Task = { ...TRIAGE, stage: 'accept' }

  it('is held against the served answer; without a frontier nobody labels either', async () => {
    tried(serving)
    const one = sample(serving)
    expect(await one.router.complete(REQUEST)).toMatchObject({ answer: 'build', decision: { route: 'local' } })
    expect(await candidatesOf(one)).toMatchObject([
      {
        agrees: null,
        frontierOption: null,
        isSame: false,
        draft: { isSampled: false },
        incumbent: { option: 'build', routeCandidate: 'local', agrees: null, isFair: false },
      },
    ])
    expect(one.models.big?.calls).toEqual([])
  })

  it('has a fair label where the audit drew the request', async () => {
    const audited: Task = { ...serving, accept: { uncalibrated: true, maxErrorRate: 0.05, auditRate: 1 } }
    tried(audited)
    const one = sample(audited)
    await one.router.complete(REQUEST)
    expect(await candidatesOf(one)).toMatchObject([
      { agrees: true, frontierOption: 'test', incumbent: { agrees: false, isFair: true, routeCandidate: 'local' } },
    ])
    expect(one.models.big?.calls).toHaveLength(1)
  })

  it('runs on private text that never leaves, because it is local', async () => {
    tried(serving)
    const one = sample(serving)
    await one.router.complete({ ...REQUEST, metadata: { ...REQUEST.metadata, partition: 'local_only' } })
    expect(await candidatesOf(one)).toMatchObject([{ model: 'other', agrees: null }])
    expect(one.opened).not.toContain('big')
    expect(one.journal.filter(({ type }) => type === 'egress')).toEqual([])
  })

  it('never runs when it is hosted, whoever wrote it into the file', async () => {
    tried(serving, { model: 'big' })
    const one = sample(serving)
    await one.router.complete({ ...REQUEST, metadata: { ...REQUEST.metadata, partition: 'local_only' } })
    expect(await candidatesOf(one)).toEqual([])
    expect(one.opened).toEqual(['small'])
  })

  it('does not run where the model in force was not asked', async () => {
    tried(serving)
    const one = sample(serving)
    const content = 'Which API token has leaked, and who rotates the credential?'
    const stopped = await one.router.complete({ ...REQUEST, messages: [{ role: 'user', content }] })
    expect(stopped.decision.route).toBe('frontier')
    await one.router.complete({ ...REQUEST, override: 'frontier' })
    expect(await candidatesOf(one)).toEqual([])
    expect(droppedIn(one)).toEqual([])
  })

  it('is left out under an order of the kill switch that came while it waited', async () => {
    tried(serving)
    const orders: KillOrder[] = []
    const one = sample(serving, {}, { killSwitch: { ordersFor: () => orders } })
    await one.router.complete(REQUEST)
    orders.push({ scope: 'all', mode: 'frontier_only', why: 'a test', by: 'me', at: '' })
    expect(await candidatesOf(one)).toEqual([])
    expect(droppedIn(one)).toEqual(['kill_switch'])
    expect(one.models.other?.decideCalls).toEqual([])
  })

  it('leaves nothing behind when its trial ended while it waited', async () => {
    tried(serving)
    const one = sample(serving)
    await one.router.complete(REQUEST)
    store.discard('candidate-1', () => undefined)
    expect(await candidatesOf(one)).toEqual([])
    expect(droppedIn(one)).toEqual([])
  })

  it('lapses when the policy is edited under it, and for another task', async () => {
    tried(serving)
    const edited = sample({ ...serving, prompt: { system: 'Another question?' } })
    await edited.router.complete(REQUEST)
    expect(await candidatesOf(edited)).toEqual([])
  })
})
