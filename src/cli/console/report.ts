/** Every report of the console by its name. */
import type { ConsoleReport } from '../../spec/console.ts'
import { readCosts, type ToldCosts } from '../read-costs.ts'
import { models } from './models.ts'
import { overview } from './overview.ts'
import { plan } from './plan.ts'
import { policy, policyCheck } from './policy.ts'
import { type Reading, windowStart } from './reading.ts'
import { request, requests, text } from './requests.ts'
import { review } from './review.ts'
import { tasks } from './tasks.ts'

export const REPORTS = {
  overview,
  requests,
  request,
  review,
  tasks,
  costs,
  plan,
  models,
  policy,
  policy_check: policyCheck,
  text,
} as const satisfies Record<ConsoleReport, (reading: Reading) => unknown>

export interface CostsPage extends ToldCosts {
  /** ISO 8601, UTC. */
  readonly since: string
  readonly until: string
}

function costs(reading: Reading): CostsPage {
  const { loaded, stateDir, nowMs, values } = reading
  const sinceMs = windowStart(reading, '30d')
  const query = { sinceMs, ...(values.task !== undefined && { task: values.task }) }
  const told = readCosts({ loaded, stateDir, nowMs, query, baseline: null })
  return { ...told, since: new Date(sinceMs).toISOString(), until: new Date(nowMs).toISOString() }
}
