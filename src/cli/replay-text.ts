/** A replay for people. */
import { NOT_REPLAYABLE, type NotReplayable } from '../eval/replay/not-replayable.ts'
import type { ReplayReport } from '../eval/replay/replay.ts'
import type { Side } from '../eval/replay/side.ts'
import { renderTable } from './table.ts'

export interface ReplayShape {
  readonly columns: number
  /** What the two sides are called. */
  readonly sides: readonly [before: string, after: string]
}

export function replayLines(report: ReplayReport, shape: ReplayShape): readonly string[] {
  const { decisions, replayed, changed, notReplayable, regenerated, assumedCalls } = report
  return [
    `${decisions} decisions, ${replayed} replayed, ${changed} changed, not replayable: ${notReplayable.total}`,
    ...(regenerated === 0
      ? []
      : [`  ${regenerated} of the replayed were asked again of the local models, from kept texts`]),
    ...whyLines(notReplayable),
    '',
    ...figureTable(report, shape),
    ...(assumedCalls === 0
      ? []
      : [`${assumedCalls} calls of frontiers were not made then; their cost and time are estimates.`]),
    ...taskLines(report, shape),
    ...changeLines(report, shape),
    ...budgetLines(report),
  ]
}

function whyLines({ why, what }: ReplayReport['notReplayable']): readonly string[] {
  return Object.entries(why).map(([key, count]) => {
    const parts = Object.entries(what).flatMap(([name, n]) =>
      name.startsWith(`${key}: `) ? [`${name.slice(key.length + 2)} ${n}`] : [],
    )
    const more = parts.length === 0 ? '' : ` (${parts.slice(0, 4).join(', ')})`
    return `  ${count} ${key}: ${NOT_REPLAYABLE[key as NotReplayable]}${more}`
  })
}

type Row = readonly [name: string, of: (side: Side) => string]

const FIGURES: readonly Row[] = [
  ['local share', ({ localShare }) => percent(localShare)],
  ['local', ({ local }) => String(local)],
  ['frontier', ({ frontier }) => String(frontier)],
  ['of it escalated', ({ escalated }) => String(escalated)],
  ['degraded', ({ degraded }) => String(degraded)],
  ['held', ({ held }) => String(held)],
  ['failed', ({ failed }) => String(failed)],
  ['false accepts', ({ falseAccepts }) => falseText(falseAccepts)],
  ['cost', ({ costUsd, unknownCosts }) => `${dollars(costUsd)}${unknownCosts > 0 ? ` + ${unknownCosts} unknown` : ''}`],
  ['latency p50', ({ latencyMs }) => milliseconds(latencyMs.p50)],
  ['latency p95', ({ latencyMs }) => milliseconds(latencyMs.p95)],
]

function figureTable({ before, after }: ReplayReport, { columns, sides }: ReplayShape): readonly string[] {
  const rows = FIGURES.map(([name, of]) => [name, of(before), of(after)])
  return renderTable(['of the replayed', ...sides], rows, { columns, whole: ['of the replayed'] })
}

function taskLines({ tasks }: ReplayReport, { columns, sides }: ReplayShape): readonly string[] {
  if (tasks.length < 2) return []
  const [was, is] = sides
  const rows = tasks.map(({ task, decisions, replayed, changed, before, after }) => [
    ...[task, String(decisions), String(decisions - replayed), String(changed)],
    ...[percent(before.localShare), percent(after.localShare)],
    ...[falseText(before.falseAccepts), falseText(after.falseAccepts)],
  ])
  const heads = [
    'task',
    'decisions',
    'not replayable',
    'changed',
    `local ${was}`,
    `local ${is}`,
    `false ${was}`,
    `false ${is}`,
  ]
  return ['', ...renderTable(heads, rows, { columns, whole: ['task'] })]
}

/** More changes than this are in the JSON. */
const MOST_CHANGES = 20

function changeLines({ changes }: ReplayReport, { columns }: ReplayShape): readonly string[] {
  if (changes.length === 0) return []
  const rows = changes
    .slice(0, MOST_CHANGES)
    .map(({ from, to, count, examples }) => [String(count), from, to, examples.join(' ')])
  const more =
    changes.length > MOST_CHANGES ? [`and ${changes.length - MOST_CHANGES} more kinds of change (--json)`] : []
  return [
    '',
    ...renderTable(['requests', 'from', 'to', 'for example'], rows, { columns, whole: ['requests'] }),
    ...more,
  ]
}

function budgetLines({ budgets }: ReplayReport): readonly string[] {
  if (budgets.length === 0) return []
  const lines = budgets.map(({ name, period, limitUsd, beforeUsd, afterUsd, reachedAt }) => {
    const reached = reachedAt === null ? '' : `, reached at ${reachedAt}`
    return `budget ${name} of ${period} (${dollars(limitUsd)}): ${dollars(beforeUsd)} before, ${dollars(afterUsd)} after${reached}`
  })
  return ['', ...lines]
}

function falseText({ labelled, wrong, rate, interval }: Side['falseAccepts']): string {
  if (rate === null || interval === null) return 'no labels'
  return `${wrong} of ${labelled} labelled (${percent(interval[0])} to ${percent(interval[1])})`
}

function percent(share: number | null): string {
  return share === null ? 'none' : `${(100 * share).toFixed(1)} %`
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd !== 0 && usd < 1 ? 4 : 2)}`
}

function milliseconds(ms: number | null): string {
  return ms === null ? 'unknown' : `${Math.round(ms)} ms`
}
