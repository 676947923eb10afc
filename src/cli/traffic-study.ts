/** Traffic gone through twice: once to find tasks in a sample of it, once to see what a policy would do with all of it. */
import { createHash } from 'node:crypto'
import { policyText } from '../eval/discover/policy-yaml.ts'
import { type Discovery, discover } from '../eval/discover/propose.ts'
import { openSample } from '../eval/discover/sample.ts'
import { type LogAccount, openAccounting } from '../eval/import/account.ts'
import type { LoggedCall } from '../eval/import/logged-call.ts'
import type { Policy } from '../spec/policy.ts'
import { parsePolicy } from '../stores/policy-file.ts'
import { atLeastOne } from './duration.ts'
import { excerpted, type FoundCall } from './logged-calls.ts'
import { listPriceUsd, modelsOfTraffic, type TrafficModels } from './traffic-models.ts'

/** Enough for groups of a thousandth of the traffic to be seen, and some tens of megabytes. */
const SAMPLE_SIZE = 5000

export interface Traffic {
  /** Null where what was read is gone, as of a pipe. */
  readonly again: (() => AsyncIterable<FoundCall>) | null
  readonly first: AsyncIterable<FoundCall>
  /** For the policy's first line. */
  readonly from: string
}

export interface StudySettings {
  readonly leastRequests: number
  /** Null: the models that the traffic asked for. */
  readonly models: TrafficModels | null
  /** Its tasks come before those that were found, and its rules hold; null: none. */
  readonly under: Policy | null
}

export interface TrafficStudy {
  readonly discovery: Discovery
  readonly read: number
  readonly sampled: number
  /** Requests that named their task themselves. */
  readonly typed: number
  readonly account: LogAccount
  /** YAML that passes `policy check`. */
  readonly policy: string
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export async function studyTraffic(traffic: Traffic, settings: StudySettings): Promise<TrafficStudy> {
  const sample = openSample<LoggedCall>(SAMPLE_SIZE)
  const skipped: FoundCall[] = []
  let typed = 0
  for await (const found of traffic.first) {
    if ('skipped' in found) {
      // A pipe is gone by the time that its calls are weighed.
      if (traffic.again === null) skipped.push(found)
    } else if (found.call.request.metadata?.task !== undefined) typed += 1
    else sample.add(excerpted(found.call))
  }
  const calls = sample.items()
  const discovery = discover(calls, { leastRequests: settings.leastRequests, sha256 })
  const models = settings.models ?? modelsOfTraffic(calls)
  const { proposals } = discovery
  const text = { proposals, models: models.section, from: traffic.from, frontierFor: models.frontierFor }
  const draft = policyOf(policyText({ ...text, account: null }))
  const { under } = settings
  const rules = under === null ? draft : { ...under, ...bothOf(under, draft) }
  const account = await accountOf(traffic.again?.() ?? [...calls.map((call) => ({ call })), ...skipped], rules)
  const policy = policyText({ ...text, account })
  policyOf(policy)
  return { discovery, read: sample.seen() + typed, sampled: calls.length, typed, account, policy }
}

/** The operator's tasks are asked first; of two with one name theirs counts. */
function bothOf(under: Policy, found: Policy): Pick<Policy, 'tasks' | 'models'> {
  return {
    tasks: { ...under.tasks, ...withoutKnown(found.tasks, under.tasks) },
    models: { ...found.models, ...under.models },
  }
}

function withoutKnown<Value>(all: Readonly<Record<string, Value>>, known: object): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(known, name)))
}

/** The same reader and the same checks as `policy check`: what does not pass is never printed. */
function policyOf(text: string): Policy {
  return parsePolicy(text, { file: 'the proposed policy', env: {} }).policy
}

export async function accountOf(
  calls: AsyncIterable<FoundCall> | Iterable<FoundCall>,
  policy: Policy,
): Promise<LogAccount> {
  const accounting = openAccounting({ policy, sha256, priceUsd: listPriceUsd })
  for await (const found of calls) {
    if ('call' in found) accounting.add(found.call)
    else accounting.skip(found.skipped)
  }
  return accounting.result()
}

/** @throws RouterError usage */
export function leastOf(flag: string | undefined): number {
  return flag === undefined ? LEAST_REQUESTS : atLeastOne(flag, '--min')
}

/** Fewer requests show no frame, and no task is worth a policy entry for them. */
const LEAST_REQUESTS = 5
