/** `spillway cost`: what was spent, what it bought, and what is left. */
import { join } from 'node:path'
import { type CostLine, type CostSummary, costSummary } from '../eval/costs.ts'
import { resolvePaths } from '../models/paths.ts'
import { callCost } from '../models/prices.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Usage } from '../spec/decision.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { type BudgetState, type BudgetStore, isRunning, openBudgets } from '../stores/budgets.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'

interface CostFlags {
  readonly policy?: string
  readonly since: string
  readonly by: string
  readonly json?: true
}

export const addCost: AddCommand = (program, context) => {
  const group = program.command('cost').description('money: what was spent, what it bought, what is left')
  addCommand(
    group,
    'summary',
    'spent by task and model, cost of a success, savings against the frontier alone, budgets',
  )
    .option('--policy <file>', 'the policy file to use')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', '30d')
    .option('--by <what>', 'rows of the table: task or key', 'task')
    .action((flags: CostFlags) => summary(flags, context))
  addCommand(group, 'reconcile', 'put what was booked in the place of what killed processes had reserved')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: CostFlags) => reconcile(flags, context))
}

function summary(flags: CostFlags, context: CliContext): void {
  const by = rowsBy(flags.by)
  const loaded = findPolicy(flags.policy, context)
  const nowMs = systemClock.epochMs()
  const since = sinceMs(flags.since, nowMs)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const records = recordsSince(stateDir, since)
  const told = costSummary({
    records,
    costs: loaded.policy.costs,
    sinceMs: records.reduce((first, { receivedAt }) => Math.min(first, Date.parse(receivedAt)), nowMs),
    nowMs,
    frontierUsd: (task, usage) => frontierUsd(task, usage, loaded),
  })
  const budgets = withBudgets(stateDir, (book) => book.list())
  if (flags.json) context.terminal.json({ ...told, budgets })
  else for (const line of lines(told, budgets, { by, columns: context.terminal.columns })) context.terminal.print(line)
}

function recordsSince(stateDir: string, since: number): readonly AuditRecord[] {
  const log = readAuditLog({ stateDir })
  try {
    return log.list({ sinceMs: since })
  } finally {
    log.close()
  }
}

/** The first frontier that the task may use. */
function frontierUsd(task: string, usage: Usage, { policy }: LoadedPolicy): number | null {
  const own = policy.tasks[task]?.frontier
  const slot = own === false || own === undefined ? ['frontier'] : own
  const found = Object.entries(policy.models).find(
    ([name, { tier }]) => tier === 'frontier' && slot.some((entry) => entry === name || entry === tier),
  )
  return found ? callCost(found[1], usage, found[1].model).costUsd : null
}

function withBudgets<T>(stateDir: string, use: (book: BudgetStore) => T): T {
  const writer = `${process.pid} cost`
  const path = join(stateDir, 'budgets.sqlite')
  const book = openBudgets({ path, writer, isAlive: isRunning, monotonicMs: systemClock.monotonicMs })
  try {
    return use(book)
  } finally {
    book.close()
  }
}

function reconcile(flags: CostFlags, context: CliContext): void {
  const loaded = findPolicy(flags.policy, context)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const changed = withBudgets(stateDir, (book) =>
    book.reconcile((name, period) => bookedUsd(loaded, stateDir, { name, period })),
  )
  if (flags.json) context.terminal.json(changed)
  else if (changed.length === 0) context.terminal.say('No killed process holds a part of a budget.')
  else for (const state of changed) context.terminal.print(budgetLine(state))
}

/** What the audit knows of one ceiling; a call whose cost is not known counts with the most that it may have cost. */
function bookedUsd(loaded: LoadedPolicy, stateDir: string, { name, period }: Ceiling): number {
  const start = Date.parse(period.length === 7 ? `${period}-01` : period)
  const own = recordsSince(stateDir, start).filter(
    ({ receivedAt, task, tenant, key }) =>
      receivedAt.startsWith(period) && ['all', `task:${task}`, `tenant:${tenant}`, `key:${key}`].includes(name),
  )
  return own.reduce((sum, record) => sum + bookedOf(record, loaded), 0)
}

interface Ceiling {
  readonly name: string
  readonly period: string
}

/** Characters of an estimated token; a token has at least one byte. */
const BYTES_PER_TOKEN = 4

function bookedOf({ attempts, calls, features }: AuditRecord, { policy }: LoadedPolicy): number {
  const settled = attempts.filter(({ actor }) => actor === 'frontier')
  const known = settled.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
  const open = calls.filter(({ actor }) => actor === 'frontier').slice(settled.length)
  const unknown = [...settled.filter(({ costUsd }) => costUsd === null), ...open]
  return unknown.reduce((sum, { model }) => {
    const own = policy.models[model]
    const inputTokens = BYTES_PER_TOKEN * features.inputTokensEstimated
    const usage: Usage = { inputTokens, outputTokens: own?.maxOutputTokens ?? 0, source: 'estimated' }
    const { input, output } = policy.budgets.unknownPriceUsdPerMillion
    const high = (usage.inputTokens * input + usage.outputTokens * output) / 1e6
    return sum + (own ? (callCost(own, usage, own.model).costUsd ?? high) : high)
  }, known)
}

function rowsBy(what: string): 'task' | 'key' {
  if (what === 'task' || what === 'key') return what
  throw usage(`--by ${what} is nothing that costs are told by`, 'Write --by task or --by key.')
}

interface Shape {
  readonly by: 'task' | 'key'
  readonly columns: number
}

function lines(told: CostSummary, budgets: readonly BudgetState[], { by, columns }: Shape): readonly string[] {
  const { all, models } = told
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
    `energy ${dollars(told.energyUsd)}, hardware ${dollars(told.hardwareUsd)}, maintenance ${dollars(told.maintenanceUsd)} over ${told.days.toFixed(1)} days`,
    `total ${dollars(told.totalUsd)}; a success costs ${dollars(told.perSuccessUsd)}`,
    `the frontier alone ${dollars(told.baselineUsd)}, saved ${dollars(told.savedUsd)}`,
    ...budgets.map(budgetLine),
  ]
}

function rowOf({ name, requests, local, paidUsd, unknown, successes }: CostLine): readonly string[] {
  return [name, String(requests), String(local), dollars(paidUsd), String(unknown), String(successes)]
}

function budgetLine({ name, period, takenUsd, heldUsd }: BudgetState): string {
  return `budget ${name} of ${period}: ${dollars(takenUsd - heldUsd)} spent, ${dollars(heldUsd)} reserved`
}

function dollars(value: number | null): string {
  if (value === null) return 'unknown'
  return `${value < 0 ? '-' : ''}$${Math.abs(value).toFixed(Math.abs(value) < 1 && value !== 0 ? 4 : 2)}`
}
