/** Receive, classify, route: everything about a request that is decided before anybody is asked. */
import { classify } from '../classify/features.ts'
import { type RouterState, routeRequest } from '../route/route.ts'
import { taskOf } from '../route/task.ts'
import type { RouteDecision } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Features } from '../spec/features.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { RouterRequest } from '../spec/request.ts'
import { closest } from '../spec/suggest.ts'
import { askPrior, withSpecialist } from './prior.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'
import { scopesOf } from './spend.ts'

/** @throws RouterError unknown_task, request_invalid; nothing has been recorded or asked then */
export function planRequest(
  input: { readonly request: RouterRequest; readonly inlineTask?: TaskPolicy },
  deps: PipelineDeps,
): Run {
  const { request } = input
  if (request.messages.length === 0)
    throw new RouterError('request_invalid', {
      path: 'messages',
      problem: 'there is no message',
      fix: 'Send at least one message.',
    })
  const policy = withInlineTask(input, deps.loaded.policy)
  const read = classify({ request, policy, sha256: hexDigest })
  if (!read.taskKnown && policy.routing.unknownTask === 'error') throw unknownTask(read, policy)
  const task = effectiveTask(read, policy)
  const features = deps.novelty.judge({ request, features: read, task })
  const state: RouterState = {
    models: deps.roster.states(),
    override: request.override ?? 'auto',
    hasKey: (model) => !(model in deps.loaded.missingKeys),
    prior: null,
    orders: deps.killSwitch.ordersFor(features),
    exhausted: deps.budgets?.exhausted(scopesOf({ features }, deps)) ?? null,
  }
  const withoutPrior = routeRequest(features, policy, state)
  const isSampled = drawn(task, withoutPrior, deps)
  const prior = task.prior ? askPrior({ request, features, deps }) : null
  const decision =
    prior?.opinion && !isSampled ? routeRequest(features, policy, { ...state, prior: prior.opinion }) : withoutPrior
  return {
    requestId: request.id ?? deps.newId(),
    request,
    features,
    decision: withSpecialist(decision, prior?.specialist ?? null),
    task,
    options: optionsOf(task),
    startedMs: deps.clock.monotonicMs(),
    receivedAt: new Date(deps.clock.epochMs()).toISOString(),
    isSampled,
    prior: prior?.opinion ?? null,
    attempts: [],
    localModel: null,
    verdicts: [],
    draft: null,
    reading: null,
  }
}

/** Where both may answer; a shadow labels every request anyway. A prior spares none of the drawn its local call. */
function drawn({ accept, prior }: TaskPolicy, { serve }: RouteDecision, { random }: PipelineDeps): boolean {
  if ((accept.maxErrorRate === undefined && !prior) || !serve.includes('local') || !serve.includes('frontier'))
    return false
  return random() < accept.auditRate
}

function withInlineTask(
  input: { readonly request: RouterRequest; readonly inlineTask?: TaskPolicy },
  policy: Policy,
): Policy {
  if (!input.inlineTask) return policy
  return { ...policy, tasks: { ...policy.tasks, [input.request.metadata?.task ?? 'decide']: input.inlineTask } }
}

/** `serve_marked` lets unproven local_only answers through the calibration gate; they stay marked. */
function effectiveTask(features: Features, policy: Policy): TaskPolicy {
  const task = taskOf(features, policy)
  const marked = features.partition === 'local_only' && policy.privacy.localOnly.unproven === 'serve_marked'
  return marked ? { ...task, accept: { ...task.accept, uncalibrated: true } } : task
}

function unknownTask(features: Features, policy: Policy): RouterError {
  const known = [...Object.keys(policy.tasks), ...Object.keys(policy.routing.actions)]
  const near = closest(features.task, known)
  const fix = near ? `Did you mean ${near}?` : `Known: ${known.slice(0, 20).join(', ')}.`
  return new RouterError('unknown_task', { task: features.task, fix })
}
