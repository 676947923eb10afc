/** `spillway cost`: what was spent, what it bought, and what is left. */
import { bookedUnder, type CeilingName } from '../eval/booked.ts'
import type { CostLine, CostSummary } from '../eval/costs.ts'
import { resolvePaths } from '../models/paths.ts'
import { callCost } from '../models/prices.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Usage } from '../spec/decision.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import type { AuditQuery } from '../spec/ports.ts'
import type { BudgetState } from '../stores/budgets.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { addCostPlan } from './cost-plan.ts'
import { atLeastOne, sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { milliseconds } from './outcome-text.ts'
import { findPolicy } from './policy-lookup.ts'
import { readCosts, type ToldCosts, withAudit, withBudgets } from './read-costs.ts'
import { renderTable } from './table.ts'

interface CostFlags {
  readonly policy?: string
  readonly since: string
  readonly task?: string
  readonly limit?: string
  readonly baseline?: string
  readonly by: string
  readonly json?: true
}

export const addCost: AddCommand = (program, context) => {
  const group = program.command('cost').description('money: what was spent, what it bought, what is left')
  addCommand(
    group,
    'summary',
    'spent by task, model, tier and action, cost of a success, savings against the frontier alone, budgets',
  )
    .option('--policy <file>', 'the policy file to use')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', '30d')
    .option('--task <name>', 'only requests of this task; the machine and its upkeep are left out')
    .option('--limit <count>', 'only the latest so many requests')
    .option('--baseline <model>', 'compare with this model of the policy; default: the first frontier of each task')
    .option('--by <what>', 'rows of the table: task or key', 'task')
    .action((flags: CostFlags) => summary(flags, context))
  addCostPlan(group, context)
  addCommand(group, 'reconcile', 'put what was booked in the place of blocks that killed processes left without a log')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: CostFlags) => reconcile(flags, context))
}

function summary(flags: CostFlags, context: CliContext): void {
  const by = rowsBy(flags.by)
  const loaded = findPolicy(flags.policy, context)
  const nowMs = systemClock.epochMs()
  const { stateDir } = resolvePaths(context.env, process.platform)
  const told = readCosts({ loaded, stateDir, nowMs, query: queryOf(flags, nowMs), baseline: flags.baseline ?? null })
  if (flags.json) context.terminal.json(told)
  else for (const line of lines(told, { by, columns: context.terminal.columns })) context.terminal.print(line)
}

function queryOf({ since, task, limit }: CostFlags, nowMs: number): AuditQuery {
  return {
    sinceMs: sinceMs(since, nowMs),
    ...(task !== undefined && { task }),
    ...(limit !== undefined && { limit: atLeastOne(limit, '--limit'), newestFirst: true }),
  }
}

function reconcile(flags: CostFlags, context: CliContext): void {
  const loaded = findPolicy(flags.policy, context)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const changed = withBudgets(stateDir, (book) =>
    book.reconcile((name, period) => bookedUsd(loaded, stateDir, { name, period })),
  )
  if (flags.json) context.terminal.json(changed)
  else if (changed.length === 0)
    context.terminal.say('No killed process holds a part of a budget that could not be freed by itself.')
  else for (const state of changed) context.terminal.print(budgetLine(state))
}

/** What a ceiling has booked, by the audit. */
function bookedUsd(loaded: LoadedPolicy, stateDir: string, { name, period }: CeilingName): number {
  const sinceMs = Date.parse(period.length === 7 ? `${period}-01` : period)
  const price = (model: ModelPolicy, usage: Usage) => callCost(model, usage, model.model).costUsd
  return withAudit(stateDir, (log) =>
    bookedUnder(log.each({ sinceMs }), { name, period }, { policy: loaded.policy, price }),
  )
}

function rowsBy(what: string): 'task' | 'key' {
  if (what === 'task' || what === 'key') return what
  throw usage(`--by ${what} is nothing that costs are told by`, 'Write --by task or --by key.')
}

interface Shape {
  readonly by: 'task' | 'key'
  readonly columns: number
}

function lines(told: ToldCosts, { by, columns }: Shape): readonly string[] {
  const { all, models, budgets, baseline } = told
  const rows = by === 'task' ? told.tasks : told.keys
  const shown = [...rows, ...(rows.length === 1 ? [] : [all])]
  const table = renderTable([by, 'requests', 'local', 'paid', 'unknown', 'successes'], shown.map(rowOf), {
    columns,
    whole: [by],
  })
  return [
    ...table,
    '',
    ...models.map(
      ({ name, calls, paidUsd, unknown }) =>
        `${name}: ${calls} calls, ${dollars(paidUsd)}${unknown > 0 ? `, ${unknown} of unknown cost` : ''}`,
    ),
    ...Object.entries(told.tiers).map(
      ([name, { calls, totalCost, latencyMsP50 }]) =>
        `tier ${name}: ${calls} calls, ${dollars(totalCost)}${latencyMsP50 === null ? '' : `, p50 ${milliseconds(latencyMsP50)}`}`,
    ),
    ...cacheLine(told.cache),
    `energy ${dollars(told.energyUsd)}, hardware ${dollars(told.hardwareUsd)}, maintenance ${dollars(told.maintenanceUsd)} over ${told.days.toFixed(1)} days`,
    `total ${dollars(told.totalUsd)}; a success costs ${dollars(told.perSuccessUsd)}`,
    `baseline ${baseline}: ${dollars(told.baselineUsd)}, saved ${dollars(told.savedUsd)}${told.savingsPct === null ? '' : ` (${told.savingsPct.toFixed(1)} %)`}`,
    ...budgets.map(budgetLine),
  ]
}

function rowOf({ name, requests, local, paidUsd, unknown, successes }: CostLine): readonly string[] {
  return [name, String(requests), String(local), dollars(paidUsd), String(unknown), String(successes)]
}

function cacheLine({ exact, semantic, hitRate }: CostSummary['cache']): readonly string[] {
  if (exact + semantic === 0) return []
  const rate = ((hitRate ?? 0) * 100).toFixed(1)
  return [`cache: ${exact + semantic} requests answered without a call (${rate} %), ${semantic} of them by like words`]
}

function budgetLine({ name, period, takenUsd, heldUsd }: BudgetState): string {
  return `budget ${name} of ${period}: ${dollars(takenUsd - heldUsd)} spent, ${dollars(heldUsd)} reserved`
}

function dollars(value: number | null): string {
  if (value === null) return 'unknown'
  return `${value < 0 ? '-' : ''}$${Math.abs(value).toFixed(Math.abs(value) < 1 && value !== 0 ? 4 : 2)}`
}
