/** What requests cost, what the frontier alone would have cost, and what one success costs. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { Attempt, Usage } from '../spec/decision.ts'
import type { Costs } from '../spec/policy-costs.ts'

export interface CostQuestion {
  readonly records: readonly AuditRecord[]
  readonly costs: Costs
  /** Epoch milliseconds. */
  readonly sinceMs: number
  readonly nowMs: number
  /** What a frontier would have asked for this many tokens; null when no price is known. */
  readonly frontierUsd: (task: string, usage: Usage) => number | null
}

export interface CostLine {
  readonly name: string
  readonly requests: number
  /** Answered by a local model, a solver or a cache. */
  readonly local: number
  /** US dollars to providers; calls of unknown cost are left out and counted. */
  readonly paidUsd: number
  readonly unknown: number
  /** Requests with an answer that nobody called wrong. */
  readonly successes: number
}

export interface CostSummary {
  readonly days: number
  readonly all: CostLine
  readonly tasks: readonly CostLine[]
  /** By the id of the API key; `none` for what came without one that was issued. */
  readonly keys: readonly CostLine[]
  /** Calls, not requests; judges, shadows and retries among them. */
  readonly models: readonly {
    readonly name: string
    readonly calls: number
    readonly paidUsd: number
    readonly unknown: number
  }[]
  /** Beside providers; null where the policy gives no figure. */
  readonly energyUsd: number | null
  readonly hardwareUsd: number | null
  readonly maintenanceUsd: number
  readonly totalUsd: number
  readonly perSuccessUsd: number | null
  /** The same answers from the first frontier of each task, tokens as measured here; null when a price is not known. */
  readonly baselineUsd: number | null
  /** Baseline less total; negative when local answers cost more than they save. */
  readonly savedUsd: number | null
}

const DAY_MS = 86_400_000
const DAYS_PER_YEAR = 365.25
const DAYS_PER_MONTH = DAYS_PER_YEAR / 12
const JOULES_PER_KWH = 3.6e6

export function costSummary({ records, costs, sinceMs, nowMs, frontierUsd }: CostQuestion): CostSummary {
  const settled = records.filter(({ outcome }) => outcome !== 'open')
  const attempts = settled.flatMap(attemptsOf)
  const days = Math.max(0, nowMs - sinceMs) / DAY_MS
  const all = lineOf('all', settled)
  const energyUsd = energyOf(attempts, costs)
  const hardwareUsd =
    costs.hardwareUsd === undefined ? null : (costs.hardwareUsd * days) / (costs.hardwareYears * DAYS_PER_YEAR)
  const maintenanceUsd = (costs.maintenanceUsdPerMonth * days) / DAYS_PER_MONTH
  const totalUsd = all.paidUsd + (energyUsd ?? 0) + (hardwareUsd ?? 0) + maintenanceUsd
  const baselineUsd = baselineOf(settled, frontierUsd)
  return {
    days,
    all,
    tasks: linesBy(settled, ({ task }) => task),
    keys: linesBy(settled, ({ key = 'none' }) => key),
    models: modelsOf(attempts),
    energyUsd,
    hardwareUsd,
    maintenanceUsd,
    totalUsd,
    perSuccessUsd: all.successes === 0 ? null : totalUsd / all.successes,
    baselineUsd,
    savedUsd: baselineUsd === null ? null : baselineUsd - totalUsd,
  }
}

function attemptsOf({ attempts, shadow }: AuditRecord): readonly Attempt[] {
  return [...attempts, ...(shadow ? [shadow.attempt, ...(shadow.opinions ?? [])] : [])]
}

function linesBy(records: readonly AuditRecord[], nameOf: (record: AuditRecord) => string): readonly CostLine[] {
  return [...Map.groupBy(records, nameOf)]
    .map(([name, own]) => lineOf(name, own))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function lineOf(name: string, records: readonly AuditRecord[]): CostLine {
  const attempts = records.flatMap(attemptsOf)
  return {
    name,
    requests: records.length,
    local: records.filter(({ route }) => route === 'local' || route === 'solver' || route === 'cache').length,
    paidUsd: attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0),
    unknown: attempts.filter(({ costUsd }) => costUsd === null).length,
    successes: records.filter(isSuccess).length,
  }
}

/** A label speaks of the local answer, so it counts only where that was served. */
function isSuccess({ outcome, route, labels }: AuditRecord): boolean {
  const answered = outcome === 'accepted' || outcome === 'escalated'
  const calledWrong = route === 'local' && labels.at(-1)?.isCorrect === false
  return answered && !calledWrong
}

function modelsOf(attempts: readonly Attempt[]): CostSummary['models'] {
  return [...Map.groupBy(attempts, ({ model }) => model)]
    .map(([name, own]) => ({
      name,
      calls: own.reduce((sum, { tries }) => sum + tries, 0),
      paidUsd: own.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0),
      unknown: own.filter(({ costUsd }) => costUsd === null).length,
    }))
    .toSorted((a, b) => b.paidUsd - a.paidUsd || (a.name < b.name ? -1 : 1))
}

function energyOf(attempts: readonly Attempt[], { watts, usdPerKwh }: Costs): number | null {
  if (watts === undefined || usdPerKwh === undefined) return null
  const ms = attempts.filter(({ actor }) => actor === 'local').reduce((sum, { latencyMs }) => sum + latencyMs, 0)
  return ((watts * ms) / 1000 / JOULES_PER_KWH) * usdPerKwh
}

/** One unknown price makes the whole unknown: a saving against a part of the bill would be no saving. */
function baselineOf(records: readonly AuditRecord[], frontierUsd: CostQuestion['frontierUsd']): number | null {
  return records.reduce<number | null>((sum, { task, usage, route }) => {
    if (sum === null || !usage || route === 'held') return sum
    const usd = frontierUsd(task, usage)
    return usd === null ? null : sum + usd
  }, 0)
}
