/** The report of the published study for people, as lines of text. */
import type { Measure } from '../eval/study/numbers.ts'
import type { SetReport, StudyReport } from '../eval/study/report.ts'
import type { ConditionFigures } from '../eval/study/summary.ts'
import { renderTable } from './table.ts'

export function studyLines(report: StudyReport, columns: number): readonly string[] {
  const { conditions, perSet, frontier, numbers, published, assumptions } = report
  const all = Object.entries(conditions).map(([name, figures]) => [name, ...cells(figures)])
  return [
    frontier === 'real' ? 'The frontier was called.' : `SIMULATED: no frontier was called (${frontier}).`,
    '',
    ...renderTable(HEADINGS, all, { columns, whole: ['condition'] }),
    ...Object.values(perSet).flatMap((set) => setLines(set, columns)),
    '',
    ...Object.entries(numbers).flatMap(([name, measure]) => {
      if (measure === null) return []
      return ['wanted' in measure ? `${name}: ${measureText(measure)}` : `${name}: ${JSON.stringify(measure)}`]
    }),
    '',
    `Published (${published.source}); ${published.note}:`,
    ...Object.entries(published.conditions).map(
      ([name, { accuracyPercent, costUsd }]) => `  ${name}: ${accuracyPercent} %, $${costUsd}`,
    ),
    ...assumptions.map((line) => `- ${line}`),
  ]
}

const HEADINGS = ['condition', 'n', 'right', '95 %', 'escalated', 'calls', 'tokens', 'cost', 'per right', 'p50']

function cells(figures: ConditionFigures): readonly string[] {
  const { n, accuracy, ci, escalated, frontierCalls, frontierTokens, costUsd, costPerCorrectUsd, latencyMsP50 } =
    figures
  return [
    String(n),
    percent(accuracy),
    ci ? `${percent(ci[0])} to ${percent(ci[1])}` : '',
    percent(escalated),
    String(frontierCalls),
    String(frontierTokens),
    dollars(costUsd),
    dollars(costPerCorrectUsd),
    latencyMsP50 === null ? '' : `${Math.round(latencyMsP50)} ms`,
  ]
}

function setLines({ title, metric, n, fit, conditions, notMeasured }: SetReport, columns: number): readonly string[] {
  const rows = Object.entries(conditions).map(([name, figures]) => [name, ...cells(figures)])
  const bound = fit && (fit.coverage === null ? (fit.why ?? '') : `accepts ${percent(fit.coverage)}`)
  return [
    '',
    `${title} (n = ${n}): ${metric}`,
    ...(fit ? [`  bounded cascade: ${fit.labels} labels after ${fit.headRows} examples; ${bound}`] : []),
    ...renderTable(HEADINGS, rows, { columns, whole: ['condition'] }),
    ...Object.entries(notMeasured).map(([name, why]) => `  not measured: ${name}: ${why}`),
  ]
}

function measureText({ ratio, ci, n, wanted, isMet }: Measure): string {
  const interval = ci ? ` (${percent(ci[0])} to ${percent(ci[1])})` : ''
  return `${percent(ratio)}${interval}, n = ${n}, wanted ${wanted}: ${isMet ? 'met' : 'missed'}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function dollars(usd: number | null): string {
  return usd === null ? '' : `$${usd.toPrecision(3)}`
}
