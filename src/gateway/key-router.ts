/** The router as one request finds it: what its key forbids is refused here, whatever path of the API it came by. */
import { unknownRequest } from '../pipeline/feedback.ts'
import { PARTITIONS } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Feedback, LabelSource } from '../spec/label.ts'
import type { DecideRequest, RequestMetadata, RouterRequest } from '../spec/request.ts'
import type { StreamEvent } from '../spec/response.ts'
import type { RequestOptions, Router } from '../spec/router.ts'
import type { TraceContext } from '../spec/trace-context.ts'
import { deskForKey } from './key-desk.ts'
import type { KeyHolder } from './keys.ts'
import type { Pass } from './limits.ts'
import type { RequestHeaders } from './metadata.ts'
import { type Wishes, wishesOf } from './wishes.ts'

export interface KeyedRequest {
  readonly holder: KeyHolder
  readonly headers: RequestHeaders
  readonly pass: Pass
  /** Of the span of the HTTP request; undefined while nobody traces. */
  readonly trace?: TraceContext | undefined
}

/** Every call runs under the key's scope and the caller's wishes, and is charged to the key's limits. */
export function routerForKey(router: Router, keyed: KeyedRequest): Router {
  const { holder, headers, pass } = keyed
  const narrow = <Request extends RouterRequest | DecideRequest>(request: Request, wishes: Wishes): Request => {
    if (wishes.route && holder.grant.override !== true)
      throw forbidden(holder, {
        subject: 'the header',
        value: 'x-spillway-route',
        allowed: ['x-spillway-max-cost-usd', 'x-spillway-deadline-ms', 'x-spillway-partition'],
      })
    requireNamedModel(request, holder, router)
    const metadata = narrowed(request.metadata, holder)
    return { ...request, ...(metadata && { metadata }), ...(wishes.route && { override: wishes.route }) }
  }
  // Named one by one: a new way to ask cannot get past the key by being forgotten.
  return {
    route: router.route,
    status: router.status,
    async feedback(requestId, said) {
      if (!holder.isOperator) requireOwnFeedback(requestId, said, { holder, router })
      return await router.feedback(requestId, said)
    },
    held: deskForKey(router.held, holder),
    audit: router.audit,
    preload: router.preload,
    close: router.close,
    async complete(request, options) {
      const wishes = wishesOf(headers)
      const outcome = await router.complete(narrow(request, wishes), bounded(options, wishes, keyed))
      if (outcome.usage) pass.charge(outcome.usage)
      return outcome
    },
    async decide(question, options) {
      const wishes = wishesOf(headers)
      const outcome = await router.decide(narrow(question, wishes), bounded(options, wishes, keyed))
      if (outcome.usage) pass.charge(outcome.usage)
      return outcome
    },
    async *stream(request, options) {
      const wishes = wishesOf(headers)
      for await (const event of router.stream(narrow(request, wishes), bounded(options, wishes, keyed))) {
        if (event.type === 'final' && event.outcome.usage) pass.charge(event.outcome.usage)
        yield event
      }
    },
    async streamTo(request, take, options) {
      const wishes = wishesOf(headers)
      const charged = (event: StreamEvent): Promise<void> | undefined => {
        if (event.type === 'final' && event.outcome.usage) pass.charge(event.outcome.usage)
        return take(event)
      }
      await router.streamTo(narrow(request, wishes), charged, bounded(options, wishes, keyed))
    },
  }
}

function bounded(
  options: RequestOptions | undefined,
  { maxCostUsd, deadlineMs, held }: Wishes,
  { holder, trace }: KeyedRequest,
): RequestOptions {
  const { id, isOperator, grant } = holder
  const { tasks, models, budget } = grant
  const key = { id, ...(tasks && { tasks }), ...(models && { models }), ...(budget && { budget }) }
  return {
    ...options,
    ...(!isOperator && { key }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(held !== undefined && { held }),
    ...(trace && { trace }),
  }
}

/** Surer than what callers see of an answer; labels of these sources move thresholds and stages more than any other. */
const OPERATORS_SOURCES: ReadonlySet<LabelSource> = new Set(['gold', 'frontier'])

/** A label moves the threshold and the stage of its task, so it is for those alone who may ask the task for this tenant. */
function requireOwnFeedback(
  requestId: string,
  { source }: Pick<Feedback, 'source'>,
  { holder, router }: Pick<KeyedRequest, 'holder'> & { readonly router: Router },
): void {
  if (OPERATORS_SOURCES.has(source))
    throw forbidden(holder, { subject: 'the label source', value: source, allowed: ['human', 'test', 'thumbs'] })
  const { tenants, tasks } = holder.grant
  const [record] = router.audit({ requestId })
  // An unknown request is told by the router, in the same words.
  if (!record) return
  const isOwn =
    (!tenants || (record.tenant !== null && tenants.includes(record.tenant))) &&
    (!tasks || tasks.includes(record.task) || (record.action !== null && tasks.includes(record.action)))
  if (!isOwn) throw unknownRequest(requestId)
}

/** The name of a configured model is a wish for it; a name that nobody knows stands for `auto`, here as everywhere. */
function requireNamedModel({ prefer }: Pick<RouterRequest, 'prefer'>, holder: KeyHolder, router: Router): void {
  const allowed = holder.grant.models
  if (!allowed || prefer === undefined) return
  const model = router.status().models.find(({ name }) => name === prefer)
  if (!model || allowed.includes(model.name) || allowed.includes(model.tier)) return
  throw forbidden(holder, { subject: 'model', value: prefer, allowed })
}

/** One tenant is the holder's own; of several the caller says which. A partition only tightens. */
function narrowed(metadata: RequestMetadata | undefined, holder: KeyHolder): RequestMetadata | undefined {
  const { tenants, partition } = holder.grant
  if (!tenants && !partition) return metadata
  const said = metadata?.tenant
  const tenant = tenants?.length === 1 ? (said ?? tenants[0]) : said
  if (tenants && (tenant === undefined || !tenants.includes(tenant)))
    throw forbidden(holder, { subject: 'tenant', value: tenant ?? '(none)', allowed: tenants })
  const strictest = PARTITIONS.findLast((one) => one === partition || one === metadata?.partition)
  return { ...metadata, ...(tenant !== undefined && { tenant }), ...(strictest && { partition: strictest }) }
}

interface Forbidden {
  readonly subject: string
  readonly value: string
  readonly allowed: readonly string[]
}

function forbidden({ id, name }: KeyHolder, { subject, value, allowed }: Forbidden): RouterError {
  return new RouterError('key_forbids', {
    key: `${id} (${name})`,
    subject,
    value: value.slice(0, 100),
    allowed: allowed.join(', '),
  })
}
