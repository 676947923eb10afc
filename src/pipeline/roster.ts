/** The configured models and how they are doing: constructed on first use, cooled down after failures. */
import type { Tier } from '../spec/decision.ts'
import type { RouterError } from '../spec/errors.ts'
import type { ModelPolicy } from '../spec/policy.ts'
import type { Clock, ModelPort, ModelState } from '../spec/ports.ts'

export interface RosterModel {
  readonly name: string
  readonly policy: ModelPolicy
  /** Why it can never be used as configured (no key, engine absent); asked at each look, null when it can. */
  readonly obstacle: () => ModelState['unavailable']
  /** Called at most once, and only when the model is about to be asked. */
  readonly open: () => ModelPort
}

export interface Roster {
  states(): readonly ModelState[]
  model(name: string): RosterModel
  port(name: string): ModelPort
  failed(name: string, error: RouterError): void
  answered(name: string): void
  close(): Promise<void>
}

/** A model that fails this often in a row is left alone for `COOL_DOWN_MS`; one failure may be chance, three are not. */
const FAILURES_BEFORE_COOL_DOWN = 3
/** Long enough to spare callers a dead upstream, short enough to notice its return (recovery goal: 10 s). */
const COOL_DOWN_MS = 10_000

interface Health {
  failures: number
  until: number
  rateLimited: boolean
}

export function createRoster(models: readonly RosterModel[], clock: Clock): Roster {
  const byName = new Map(models.map((model) => [model.name, model]))
  const ports = new Map<string, ModelPort>()
  const health = new Map<string, Health>()

  const model = (name: string): RosterModel => {
    const found = byName.get(name)
    if (!found) throw new Error(`model ${name} is not configured`)
    return found
  }
  return {
    model,
    states: () => models.map((entry) => stateOf(entry, coolDown(entry, health.get(entry.name), clock))),
    port(name) {
      const open = ports.get(name) ?? model(name).open()
      ports.set(name, open)
      return open
    },
    failed(name, error) {
      const entry = health.get(name) ?? { failures: 0, until: 0, rateLimited: false }
      entry.failures += 1
      entry.rateLimited = error.code === 'model_rate_limited'
      const waitMs = entry.rateLimited ? (error.retryAfterSeconds ?? 1) * 1000 : COOL_DOWN_MS
      if (entry.rateLimited || entry.failures >= FAILURES_BEFORE_COOL_DOWN)
        entry.until = Math.max(entry.until, clock.monotonicMs() + waitMs)
      health.set(name, entry)
    },
    answered: (name) => void health.delete(name),
    async close() {
      await Promise.all([...ports.values()].map((port) => port.close()))
    },
  }
}

function stateOf(entry: RosterModel, coolingDown: ModelState['unavailable']): ModelState {
  return {
    name: entry.name,
    actor: actorOf(entry.policy.tier),
    tier: entry.policy.tier,
    unavailable: entry.obstacle() ?? coolingDown,
  }
}

/** "Local" is a tier whose destination was checked to be this machine when the policy was read. */
export function actorOf(tier: Tier): ModelState['actor'] {
  return tier === 'frontier' ? 'frontier' : 'local'
}

function coolDown(entry: RosterModel, state: Health | undefined, clock: Clock): ModelState['unavailable'] {
  const leftMs = (state?.until ?? 0) - clock.monotonicMs()
  if (!state || leftMs <= 0) return null
  const seconds = Math.ceil(leftMs / 1000)
  const retryInMs = Math.ceil(leftMs)
  if (actorOf(entry.policy.tier) === 'local')
    return {
      reason: 'local_unavailable',
      why: `failed ${state.failures} times, tried again in ${seconds} s`,
      retryInMs,
    }
  return state.rateLimited
    ? { reason: 'frontier_rate_limited', why: `rate limited for another ${seconds} s`, retryInMs }
    : { reason: 'frontier_down', why: `failed ${state.failures} times, tried again in ${seconds} s`, retryInMs }
}
