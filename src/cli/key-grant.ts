/** What a key may do, from the flags of `keys create` and back into words. */
import type { KeyGrant } from '../gateway/issued-keys.ts'
import { PARTITIONS, TIERS } from '../spec/decision.ts'
import type { Policy } from '../spec/policy.ts'
import { atLeastOne } from './duration.ts'
import { usage } from './failure.ts'

export interface GrantFlags {
  readonly tasks?: string
  readonly models?: string
  readonly tenants?: string
  readonly partition?: string
  readonly budgetDay?: string
  readonly budgetMonth?: string
  readonly rate?: string
  readonly tokensPerMinute?: string
  readonly concurrency?: string
  readonly override?: true
}

/** @throws RouterError usage */
export function grantOf(flags: GrantFlags): KeyGrant {
  const { tasks, models, tenants, partition, budgetDay, budgetMonth, rate, tokensPerMinute, concurrency } = flags
  const day = budgetDay === undefined ? undefined : dollars('--budget-day', budgetDay)
  const month = budgetMonth === undefined ? undefined : dollars('--budget-month', budgetMonth)
  const budget = { ...(day !== undefined && { day }), ...(month !== undefined && { month }) }
  return {
    ...(tasks !== undefined && { tasks: names('--tasks', tasks) }),
    ...(models !== undefined && { models: names('--models', models) }),
    ...(tenants !== undefined && { tenants: names('--tenants', tenants) }),
    ...(partition !== undefined && { partition: partitionOf(partition) }),
    ...(Object.keys(budget).length > 0 && { budget }),
    ...(rate !== undefined && { requestsPerMinute: perMinute(rate) }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute: atLeastOne(tokensPerMinute, '--tokens-per-minute') }),
    ...(concurrency !== undefined && { concurrency: atLeastOne(concurrency, '--concurrency') }),
    ...(flags.override && { override: true }),
  }
}

/** Names in a grant that the policy knows neither as task or action, nor as model or tier. */
export function unknownNames({ tasks = [], models = [] }: KeyGrant, policy: Policy): readonly string[] {
  const { actions, actionTierOverrides, qualityCriticalActions } = policy.routing
  const known = [policy.tasks, actions, actionTierOverrides].flatMap((table) => Object.keys(table))
  const isTask = new Set([...known, ...qualityCriticalActions, 'default', 'decide'])
  const isModel = new Set<string>([...Object.keys(policy.models), ...TIERS])
  return [...tasks.filter((name) => !isTask.has(name)), ...models.filter((name) => !isModel.has(name))]
}

export function grantText(grant: KeyGrant): string {
  const { tasks, models, tenants, partition, budget, requestsPerMinute, tokensPerMinute, concurrency, override } = grant
  const parts = [
    tasks && `tasks ${tasks.join(', ')}`,
    models && `models ${models.join(', ')}`,
    tenants && `tenants ${tenants.join(', ')}`,
    partition && `at least ${partition}`,
    budget?.day && `$${budget.day} a day`,
    budget?.month && `$${budget.month} a month`,
    requestsPerMinute && `${requestsPerMinute} requests a minute`,
    tokensPerMinute && `${tokensPerMinute} tokens a minute`,
    concurrency && `${concurrency} at a time`,
    override && 'override',
  ]
  return parts.filter(Boolean).join('; ') || 'all that the policy allows'
}

function names(flag: string, list: string): string[] {
  const found = list.split(',').map((name) => name.trim())
  if (found.every((name) => name !== '')) return [...new Set(found)]
  throw usage(`${flag} "${list}" has an empty name`, `Write ${flag} one,two.`)
}

function partitionOf(text: string): KeyGrant['partition'] {
  const found = PARTITIONS.find((partition) => partition === text)
  if (found) return found
  throw usage(`--partition ${text} is no partition`, `Write one of ${PARTITIONS.join(', ')}.`)
}

function dollars(flag: string, text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value
  throw usage(`${flag} ${text} is not an amount above 0`, `Write ${flag} 2.50.`)
}

function perMinute(text: string): number {
  const [, amount] = /^(\d+)(?:\/min)?$/.exec(text) ?? []
  if (amount !== undefined && Number(amount) >= 1) return Number(amount)
  throw usage(`--rate ${text} is not a number of requests a minute`, 'Write --rate 60/min.')
}
