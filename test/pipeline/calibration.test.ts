import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { calibrateTask } from '../../src/eval/calibrate.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { createAuditWatch } from '../../src/pipeline/audit-watch.ts'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import type { TaskPolicy } from '../../src/spec/policy.ts'
import { type CalibrationStore, openCalibrations } from '../../src/stores/calibrations.ts'
import { mergeEntry } from '../../src/stores/merge-entry.ts'
import { manualClock } from '../../src/testing.ts'
import { sampleRouter } from '../support/sample-router.ts'

const ACCEPT = { maxErrorRate: 0.1, confidence: 0.95, auditRate: 0, labels: 'frontier', labelMaxAgeDays: 90 } as const
type Accept = Partial<TaskPolicy['accept']>
const DAY_MS = 86_400_000

interface Asked {
  /** Probability of the label `build`. */
  readonly probability: number
  /** What the frontier says; the local model always says build. */
  readonly truth: 'build' | 'test' | 'fails'
}

let folder: string
let calibrations: CalibrationStore
/** How much later than the manual clock says the router asks for the time. */
let daysLater = 0
beforeEach(() => {
  daysLater = 0
  folder = mkdtempSync(join(tmpdir(), 'spillway-calibration-'))
  calibrations = openCalibrations(folder, () => performance.now() * 1e6)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Each request asks the same task; the local model and the frontier answer as told. */
async function ask(rows: readonly Asked[], stage: 'shadow' | 'accept', accept: Accept = {}, random = () => 0.5) {
  const frontier = rows.map(({ truth }) => (truth === 'fails' ? ({ fail: 'model_auth_failed' } as const) : truth))
  const records: AuditRecord[] = []
  const sample = sampleRouter(
    {
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
          big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
        },
        tasks: {
          triage: {
            kind: 'choice',
            labels: ['build', 'test'],
            local: 'small',
            frontier: 'big',
            stage,
            minConfidence: 0.99,
            accept: { ...ACCEPT, ...accept },
          },
        },
      },
      env: { KEY: 'k' },
      models: {
        small: { decisions: rows.map(({ probability: p }) => ({ probabilities: { build: p, test: 1 - p } })) },
        big: { answers: frontier },
      },
    },
    { calibrations, random, readAudit: () => records, ...(daysLater > 0 && { clock: laterClock() }) },
  )
  const outcomes = []
  for (const row of rows) {
    const text = `log of a build, ${row.probability}`
    outcomes.push(
      await sample.router.complete({ messages: [{ role: 'user', content: text }], metadata: { task: 'triage' } }),
    )
    // Scripted models answer in no time at all: the shadow gets its turn.
    await new Promise(setImmediate)
  }
  await sample.router.close()
  return { outcomes, records: merged(sample.journal), router: sample.router }
}

function laterClock() {
  const clock = manualClock({ sleeping: 'skip' })
  return { ...clock, epochMs: () => clock.epochMs() + daysLater * DAY_MS }
}

function merged(journal: readonly JournalEntry[]): readonly AuditRecord[] {
  const records = new Map<string, AuditRecord>()
  for (const entry of journal) {
    const record = mergeEntry(records.get(entry.requestId), entry)
    if (record) records.set(entry.requestId, record)
  }
  return [...records.values()]
}

/** Above .7 the local model is right, below it is wrong two times in three. */
function traffic(n: number, seed: number): readonly Asked[] {
  const random = randomFrom(seed)
  return Array.from({ length: n }, () => {
    const probability = 0.5 + random() / 2
    return { probability, truth: probability > 0.7 || random() < 0.33 ? 'build' : 'test' }
  })
}

async function fitted(accept: Accept = {}) {
  const { records } = await ask(traffic(400, 1), 'shadow', accept)
  const rule = { ...ACCEPT, uncalibrated: false, ...accept }
  const now = '2026-01-01T00:00:00.000Z'
  const [result] = calibrateTask({ records, accept: rule, refitsOf: calibrations.refitsOf, now })
  if (result?.fit) calibrations.add(result.fit)
  return result
}

describe('a bound that was proven on shadow traffic', () => {
  it('comes from the labels that every shadowed request leaves', async () => {
    const result = await fitted()
    const fit = result?.fit
    expect(fit).toMatchObject({
      refit: 1,
      source: 'frontier',
      closed: null,
      bound: { maxErrorRate: 0.1, confidence: 0.95 },
    })
    expect((fit?.fitted.n ?? 0) + (fit?.proof.n ?? 0)).toBe(400)
    expect(fit?.accept?.upper).toBeLessThanOrEqual(0.1)
    expect(fit?.accept?.coverage).toBeGreaterThan(0.4)
  })

  it('accepts above its threshold, marked proven, whatever minConfidence says', async () => {
    await fitted()
    const { outcomes } = await ask([{ probability: 0.95, truth: 'test' }], 'accept')
    expect(outcomes[0]).toMatchObject({
      answer: 'build',
      decision: { route: 'local', reason: 'local_accepted', proven: true },
    })
  })

  it('escalates below it, with the probability of being right as the score', async () => {
    await fitted()
    const { outcomes } = await ask([{ probability: 0.55, truth: 'test' }], 'accept')
    expect(outcomes[0]).toMatchObject({ answer: 'test', decision: { reason: 'confidence_low', proven: false } })
    const verdict = outcomes[0]?.verdicts.find(({ gate }) => gate === 'calibrated')
    expect(verdict?.score).toBeLessThan(verdict?.threshold ?? 0)
  })

  it('says nothing about another model, prompt or set of options', async () => {
    const result = await fitted()
    const key = result?.fit?.key
    expect(key && calibrations.find(key)).not.toBeNull()
    expect(key && calibrations.find({ ...key, setup: 'other' })).toBeNull()
    expect(key && calibrations.find({ ...key, digest: 'sha256:other' })).toBeNull()
  })

  it.each([
    [
      'closed by its audits',
      (store: CalibrationStore, key: never) => store.shut(key, 1, CLOSED),
      {},
      'closed the gate',
    ],
    ['for a looser bound', () => undefined, { maxErrorRate: 0.02 }, 'was fitted for a looser bound'],
    [
      'on labels that are too old',
      () => {
        daysLater = 91
      },
      {},
      'is older than 90 days',
    ],
    ['taken back', (store: CalibrationStore, key: never) => store.stepBack(key), {}, 'nothing is fitted yet'],
  ])('does not count when it was %s', async (_, change, accept, why) => {
    const result = await fitted()
    change(calibrations, result?.fit?.key as never)
    const { outcomes } = await ask([{ probability: 0.95, truth: 'test' }], 'accept', accept)
    expect(outcomes[0]).toMatchObject({ answer: 'test', decision: { route: 'frontier', proven: false } })
    const verdict = outcomes[0]?.verdicts.find(({ gate }) => gate === 'calibrated')
    expect(verdict).toMatchObject({ reason: 'uncalibrated', detail: expect.stringContaining(why) })
  })

  it('is not there with too few labels, and says how many more', async () => {
    const { records } = await ask(traffic(60, 2), 'shadow')
    const rule = { ...ACCEPT, uncalibrated: false }
    const [result] = calibrateTask({ records, accept: rule, refitsOf: () => 0, now: '2026-01-01T00:00:00.000Z' })
    expect(result?.fit?.accept).toBeNull()
    expect(result?.fit?.moreLabels).toBeGreaterThan(10)
    if (result?.fit) calibrations.add(result.fit)
    const { outcomes } = await ask([{ probability: 0.95, truth: 'test' }], 'accept')
    expect(outcomes[0]?.verdicts.find(({ gate }) => gate === 'calibrated')?.detail).toMatch(/about \d+ more labels/)
  })
})

const CLOSED = { at: '2026-01-02T00:00:00.000Z', errors: 30, n: 100, lower: 0.2 }

describe('the audit sample', () => {
  it('lets the frontier answer what every gate accepted, and keeps whether they agree', async () => {
    await fitted()
    const rows = [{ probability: 0.95, truth: 'test' } as const, { probability: 0.95, truth: 'build' } as const]
    const { outcomes, records } = await ask(rows, 'accept', { auditRate: 0.02 }, () => 0.01)
    expect(outcomes.map(({ decision }) => decision.reason)).toEqual(['audit_sample', 'audit_sample'])
    expect(outcomes[0]?.answer).toBe('test')
    expect(records.map(({ draft }) => draft?.agrees)).toEqual([false, true])
    expect(records[0]?.draft).toMatchObject({ isSampled: true, calibration: expect.stringMatching(/^triage-/) })
  })

  it('draws nothing above its rate, and nothing where no bound is asked for', async () => {
    await fitted()
    const { outcomes } = await ask([{ probability: 0.95, truth: 'test' }], 'accept', { auditRate: 0.02 }, () => 0.03)
    expect(outcomes[0]?.decision.reason).toBe('local_accepted')
  })

  it('serves the local answer as it would have, when the frontier cannot be reached', async () => {
    await fitted()
    const { outcomes } = await ask([{ probability: 0.95, truth: 'fails' }], 'accept', { auditRate: 1 }, () => 0)
    expect(outcomes[0]).toMatchObject({
      answer: 'build',
      decision: { reason: 'local_accepted', degraded: false, proven: true },
    })
  })

  it('labels rejected answers that were drawn as fairly as accepted ones', async () => {
    await fitted()
    const { records } = await ask([{ probability: 0.55, truth: 'test' }], 'accept', { auditRate: 1 }, () => 0)
    expect(records[0]).toMatchObject({ reason: 'confidence_low', draft: { isSampled: true, agrees: false } })
  })
})

describe('a gate that breaks its promise', () => {
  it('is closed by its audited accepts, for every process, and stays closed', async () => {
    const result = await fitted()
    const fit = result?.fit
    if (!fit) throw new Error('nothing was fitted')
    const clock = { monotonicMs: () => 0, epochMs: () => 0, sleep: async () => undefined }
    const watch = createAuditWatch({ calibrations, readAudit: () => [], clock })
    const { records } = await ask([{ probability: 0.95, truth: 'test' }], 'accept', { auditRate: 1 }, () => 0)
    const [wrong] = records
    if (!wrong) throw new Error('nothing was recorded')
    watch.settled(wrong, { key: fit.key, inForce: fit })
    expect(calibrations.find(fit.key)?.closed).toBeNull()
    for (let audit = 0; audit < 20; audit++) watch.settled(wrong, { key: fit.key, inForce: fit })
    const closed = openCalibrations(folder, () => 0).find(fit.key)?.closed
    expect(closed?.errors).toBe(closed?.n)
    expect(closed?.lower).toBeGreaterThan(0.1)
  })
})

describe('a step back', () => {
  it('puts the fit before in force, and keeps every fit', async () => {
    await fitted()
    const second = await fitted()
    expect(second?.fit?.refit).toBe(2)
    const key = second?.fit?.key
    if (!key) throw new Error('nothing was fitted')
    expect(calibrations.stepBack(key)?.refit).toBe(1)
    expect(calibrations.find(key)?.refit).toBe(1)
    expect(calibrations.list()[0]?.versions).toHaveLength(2)
    expect(calibrations.stepBack(key)).toBeNull()
    expect((await fitted())?.fit?.refit).toBe(3)
  })
})

describe('feedback', () => {
  it('labels the local answer by its truth or by the right answer, and refuses what it cannot use', async () => {
    const { records, router } = await ask([{ probability: 0.6, truth: 'test' }], 'accept')
    const read = sampleRouterReading(records)
    const { requestId } = records[0] ?? { requestId: '' }
    expect(await read.feedback(requestId, { source: 'human', value: 'build' })).toMatchObject({ isCorrect: true })
    expect(await read.feedback(requestId, { source: 'gold', value: 'test' })).toMatchObject({ isCorrect: false })
    await expect(read.feedback(requestId, { source: 'human' })).rejects.toMatchObject({ code: 'request_invalid' })
    await expect(router.feedback('nobody', { source: 'human', isCorrect: true })).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

function sampleRouterReading(records: readonly AuditRecord[]) {
  return sampleRouter(
    { policy: {}, models: {} },
    { readAudit: ({ requestId }) => records.filter((one) => one.requestId === requestId) },
  ).router
}
