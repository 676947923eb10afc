/** Requests through the real router over scripted models, and their records: what a replay gets. Drawn from a seed. */

import { policyChange } from '../../../src/eval/replay/policy-change.ts'
import { type ReplayContext, replayRecord } from '../../../src/eval/replay/replay-record.ts'
import { randomFrom } from '../../../src/learn/random.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { BudgetScope } from '../../../src/spec/budget.ts'
import type { Signals } from '../../../src/spec/decision.ts'
import { keptPolicyOf } from '../../../src/spec/kept-policy.ts'
import type { KillOrder } from '../../../src/spec/kill-switch.ts'
import type { LoadedPolicy, PolicyInput } from '../../../src/spec/policy.ts'
import type { RouterRequest } from '../../../src/spec/request.ts'
import type { TaskOverride } from '../../../src/spec/task-override.ts'
import { mergeEntry } from '../../../src/stores/merge-entry.ts'
import { validatePolicy } from '../../../src/stores/policy-file.ts'
import type { ModelScript, ScriptedAnswer, ScriptedDecision } from '../../../src/testing.ts'
import { sampleRouter } from '../../support/sample-router.ts'

export const ENV = { KEY: 'k' }

export function loadedOf(policy: PolicyInput): LoadedPolicy {
  return validatePolicy(policy, { file: 'sample.yaml', env: ENV })
}

export interface Traffic {
  readonly records: readonly AuditRecord[]
  readonly loaded: LoadedPolicy
}

type Draw = <T>(...from: readonly T[]) => T

function drawFrom(random: () => number): Draw {
  return (...from) => from[Math.floor(random() * from.length)] as never
}

/**
 * One policy and `count` requests to it, each in circumstances of its own: what is asked, what every model says and what is out of order hangs on
 * `requests` and the place in the row alone, so that two policies can be given the same.
 */
export async function drawnTraffic(
  seed: number,
  count: number,
  { requests = seed, hasBudget = seed % 3 === 0 }: { readonly requests?: number; readonly hasBudget?: boolean } = {},
): Promise<Traffic> {
  const policy = { ...drawnPolicy(drawFrom(randomFrom(seed))), ...(hasBudget && { budgets: { day: 1 } }) }
  // Terms are compiled once for each policy object.
  const loaded = loadedOf(policy)
  const keyless: LoadedPolicy = { ...loaded, missingKeys: { big: 'KEY', other: 'KEY' } }
  const records: AuditRecord[] = []
  for (let at = 0; at < count; at++) {
    const random = randomFrom(1000 * requests + at)
    const record = await oneRecord({
      policy,
      loaded,
      keyless,
      draw: drawFrom(random),
      random,
      id: `r-${requests}-${at}`,
    })
    if (record) records.push(record)
  }
  return { records, loaded }
}

interface One {
  readonly policy: PolicyInput
  readonly loaded: LoadedPolicy
  readonly keyless: LoadedPolicy
  readonly draw: Draw
  readonly random: () => number
  readonly id: string
}

/** Null for a request that was refused before it was recorded. */
async function oneRecord({ policy, loaded, keyless, draw, random, id }: One): Promise<AuditRecord | null> {
  const request = drawnRequest(draw, id)
  const orders: readonly KillOrder[] = draw(0, 0, 0, 0, 0, 0, 1) === 0 ? [] : [order(draw)]
  const all: BudgetScope = { name: 'all', period: '1970-01-01', limitUsd: 1 }
  const [isSpent, isRefused] = [draw(true, false, false, false), draw(false, false, true)]
  const env = draw<Record<string, string>>(ENV, ENV, ENV, ENV, {})
  const models = { tiny: local(draw, random), small: local(draw, random), big: hosted(draw), other: hosted(draw) }
  const drawn = draw(0, 0.9)
  const sample = sampleRouter(
    { policy, env, models },
    {
      loaded: env === ENV ? loaded : keyless,
      random: () => drawn,
      overrides: { inForce: (task) => setAside(task, id), problem: () => null },
      killSwitch: {
        ordersFor: ({ task }) => orders.filter(({ scope }) => scope === 'all' || scope === `task:${task}`),
      },
      ...(policy.budgets && {
        budgets: {
          reserve: (scopes, usd) => (isSpent || isRefused ? { exhausted: all, leftUsd: 0 } : { scopes, usd }),
          settle: () => undefined,
          noted: () => undefined,
          exhausted: () => (isSpent ? all : null),
          close: () => undefined,
        },
      }),
    },
  )
  await sample.router.complete(request).catch(() => undefined)
  await sample.router.close()
  const found = sample.journal.reduce<AuditRecord | undefined>(
    (record, entry) => mergeEntry(record, entry) ?? record,
    undefined,
  )
  return found ?? null
}

/** A model says the same however often it is asked. */
function hosted(draw: Draw): Omit<ModelScript, 'name'> {
  const answer = frontier(draw)
  return { answers: () => answer }
}

function local(draw: Draw, random: () => number): Omit<ModelScript, 'name'> {
  const [answer, decision] = [written(draw, random), decided(draw, random)]
  return { answers: () => answer, decisions: () => decision }
}

function decided(draw: Draw, random: () => number): ScriptedDecision {
  const build = random()
  const test = (1 - build) * random()
  const signals: Partial<Signals> = draw(0, 0, 0, 0, 1) === 1 ? { fullDistribution: false } : {}
  if (draw(0, 0, 0, 0, 0, 0, 0, 1) === 1) return { fail: 'model_timeout' }
  return { probabilities: { build, test, access: 0.01, yes: build, no: 1 - build }, signals }
}

function order(draw: Draw): KillOrder {
  const mode = draw('frontier_only', 'local_only', 'stop') as KillOrder['mode']
  return { scope: draw('all', 'task:triage'), mode, why: 'a drill', by: 'test', at: '2026-01-01T00:00:00.000Z' }
}

function written(draw: Draw, random: () => number): ScriptedAnswer {
  if (draw(0, 0, 0, 0, 0, 0, 0, 1) === 1) return { fail: 'model_timeout' }
  const low = random()
  const signals: Signals = {
    ...{ pass: 'decode', level: 1, fullDistribution: draw(true, true, true, false), tokens: 12 },
    ...{ meanLogprob: -random() / 2, minLogprob: -2, entropyLowNats: low, entropyHighNats: low + random() / 2 },
    ...{ maxTokenEntropyNats: 1, options: null, margin: null },
  }
  const text = draw(
    'It is the linker.',
    'It is the linker.',
    'I cannot help with that.',
    'The password leaked.',
    '{"a":1}',
    '',
  )
  return { text, signals: draw(signals, signals, signals, null) }
}

function frontier(draw: Draw): ScriptedAnswer {
  const failures = ['model_unreachable', 'model_rate_limited', 'model_auth_failed', 'model_refused_request'] as const
  return draw<ScriptedAnswer>('build', 'It is the linker.', 'test', 'build', 'test', { fail: draw(...failures) })
}

/** For every ninth request a least confidence, for another ninth the frontier. */
function setAside(task: string, id: string): readonly TaskOverride[] {
  const about = { task, why: 'complaints', by: 'me', at: '', until: '' }
  const turn = Number(id.split('-')[2]) % 9
  if (turn === 3) return [{ ...about, key: 'minConfidence', value: 0.9 }]
  return turn === 7 ? [{ ...about, key: 'route', value: 'frontier' }] : []
}

function drawnRequest(draw: Draw, id: string): RouterRequest {
  const text = draw(
    'the build broke',
    'the build broke',
    'a 401 for the token',
    'what is 17 * 23?',
    'my mail is jo@example.org',
  )
  const override = draw('auto', 'auto', 'auto', 'auto', 'local', 'frontier') as 'auto'
  const prefer = draw(undefined, undefined, undefined, 'other', 'local_quality')
  const task = draw('triage', 'triage', 'triage', 'chat', 'chat', 'chain', 'plain', 'panel', undefined, 'edit_file')
  return {
    id,
    messages: [{ role: 'user', content: text }],
    metadata: {
      ...(task !== undefined && { task }),
      ...{ conversation: `c-${id}`, group: draw('beta', 'all'), tenant: draw('acme', 'umbrella') },
      ...(draw(0, 0, 0, 0, 1) === 1 && { partition: 'local_only' as const }),
      ...(draw(0, 0, 0, 0, 0, 0, 1) === 1 && { impact: 'high' as const }),
      ...(draw(0, 0, 0, 0, 0, 0, 1) === 1 && { userVisibleOutput: true }),
    },
    override,
    ...(prefer !== undefined && { prefer }),
    ...(draw(0, 0, 0, 0, 0, 1) === 1 && { responseSchema: 'json' as const }),
  }
}

function drawnPolicy(draw: Draw): PolicyInput {
  const stage = () =>
    draw<'off' | 'shadow' | 'accept' | { canary: { percent: number; groups: string[] } } | undefined>(
      'off',
      'shadow',
      'shadow',
      'accept',
      'accept',
      'accept',
      { canary: { percent: 50, groups: ['beta'] } },
      undefined,
    )
  const accept = () => draw({ uncalibrated: true }, { uncalibrated: true }, {}, { maxErrorRate: 0.1, auditRate: 0.5 })
  const onUnavailable = () => draw<'local' | 'error'>('local', 'error')
  const common = () => ({ accept: accept(), onUnavailable: onUnavailable(), stage: stage() })
  return {
    models: {
      tiny: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      small: { provider: 'embedded', model: 'qwen2.5-0.5b-instruct', tier: 'local_quality' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
      other: { provider: 'anthropic', model: 'claude-sonnet-4-6', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    ...(draw(true, false, false, false) && { cache: { exact: true } }),
    privacy: {
      default: draw('internal', 'public'),
      tenants: draw({}, { acme: 'local_only' }),
      localOnly: { detect: draw<'email'[]>([], ['email']), unproven: draw('hold', 'serve_marked') },
    },
    defaults: draw({}, { task: 'chat' }),
    routing: { maxFallbackAttempts: draw(0, 1, 2), unknownTask: draw('frontier', 'error') },
    tasks: {
      triage: {
        ...common(),
        ...{ kind: 'choice', labels: ['build', 'test', 'access'], escalateLabels: draw([], ['test']) },
        ...{
          minConfidence: draw(0.5, 0.7, 0.9),
          local: draw(['tiny'], ['tiny', 'small']),
          frontier: draw(['big'], ['big', 'other']),
        },
        ...(draw(true, false, false) && { agreement: { with: 'small', greyZone: { from: 0.1, to: draw(0.6, 0.9) } } }),
        ...(draw(true, false, false) && { judge: { by: 'small', votes: 1, minProbability: draw(0.3, 0.6) } }),
      },
      chat: {
        ...common(),
        ...{
          kind: 'text',
          local: draw('tiny', 'small'),
          frontier: draw<'big' | false>('big', 'big', false),
          render: undefined,
        },
        gates: { entropyNats: draw(0.4, 0.8, null), refusal: draw(true, false) },
        match: { words: ['mail'] },
      },
      chain: {
        ...common(),
        kind: 'answer',
        pattern: draw('cascade', 'draft_verify'),
        local: ['tiny', 'small'],
        frontier: ['big', 'other'],
      },
      plain: { ...common(), kind: 'text', pattern: 'direct', local: 'tiny', frontier: 'big' },
      panel: { ...common(), kind: 'answer', pattern: 'consensus', local: ['tiny', 'small'], frontier: 'big' },
    },
  }
}

/** A context in which nothing was fitted and no ceiling is simulated. */
export function contextFor(old: LoadedPolicy, next: LoadedPolicy, own: Partial<ReplayContext> = {}): ReplayContext {
  return {
    change: policyChange(keptPolicyOf(old), keptPolicyOf(next)),
    fits: { all: () => [], now: () => null },
    calibrator: 'recorded',
    nowMs: 0,
    exhausted: ({ circumstances }) => circumstances?.exhausted ?? null,
    ...own,
  }
}

export { replayRecord }
