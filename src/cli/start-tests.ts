/** One tiny request to each side of a plan, through the router like any other: audited, counted, masked. */
import { randomInt } from 'node:crypto'
import type { Attempt } from '../spec/decision.ts'
import { toRouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { Router } from '../spec/router.ts'
import type { PlanView } from './start-plan.ts'

export interface Tried {
  readonly ok: boolean
  /** The name in the policy of the model that answered, or was asked last; null when none was. */
  readonly model: string | null
  readonly latencyMs: number | null
  /** US dollars; null when no price is known. */
  readonly costUsd: number | null
  /** Whether log-probabilities came along, which gates read; null for a frontier. */
  readonly hasSignals: boolean | null
  /** Why it failed, and what to do; null when it answered. */
  readonly problem: string | null
  readonly fix: string | null
}

/** Null: there is nobody to ask, or it was not wanted. */
export interface Tests {
  readonly local: Tried | null
  readonly frontier: Tried | null
}

/** A model that is loaded from a slow disk takes most of this. */
const PATIENCE_MS = 60_000

export async function tryModels(router: Router, view: PlanView, signal: AbortSignal): Promise<Tests> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
  const [local, frontier] = await Promise.all([
    view.locals.some(({ ready }) => ready) ? tryOne(router, 'local', patience) : null,
    view.frontiers.some(({ ready }) => ready) ? tryOne(router, 'frontier', patience) : null,
  ])
  return { local, frontier }
}

async function tryOne(router: Router, override: 'local' | 'frontier', signal: AbortSignal): Promise<Tried> {
  try {
    return judged(await router.complete(greeting(override), { signal }), override)
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return { ...NOBODY, problem: message, fix }
  }
}

/** Never the same twice, so that no cache answers in place of the model. */
function greeting(override: 'local' | 'frontier'): RouterRequest {
  const content = `Greet visitor number ${randomInt(1_000_000)} in one short sentence.`
  return { messages: [{ role: 'user', content }], override, maxOutputTokens: 24 }
}

const NOBODY = { ok: false, model: null, latencyMs: null, costUsd: null, hasSignals: null } as const

/** That an answer came is what counts: whether a gate would keep it is not the question. */
function judged({ attempts, signals }: Outcome, side: 'local' | 'frontier'): Tried {
  const own = attempts.filter(({ actor, purpose }) => actor === side && purpose === 'answer')
  const answered = own.findLast(({ outcome }) => outcome === 'answered')
  const last: Attempt | undefined = answered ?? own.at(-1)
  if (last === undefined)
    return { ...NOBODY, problem: 'no model was asked', fix: 'Run `spillway doctor`, which says what each one needs.' }
  const { model, latencyMs, costUsd } = last
  const asked = { model, latencyMs, costUsd, hasSignals: side === 'local' && answered ? signals !== null : null }
  if (answered) return { ok: true, ...asked, problem: null, fix: null }
  const problem = last.errorMessage ?? `the call failed (${last.error ?? 'unknown'})`
  return { ok: false, ...asked, problem, fix: 'Run `spillway doctor`, which says what each one needs.' }
}
