/** What the audit knows to be booked under one ceiling, for blocks whose processes left no word. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { Usage } from '../spec/decision.ts'
import type { ModelPolicy, Policy } from '../spec/policy.ts'

export interface CeilingName {
  /** `all`, `task:<name>`, `tenant:<name>` or `key:<id>`. */
  readonly name: string
  /** `2026-11-21` or `2026-11`, UTC. */
  readonly period: string
}

export interface BookedPrices {
  readonly policy: Pick<Policy, 'models' | 'budgets'>
  /** US dollars; null when no price is known. */
  readonly price: (model: ModelPolicy, usage: Usage) => number | null
}

/** A token has at least one byte, and an estimated token of the record is four characters. */
const TOKENS_PER_ESTIMATED = 4

/** @returns US dollars; a call whose cost is not known, or that was never settled, counts with the most it may have cost */
export function bookedUnder(
  records: Iterable<AuditRecord>,
  { name, period }: CeilingName,
  prices: BookedPrices,
): number {
  let sum = 0
  for (const record of records) if (isUnder(record, { name, period })) sum += bookedOf(record, prices)
  return sum
}

function isUnder({ receivedAt, task, tenant, key }: AuditRecord, { name, period }: CeilingName): boolean {
  return receivedAt.startsWith(period) && ['all', `task:${task}`, `tenant:${tenant}`, `key:${key}`].includes(name)
}

function bookedOf({ attempts, calls, features }: AuditRecord, { policy, price }: BookedPrices): number {
  const settled = attempts.filter(({ actor }) => actor === 'frontier')
  const known = settled.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
  const open = calls.filter(({ actor }) => actor === 'frontier').slice(settled.length)
  const unknown = [...settled.filter(({ costUsd }) => costUsd === null), ...open]
  return unknown.reduce((sum, { model }) => {
    const own = policy.models[model]
    const inputTokens = TOKENS_PER_ESTIMATED * features.inputTokensEstimated
    const usage: Usage = { inputTokens, outputTokens: own?.maxOutputTokens ?? 0, source: 'estimated' }
    const { input, output } = policy.budgets.unknownPriceUsdPerMillion
    const high = (usage.inputTokens * input + usage.outputTokens * output) / 1e6
    return sum + (own ? (price(own, usage) ?? high) : high)
  }, known)
}
