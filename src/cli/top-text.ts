/** One frame of `spillway top`. Pure. */
import type { DecisionRow } from '../spec/console.ts'
import type { Overview } from './console/overview.ts'
import { milliseconds } from './outcome-text.ts'
import { renderTable } from './table.ts'

export interface TopState {
  /** Address of the server of this machine; null when none runs. */
  readonly server: string | null
  readonly overview: Overview
  /** The latest first. */
  readonly latest: readonly DecisionRow[]
}

export interface TopShape {
  readonly columns: number
  readonly since: string
}

const NONE = '-'

export function topLines({ server, overview, latest }: TopState, { columns, since }: TopShape): readonly string[] {
  const { metrics, costs, intervals, budgets, stages, overrides, parts } = overview
  const { all } = metrics
  const rejected = Object.values(all.validationFailures).reduce((sum, count) => sum + count, 0)
  const { labelled, wrong } = all.localDefects
  return [
    `spillway, ${server ?? 'no server runs'}, ${metrics.until.slice(11, 19)} UTC, the last ${since}`,
    '',
    `requests   ${all.requests}   ${bars(parts.map(({ requests }) => requests))}`,
    `local      ${percent(all.localAcceptance.rate)} ${between(intervals.localAcceptance)}   escalated ${percent(all.escalation.rate)}, after a gate ${percent(all.escalation.after.rate)}`,
    `gates      ${rejected} rejected   defects ${labelled === 0 ? 'no labels' : `${percent(all.localDefects.rate)} ${between(all.localDefects.interval)}, ${wrong} of ${labelled}`}   fallback p95 ${ms(all.fallbackLatency.p95Ms)}`,
    `money      ${usd(costs.totalUsd)} spent, ${usd(costs.savedUsd)} saved; a success ${usd(costs.perSuccessUsd)}`,
    ...budgets.map(
      ({ name, period, limitUsd, spentUsd }) =>
        `budget     ${name} of ${period}: ${usd(spentUsd)} of ${usd(limitUsd)} (${percent(spentUsd / limitUsd)})`,
    ),
    ...overrides.map(({ task, key, value, until }) => `set aside  ${task} ${key} is ${value} until ${until}`),
    '',
    ...(stages.length === 0 ? [] : [...stageTable(overview, columns), '']),
    ...(latest.length === 0 ? ['No request yet: spillway ask "What is 2 + 2?"'] : decisionTable(latest, columns)),
  ]
}

function stageTable({ stages, metrics }: Overview, columns: number): readonly string[] {
  const rows = stages.map(({ task, stage, source }) => {
    const own = metrics.tasks.find(({ name }) => name === task)
    return [
      task,
      `${stage}${source === 'moved' ? '*' : ''}`,
      String(own?.requests ?? 0),
      percent(own?.localAcceptance.rate ?? null),
    ]
  })
  return renderTable(['task', 'stage', 'requests', 'local'], rows, { columns, whole: ['task', 'stage'] })
}

function decisionTable(latest: readonly DecisionRow[], columns: number): readonly string[] {
  const rows = latest.map(({ receivedAt, origin, degraded, task, reason, model, latencyMs, costUsd }) => [
    receivedAt.slice(11, 19),
    degraded ? `${origin}, degraded` : origin,
    task,
    reason,
    model ?? NONE,
    ms(latencyMs),
    usd(costUsd),
  ])
  const headings = ['time', 'from', 'task', 'reason', 'model', 'took', 'cost']
  return renderTable(headings, rows, { columns, whole: ['time', 'from'] })
}

const STEPS = '▁▂▃▄▅▆▇█'

/** The course of a count, one sign a part. */
function bars(counts: readonly number[]): string {
  const most = Math.max(1, ...counts)
  return counts.map((count) => (count === 0 ? ' ' : STEPS[Math.ceil((count / most) * STEPS.length) - 1])).join('')
}

function percent(rate: number | null): string {
  return rate === null ? NONE : `${(rate * 100).toFixed(1)} %`
}

function between(bounds: readonly [number, number] | null): string {
  return bounds === null ? '' : `[${bounds.map((bound) => percent(bound)).join(', ')}]`
}

function ms(value: number | null): string {
  return value === null ? NONE : milliseconds(value)
}

function usd(value: number | null): string {
  if (value === null) return 'unknown'
  const size = Math.abs(value)
  return `${value < 0 ? '-' : ''}$${size.toFixed(size === 0 || size >= 1 ? 2 : 6)}`
}
