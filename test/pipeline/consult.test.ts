/** What a pattern asks beside the answer is a call like every other: on disk, in the ledger, paid for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RouterRequest } from '../../src/spec/request.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

let folder = ''
let budgets: BudgetStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-consult-'))
  budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() * 1e6 })
})
afterEach(() => {
  budgets.close()
  rmSync(folder, { recursive: true, force: true })
})

const spentUsd = () => budgets.list().map(({ takenUsd, heldUsd }) => Number((takenUsd - heldUsd).toFixed(6)))

function advised(answer: ScriptedAnswer, day = 1) {
  return sampleRouter(
    {
      policy: {
        models: SMALL_AND_BIG,
        tasks: {
          chat: {
            ...ACCEPTING,
            complexity: 'simple',
            pattern: 'advisor',
          },
        },
        budgets: { day },
        routing: { maxFallbackAttempts: 0 },
      },
      env: { KEY: 'k' },
      models: { small: { answers: ['Ada wrote it.'] }, big: { answers: [answer] } },
    },
    { budgets },
  )
}

const REQUEST: RouterRequest = {
  messages: [{ role: 'user', content: 'Who wrote it? aws_access_key_id=AKIAIOSFODNN7EXAMPLE' }],
  metadata: { task: 'chat', impact: 'low' },
}
const PLAIN: RouterRequest = { ...REQUEST, messages: [{ role: 'user', content: 'Who wrote it?' }] }
const USAGE = { inputTokens: 100, outputTokens: 400, source: 'reported' } as const

describe('a consultation', () => {
  it('is booked like an answer, and part of what the request cost', async () => {
    const { router } = advised({ text: 'APPROVE', usage: USAGE })
    const outcome = await router.complete(PLAIN)
    expect(outcome.costUsd).toBeCloseTo(0.005)
    expect(spentUsd()).toEqual([0.005])
  })

  it('that fails before it is billed leaves nothing reserved', async () => {
    const { router, record } = advised({ fail: 'model_unreachable' })
    const outcome = await router.complete(PLAIN)
    expect(outcome.decision).toMatchObject({ route: 'local', degraded: false })
    expect(spentUsd()).toEqual([0])
    expect(record(outcome.requestId)?.pattern?.did).toMatchObject({ said: [], failed: 1 })
  })

  it('is not made when the ceiling does not hold it', async () => {
    const { router, models } = advised('APPROVE', 0.0001)
    const outcome = await router.complete(PLAIN)
    expect(outcome.answer).toBe('Ada wrote it.')
    expect(models.big?.calls).toHaveLength(0)
  })

  it('stands in journal and ledger before its bytes leave, masked, under its own purpose', async () => {
    const { router, journal, models } = advised('APPROVE')
    await router.complete(REQUEST)
    const types = journal.map((entry) => (entry.type === 'call' ? `call ${entry.model}` : entry.type))
    expect(types).toEqual(['intent', 'call small', 'call big', 'egress', 'settle'])
    const rows = journal.flatMap((entry) => (entry.type === 'egress' ? [entry.row] : []))
    expect(rows).toMatchObject([{ model: 'big', purpose: 'advice', redactions: { secret: 1 } }])
    expect(JSON.stringify(models.big?.calls)).not.toContain('AKIAIOSFODNN7EXAMPLE')
  })
})
