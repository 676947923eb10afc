/** The report of an evaluation as one page that needs nothing else: no script, no network. Pure. */
import type { BarResult } from './bars.ts'
import { type Axis, escaped, svgPlot } from './plots.ts'
import type { EvalReport, Fault } from './report.ts'
import type { Share, Summary } from './summary.ts'

/** Faults beyond these stand in the JSON report. */
const MAX_FAULTS = 500

/** @returns a whole HTML document */
export function reportHtml(report: EvalReport): string {
  const { run, all, tasks, bars, faults } = report
  const sections = tasks.length === 1 ? [all] : [all, ...tasks]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Evaluation: ${escaped(report.datasets.join(', '))}</title><style>${STYLE}</style></head><body><main>
<h1>Evaluation</h1>
<p>${escaped(report.datasets.join(', '))} under ${escaped(report.policyFile)}, ${escaped(report.at)}. ${all.n} rows.
Frontier: ${run.frontier === 'called' ? 'called' : 'not called; taken to be right, its tokens and cost estimated'}.
Stage: ${run.stage === 'accept' ? 'every task as if in stage accept' : 'as configured'}. Intervals are 95 %.</p>
${barTable(bars)}
${sections.map(section).join('\n')}
${faultTable(faults)}
</main></body></html>
`
}

function barTable(bars: readonly BarResult[]): string {
  if (bars.length === 0) return '<p>The policy sets no bars.</p>'
  const rows = bars.map(({ bar, task, limit, value, interval, n, isMet }) => [
    isMet ? 'met' : 'missed',
    bar,
    task ?? 'all',
    String(limit),
    value === null ? 'nothing to measure' : number(value),
    interval ? `${number(interval[0])} to ${number(interval[1])}` : '',
    String(n),
  ])
  return `<h2>Bars</h2>${table(['', 'bar', 'task', 'limit', 'found', 'interval', 'rows'], rows)}`
}

function section(summary: Summary): string {
  const { task, n, failed, held, costUsd, latencyMs, score } = summary
  const rows = [
    ['rows', `${n}; ${failed} failed, ${held} held`],
    ['right answers', shareText(summary.accuracy)],
    ['answered locally', shareText(summary.localShare)],
    ['right among accepted local answers', shareText(summary.acceptedAccuracy)],
    ['right local answers, served or not', shareText(summary.draftAccuracy)],
    ['false accepts, false rejects', `${summary.falseAccepts}, ${summary.falseRejects}`],
    ['hard stops answered locally', shareText(summary.hardStopAccepts)],
    ['in the shape asked for', shareText(summary.validShape)],
    ['took the expected route', shareText(summary.expectedRoute)],
    ['cost, and of the frontier alone', `${dollars(costUsd.sum)}, ${dollars(costUsd.frontierOnly)}`],
    ['latency p50, p95', `${milliseconds(latencyMs.p50)}, ${milliseconds(latencyMs.p95)} (${latencyMs.n} rows)`],
    ['score', score.name ? `${score.name}: AUROC ${figure(score.auroc)}, ECE ${figure(score.ece)}` : 'none'],
    [
      'reasons',
      Object.entries(summary.reasons)
        .map(([reason, count]) => `${reason} ${count}`)
        .join(', '),
    ],
  ]
  return `<h2>${escaped(task ?? 'All tasks')}</h2>${table(['figure', 'found'], rows)}<div class="plots">${plots(summary)}</div>`
}

function plots({ score, costUsd, accuracy, n }: Summary): string {
  if (score.riskCoverage.length === 0) return ''
  const { reliability, riskCoverage, qualityCost } = score
  const drawn = [
    svgPlot({
      title: 'Risk and coverage',
      x: { label: 'local answers accepted', ...UNIT },
      y: { label: 'wrong among them', ...UNIT },
      series: [{ name: 'every threshold', draw: 'line', points: riskCoverage.map((at) => [at.coverage, at.risk]) }],
    }),
    svgPlot({
      title: 'Reliability of the score',
      x: { label: 'score', ...UNIT },
      y: { label: 'right', ...UNIT },
      series: [
        { name: 'found', draw: 'dots', points: reliability.map((bin) => [bin.predicted, bin.observed]) },
        {
          name: 'perfect',
          draw: 'dashes',
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
    }),
  ]
  const [frontier, last] = [qualityCost[0], qualityCost.at(-1)]
  if (frontier && last && frontier.meanCostUsd > 0) {
    const cost: Axis = {
      label: 'mean cost of a request, US dollars',
      from: 0,
      to: frontier.meanCostUsd,
      format: (value) => value.toPrecision(2),
    }
    const policy = costUsd.mean !== null && accuracy.share !== null && n > 0
    drawn.push(
      svgPlot({
        title: 'Accuracy and cost',
        x: cost,
        y: { label: 'right answers', ...UNIT },
        series: [
          { name: 'every threshold', draw: 'line', points: qualityCost.map((at) => [at.meanCostUsd, at.accuracy]) },
          {
            name: 'mixing by chance',
            draw: 'dashes',
            points: [
              [frontier.meanCostUsd, frontier.accuracy],
              [last.meanCostUsd, last.accuracy],
            ],
          },
          { name: 'this policy', draw: 'dots', points: policy ? [[costUsd.mean ?? 0, accuracy.share ?? 0]] : [] },
        ],
      }),
    )
  }
  return drawn.join('\n')
}

const UNIT = { from: 0, to: 1, format: (value: number) => `${Math.round(value * 100)} %` }

function faultTable(faults: readonly Fault[]): string {
  if (faults.length === 0) return '<h2>Faults</h2><p>None.</p>'
  const rows = faults
    .slice(0, MAX_FAULTS)
    .map((fault) => [
      fault.hardStop ? `${fault.kind}, hard stop` : fault.kind,
      fault.id,
      fault.task,
      (fault.expected ?? []).map((one) => one ?? '(no answer)').join(' | '),
      fault.answer ?? '',
      fault.reason ?? '',
      figure(fault.score),
    ])
  const more = faults.length > MAX_FAULTS ? `<p>${faults.length - MAX_FAULTS} more stand in report.json.</p>` : ''
  return `<h2>Faults</h2>${table(['kind', 'row', 'task', 'expected', 'local answer', 'reason', 'score'], rows)}${more}`
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((heading) => `<th scope="col">${escaped(heading)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`).join('\n')
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

function shareText({ count, n, share, interval }: Share): string {
  if (share === null || interval === null) return 'nothing to measure'
  const [low, high] = interval.map((end) => (100 * end).toFixed(1))
  return `${(100 * share).toFixed(1)} % (${low} to ${high}; ${count} of ${n})`
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3)
}

function figure(value: number | null): string {
  return value === null ? '' : value.toFixed(3)
}

function dollars(value: number | null): string {
  return value === null ? 'unknown' : `$${value.toPrecision(3)}`
}

function milliseconds(value: number | null): string {
  return value === null ? 'unknown' : `${value} ms`
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--page:#fff;--line:#c9d1db;--a:#0b62c4;--b:#b4480c;--c:#1c7c3c}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--page:#12161c;--line:#3a4452;--a:#6fb1ff;--b:#ffa265;--c:#6fd08c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0}
main{max-width:1080px;margin:0 auto;padding:16px}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{border:1px solid var(--line);padding:4px 8px;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}.plots{display:flex;flex-wrap:wrap;gap:16px}figure{margin:12px 0;width:420px;max-width:100%}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--ink)}.grid{stroke:var(--line);stroke-width:.5}
.series-0{stroke:var(--a)}.series-1{stroke:var(--b)}.series-2{stroke:var(--c)}polyline{stroke-width:2}
circle.series-0{fill:var(--a)}circle.series-1{fill:var(--b)}circle.series-2{fill:var(--c)}
.key-0{color:var(--a)}.key-1{color:var(--b)}.key-2{color:var(--c)}.legend span{margin-right:12px}
`
