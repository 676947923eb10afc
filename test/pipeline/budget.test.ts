import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { sampleRouter } from '../support/sample-router.ts'

let folder = ''
let budgets: BudgetStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-budget-'))
  budgets = openBudgets({
    path: join(folder, 'b.sqlite'),
    writer: 'a',
    isAlive: () => true,
    monotonicMs: () => performance.now() * 1e6,
  })
})
afterEach(() => {
  budgets.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Wanted {
  readonly budgets: PolicyInput['budgets']
  readonly task?: NonNullable<PolicyInput['tasks']>[string]
  readonly answer?: ScriptedAnswer
  /** US dollars a token; null: no price is known. */
  readonly usdPerToken?: number | null
}

/** 1,000 tokens at most and 0.00001 dollars a token: an answer is reserved with a little over a cent. */
function router(wanted: Wanted) {
  return sampleRouter(
    {
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
          big: {
            provider: 'openai',
            model: 'gpt-4.1-nano',
            tier: 'frontier',
            apiKey: '${env:KEY}',
            maxOutputTokens: 1000,
          },
        },
        tasks: { chat: { local: false, frontier: 'big', ...wanted.task } },
        budgets: wanted.budgets,
      },
      env: { KEY: 'k' },
      models: {
        small: { answers: () => 'A local answer.' },
        big: {
          answers: () =>
            wanted.answer ?? { text: 'Yes.', usage: { inputTokens: 100, outputTokens: 400, source: 'reported' } },
        },
      },
      ...(wanted.usdPerToken !== undefined && { usdPerToken: wanted.usdPerToken }),
    },
    { budgets },
  )
}

const request = (change: Partial<RouterRequest> = {}): RouterRequest => ({
  messages: [{ role: 'user', content: 'Hello?' }],
  metadata: { task: 'chat' },
  ...change,
})
const spent = () =>
  Object.fromEntries(
    budgets.list().map(({ name, takenUsd, heldUsd }) => [name, Number((takenUsd - heldUsd).toFixed(6))]),
  )

describe('a budget', () => {
  it('is reserved before a frontier is called, and books what the call cost', async () => {
    const { router: own } = router({
      budgets: { day: 1, tasks: { chat: { month: 2 } }, tenants: { '*': { day: 0.5 } } },
    })
    await own.complete(request({ metadata: { task: 'chat', tenant: 'acme' } }))
    expect(spent()).toEqual({ all: 0.005, 'task:chat': 0.005, 'tenant:acme': 0.005 })
  })

  it('refuses a call that may cost more than is left: nothing is sent, and the error says what', async () => {
    const { router: own, models } = router({ budgets: { day: 0.01 } })
    await expect(own.complete(request())).rejects.toMatchObject({
      code: 'budget_exhausted',
      row: { status: 429 },
      message: expect.stringMatching(
        /^The budget all of 1970-01-01 has 0\.010000 US dollars left; the call may cost 0\.010\d+\.$/,
      ),
    })
    expect(models.big?.calls).toHaveLength(0)
  })

  it('counts a cap of the caller, and every choice that is asked for', async () => {
    const small = router({ budgets: { day: 0.01 } })
    await small.router.complete(request({ maxOutputTokens: 100 }))
    expect(small.models.big?.calls).toHaveLength(1)
    const many = router({ budgets: { day: 0.012 } })
    const wire = { dialect: 'openai_chat' as const, body: { n: 20 } }
    await expect(many.router.complete(request({ maxOutputTokens: 100, wire }))).rejects.toMatchObject({
      code: 'budget_exhausted',
    })
  })

  it('takes frontiers out of the route once it is spent, and lets the local answer stand in where it may', async () => {
    const usage = { inputTokens: 0, outputTokens: 100_000, source: 'reported' } as const
    const task = {
      local: 'small',
      stage: 'accept',
      gates: { length: { minChars: 100 } },
      accept: { uncalibrated: true },
    } as const
    const { router: own, record } = router({ budgets: { day: 0.02 }, task, answer: { text: 'Yes.', usage } })
    const first = await own.complete(request())
    expect(first.decision).toMatchObject({ route: 'frontier', reason: 'incomplete' })
    const { requestId, decision, wouldEscalateTo } = await own.complete(request())
    expect(decision).toMatchObject({ route: 'local', degraded: true })
    expect(wouldEscalateTo).toMatchObject({ model: 'big', why: 'The budget all of 1970-01-01 ($0.02) is spent.' })
    expect(record(requestId)?.removals).toMatchObject([
      { set: 'serve', actor: 'frontier', rule: 'budget', reason: 'budget_exhausted' },
      { set: 'call', actor: 'frontier' },
    ])
  })

  it('ends a request with 429 when only a frontier may answer it', async () => {
    const usage = { inputTokens: 0, outputTokens: 100_000, source: 'reported' } as const
    const { router: own } = router({ budgets: { day: 0.02 }, answer: { text: 'Yes.', usage } })
    await own.complete(request())
    await expect(own.complete(request())).rejects.toMatchObject({ code: 'budget_exhausted', row: { status: 429 } })
    expect(own.route(request()).decision).toMatchObject({ route: 'unavailable', reason: 'budget_exhausted' })
  })

  it('takes an unknown price for a high one, and a broken call for one that was billed [F57] [F59]', async () => {
    await router({ budgets: { day: 10 }, usdPerToken: null }).router.complete(request())
    // 100 tokens in at 30 and 400 out at 150 dollars a million.
    expect(spent().all).toBeCloseTo(0.063)
    const broken = router({ budgets: { day: 10 }, answer: { text: 'Ye', thenFail: 'model_failed' } })
    await expect(broken.router.complete(request())).rejects.toThrow()
    expect(spent().all).toBeGreaterThan(0.063 + 0.01)
    const before = spent().all
    const refused = router({ budgets: { day: 10 }, answer: { fail: 'model_auth_failed' } })
    await expect(refused.router.complete(request())).rejects.toThrow()
    expect(spent().all).toBe(before)
  })
})
