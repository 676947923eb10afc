/** The configured models and how they are doing: constructed on first use, left alone for a while after failures. */
import type { Tier } from '../spec/decision.ts'
import type { RouterError } from '../spec/errors.ts'
import type { Lane } from '../spec/lanes.ts'
import type { ModelPolicy, TaskPolicy } from '../spec/policy.ts'
import type { Clock, ModelPort, ModelState } from '../spec/ports.ts'
import { type Breaker, createBreaker, type Rest } from './breaker.ts'
import { createRetryBudget, type RetryBudget } from './retry-budget.ts'
import { createTurns, type Turns } from './turns.ts'

export interface RosterModel {
  readonly name: string
  readonly policy: ModelPolicy
  /** The ways to it; where none is named there is one, as the policy says. */
  readonly lanes?: readonly Lane[]
  /** Why it can never be used as configured (no key, engine absent); asked at each look, null when it can. */
  readonly obstacle: () => ModelState['unavailable']
  /** Whether it can fill a text in, asked where one is to be; absent: it cannot. */
  readonly fillsIn?: () => boolean
  /** Whether it can be loaded without another model having to leave, and that one beside it; absent: it can. */
  readonly fitsBeside?: (other: string) => boolean
  /** Called at most once per lane and adapter, and only when the model is about to be asked. */
  readonly open: (lane: Lane, adapter?: TaskPolicy['adapter']) => ModelPort
}

export interface Roster {
  states(): readonly ModelState[]
  model(name: string): RosterModel
  /**
   * The lanes of a model by their place in its list, the one that was limited longest ago first. Those that rest are left out;
   * when all do, the one that is back first is the only one.
   */
  lanes(name: string): readonly number[]
  /**
   * @param lane default 0
   * @param adapter of the task, in place of the model's own
   */
  port(name: string, way?: { readonly lane?: number; readonly adapter?: TaskPolicy['adapter'] }): ModelPort
  /**
   * Asks for leave to call a model on a lane; what is granted counts.
   *
   * @returns null, or why the model is not to be called now; for a retry also because too many calls are retries
   */
  claim(name: string, call: 'first' | 'again', lane?: number): ModelState['unavailable']
  /** Resolves with what frees the place, or with null when none came free within so many milliseconds; see `maxConcurrent`. */
  turn(name: string, waitMs: number, signal: AbortSignal): Promise<(() => void) | null>
  failed(name: string, error: RouterError, lane?: number): void
  answered(name: string, lane?: number): void
  close(): Promise<void>
}

interface LaneState {
  readonly lane: Lane
  readonly breaker: Breaker
  /** Monotonic: when it was last rate limited, or its key refused. */
  limitedAtMs: number
}

interface Entry extends RosterModel {
  /** Monotonic: when it last answered. */
  answeredAtMs: number
  readonly states: readonly LaneState[]
  readonly retries: RetryBudget
  readonly turns: Turns
}

export function createRoster(models: readonly RosterModel[], clock: Clock): Roster {
  const byName = new Map(models.map((one) => [one.name, entryOf(one, clock)]))
  const ports = new Map<string, ModelPort>()

  const model = (name: string): Entry => {
    const found = byName.get(name)
    if (!found) throw new Error(`model ${name} is not configured`)
    return found
  }
  const laneOf = (name: string, lane: number): LaneState => {
    const found = model(name).states[lane]
    if (!found) throw new Error(`model ${name} has no lane ${lane}`)
    return found
  }
  return {
    model,
    states: () => [...byName.values()].map((entry) => stateOf(entry, clock.monotonicMs())),
    lanes: (name) => openLanes(model(name).states),
    port(name, { lane = 0, adapter } = {}) {
      const key = JSON.stringify([name, lane, adapter])
      const open = ports.get(key) ?? model(name).open(laneOf(name, lane).lane, adapter)
      ports.set(key, open)
      return open
    },
    claim(name, call, lane = 0) {
      const entry = model(name)
      const rest = laneOf(name, lane).breaker.claim(call)
      if (rest) return resting(entry, rest)
      if (call === 'first') entry.retries.called()
      else if (!entry.retries.takeRetry()) return resting(entry, TOO_MANY_RETRIES)
      return null
    },
    turn: (name, waitMs, signal) => model(name).turns.take(waitMs, signal),
    failed(name, error, lane = 0) {
      const state = laneOf(name, lane)
      if (LIMITS.has(error.code)) state.limitedAtMs = clock.monotonicMs()
      // A refused key says nothing about the model, and another key may be right.
      if (error.code !== 'model_auth_failed') state.breaker.failed(error)
    },
    answered(name, lane = 0) {
      laneOf(name, lane).breaker.answered()
      model(name).answeredAtMs = clock.monotonicMs()
    },
    async close() {
      await Promise.all([...ports.values()].map((port) => port.close()))
    },
  }
}

const ONLY_LANE: Lane = { baseUrl: undefined, apiKey: null }

function entryOf(model: RosterModel, clock: Clock): Entry {
  const { lanes = [], policy } = model
  const states = (lanes.length === 0 ? [ONLY_LANE] : lanes).map(
    (lane): LaneState => ({ lane, breaker: createBreaker(clock), limitedAtMs: Number.NEGATIVE_INFINITY }),
  )
  return {
    ...model,
    answeredAtMs: Number.NEGATIVE_INFINITY,
    states,
    retries: createRetryBudget(clock.monotonicMs),
    turns: createTurns(policy.maxConcurrent ?? Number.POSITIVE_INFINITY, clock),
  }
}

const LIMITS: ReadonlySet<string> = new Set(['model_rate_limited', 'model_auth_failed'])

const TOO_MANY_RETRIES: Rest = { leftMs: 1000, isRateLimited: false, why: 'too many of its calls are retries already' }

function openLanes(states: readonly LaneState[]): readonly number[] {
  if (states.length === 1) return [0]
  const ranked = states.map(({ breaker, limitedAtMs }, lane) => ({
    lane,
    limitedAtMs,
    leftMs: breaker.rest()?.leftMs ?? 0,
  }))
  const open = ranked.filter(({ leftMs }) => leftMs === 0)
  if (open.length > 0)
    return open.sort((a, b) => compare(a.limitedAtMs, b.limitedAtMs) || a.lane - b.lane).map(({ lane }) => lane)
  return ranked
    .sort((a, b) => a.leftMs - b.leftMs)
    .slice(0, 1)
    .map(({ lane }) => lane)
}

/** Two lanes that were never limited have no difference that is a number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}

function stateOf(entry: Entry, nowMs: number): ModelState {
  return {
    ...(isWarm(entry, nowMs) && { isWarm: true }),
    name: entry.name,
    actor: actorOf(entry.policy.tier),
    tier: entry.policy.tier,
    providerModel: `${entry.policy.provider}:${entry.policy.model}`,
    unavailable: entry.obstacle() ?? restOf(entry),
  }
}

/** What unloads by itself does so after the time that the policy names; a load that needs its memory may be before that. */
function isWarm({ policy, answeredAtMs }: Entry, nowMs: number): boolean {
  return policy.tier !== 'frontier' && nowMs - answeredAtMs < (policy.idleUnload ?? Number.POSITIVE_INFINITY)
}

/** A model rests when each of its lanes does, until the first is back. */
function restOf(entry: Entry): ModelState['unavailable'] {
  let first: Rest | null = null
  for (const { breaker } of entry.states) {
    const rest = breaker.rest()
    if (!rest) return null
    if (first === null || rest.leftMs < first.leftMs) first = rest
  }
  return first && resting(entry, first)
}

/** "Local" is a tier whose destination was checked to be this machine when the policy was read. */
export function actorOf(tier: Tier): ModelState['actor'] {
  return tier === 'frontier' ? 'frontier' : 'local'
}

function resting({ policy }: RosterModel, { why, leftMs, isRateLimited }: Rest): ModelState['unavailable'] {
  if (actorOf(policy.tier) === 'local') return { reason: 'local_unavailable', why, retryInMs: leftMs }
  return { reason: isRateLimited ? 'frontier_rate_limited' : 'frontier_down', why, retryInMs: leftMs }
}
