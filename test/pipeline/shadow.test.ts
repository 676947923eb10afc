import { describe, expect, it } from 'vitest'
import { createShadowQueue } from '../../src/pipeline/shadow-queue.ts'
import type { ShadowResult } from '../../src/spec/audit.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { ModelScript } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

function shadowed(
  task: Partial<Task>,
  models: { readonly small: Omit<ModelScript, 'name'>; readonly frontier?: string },
) {
  return sampleRouter({
    policy: { models: SMALL_AND_BIG, tasks: { chat: { ...ACCEPTING, ...task, stage: 'shadow' } } },
    env: { KEY: 'k' },
    models: { small: models.small, big: { answers: () => models.frontier ?? 'The dam holds back the water.' } },
  })
}

async function shadowOf(sample: ReturnType<typeof shadowed>, content = 'What does a dam do?'): Promise<ShadowResult> {
  await sample.router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'chat' } })
  await sample.router.close()
  const found = sample.journal.flatMap((entry) => (entry.type === 'shadow' ? [entry.shadow] : []))[0]
  if (!found) throw new Error('no shadow was recorded')
  return found
}

describe('a shadow record', () => {
  it('names the model, what the gates said, who would have answered, and both hashes', async () => {
    const sample = shadowed({}, { small: { answers: ['The dam holds back the water.'] } })
    const shadow = await shadowOf(sample)
    expect(shadow).toMatchObject({
      model: 'small',
      identity: { digest: null, quantisation: null, servedBy: 'small' },
      routeCandidate: 'local',
      wouldAccept: true,
      agreement: { kind: 'exact', agrees: true },
    })
    expect(shadow.verdicts.every(({ accepted }) => accepted)).toBe(true)
    expect(sample.record('req-1')).toMatchObject({ route: 'frontier', answerHash: shadow.answerHash, labels: [] })
  })

  it('is of a request for the frontier when a hard stop would have kept the answer back', async () => {
    const sample = shadowed({}, { small: { answers: ['Take this one.'] } })
    const shadow = await shadowOf(sample, 'Which API token has leaked, and who rotates the credential?')
    expect(sample.record('req-1')?.hardStops.length).toBeGreaterThan(0)
    expect(shadow).toMatchObject({ wouldAccept: true, routeCandidate: 'frontier' })
  })

  it('compares scores as numbers', async () => {
    const small = { decisions: [{ probabilities: { 4: 0.9, 5: 0.1 } }] }
    const task: Partial<Task> = { kind: 'score', range: { min: 1, max: 5 } }
    const shadow = await shadowOf(shadowed(task, { small, frontier: '4.0' }))
    expect(shadow).toMatchObject({ agrees: true, agreement: { kind: 'numeric', agrees: true } })
  })

  it('compares the last numbers of open texts where the task says so', async () => {
    const small = { answers: ['It is 1.5 km long.'] }
    const task: Partial<Task> = { agreement: { equality: 'numeric', greyZone: { from: 0, to: 0 } } }
    const shadow = await shadowOf(shadowed(task, { small, frontier: 'The length is 1500 m' }))
    expect(shadow).toMatchObject({ agrees: null, agreement: { kind: 'numeric', agrees: true } })
  })

  it('compares the meaning of open texts by the vectors of a local model', async () => {
    const same = 'The water is held back by the dam.'
    const small = { answers: [same, same], vectors: () => [1, 2, 3] }
    const sample = shadowed({}, { small, frontier: 'The dam is held back by the water and it' })
    expect((await shadowOf(sample)).agreement?.kind).toBe('semantic')
    const other = { answers: ['The river has 3 locks.'], vectors: () => [1, 2, 3] }
    expect((await shadowOf(shadowed({}, { small: other }))).agreement).toEqual({ kind: 'semantic', agrees: false })
  })

  it.each([
    [0.9, true],
    [0.2, false],
  ])('asks a local judge where nothing else can tell: yes at %d is %s', async (yes, agrees) => {
    // Alike in words, and without a vector nobody knows whether in meaning.
    const small = {
      answers: ['The dam holds back all the water.'],
      decisions: () => ({ probabilities: { yes, no: 1 - yes, correct: 1, wrong: 0, true: 1, false: 0 } }),
    }
    const shadow = await shadowOf(shadowed({ judge: { greyZone: { from: 0, to: 0 } } }, { small }))
    expect(shadow.agreement).toEqual({ kind: 'judge', agrees })
    expect(shadow.opinions?.every(({ actor }) => actor === 'local')).toBe(true)
  })

  it('says that nobody could tell, and asks no frontier for it', async () => {
    const small = { answers: ['The dam holds back all the water.'] }
    const sample = shadowed({ judge: { by: 'big', greyZone: { from: 0, to: 0 } } }, { small })
    expect((await shadowOf(sample)).agreement).toBeNull()
    expect(sample.models.big?.calls).toHaveLength(1)
  })
})

describe('a shadow run', () => {
  it('begins only after the caller has its answer, also where the local model never ends', async () => {
    const sample = shadowed({}, { small: { answers: () => ({ hang: true }) } })
    const answered = sample.router.complete({
      messages: [{ role: 'user', content: 'What does a dam do?' }],
      metadata: { task: 'chat' },
    })
    const callsThen = await answered.then(() => sample.models.small?.calls.length)
    expect(callsThen).toBe(0)
    expect(sample.models.big?.calls).toHaveLength(1)
  })

  it('is dropped and counted when too many wait, and the caller does not notice', async () => {
    const sample = shadowed({}, { small: { answers: () => ({ hang: true }) } })
    const ask = () =>
      sample.router.complete({
        messages: [{ role: 'user', content: 'What does a dam do?' }],
        metadata: { task: 'chat' },
      })
    const outcomes = []
    for (let at = 0; at < 140; at++) outcomes.push((await ask()).answer)
    expect(new Set(outcomes)).toEqual(new Set(['The dam holds back the water.']))
    const { dropped, waiting, running } = sample.router.status().shadows
    expect(dropped).toBeGreaterThan(0)
    expect(dropped + waiting + running).toBe(140)
    expect(sample.journal.filter(({ type }) => type === 'shadow_dropped')).toHaveLength(dropped)
    expect(sample.models.big?.calls).toHaveLength(140)
  })
})

describe('the queue of shadows', () => {
  it('runs so many at once, in order, and goes on after a failure', async () => {
    const queue = createShadowQueue({ atOnce: 2, mostWaiting: 3 })
    const begun: number[] = []
    let most = 0
    let now = 0
    const work = (id: number) => async () => {
      begun.push(id)
      now += 1
      most = Math.max(most, now)
      await new Promise(setImmediate)
      now -= 1
      if (id === 1) throw new Error('broken')
    }
    expect([0, 1, 2, 3].map((id) => queue.offer(work(id)))).toEqual([true, true, true, false])
    expect(begun).toEqual([])
    expect(queue.health()).toEqual({ running: 0, waiting: 3, dropped: 1 })
    await queue.idle()
    expect(begun).toEqual([0, 1, 2])
    expect(most).toBe(2)
    expect(queue.health()).toEqual({ running: 0, waiting: 0, dropped: 1 })
    await queue.idle()
  })
})
