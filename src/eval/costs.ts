/** What requests cost, what the frontier alone would have cost, and what one success costs. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { Attempt, Usage } from '../spec/decision.ts'
import type { Costs } from '../spec/policy-costs.ts'
import { type ActionCosts, splitBook, type TierCosts } from './cost-splits.ts'
import { isServedWrong } from './metrics/truth.ts'

export interface CostQuestion {
  /** Gone through once. */
  readonly records: Iterable<AuditRecord>
  readonly costs: Costs
  /** Epoch milliseconds. */
  readonly sinceMs: number
  readonly nowMs: number
  /** What a frontier would have asked for this many tokens; null when no price is known. */
  readonly frontierUsd: (task: string, usage: Usage) => number | null
}

export interface CostLine {
  readonly name: string
  /** Of callers; what a pattern asked within one costs money, and is no request of its own. */
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
  /** Calls, not requests; judges, shadows, candidates and retries among them. */
  readonly models: readonly {
    readonly name: string
    readonly calls: number
    readonly paidUsd: number
    readonly unknown: number
  }[]
  /** Requests that were answered from the cache; each saved every call of its task. */
  readonly cache: {
    readonly exact: number
    readonly semantic: number
    /** Of all requests, 0 to 1; null when there were none. */
    readonly hitRate: number | null
  }
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
  /** The three above under the names that tools around other routers read, and what share of the baseline is saved, in percent. */
  readonly totalCost: number
  readonly apiOnlyCost: number | null
  readonly savings: number | null
  readonly savingsPct: number | null
  readonly tiers: Readonly<Record<string, TierCosts>>
  /** By action, or by task where a request names none. */
  readonly actions: Readonly<Record<string, ActionCosts>>
}

const DAY_MS = 86_400_000
const DAYS_PER_YEAR = 365.25
const DAYS_PER_MONTH = DAYS_PER_YEAR / 12
const JOULES_PER_KWH = 3.6e6

/** The same while records come one by one. */
export interface CostBook {
  add(record: AuditRecord): void
  /** Epoch milliseconds. */
  summary(span: { readonly sinceMs: number; readonly nowMs: number }): CostSummary
}

export function costSummary({ records, sinceMs, nowMs, ...prices }: CostQuestion): CostSummary {
  const book = costBook(prices)
  for (const record of records) book.add(record)
  return book.summary({ sinceMs, nowMs })
}

export function costBook({ costs, frontierUsd }: Pick<CostQuestion, 'costs' | 'frontierUsd'>): CostBook {
  const tasks = new Map<string, Mutable<CostLine>>()
  const keys = new Map<string, Mutable<CostLine>>()
  const models = new Map<string, Mutable<ModelLine>>()
  const all = emptyLine('all')
  const cache = { exact: 0, semantic: 0 }
  const splits = splitBook()
  let localMs = 0
  let baselineUsd: number | null = 0
  return {
    add(record) {
      if (record.outcome === 'open') return
      const attempts = attemptsOf(record)
      const own = [lineOf(tasks, record.task), lineOf(keys, record.key ?? 'none')]
      for (const line of [all, ...own]) count(line, record, attempts)
      if (record.route === 'cache') cache[isSemantic(record) ? 'semantic' : 'exact'] += 1
      for (const attempt of attempts) countModel(models, attempt)
      splits.add(record, attempts)
      localMs += localMsOf(attempts)
      baselineUsd = baselineWith(baselineUsd, record, frontierUsd)
    },
    summary({ sinceMs, nowMs }) {
      const days = Math.max(0, nowMs - sinceMs) / DAY_MS
      const beside = besideProviders({ costs, days, localMs })
      const totalUsd = all.paidUsd + (beside.energyUsd ?? 0) + (beside.hardwareUsd ?? 0) + beside.maintenanceUsd
      const savedUsd = baselineUsd === null ? null : baselineUsd - totalUsd
      return {
        days,
        all,
        tasks: byName(tasks),
        keys: byName(keys),
        models: [...models.values()].toSorted((a, b) => b.paidUsd - a.paidUsd || (a.name < b.name ? -1 : 1)),
        cache: { ...cache, hitRate: all.requests === 0 ? null : (cache.exact + cache.semantic) / all.requests },
        ...beside,
        totalUsd,
        perSuccessUsd: all.successes === 0 ? null : totalUsd / all.successes,
        baselineUsd,
        savedUsd,
        totalCost: totalUsd,
        apiOnlyCost: baselineUsd,
        savings: savedUsd,
        savingsPct: savedUsd === null || !baselineUsd ? null : (100 * savedUsd) / baselineUsd,
        ...splits.figures(),
      }
    },
  }
}

/** The machine and its upkeep belong to all tasks together: a part of the requests is told without them. */
export function costsOfPart({ hardwareUsd: _hardware, ...costs }: Costs): Costs {
  return { ...costs, maintenanceUsdPerMonth: 0 }
}

/** Milliseconds that local models worked. */
export function localMsOf(attempts: readonly Attempt[]): number {
  return attempts.reduce((sum, { actor, latencyMs }) => sum + (actor === 'local' ? latencyMs : 0), 0)
}

interface Worked {
  readonly costs: Costs
  readonly days: number
  readonly localMs: number
}

function besideProviders({ costs, days, localMs }: Worked): Beside {
  const { hardwareUsd, hardwareYears, maintenanceUsdPerMonth } = costs
  return {
    energyUsd: energyOf(localMs, costs),
    hardwareUsd: hardwareUsd === undefined ? null : (hardwareUsd * days) / (hardwareYears * DAYS_PER_YEAR),
    maintenanceUsd: (maintenanceUsdPerMonth * days) / DAYS_PER_MONTH,
  }
}

type Beside = Pick<CostSummary, 'energyUsd' | 'hardwareUsd' | 'maintenanceUsd'>

/** Sums while they are made. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type ModelLine = CostSummary['models'][number]

/** Every call that a request caused. */
export function attemptsOf({ attempts, shadow, candidate }: AuditRecord): readonly Attempt[] {
  const beside = [shadow, candidate].flatMap((one) => (one ? [one.attempt, ...(one.opinions ?? [])] : []))
  return [...attempts, ...beside]
}

function byName(lines: ReadonlyMap<string, CostLine>): readonly CostLine[] {
  return [...lines.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function lineOf(lines: Map<string, Mutable<CostLine>>, name: string): Mutable<CostLine> {
  const line = lines.get(name) ?? emptyLine(name)
  lines.set(name, line)
  return line
}

function emptyLine(name: string): Mutable<CostLine> {
  return { name, requests: 0, local: 0, paidUsd: 0, unknown: 0, successes: 0 }
}

function count(line: Mutable<CostLine>, record: AuditRecord, attempts: readonly Attempt[]): void {
  line.paidUsd += attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
  line.unknown += attempts.filter(({ costUsd }) => costUsd === null).length
  if (isPartOfAnother(record)) return
  const { route } = record
  line.requests += 1
  if (route === 'local' || route === 'solver' || route === 'cache') line.local += 1
  if (isSuccess(record)) line.successes += 1
}

/** Made by the pattern of a request, not by a caller. */
export function isPartOfAnother({ parent }: AuditRecord): boolean {
  return parent !== undefined
}

function countModel(models: Map<string, Mutable<ModelLine>>, { model, costUsd }: Attempt): void {
  const line = models.get(model) ?? { name: model, calls: 0, paidUsd: 0, unknown: 0 }
  models.set(model, line)
  line.calls += 1
  line.paidUsd += costUsd ?? 0
  if (costUsd === null) line.unknown += 1
}

/** The record of a hit on another question of the same words says how alike they were. */
function isSemantic({ verdicts }: AuditRecord): boolean {
  return verdicts.some(({ gate }) => gate === 'semantic_cache')
}

/** An answer came, and nobody called it wrong. */
export function isSuccess(record: AuditRecord): boolean {
  return (record.outcome === 'accepted' || record.outcome === 'escalated') && !isServedWrong(record)
}

/**
 * @param localMs milliseconds that local models worked
 * @returns US dollars; null where the policy gives no figures
 */
export function energyOf(localMs: number, { watts, usdPerKwh }: Costs): number | null {
  if (watts === undefined || usdPerKwh === undefined) return null
  return ((watts * localMs) / 1000 / JOULES_PER_KWH) * usdPerKwh
}

/** One unknown price makes the whole unknown: a saving against a part of the bill would be no saving. */
function baselineWith(
  sum: number | null,
  record: AuditRecord,
  frontierUsd: CostQuestion['frontierUsd'],
): number | null {
  const { task, usage, route } = record
  if (sum === null || !usage || route === 'held' || isPartOfAnother(record)) return sum
  const usd = frontierUsd(task, usage)
  return usd === null ? null : sum + usd
}
