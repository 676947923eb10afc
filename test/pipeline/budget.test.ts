import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RouterDeps } from '../../src/pipeline/router.ts'
import type { JournalEntry } from '../../src/spec/audit.ts'
import type { Signals } from '../../src/spec/decision.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Journal } from '../../src/spec/ports.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { sampleRouter } from '../support/sample-router.ts'

let folder = ''
let budgets: BudgetStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-budget-'))
  budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() * 1e6 })
})
afterEach(() => {
  budgets.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Wanted {
  readonly budgets: PolicyInput['budgets']
  readonly task?: NonNullable<PolicyInput['tasks']>[string]
  readonly answer?: ScriptedAnswer
  readonly local?: ScriptedAnswer
  /** US dollars a token; null: no price is known. */
  readonly usdPerToken?: number | null
}

/** 1,000 tokens at most and 0.00001 dollars a token: an answer is reserved with a little over a cent. */
function router(wanted: Wanted, own: Partial<RouterDeps> = {}) {
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
        small: { answers: () => wanted.local ?? 'A local answer.' },
        big: {
          answers: () =>
            wanted.answer ?? { text: 'Yes.', usage: { inputTokens: 100, outputTokens: 400, source: 'reported' } },
        },
      },
      ...(wanted.usdPerToken !== undefined && { usdPerToken: wanted.usdPerToken }),
    },
    { budgets, ...own },
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

  it('books a call that the caller gave up with all that was reserved, and says that its cost is not known', async () => {
    const { router: own, models, journal } = router({ budgets: { day: 10 }, answer: { hang: true } })
    const leaving = new AbortController()
    const asked = own.complete(request(), { signal: leaving.signal })
    await vi.waitUntil(() => models.big?.calls.length === 1)
    leaving.abort()
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
    // 1,000 tokens of output and those of a short question at a hundred-thousandth of a dollar.
    expect(spent().all).toBeGreaterThan(0.01)
    const settled = journal.find((entry) => entry.type === 'settle')
    expect(settled).toMatchObject({
      record: { error: 'cancelled', attempts: [{ outcome: 'cancelled', costUsd: null }] },
    })
  })

  it('books every vote of a judge, and answers that a gate rejected', async () => {
    const task = {
      local: 'small',
      stage: 'accept',
      judge: { by: 'big', votes: 2 },
      accept: { uncalibrated: true },
    } as const
    const signals = { ...SIGNALS, meanLogprob: Math.log(0.6) }
    const { router: own, models } = router({
      budgets: { day: 10 },
      task: { ...task, gates: { entropyNats: null } },
      local: { text: 'A local answer.', signals },
      answer: { text: 'No.', usage: { inputTokens: 100, outputTokens: 100, source: 'reported' } },
    })
    const { attempts, costUsd } = await own.complete(request())
    expect(attempts.map(({ model, purpose }) => `${model} ${purpose}`)).toEqual([
      'small answer',
      'big judge',
      'big judge',
      'big answer',
    ])
    expect(models.big?.calls).toHaveLength(3)
    expect(spent().all).toBe(0.006)
    expect(costUsd).toBeCloseTo(0.006)
  })

  it("books the caller's call of a task in shadow once: the shadow itself is local and free", async () => {
    const task = { local: 'small', stage: 'shadow' } as const
    const usage = { inputTokens: 100, outputTokens: 400, source: 'reported' } as const
    const { router: own, models, journal } = router({ budgets: { day: 10 }, task, answer: { text: 'Yes.', usage } })
    await own.complete(request())
    await own.close()
    expect([models.big?.calls.length, models.small?.calls.length]).toEqual([1, 1])
    expect(spent().all).toBe(0.005)
    expect(journal.find((entry) => entry.type === 'shadow')).toMatchObject({
      shadow: { attempt: { model: 'small', purpose: 'shadow', costUsd: 0 } },
    })
  })

  it('holds for a request that says nothing of itself', async () => {
    const { router: own } = router({ budgets: { day: 0.01 } })
    const { messages } = request()
    await expect(own.complete({ messages })).rejects.toMatchObject({ code: 'budget_exhausted' })
  })

  it('books nothing for what was reserved and not sent', async () => {
    const stopped = {
      scope: 'all',
      mode: 'local_only',
      why: 'a breach',
    }
    let asked = 0
    // The order comes between the choice of a route and the call.
    const ordersFor = () => (asked++ < 1 ? [] : [stopped as never])
    const { router: own, models } = router({ budgets: { day: 10 } }, { killSwitch: { ordersFor } })
    await expect(own.complete(request())).rejects.toMatchObject({ code: 'held_for_human' })
    expect(models.big?.calls).toHaveLength(0)
    expect(spent().all ?? 0).toBe(0)
    const unwritable = router({ budgets: { day: 10 } }, { journal: failingFrom('call') })
    await expect(unwritable.router.complete(request())).rejects.toMatchObject({ code: 'audit_unwritable' })
    expect(unwritable.models.big?.calls).toHaveLength(0)
    expect(spent().all ?? 0).toBe(0)
  })

  it('tells of no call in its record whose line could not be written', async () => {
    const kept: JournalEntry[] = []
    const failing = failingFrom('call')
    const write = async (entries: readonly JournalEntry[]) => {
      await failing.write(entries)
      kept.push(...entries)
    }
    const unwritable = router({ budgets: { day: 10 } }, { journal: { ...failing, write } })
    await expect(unwritable.router.complete(request())).rejects.toMatchObject({ code: 'audit_unwritable' })
    expect(kept).toMatchObject([{ type: 'settle', whole: true, record: { outcome: 'error', calls: [], egress: [] } }])
  })
})

const SIGNALS: Signals = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: 4,
  meanLogprob: 0,
  minLogprob: -1,
  entropyLowNats: 0.1,
  entropyHighNats: 0.2,
  maxTokenEntropyNats: 0.1,
  options: null,
  margin: null,
}

/** A journal that cannot write entries of one type. */
function failingFrom(type: JournalEntry['type']): Journal {
  const append = (entry: JournalEntry): void => {
    if (entry.type === type) throw new RouterError('audit_unwritable', { path: 'a.journal', problem: 'EIO' })
  }
  return {
    append,
    write: async (entries) => {
      for (const entry of entries) append(entry)
    },
    flushed: async () => {},
    close: async () => {},
  }
}

describe('what a caller allows for one request', () => {
  it('holds over all its calls together, opinions among them', async () => {
    const usage = { inputTokens: 0, outputTokens: 50_000, source: 'reported' } as const
    const judged = {
      local: 'small',
      stage: 'accept',
      accept: { uncalibrated: true },
      judge: { by: 'big', votes: 2 },
      gates: { entropyNats: null, refusal: false },
    } as const
    const answer = { text: 'yes', usage }
    const free = router({ budgets: {}, task: judged, answer })
    await free.router.complete(request())
    expect(free.models.big?.calls.length).toBeGreaterThan(1)
    const bounded = router({ budgets: {}, task: judged, answer })
    await bounded.router.complete(request(), { maxCostUsd: 0.4 })
    // The first vote cost half a dollar: nothing is left for another one.
    expect(bounded.models.big?.calls).toHaveLength(1)
    expect(budgets.list()).toEqual([])
  })

  it('refuses a call that may pass it, and needs no ceiling of the policy', async () => {
    const { router: own, models } = router({ budgets: {} })
    await expect(own.complete(request(), { maxCostUsd: 0.01 })).rejects.toMatchObject({
      code: 'budget_exhausted',
      message: expect.stringMatching(/^The budget request of this request has 0\.010000 US dollars left/),
    })
    expect(models.big?.calls).toHaveLength(0)
    expect((await own.complete(request(), { maxCostUsd: 0.02 })).decision.route).toBe('frontier')
  })
})

describe("a key's own ceiling", () => {
  const key = { id: 'ab12cd34', budget: { day: 0.02, month: 1 } }

  it('is reserved and booked beside the others, and stops its key alone', async () => {
    const usage = { inputTokens: 0, outputTokens: 1500, source: 'reported' } as const
    const { router: own } = router({ budgets: { day: 1 }, answer: { text: 'Yes.', usage } })
    await own.complete(request(), { key })
    expect(spent()).toEqual({ all: 0.015, 'key:ab12cd34': 0.015 })
    await expect(own.complete(request(), { key })).rejects.toMatchObject({
      code: 'budget_exhausted',
      values: { scope: 'key:ab12cd34', period: '1970-01-01' },
    })
    await own.complete(request(), { key: { id: 'other' } })
    expect(spent().all).toBe(0.03)
  })

  it('that nobody could keep is not passed over', async () => {
    const { router: own, models } = sampleRouter(
      {
        policy: {
          models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
          tasks: { chat: { local: false, frontier: 'big' } },
        },
        env: { KEY: 'k' },
        models: { big: { answers: () => 'Yes.' } },
      },
      { budgets: null },
    )
    await expect(own.complete(request(), { key })).rejects.toMatchObject({ code: 'budget_unwritable' })
    expect(models.big?.calls).toHaveLength(0)
  })
})
