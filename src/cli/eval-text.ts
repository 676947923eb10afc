/** The report of an evaluation for people, as lines of text. */
import type { BarResult } from '../eval/report/bars.ts'
import type { EvalReport, Fault } from '../eval/report/report.ts'
import type { Share, Summary } from '../eval/report/summary.ts'
import { renderTable, shorten } from './table.ts'

/** Faults beyond these stand in the reports of --out and --json. */
const MAX_FAULTS = 10

export function evalLines(report: EvalReport, columns: number): readonly string[] {
  const { run, all, tasks, bars, faults } = report
  const shown = tasks.length === 1 ? tasks : [...tasks, all]
  return [
    ...renderTable(HEADINGS, shown.map(rowOf), { columns, whole: ['task'] }),
    '',
    run.frontier === 'called'
      ? 'The frontier was called.'
      : 'The frontier was not called: it is taken to be right, its tokens and cost are estimated.',
    ...faultLines(faults, columns),
    ...bars.map(barLine),
  ]
}

const HEADINGS = [
  'task',
  'rows',
  'failed',
  'right',
  'local',
  'accepted right',
  'drafts right',
  'false accepts',
  'false rejects',
  'shape',
  'cost',
  'alone',
  'p50',
]

function rowOf(summary: Summary): readonly string[] {
  const { costUsd, latencyMs } = summary
  return [
    summary.task ?? 'all',
    String(summary.n),
    String(summary.failed + summary.held),
    shareText(summary.accuracy),
    shareText(summary.localShare),
    shareText(summary.acceptedAccuracy),
    shareText(summary.draftAccuracy),
    String(summary.falseAccepts),
    String(summary.falseRejects),
    shareText(summary.validShape),
    dollars(costUsd.sum),
    dollars(costUsd.frontierOnly),
    latencyMs.p50 === null ? '' : `${latencyMs.p50} ms`,
  ]
}

/** `84.0 % (79-88)`: the share and its 95 % interval. */
function shareText({ share, interval }: Share): string {
  if (share === null || interval === null) return ''
  return `${(100 * share).toFixed(1)} % (${Math.round(100 * interval[0])}-${Math.round(100 * interval[1])})`
}

function dollars(value: number | null): string {
  return value === null ? '' : `$${value === 0 ? 0 : value.toPrecision(2)}`
}

function faultLines(faults: readonly Fault[], columns: number): readonly string[] {
  const shown = faults.slice(0, MAX_FAULTS).map(({ kind, id, task, hardStop, expected, answer, reason }) => {
    const right = (expected ?? []).map((one) => one ?? '(no answer)').join(' | ')
    const what = answer === null ? '' : `: "${answer}" for "${right}"`
    return shorten(
      `${kind}${hardStop ? ', hard stop' : ''}: ${task} ${id}${what}, ${reason ?? ''}`.replace(/\s+/g, ' '),
      columns,
    )
  })
  const more = faults.length - shown.length
  return more > 0 ? [...shown, `and ${more} more (--json, --out)`] : shown
}

function barLine({ bar, task, limit, value, interval, n, isMet }: BarResult): string {
  const found = value === null ? 'nothing to measure' : `${Number(value.toPrecision(4))}`
  const range = interval ? ` (${interval.map((end) => end.toFixed(3)).join(' to ')})` : ''
  return `${isMet ? 'met   ' : 'missed'} ${task ?? 'all'} ${bar} ${limit}: ${found}${range}, ${n} rows`
}
