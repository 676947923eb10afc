/** Asks the task's prior before any model is asked. */
import { excerptForDecision } from '../classify/excerpt.ts'
import { openPrior } from '../learn/prior.ts'
import { priorFigures } from '../learn/prior-figures.ts'
import type { RouteDecision } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { Prior, PriorOpinion } from '../spec/prior.ts'
import { inputText, type RouterRequest } from '../spec/request.ts'
import { KEPT_CHARS } from './kept-text.ts'
import type { PipelineDeps } from './run.ts'

export interface AskedPrior {
  /** Null while skipping has not shown that it pays. */
  readonly opinion: PriorOpinion | null
  readonly specialist: string | null
}

/** Null when the task has no prior that pays; one that cannot be read is none. */
export function askPrior({
  request,
  features,
  deps,
}: {
  readonly request: RouterRequest
  readonly features: Features
  readonly deps: PipelineDeps
}): AskedPrior | null {
  const prior = found(features.task, deps)
  if (!prior || (prior.off !== null && prior.specialist === null)) return null
  const { task, version, threshold, specialist, off } = prior
  if (off !== null) return { opinion: null, specialist }
  const text = excerptForDecision(inputText(request.messages), KEPT_CHARS)
  const probability = opened(prior)({ figures: priorFigures(features), text })
  return { opinion: { id: `${task}-prior-${version}`, probability, threshold }, specialist }
}

const open = new WeakMap<Prior, ReturnType<typeof openPrior>>()

/** Unpacked once for each version. */
function opened(prior: Prior): ReturnType<typeof openPrior> {
  const known = open.get(prior) ?? openPrior(prior.model)
  open.set(prior, known)
  return known
}

/** The specialist first; nobody is added. */
export function withSpecialist(decision: RouteDecision, specialist: string | null): RouteDecision {
  if (specialist === null || !decision.local.includes(specialist)) return decision
  const first = [specialist, ...decision.local.filter((name) => name !== specialist)]
  const at = decision.tiers.findIndex(({ models }) => models.includes(specialist))
  const tiers = decision.tiers.slice(Math.max(at, 0)).map((tier) => {
    const others = tier.models.filter((name) => name !== specialist)
    return others.length === tier.models.length ? tier : { ...tier, models: [specialist, ...others] }
  })
  return { ...decision, local: first, tiers }
}

function found(task: string, { priors }: PipelineDeps): Prior | null {
  try {
    return priors.find(task)
  } catch {
    return null
  }
}
