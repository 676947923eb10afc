/** The headers that say who answered and why; a header never carries a guess. */
import type { ServerResponse } from 'node:http'
import type { Decision } from '../spec/decision.ts'
import type { Outcome } from '../spec/response.ts'

export interface KnownByNow {
  readonly requestId: string
  readonly decision: Decision
  readonly attempts: number
  /** Undefined while it is not known yet; null when it never will be. */
  readonly costUsd?: number | null
  readonly warning?: string | undefined
}

/** All that headers can say once a request is settled. */
export function knownOf({ requestId, decision, attempts, costUsd }: Outcome): KnownByNow {
  return { requestId, decision, attempts: attempts.length, costUsd }
}

export function setDecisionHeaders(response: ServerResponse, known: KnownByNow): void {
  const { decision, requestId, attempts, costUsd, warning } = known
  setRequestId(response, requestId)
  set(response, 'x-spillway-route', decision.route)
  set(response, 'x-spillway-reason', decision.reason)
  if (decision.model !== null) set(response, 'x-spillway-model', decision.model)
  set(response, 'x-spillway-task', decision.task)
  set(response, 'x-spillway-attempts', String(attempts))
  if (decision.degraded) set(response, 'x-spillway-degraded', 'true')
  if (typeof costUsd === 'number') set(response, 'x-spillway-cost-usd', String(costUsd))
  setWarning(response, warning)
}

/** What a caller is told beside its answer; nothing when there is nothing to tell. */
export function setWarning(response: ServerResponse, warning: string | undefined): void {
  if (warning !== undefined) set(response, 'x-spillway-warning', warning)
}

export function setRequestId(response: ServerResponse, requestId: string): void {
  // Each family of clients reads its own.
  set(response, 'x-request-id', requestId)
  set(response, 'request-id', requestId)
}

/** Header values are visible ASCII; anything else would be refused by Node or split the response. */
function set(response: ServerResponse, name: string, value: string): void {
  response.setHeader(name, value.replace(/[^\x20-\x7e]/g, '?').slice(0, 256))
}
