/** The configured models and how they are doing: constructed on first use, cooled down after failures. */
import type { Tier } from '../spec/decision.ts'
import type { RouterError } from '../spec/errors.ts'
import type { ModelPolicy, TaskPolicy } from '../spec/policy.ts'
import type { Clock, ModelPort, ModelState } from '../spec/ports.ts'

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
  failed(name: string, error: RouterError): void
  answered(name: string): void
  close(): Promise<void>
}

/** A model that fails this often in a row is left alone for `COOL_DOWN_MS`; one failure may be chance, three are not. */
const FAILURES_BEFORE_COOL_DOWN = 3
/** Long enough to spare callers a dead upstream, short enough to notice its return (recovery goal: 10 s). */
const COOL_DOWN_MS = 10_000

/** An engine that crashes this often in `CRASH_WINDOW_MS` will crash again: the file or the machine is the trouble. */
const CRASHES_BEFORE_OFF = 3
const CRASH_WINDOW_MS = 60_000
/** After a second crash in the window: no caller waits for a restart that is likely to end like the one before. */
const CRASH_BACKOFF_MS = 1000

interface Health {
  /** In a row. */
  failures: number
  until: number
  rateLimited: boolean
  /** Monotonic times of crashes in the window; an answer in between does not undo them. */
  crashes: readonly number[]
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
    port(name, adapter) {
      const key = JSON.stringify([name, adapter])
      const open = ports.get(key) ?? model(name).open(adapter)
      ports.set(key, open)
      return open
    },
    failed(name, error) {
      const entry = health.get(name) ?? { failures: 0, until: 0, rateLimited: false, crashes: [] }
      entry.failures += 1
      entry.rateLimited = error.code === 'model_rate_limited'
      const waitMs = entry.rateLimited ? (error.retryAfterSeconds ?? 1) * 1000 : COOL_DOWN_MS
      if (entry.rateLimited || entry.failures >= FAILURES_BEFORE_COOL_DOWN)
        entry.until = Math.max(entry.until, clock.monotonicMs() + waitMs)
      if (error.code === 'engine_crashed') crashed(entry, clock.monotonicMs())
      health.set(name, entry)
    },
    answered(name) {
      const entry = health.get(name)
      if (entry) health.set(name, { ...entry, failures: 0, until: 0, rateLimited: false })
    },
    async close() {
      await Promise.all([...ports.values()].map((port) => port.close()))
    },
  }
}

function crashed(entry: Health, now: number): void {
  entry.crashes = [...entry.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now]
  if (entry.crashes.length >= CRASHES_BEFORE_OFF) entry.until = now + CRASH_WINDOW_MS
  else if (entry.crashes.length > 1) entry.until = Math.max(entry.until, now + CRASH_BACKOFF_MS)
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
    return { reason: 'local_unavailable', why: `${troubleOf(state)}, tried again in ${seconds} s`, retryInMs }
  return state.rateLimited
    ? { reason: 'frontier_rate_limited', why: `rate limited for another ${seconds} s`, retryInMs }
    : { reason: 'frontier_down', why: `failed ${state.failures} times, tried again in ${seconds} s`, retryInMs }
}

function troubleOf({ crashes, failures }: Health): string {
  return crashes.length > 1 ? `the engine crashed ${crashes.length} times in a minute` : `failed ${failures} times`
}
