/** The configured models and how they are doing: constructed on first use, left alone for a while after failures. */
import type { Tier } from '../spec/decision.ts'
import type { RouterError } from '../spec/errors.ts'
import type { ModelPolicy, TaskPolicy } from '../spec/policy.ts'
import type { Clock, ModelPort, ModelState } from '../spec/ports.ts'
import { type Breaker, createBreaker, type Rest } from './breaker.ts'
import { createRetryBudget, type RetryBudget } from './retry-budget.ts'

export interface RosterModel {
  readonly name: string
  readonly policy: ModelPolicy
  /** Why it can never be used as configured (no key, engine absent); asked at each look, null when it can. */
  readonly obstacle: () => ModelState['unavailable']
  /** Called at most once per adapter, and only when the model is about to be asked. */
  readonly open: (adapter?: TaskPolicy['adapter']) => ModelPort
}

export interface Roster {
  states(): readonly ModelState[]
  model(name: string): RosterModel
  /** @param adapter of the task, in place of the model's own */
  port(name: string, adapter?: TaskPolicy['adapter']): ModelPort
  /**
   * Asks for leave to call a model; what is granted counts.
   *
   * @returns null, or why the model is not to be called now; for a retry also because too many calls are retries
   */
  claim(name: string, call: 'first' | 'again'): ModelState['unavailable']
  failed(name: string, error: RouterError): void
  answered(name: string): void
  close(): Promise<void>
}

interface Entry extends RosterModel {
  readonly breaker: Breaker
  readonly retries: RetryBudget
}

export function createRoster(models: readonly RosterModel[], clock: Clock): Roster {
  const entries = models.map((model): Entry => {
    const retries = createRetryBudget(clock.monotonicMs)
    return { ...model, breaker: createBreaker(clock), retries }
  })
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const ports = new Map<string, ModelPort>()

  const model = (name: string): Entry => {
    const found = byName.get(name)
    if (!found) throw new Error(`model ${name} is not configured`)
    return found
  }
  return {
    model,
    states: () => entries.map(stateOf),
    port(name, adapter) {
      const key = JSON.stringify([name, adapter])
      const open = ports.get(key) ?? model(name).open(adapter)
      ports.set(key, open)
      return open
    },
    claim(name, call) {
      const entry = model(name)
      const rest = entry.breaker.claim(call)
      if (rest) return resting(entry, rest)
      if (call === 'first') entry.retries.called()
      else if (!entry.retries.takeRetry()) return resting(entry, TOO_MANY_RETRIES)
      return null
    },
    failed: (name, error) => model(name).breaker.failed(error),
    answered: (name) => model(name).breaker.answered(),
    async close() {
      await Promise.all([...ports.values()].map((port) => port.close()))
    },
  }
}

const TOO_MANY_RETRIES: Rest = { leftMs: 1000, isRateLimited: false, why: 'too many of its calls are retries already' }

function stateOf(entry: Entry): ModelState {
  const rest = entry.breaker.rest()
  return {
    name: entry.name,
    actor: actorOf(entry.policy.tier),
    tier: entry.policy.tier,
    providerModel: `${entry.policy.provider}:${entry.policy.model}`,
    unavailable: entry.obstacle() ?? (rest && resting(entry, rest)),
  }
}

/** "Local" is a tier whose destination was checked to be this machine when the policy was read. */
export function actorOf(tier: Tier): ModelState['actor'] {
  return tier === 'frontier' ? 'frontier' : 'local'
}

function resting({ policy }: RosterModel, { why, leftMs, isRateLimited }: Rest): ModelState['unavailable'] {
  if (actorOf(policy.tier) === 'local') return { reason: 'local_unavailable', why, retryInMs: leftMs }
  return { reason: isRateLimited ? 'frontier_rate_limited' : 'frontier_down', why, retryInMs: leftMs }
}
