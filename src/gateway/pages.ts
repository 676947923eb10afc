/** The small read-only routes. */
import { RouterError } from '../spec/errors.ts'
import type { KillOrder } from '../spec/kill-switch.ts'
import type { RouterStatus } from '../spec/router.ts'
import { dependenciesOf } from './dependencies.ts'
import type { Exchange } from './exchange.ts'
import { dialectOf, sendJson } from './failure.ts'
import { setRequestId } from './headers.ts'
import { VIRTUAL_MODELS } from './model-choice.ts'

/** The process lives; what is wrong inside is told, not hidden behind a status. */
export async function healthz({ app, response }: Exchange): Promise<void> {
  const { audit, policyDigest, shadows, candidates, rollouts, overrides, held } = app.router.status()
  const policyProblem = app.policyProblem()
  const { isDegraded, ...eventLoop } = app.loopHealth()
  const { postgres, sharedLimits } = dependenciesOf(app)
  const isBehind = postgres !== undefined && (postgres.problem !== null || postgres.alarm !== null)
  const isOk =
    audit.ok &&
    rollouts.problem === null &&
    overrides.problem === null &&
    (held?.problem ?? held?.webhook?.problem ?? null) === null &&
    policyProblem === null &&
    !isDegraded &&
    !isBehind &&
    (sharedLimits?.problem ?? null) === null
  const status = isOk ? 'ok' : 'degraded'
  sendJson(response, 200, {
    status,
    policyDigest,
    policyProblem,
    audit,
    eventLoop,
    shadows,
    candidates,
    rollouts: toldOf(rollouts),
    sharedLimits,
    killSwitch: ordersTold(app.killSwitch.list()),
    overrides,
    held: held && { ...held, problem: held.problem === null ? null : 'held requests cannot be kept' },
  })
}

/** Open to everybody: how many tasks it is about. Which they are says `/spillway/v1/status`, to the operator. */
function toldOf({
  problem,
  inForce,
  watched,
  rotations,
  candidates,
}: RouterStatus['rollouts']): Readonly<Record<string, unknown>> {
  return {
    problem: problem === null ? null : 'the stages cannot be read',
    moved: inForce.length,
    drifted: watched.filter(({ drift }) => drift.alarm !== null).length,
    stuck: watched.filter(({ problem: own }) => own !== null).length,
    rotations: rotations.length,
    candidates: candidates.length,
  }
}

/** This page needs no key, and names of tasks, tenants and groups are nobody's business. */
function ordersTold(orders: readonly KillOrder[]) {
  return { all: orders.find(({ scope }) => scope === 'all')?.mode ?? null, orders: orders.length }
}

/** Coding agents look whether somebody is there before they ask. */
export async function root({ response }: Exchange): Promise<void> {
  sendJson(response, 200, { name: 'spillway' })
}

/** At least one route to an answer exists. Servers that the gateway goes on without are told, and change nothing. */
export async function readyz({ app, response }: Exchange): Promise<void> {
  const { ready, models } = app.router.status()
  const isReady = ready && !app.isStopping()
  const why = models.map(({ name, unavailable }) => ({ model: name, unavailable: unavailable?.why ?? null }))
  sendJson(response, isReady ? 200 : 503, {
    status: isReady ? 'ready' : 'not_ready',
    models: why,
    ...dependenciesOf(app),
  })
}

export async function listModels(exchange: Exchange): Promise<void> {
  const ids = modelIds(exchange)
  const isMessages = dialectOf(exchange.request) === 'anthropic_messages'
  setRequestId(exchange.response, exchange.requestId)
  sendJson(exchange.response, 200, isMessages ? messagesList(ids) : { object: 'list', data: ids.map(modelEntry) })
}

export async function oneModel(exchange: Exchange): Promise<void> {
  const { response, params } = exchange
  const id = params[0] ?? ''
  if (!modelIds(exchange).includes(id))
    throw new RouterError('not_found', { subject: 'model', value: id, fix: 'GET /v1/models lists the names.' })
  setRequestId(response, exchange.requestId)
  sendJson(response, 200, dialectOf(exchange.request) === 'anthropic_messages' ? messagesEntry(id) : modelEntry(id))
}

/** The names a client may send: virtual models, the tasks of the policy, its models, as far as the key may use them; of equal names the first counts. */
function modelIds({ app, holder }: Exchange): readonly string[] {
  const { tasks, models } = app.router.status()
  const grant = holder?.grant ?? {}
  const mayUse = tasks.filter((task) => grant.tasks?.includes(task) ?? true)
  const mayName = models.filter(
    ({ name, tier }) => !grant.models || [name, tier].some((one) => grant.models?.includes(one)),
  )
  const atProviders = mayName.flatMap(({ providerModel }) => providerModel ?? [])
  return [...new Set([...VIRTUAL_MODELS, ...mayUse, ...mayName.map(({ name }) => name), ...atProviders])]
}

function modelEntry(id: string): Readonly<Record<string, unknown>> {
  return { id, object: 'model', created: 0, owned_by: 'spillway' }
}

/** In the shape of the Messages API, all on one page. */
function messagesList(ids: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    data: ids.map(messagesEntry),
    has_more: false,
    first_id: ids.at(0) ?? null,
    last_id: ids.at(-1) ?? null,
  }
}

function messagesEntry(id: string): Readonly<Record<string, unknown>> {
  return { type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' }
}
