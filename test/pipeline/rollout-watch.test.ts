import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomFrom } from '../../src/learn/random.ts'
import { createRolloutWatch, type RolloutWatchSettings } from '../../src/pipeline/rollout-watch.ts'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import { DEFAULT_TASK, type StagePolicy, type TaskPolicy } from '../../src/spec/policy.ts'
import type { AuditQuery } from '../../src/spec/ports.ts'
import type { RolloutChange } from '../../src/spec/rollout.ts'
import { openRollouts, type RolloutStore } from '../../src/stores/rollouts.ts'
import { manualClock } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { auditedRecord, type Shadowed, shadowedRecord } from '../support/shadowed-record.ts'

const CANARY: StagePolicy = { canary: { percent: 10, groups: [], tenants: [] } }
const MOVED_AT = '2026-01-02T00:00:00.000Z'
const AFTER = '2026-01-03T00:00:00.000Z'

let folder = ''
let store: RolloutStore
let journal: JournalEntry[] = []
let ids = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-watch-'))
  let now = 0
  // A look later each time: what another process wrote is seen.
  store = openRollouts(folder, () => (now += 1000))
  journal = []
  ids = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const taskIn = (stage: StagePolicy, maxErrorRate: number | undefined = 0.05): TaskPolicy => ({
  ...DEFAULT_TASK,
  stage,
  accept: { ...DEFAULT_TASK.accept, ...(maxErrorRate !== undefined && { maxErrorRate }) },
})

function promote(from: StagePolicy, to: StagePolicy): void {
  const after = store.find('triage', 'shadow')?.id ?? null
  const model = { name: 'small', identity: { digest: 'sha256:old', quantisation: 'Q8_0', servedBy: 'small' } }
  const common = { task: 'triage', action: 'promote', cause: 'operator', over: 'shadow', why: '', by: 'me' } as const
  const change: RolloutChange = {
    ...{ ...common, id: `promote-${++ids}`, from, to, after, at: MOVED_AT, policyDigest: 'sha256:then' },
    ...{ model, evidence: null },
  }
  store.move(change, () => undefined)
}

function watch(earlier: readonly AuditRecord[] = [], hasFrontier = true, onRead: () => void = () => {}) {
  const queries: AuditQuery[] = []
  const settings: RolloutWatchSettings = {
    rollouts: store,
    eachAudit: (query) => {
      onRead()
      queries.push(query)
      return earlier.toReversed()
    },
    journal: { append: (entry) => void journal.push(entry) },
    clock: manualClock({ epochMs: Date.parse(AFTER) }),
    newId: () => `auto-${++ids}`,
    policyDigest: 'sha256:now',
    answering: () => ({ setup: store.setups()[0]?.setup, written: 'sha256:written' }),
    changedSince: () => [],
    hasFrontier: () => hasFrontier,
  }
  return { ...createRolloutWatch(settings), queries, settings }
}

const audited = (id: number, agrees: boolean, said: Shadowed = {}) =>
  auditedRecord(`a${id}`, { agrees, ...said, record: { receivedAt: AFTER, ...said.record } })
const stageNow = () => store.find('triage', 'shadow')?.to

describe('a bound that live evidence breaks', () => {
  it('takes the task back to the stage before, with its model and policy, and writes down why', () => {
    promote('shadow', CANARY)
    promote(CANARY, 'accept')
    const watching = watch()
    const task = taskIn('shadow')
    let n = 0
    while (stageNow() === 'accept' && n < 60) watching.noted('settled', audited(++n, n % 3 !== 0), task)
    expect(n).toBeLessThan(60)
    expect(stageNow()).toEqual(CANARY)
    const [entry] = journal
    expect(entry).toMatchObject({
      type: 'event',
      event: {
        kind: 'rollout',
        by: 'spillway',
        what: { action: 'rollback', cause: 'label_error', from: 'accept', to: 'canary 10 %', n, maxErrorRate: 0.05 },
      },
    })
    expect(store.find('triage', 'shadow')).toMatchObject({
      policyDigest: 'sha256:then',
      model: { identity: { digest: 'sha256:old' } },
      before: [{ stage: 'shadow' }],
      evidence: { n, upper: null },
    })
    expect(store.find('triage', 'shadow')?.evidence?.lower).toBeGreaterThan(0.05)
  })

  it('counts what came before the process, shadows of the others and labels of persons', () => {
    promote('shadow', CANARY)
    const earlier = Array.from({ length: 12 }, (_, at) => audited(100 + at, false))
    const watching = watch(earlier)
    const outside = shadowedRecord('s1', { agrees: true, record: { receivedAt: AFTER } })
    watching.noted('shadow', outside, taskIn('shadow'))
    expect(watching.queries).toMatchObject([{ task: 'triage', sinceMs: Date.parse(MOVED_AT) }])
    expect(watching.watched()).toMatchObject([{ task: 'triage', labelled: 13, errors: 12, problem: null }])
    expect(stageNow()).toBe('shadow')
    promote('shadow', CANARY)
    const next = watch()
    const label = { source: 'human', isCorrect: false, at: AFTER } as const
    next.noted('shadow', outside, taskIn('shadow'))
    next.noted('label', { ...outside, labels: [label] }, taskIn('shadow'))
    // One request, one label: the person corrects the frontier.
    expect(next.watched()).toMatchObject([{ labelled: 1, errors: 1 }])
  })

  it('reads much of what came before in parts, and takes what comes meanwhile after it', async () => {
    promote('shadow', CANARY)
    const earlier = Array.from({ length: 400 }, (_, at) => audited(1000 + at, true))
    let read = 0
    const parted = createRolloutWatch({
      ...watch().settings,
      eachAudit: function* () {
        for (const record of earlier.toReversed()) {
          read += 1
          yield record
        }
      },
    })
    parted.noted('settled', audited(1, false), taskIn('shadow'))
    expect(read).toBeLessThan(100)
    parted.noted('settled', audited(2, false), taskIn('shadow'))
    expect(parted.watched()).toMatchObject([{ labelled: 0 }])
    await expect.poll(() => parted.watched()).toMatchObject([{ labelled: 402, errors: 2, problem: null }])
    expect(parted.watched()[0]?.drift.inputs.rows).toBe(402)
  })

  it('says so when it cannot read on, and begins anew with the next request', async () => {
    promote('shadow', CANARY)
    const earlier = Array.from({ length: 200 }, (_, at) => audited(1000 + at, true))
    let isBroken = true
    const parted = createRolloutWatch({
      ...watch().settings,
      eachAudit: function* () {
        yield* earlier.slice(100)
        if (isBroken) throw new Error('the database is locked')
        yield* earlier.slice(0, 100)
      },
    })
    parted.noted('settled', audited(1, false), taskIn('shadow'))
    await expect.poll(() => parted.watched()).toMatchObject([{ problem: 'the database is locked', labelled: 0 }])
    isBroken = false
    parted.noted('settled', audited(2, false), taskIn('shadow'))
    await expect.poll(() => parted.watched()).toMatchObject([{ problem: null, labelled: 201, errors: 1 }])
  })

  it('counts every label, and remembers the latest requests only: a correction of an old one is still one', () => {
    const watching = watch()
    const task = taskIn('accept', 0.1)
    const old = shadowedRecord('s1', { agrees: true, record: { receivedAt: AFTER } })
    watching.noted('shadow', old, task)
    for (let at = 0; at < 6000; at++) watching.noted('settled', audited(at, true), task)
    expect(watching.watched()).toMatchObject([{ labelled: 6001, errors: 0 }])
    const label = { source: 'human', isCorrect: false, at: AFTER } as const
    watching.noted('label', { ...old, labels: [label] }, task)
    expect(watching.watched()).toMatchObject([{ labelled: 6001, errors: 1 }])
  })

  it('keeps the stage while errors are within the bound, and while nobody may have been asked fairly', () => {
    promote('shadow', CANARY)
    const watching = watch()
    for (let at = 0; at < 300; at++) watching.noted('settled', audited(at, at % 30 !== 0), taskIn('shadow'))
    const { draft } = audited(0, false)
    for (let at = 0; at < 50; at++) {
      const picked = audited(1000 + at, false, {
        record: { receivedAt: AFTER, draft: draft && { ...draft, isSampled: false } },
      })
      watching.noted('settled', picked, taskIn('shadow'))
      watching.noted('settled', audited(2000 + at, false, { isAccepted: false }), taskIn('shadow'))
    }
    expect(stageNow()).toEqual(CANARY)
    expect(watching.watched()).toMatchObject([{ labelled: 300, errors: 10 }])
  })

  it('holds for a stage of the policy, too, and for no stage that serves nothing, nor where nobody else could answer', () => {
    const wrong = (watching: ReturnType<typeof watch>, task: TaskPolicy) => {
      for (let at = 0; at < 12; at++) watching.noted('settled', audited(at, false), task)
    }
    wrong(watch(), taskIn('shadow'))
    wrong(watch([], false), taskIn('accept'))
    expect(store.list()).toEqual([])
    wrong(watch(), taskIn('accept'))
    expect(store.find('triage', 'accept')).toMatchObject({
      to: 'shadow',
      cause: 'label_error',
      policyDigest: 'sha256:now',
    })
    expect(journal).toHaveLength(1)
  })

  it('waits while somebody else moves, and says what it could not read, and tries again', () => {
    promote('shadow', 'accept')
    const lock = join(folder, 'rollouts.json.lock')
    writeFileSync(lock, '')
    const watching = watch()
    for (let at = 0; at < 9; at++) watching.noted('settled', audited(at, false), taskIn('shadow'))
    expect(stageNow()).toBe('accept')
    expect(journal).toEqual([])
    rmSync(lock)
    watching.noted('settled', audited(9, false), taskIn('shadow'))
    expect(stageNow()).toBe('shadow')

    promote('shadow', 'accept')
    let isLocked = true
    const broken = watch([], true, () => {
      if (isLocked) throw new Error('the database is locked')
    })
    broken.noted('settled', audited(1, false), taskIn('shadow'))
    expect(broken.watched()).toMatchObject([{ problem: 'the database is locked', labelled: 0 }])
    isLocked = false
    broken.noted('settled', audited(2, false), taskIn('shadow'))
    expect(broken.watched()).toMatchObject([{ problem: null, labelled: 1 }])
  })
})

describe('inputs and signals that drift', () => {
  const random = randomFrom(8)
  /** A served request with figures of its own, without a label. */
  const served = (at: number, size: number, margin: number, digest = 'sha256:w'): AuditRecord => {
    const { features, draft, ...record } = audited(at, true, { agrees: null, digest })
    const figures = [null, margin, null, null, null, null, 1, size, 1]
    return { ...record, features: { ...features, inputChars: size }, draft: draft && { ...draft, figures } }
  }
  const ordinary = (at: number) => served(at, 200 + Math.floor(100 * random()), 0.5 + random() / 2)

  it('close the gate: the stage goes back to shadow, and says what drifted', () => {
    promote('shadow', CANARY)
    promote(CANARY, 'accept')
    const watching = watch()
    for (let at = 0; at < 400; at++) watching.noted('settled', ordinary(at), taskIn('shadow'))
    expect(stageNow()).toBe('accept')
    expect(watching.watched()[0]?.drift).toMatchObject({ alarm: null, inputs: { rows: 400 }, signals: { rows: 400 } })
    let more = 0
    while (stageNow() === 'accept' && more < 300)
      watching.noted(
        'settled',
        served(400 + ++more, 900 + Math.floor(100 * random()), 0.1 * random()),
        taskIn('shadow'),
      )
    expect(more).toBeLessThan(300)
    expect(store.find('triage', 'shadow')).toMatchObject({ to: 'shadow', cause: 'drift', before: [] })
    expect(journal).toMatchObject([{ event: { what: { cause: 'drift', detail: expect.stringContaining('drifted') } } }])
  })

  it('are seen and leave an operator alone who never rolled the task out', () => {
    const watching = watch()
    for (let at = 0; at < 600; at++)
      watching.noted('settled', at < 300 ? ordinary(at) : served(at, 5000, 0.01), taskIn('accept'))
    expect(watching.watched()[0]?.drift.alarm).toMatch(/^inputs drifted, inputChars most, after 600 requests$/)
    expect(store.list()).toEqual([])
  })

  it('are no drift of signals when the model is another', () => {
    promote('shadow', 'accept')
    const watching = watch()
    for (let at = 0; at < 300; at++) watching.noted('settled', ordinary(at), taskIn('shadow'))
    for (let at = 300; at < 600; at++)
      watching.noted(
        'settled',
        served(at, 200 + Math.floor(100 * random()), 0.1 * random(), 'sha256:new'),
        taskIn('shadow'),
      )
    expect(watching.watched()[0]?.drift).toMatchObject({ alarm: null, signals: { rows: 300 } })
  })
})

describe('a router', () => {
  it('goes back to the frontier by itself once its audited answers are wrong too often', async () => {
    const watching = watch()
    const sample = sampleRouter(
      {
        policy: {
          models: SMALL_AND_BIG,
          tasks: {
            triage: {
              ...ACCEPTING,
              kind: 'choice',
              labels: ['build', 'test'],
              accept: { uncalibrated: true, maxErrorRate: 0.1, auditRate: 1 },
            },
          },
        },
        env: { KEY: 'k' },
        models: {
          small: { decisions: () => ({ probabilities: { build: 0.95, test: 0.05 } }) },
          big: { answers: () => 'test' },
        },
      },
      { rollouts: store, stages: watching, random: () => 0 },
    )
    const reasons: string[] = []
    for (let at = 0; at < 14; at++) {
      const { decision } = await sample.router.complete({
        messages: [{ role: 'user', content: `log ${at}` }],
        metadata: { task: 'triage' },
      })
      reasons.push(decision.reason)
    }
    expect(reasons[0]).toBe('audit_sample')
    expect(reasons.at(-1)).toBe('stage_shadow')
    expect(sample.router.status().rollouts.inForce).toMatchObject([{ task: 'triage', to: 'shadow', by: 'spillway' }])
    await sample.router.close()
  })
})
