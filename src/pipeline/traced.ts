/** Where the pipeline tells of what it does to whoever traces it. While nobody does, nothing is made. */
import type { CallSpan } from '../spec/tracing.ts'
import { type Collected, type Exchange, isStreamed, laneOf } from './exchange.ts'
import type { PlanInput } from './plan.ts'
import type { PipelineDeps } from './run.ts'

/** Runs a request inside of a span of its own. */
export function traced<Input extends PlanInput, T>(
  input: Input,
  { tracing }: PipelineDeps,
  run: (input: Input) => Promise<T>,
): Promise<T> {
  if (!tracing) return run(input)
  return tracing.request({ requestId: input.request.id, parent: input.trace }, (span) => run({ ...input, span }))
}

/** The span of the next call of an exchange; its headers and its texts are taken from it. */
export function beginCall(exchange: Exchange): CallSpan | undefined {
  const { run, model, lane, request, purpose } = exchange
  if (!run.span) return undefined
  exchange.span = run.span.call({
    model,
    baseUrl: model.lanes?.[lane]?.baseUrl ?? model.policy.baseUrl,
    ...laneOf(exchange),
    actor: model.policy.tier === 'frontier' ? 'frontier' : 'local',
    purpose,
    request,
    features: run.features,
    isStreamed: isStreamed(exchange),
  })
  return exchange.span
}

/** Longer than the id of any provider. */
const MOST_ID_CHARS = 200

/** The provider's own, where it answered in a body of the caller's dialect. */
export function responseIdOf({ answer }: Collected): string | null {
  const id = answer.raw?.body.id
  return typeof id === 'string' && id.length <= MOST_ID_CHARS ? id : null
}
