/** The page Tasks says of a task what `rollout status` says, however long its window is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stageNamed } from '../../src/cli/console/move.ts'
import { tasks } from '../../src/cli/console/tasks.ts'
import { type RolloutView, rolloutViews } from '../../src/cli/rollout-view.ts'
import { statusOf } from '../../src/cli/task-status.ts'
import { costSummary } from '../../src/eval/costs.ts'
import { adviceFor } from '../../src/eval/rollout/advice.ts'
import { evidenceOf } from '../../src/eval/rollout/evidence.ts'
import { systemClock } from '../../src/pipeline/clock.ts'
import { createTaskDrift } from '../../src/pipeline/rollout-drift.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { readAuditLog } from '../../src/stores/audit-log.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { writeHistory } from '../support/console-history.ts'

const HOUR_MS = 3_600_000
const nowMs = Date.parse('2026-03-10T12:00:00.000Z')
const stateDir = mkdtempSync(join(tmpdir(), 'spillway-tasks-'))
const task = { kind: 'choice', labels: ['build', 'test', 'dependency'], local: 'small', frontier: 'big' } as const
const loaded = validatePolicy(
  {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    tasks: {
      triage: { ...task, stage: 'accept', accept: { uncalibrated: true, maxErrorRate: 0.1 } },
      watched: { ...task, stage: 'shadow' },
      answer: { local: false, frontier: 'big' },
    },
  },
  { file: '(test)', env: { KEY: 'k' } },
)

beforeAll(() => {
  // Two days, and the task moved after the first.
  writeHistory({
    ...{ stateDir, rows: 600, spanMs: 48 * HOUR_MS, untilMs: nowMs },
    named: { tasks: ['triage', 'watched', 'answer'] },
  })
  const wanted = { task: 'triage', action: 'rollback', to: 'canary', why: 'half of it', by: 'Ann' } as const
  stageNamed(wanted, { loaded, stateDir, nowMs: nowMs - 24 * HOUR_MS })
})
afterAll(() => rmSync(stateDir, { recursive: true, force: true }))

const views = (): readonly RolloutView[] => rolloutViews({ loaded, stateDir, monotonicMs: systemClock.monotonicMs })
const page = (since: string) =>
  tasks({ stateDir, loaded, env: {}, nowMs, reader: { tenants: null, by: 'Ann' }, values: { since } }).tasks

function recordsOf(name: string, sinceMs: number): readonly AuditRecord[] {
  const log = readAuditLog({ stateDir })
  try {
    return log.list({ task: name, sinceMs })
  } finally {
    log.close()
  }
}

describe('what is told of a task', () => {
  it.each(['1h', '24h', '36h', '7d'])('is what `rollout status` says, in a window of %s', (since) => {
    const told = page(since)
    for (const view of views()) {
      const status = told.find((one) => one.task === view.name)?.status
      expect(status).toMatchObject({ ...statusOf(view) })
    }
    expect(told.find((one) => one.task === 'answer')?.status).toBeNull()
  })

  it('is counted from the records since its last move, all of them and no other', () => {
    for (const view of views()) {
      const sinceMs = view.name === 'triage' ? nowMs - 24 * HOUR_MS : 0
      const records = recordsOf(view.name, sinceMs)
      const { evidence, drift, advice } = statusOf(view)
      expect(evidence).toEqual(evidenceOf(records, view.policy.accept))
      expect(evidence.requests).toBe(records.length)
      expect(records.length).toBeGreaterThan(50)
      if (view.name === 'watched') {
        expect(drift).toBeNull()
        continue
      }
      const own = createTaskDrift()
      for (const record of records) own.take(record)
      expect(drift).toEqual(own.state())
      const span = { sinceMs, nowMs: sinceMs }
      const costs = costSummary({ records, costs: loaded.policy.costs, ...span, frontierUsd: () => null })
      expect(advice).toEqual(adviceFor({ task: view.policy, evidence, costs }))
    }
  })
})
