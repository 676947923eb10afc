/** `spillway metrics`: the six figures that say whether routing works. */
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { type Defects, METRICS_SINCE, type MetricsReport, type Share, type TaskMetrics } from '../spec/metrics.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { milliseconds } from './outcome-text.ts'
import { findPolicy } from './policy-lookup.ts'
import { readMetrics } from './read-metrics.ts'
import { renderTable } from './table.ts'

interface MetricsFlags {
  readonly since: string
  readonly task?: string
  readonly policy?: string
  readonly json?: true
}

export const addMetrics: AddCommand = (program, context) => {
  addCommand(program, 'metrics', 'acceptance, escalation, rejections, defects, fallback latency and cost of a success')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', METRICS_SINCE)
    .option('--task <name>', 'only requests of this task')
    .option('--policy <file>', 'the policy that holds the costs of this machine')
    .action((flags: MetricsFlags) => metrics(flags, context))
}

function metrics({ since, task, policy, json }: MetricsFlags, context: CliContext): void {
  const untilMs = systemClock.epochMs()
  const span = { sinceMs: sinceMs(since, untilMs), untilMs }
  const { costs } = findPolicy(policy, context).policy
  const { stateDir } = resolvePaths(context.env, process.platform)
  const report = readMetrics({ stateDir, costs, ...span, task: task ?? null })
  if (json) context.terminal.json(report)
  else if (report.all.requests === 0) context.terminal.say('No settled request matches.')
  else for (const line of lines(report, context.terminal.columns)) context.terminal.print(line)
}

function lines({ all, tasks, models }: MetricsReport, columns: number): readonly string[] {
  const shown = tasks.length === 1 ? tasks : [...tasks, all]
  const headings = ['task', 'requests', 'local', 'before', 'gate', 'defects', 'fallback p50/p95', 'a success']
  const byModel = models.map((model) => [
    model.name,
    model.tier,
    String(model.calls.of),
    shareText(model.acceptance),
    shareText(model.verifierPass),
    shareText(model.thumbsUp),
    defectText(model.localDefects),
    `${ms(model.latency.p50Ms)}/${ms(model.latency.p95Ms)}`,
    usd(model.cost.perSuccessUsd),
  ])
  const modelHeadings = ['model', 'tier', 'calls', 'served', 'passed', 'thumbs up', 'defects', 'p50/p95', 'a success']
  return [
    ...renderTable(headings, shown.map(taskRow), { columns, whole: ['task'] }),
    '',
    ...shown.flatMap(reasonLines),
    '',
    ...renderTable(modelHeadings, byModel, { columns, whole: ['model'] }),
    '',
    'local: accepted by every gate, of all. before, gate: answered by a frontier before a local answer, or after a gate rejected it.',
    'defects: labelled wrong of labelled accepts, 95 % interval (Clopper-Pearson); whose labels they are stands in --json.',
  ]
}

function taskRow({ name, requests, ...task }: TaskMetrics): readonly string[] {
  const { before, after } = task.escalation
  const sentAway = before.policy.count + before.hardStop.count
  return [
    name,
    String(requests),
    shareText(task.localAcceptance),
    percent(requests === 0 ? null : sentAway / requests),
    shareText(after),
    defectText(task.localDefects),
    `${ms(task.fallbackLatency.p50Ms)}/${ms(task.fallbackLatency.p95Ms)}`,
    usd(task.cost.perSuccessUsd),
  ]
}

function reasonLines({ name, escalation, validationFailures }: TaskMetrics): readonly string[] {
  const { before, after, unavailable, sampled } = escalation
  const told = [
    ['rejected', validationFailures],
    ['policy', before.policy.reasons],
    ['hard stop', before.hardStop.reasons],
    ['gate', after.reasons],
    ['unavailable', unavailable.reasons],
    ['sampled', sampled.reasons],
  ] as const
  return told.flatMap(([what, reasons]) => {
    const counts = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`)
    return counts.length === 0 ? [] : [`${name}, ${what}: ${counts.join(', ')}`]
  })
}

function shareText({ rate }: Share): string {
  return percent(rate)
}

function defectText({ labelled, rate, interval }: Defects): string {
  if (interval === null) return 'no labels'
  return `${percent(rate)} [${interval.map(percent).join(', ')}] of ${labelled}`
}

function percent(rate: number | null): string {
  return rate === null ? '-' : `${(rate * 100).toFixed(1)} %`
}

function ms(value: number | null): string {
  return value === null ? '-' : milliseconds(value)
}

function usd(value: number | null): string {
  return value === null ? '-' : `$${value.toFixed(6)}`
}
