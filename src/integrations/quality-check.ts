/** A router as loops of agents ask it: one prompt and an action in, an answer with what is known of its quality out. */
import type { Decision, Reason, Tier, Verdict } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { REASON_TEXTS } from '../spec/reason-texts.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { Router } from '../spec/router.ts'

/** What an agent knows of the step it takes. Every part narrows who may answer, or is read with the prompt. */
export interface AgentContext {
  /** The step changes something outside the agent: only a frontier may answer (`quality_critical`). */
  readonly affectsSystemState?: boolean
  /** People see the answer as it is: the same. */
  readonly userVisibleOutput?: boolean
  /** Nobody and no sandbox stands between the answer and its effect: the same. */
  readonly unrestricted?: boolean
  /**
   * Which round of its loop this is, from 0: from the fourth on it is a task of more than three steps, so a frontier is asked where the rules
   * leave one.
   */
  readonly iteration?: number
  /** What was said before the prompt, oldest first. */
  readonly history?: readonly Message[]
}

export interface AgentQuestion {
  /** A task of the policy or an action of its table; `unknown` names none. Default: `unknown`. */
  readonly action?: string
  readonly context?: AgentContext
}

/** The keys are a contract. */
export interface CheckedAnswer {
  /** Null when the request is held for a human. */
  readonly response: string | null
  readonly decision: {
    /** Null for an exact tool and for a request that is held. */
    readonly model: { readonly name: string | null }
    readonly tier: Tier | null
    readonly reason: Reason
  }
  readonly quality: {
    /** There is an answer, nothing forced it, and no gate rejected it. Answers of frontiers are not gated. */
    readonly passed: boolean
    /** Probability of the chosen option, or mean probability of the answer's tokens; null when none was read. */
    readonly confidence: number | null
    /** What gates had against answers on the way, those that were not served included. */
    readonly issues: readonly string[]
    /** Why the answer comes from where it comes from, in a sentence or two. */
    readonly reasoning: string
  }
  /** One for each attempt, in order. */
  readonly stats: readonly {
    readonly tier: Tier
    readonly model: string
    /** US dollars; null when unknown. */
    readonly costUsd: number | null
    readonly latencyMs: number
    /** The call gave an answer, whatever gates said of it. */
    readonly ok: boolean
  }[]
}

/** @throws RouterError whatever `router.complete` throws; request_invalid: an iteration that is no count */
export async function askChecked(
  router: Router,
  question: AgentQuestion & { readonly prompt: string; readonly signal?: AbortSignal },
): Promise<CheckedAnswer> {
  const { prompt, signal, ...about } = question
  const request = agentRequest(prompt, about)
  const isLong = (about.context?.iteration ?? 0) >= STEPS_OF_A_MODERATE_TASK
  // A wish for a frontier that the rules do not leave would keep everybody from answering.
  const wish = isLong && router.route(request).decision.frontier.length > 0 ? ({ override: 'frontier' } as const) : {}
  return checkedAnswer(await router.complete({ ...request, ...wish }, signal ? { signal } : {}))
}

/** More steps than this are a complex task: see `complexity` in the policy. */
const STEPS_OF_A_MODERATE_TASK = 3

/**
 * The request that is asked: `router.route` tells of it, before anybody is asked, whether a person has to approve.
 *
 * @throws RouterError request_invalid: an iteration that is no count
 */
export function agentRequest(prompt: string, { action = 'unknown', context = {} }: AgentQuestion = {}): RouterRequest {
  const { affectsSystemState, userVisibleOutput, unrestricted, iteration = 0, history = [] } = context
  if (!Number.isInteger(iteration) || iteration < 0)
    throw new RouterError('request_invalid', {
      path: 'context.iteration',
      problem: `${iteration} is no count of rounds`,
      fix: 'Count the rounds of the loop from 0.',
    })
  return {
    messages: [...history, { role: 'user', content: prompt }],
    metadata: {
      ...(action !== 'unknown' && { task: action }),
      affectsSystemState: affectsSystemState === true || unrestricted === true,
      userVisibleOutput: userVisibleOutput === true,
    },
  }
}

function checkedAnswer(outcome: Outcome): CheckedAnswer {
  const { answer, decision, attempts } = outcome
  return {
    response: answer,
    decision: { model: { name: decision.model }, tier: decision.tier, reason: decision.reason },
    quality: qualityOf(outcome),
    stats: attempts.map(({ tier, model, costUsd, latencyMs, outcome: ended }) => ({
      tier,
      model,
      costUsd,
      latencyMs,
      ok: ended === 'answered',
    })),
  }
}

function qualityOf({ answer, decision, verdicts, signals }: Outcome): CheckedAnswer['quality'] {
  const mean = signals?.meanLogprob ?? null
  const rejected = verdicts.filter(({ accepted }) => !accepted)
  return {
    passed: answer !== null && !decision.degraded && !rejected.some((verdict) => isAboutServed(verdict, decision)),
    confidence: signals?.options?.[0]?.probability ?? (mean === null ? null : Math.exp(mean)),
    issues: rejected.map(issueText),
    reasoning: reasoningOf(decision, rejected[0]),
  }
}

/** A verdict without a model is about a local answer. */
function isAboutServed({ model }: Verdict, decision: Decision): boolean {
  return model === undefined ? decision.route === 'local' : model === decision.model
}

function issueText({ reason, detail, model }: Verdict): string {
  return `${reason ?? 'gate_error'}${model === undefined ? '' : ` (${model})`}: ${detail}`
}

function reasoningOf({ reason, degraded, proven, route }: Decision, rejection: Verdict | undefined): string {
  const why = [REASON_TEXTS[reason]]
  if (rejection && rejection.reason === reason) why.push(rejection.detail)
  if (degraded) why.push('It stands in for one that could not be had.')
  if (route === 'local' && !proven) why.push('No error bound is proven for it.')
  return why.join(' ')
}
