/** Builds a router over scripted models, a manual clock and a journal in memory: what a sample needs, and nothing real. */

import { createCheckRunner } from '../../src/models/check-command.ts'
import { openAnswerCache } from '../../src/pipeline/answer-cache.ts'
import { createHarmlessScores } from '../../src/pipeline/harmless-scores.ts'
import { createNoveltyWatch } from '../../src/pipeline/novelty.ts'
import { createPlaceholderNumbers } from '../../src/pipeline/placeholder-numbers.ts'
import { createRoster } from '../../src/pipeline/roster.ts'
import { type RouterDeps, routerFrom } from '../../src/pipeline/router.ts'
import { createTurnBook } from '../../src/pipeline/turn-book.ts'
import type { AuditRecord, JournalEntry } from '../../src/spec/audit.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { NO_ROLLOUTS } from '../../src/stores/rollouts.ts'
import { NO_OVERRIDES } from '../../src/stores/task-overrides.ts'
import {
  type ManualClock,
  type ModelScript,
  manualClock,
  type ScriptedModel,
  scriptedModel,
} from '../../src/testing.ts'

export interface SampleScript {
  readonly policy: PolicyInput
  readonly env?: Readonly<Record<string, string>>
  readonly models: Readonly<Record<string, Omit<ModelScript, 'name'>>>
  /** Of the call. */
  readonly options?: { readonly maxCostUsd?: number }
  /** The caller goes as soon as this model is asked. */
  readonly leavesAt?: string
  /** US dollars per token of any frontier call; null when the price is unknown. */
  readonly usdPerToken?: number | null
}

export interface SampleRouter {
  readonly router: Router
  readonly models: Readonly<Record<string, ScriptedModel>>
  readonly journal: readonly JournalEntry[]
  /** Names of the models for which a client was made, in order. */
  readonly opened: readonly string[]
  readonly clock: ManualClock
  record(requestId: string): AuditRecord | undefined
}

/** @param own parts of the router that take the place of the doubles */
export function sampleRouter(script: SampleScript, own: Partial<RouterDeps> = {}): SampleRouter {
  const loaded = validatePolicy(script.policy, { file: 'sample.yaml', env: script.env ?? {} })
  const clock = manualClock({ sleeping: 'skip' })
  const journal: JournalEntry[] = []
  const opened: string[] = []
  const models = Object.fromEntries(
    Object.entries(script.models).map(([name, model]) => [name, scriptedModel({ name, ...model })]),
  )
  const roster = createRoster(
    Object.entries(loaded.policy.models).map(([name, policy]) => ({
      name,
      policy,
      obstacle: () => {
        const missing = loaded.missingKeys[name]
        return missing ? { reason: 'frontier_down', why: `no key set (${missing})` } : null
      },
      open: () => {
        opened.push(name)
        const model = models[name]
        if (!model) throw new Error(`the sample has no script for model ${name}`)
        return model
      },
    })),
    clock,
  )
  let ids = 0
  const deps: RouterDeps = {
    loaded,
    roster,
    clock,
    journal: {
      append: (entry) => void journal.push(entry),
      write: async (entries) => void journal.push(...entries),
      flushed: async () => {},
      close: async () => {},
    },
    price: (model, usage) => {
      if (model.tier !== 'frontier') return { costUsd: 0, priceSource: 'local' }
      const perToken = script.usdPerToken === undefined ? 0.00001 : script.usdPerToken
      if (perToken === null) return { costUsd: null, priceSource: null }
      return { costUsd: (usage.inputTokens + usage.outputTokens) * perToken, priceSource: 'sample' }
    },
    newId: () => `req-${++ids}`,
    random: () => 0.5,
    heads: loaded.heads,
    examples: { keep: () => undefined, label: () => undefined },
    onDraft: () => undefined,
    killSwitch: { ordersFor: () => [] },
    overrides: NO_OVERRIDES,
    rollouts: NO_ROLLOUTS,
    stages: { noted: () => undefined, watched: () => [] },
    conversations: null,
    budgets: null,
    checks: createCheckRunner({ path: process.env.PATH ?? '', hidden: [] }),
    content: null,
    held: null,
    cache: openAnswerCache(loaded.policy.cache, clock.monotonicMs),
    priors: { find: () => null },
    calibrations: { find: () => null, refitsOf: () => 0, shut: () => undefined },
    watch: { settled: () => undefined },
    buddies: { book: { find: () => null, add: () => undefined }, settled: () => undefined, labelled: () => undefined },
    placeholders: createPlaceholderNumbers(),
    turns: createTurnBook(),
    novelty: createNoveltyWatch(
      () => [],
      () => 0,
    ),
    harmless: createHarmlessScores({ read: async () => null, write: async () => undefined }),
    readAudit: () => [],
    auditHealth: () => ({ ok: true, problem: null, spooled: 0, corrupt: [] }),
    closeStores: async () => {},
    ...own,
  }
  const settled = (requestId: string) =>
    journal.flatMap((entry) => (entry.type === 'settle' && entry.requestId === requestId ? [entry.record] : []))
  return { router: routerFrom(deps), models, journal, opened, clock, record: (requestId) => settled(requestId).at(-1) }
}
