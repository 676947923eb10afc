/** Whether routing works, what it saves, what was spent, and whether everything is well. */
import type { BudgetLine, Overview } from '../../../src/cli/console/overview.ts'
import type { PageProps } from '../app.tsx'
import { count, dollars, interval, milliseconds, NONE, percent, plural, signedDollars, words } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { Chart } from '../parts/chart.tsx'
import { Heading } from '../parts/heading.tsx'
import { HealthPanel } from '../parts/health.tsx'
import { KillPanel } from '../parts/kill.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { WindowChoice } from '../parts/window-choice.tsx'
import { linkTo } from '../place.ts'
import { useReport } from '../use-report.ts'

const USUAL = '24h'

export function OverviewPage({ place, session }: PageProps) {
  const since = place.query.since ?? USUAL
  const report = useReport<Overview>('/overview', { query: { since }, everyMs: 10_000 })
  return (
    <>
      <Heading title="Overview" about={session.tenants ? `Requests of ${session.tenants.join(', ')}` : undefined}>
        <WindowChoice place={place} usual={USUAL} />
      </Heading>
      <Shown report={report} what={`the figures of ${since}`}>
        {(overview) =>
          overview.metrics.all.requests === 0 ? (
            <Nothing since={since} />
          ) : (
            <>
              <Money overview={overview} />
              <SixFigures overview={overview} />
              <Course overview={overview} />
            </>
          )
        }
      </Shown>
      {session.isOperator && (
        <div class="columns two">
          <div class="stack">
            <section class="panel" aria-labelledby="stages">
              <h2 id="stages">Stages</h2>
              {report.data && <Stages overview={report.data} />}
            </section>
            {!session.isReadOnly && <KillPanel overrides={report.data?.overrides ?? []} />}
          </div>
          <div class="stack">
            <section class="panel" aria-labelledby="budgets">
              <h2 id="budgets">Spend against budget</h2>
              {report.data && <Budgets lines={report.data.budgets} />}
            </section>
            {!session.isReadOnly && <HealthPanel />}
          </div>
        </div>
      )}
    </>
  )
}

function Nothing({ since }: { readonly since: string }) {
  return (
    <Empty
      title={`No request in the last ${since}`}
      command={`curl ${location.origin}/v1/chat/completions \\\n  -H "Authorization: Bearer $SPILLWAY_KEY" \\\n  -d '{"model":"auto","messages":[{"role":"user","content":"What is 2 + 2?"}]}'`}
    >
      The figures begin with the first one. Send one with any OpenAI or Anthropic client, or with{' '}
      <code>spillway ask</code>:
    </Empty>
  )
}

function Money({ overview }: { readonly overview: Overview }) {
  const { costs, metrics, intervals, parts } = overview
  const { all } = metrics
  return (
    <section class="lead" aria-label="Local share and savings">
      <div>
        <p class="label">Answered by a local model</p>
        <p class="big" data-figure="localAcceptance">
          {percent(all.localAcceptance.rate)}
        </p>
        <p class="hint">
          {count(all.localAcceptance.count)} of {plural(all.localAcceptance.of, 'request')}
          {intervals.localAcceptance && <>, 95 % interval {interval(intervals.localAcceptance)}</>}
        </p>
      </div>
      <div>
        <p class="label">Saved against the frontier alone</p>
        <p class={`big ${(costs.savedUsd ?? 0) < 0 ? 'is-bad' : ''}`} data-figure="savedUsd">
          {signedDollars(costs.savedUsd)}
        </p>
        <p class="hint">
          {costs.savedUsd === null ? (
            'A price of the frontier is not known, so nothing can be compared.'
          ) : (
            <>
              {dollars(costs.totalUsd)} spent where {costs.baseline} would have cost {dollars(costs.baselineUsd)}
              {costs.savingsPct !== null && costs.savingsPct > -100 && <> ({costs.savingsPct.toFixed(1)} %)</>}
            </>
          )}
        </p>
      </div>
      <div>
        <p class="label">Requests</p>
        <p class="big" data-figure="requests">
          {count(all.requests)}
        </p>
        <Sparkline values={parts.map(({ requests }) => requests)} label="Requests over the window" />
      </div>
    </section>
  )
}

interface Figure {
  readonly key: string
  readonly name: string
  readonly about: string
  readonly value: string
  readonly bounds?: string
  readonly hint: string
  readonly course: readonly (number | null)[]
  /** The same in the first and in the second half of the window, and whether more is better. */
  readonly halves: readonly [number | null, number | null]
  readonly shown: (value: number) => string
  readonly moreIs: 'good' | 'bad'
}

function figuresOf({ metrics, intervals, parts, halves }: Overview): readonly Figure[] {
  const { localAcceptance, escalation, validationFailures, localDefects, fallbackLatency, cost } = metrics.all
  const rejected = Object.values(validationFailures).reduce((sum, one) => sum + one, 0)
  const rejections = (of: Readonly<Record<string, number>>): number =>
    Object.values(of).reduce((sum, one) => sum + one, 0)
  const both = <T,>(of: (all: Overview['halves'][number]) => T): readonly [T, T] => [of(halves[0]), of(halves[1])]
  const share = (value: number): string => percent(value)
  return [
    {
      key: 'localAcceptance',
      name: 'Local acceptance',
      about: 'Local answers that every gate accepted, of all requests.',
      value: percent(localAcceptance.rate),
      bounds: interval(intervals.localAcceptance),
      hint: `${count(localAcceptance.count)} of ${count(localAcceptance.of)}`,
      course: parts.map((part) => part.localAcceptance),
      halves: both((all) => all.localAcceptance.rate),
      shown: share,
      moreIs: 'good',
    },
    {
      key: 'escalation',
      name: 'Escalation',
      about: 'Requests that a frontier answered, for any reason.',
      value: percent(escalation.rate),
      bounds: interval(intervals.escalation),
      hint: `${count(escalation.before.policy.count + escalation.before.hardStop.count)} before, ${count(escalation.after.count)} after a gate`,
      course: parts.map((part) => part.escalation),
      halves: both((all) => all.escalation.rate),
      shown: share,
      moreIs: 'bad',
    },
    {
      key: 'rejections',
      name: 'Rejected by gates',
      about: 'Local answers that a gate rejected.',
      value: count(rejected),
      bounds: interval(intervals.gate),
      hint: topReason(validationFailures),
      course: parts.map((part) => part.rejected),
      halves: both((all) => rejections(all.validationFailures)),
      shown: (value) => count(value),
      moreIs: 'bad',
    },
    {
      key: 'defects',
      name: 'Local defects',
      about: 'Accepted local answers that a label calls wrong, of those with a label.',
      value: percent(localDefects.rate),
      bounds: interval(localDefects.interval),
      hint:
        localDefects.labelled === 0
          ? 'no labels yet'
          : `${count(localDefects.wrong)} of ${plural(localDefects.labelled, 'label')}`,
      course: parts.map((part) => part.defects),
      halves: both((all) => all.localDefects.rate),
      shown: share,
      moreIs: 'bad',
    },
    {
      key: 'fallbackLatency',
      name: 'Fallback latency',
      about:
        'How long callers waited for a frontier that answered after a local model was asked; the slowest 5 % waited longer.',
      value: milliseconds(fallbackLatency.p95Ms),
      hint:
        fallbackLatency.count === 0
          ? 'no fallback'
          : `p95 of ${count(fallbackLatency.count)}; p50 ${milliseconds(fallbackLatency.p50Ms)}`,
      course: parts.map((part) => part.fallbackP95Ms),
      halves: both((all) => all.fallbackLatency.p95Ms),
      shown: milliseconds,
      moreIs: 'bad',
    },
    {
      key: 'perSuccess',
      name: 'Cost of a success',
      about: 'What was spent over the requests with an answer that nobody called wrong.',
      value: dollars(cost.perSuccessUsd),
      hint: `${dollars(cost.totalUsd)} over ${count(cost.successes)}${cost.unknown > 0 ? `; ${count(cost.unknown)} calls of unknown cost` : ''}`,
      course: parts.map((part) => part.perSuccessUsd),
      halves: both((all) => all.cost.perSuccessUsd),
      shown: dollars,
      moreIs: 'bad',
    },
  ]
}

function topReason(reasons: Readonly<Record<string, number>>): string {
  const [first] = Object.entries(reasons).toSorted(([, a], [, b]) => b - a)
  return first ? `most often ${words(first[0])} (${count(first[1])})` : 'none'
}

function SixFigures({ overview }: { readonly overview: Overview }) {
  return (
    <section class="figures" aria-label="The six figures">
      {figuresOf(overview).map((figure) => (
        <article key={figure.key} class="figure">
          <h2 title={figure.about}>{figure.name}</h2>
          <p class="value" data-figure={figure.key === 'localAcceptance' ? undefined : figure.key}>
            {figure.value}
          </p>
          <p class="bounds">{figure.bounds ? `95 % ${figure.bounds}` : '\u00a0'}</p>
          <Sparkline values={figure.course} label={`${figure.name} over the window`} />
          <p class="hint">{figure.hint}</p>
          <Trend figure={figure} />
        </article>
      ))}
    </section>
  )
}

/** What changed within the window, in words: a colour alone would say nothing to many. */
function Trend({ figure: { halves, shown, moreIs } }: { readonly figure: Figure }) {
  const [before, now] = halves
  if (before === null || now === null) return <p class="trend">no trend yet</p>
  if (before === now) return <p class="trend">steady</p>
  const isMore = now > before
  const isGood = isMore === (moreIs === 'good')
  return (
    <p class={`trend ${isGood ? 'is-good' : 'is-bad'}`}>
      {isMore ? '↑' : '↓'} from {shown(before)} to {shown(now)}
    </p>
  )
}

const whole = (value: number): string => (Number.isInteger(value) ? String(value) : '')

function Course({ overview: { parts } }: { readonly overview: Overview }) {
  const at = parts.map((part) => part.at)
  const of = (share: (part: Overview['parts'][number]) => number | null): readonly (number | null)[] => parts.map(share)
  return (
    <section class="panel" aria-labelledby="course">
      <h2 id="course">Course</h2>
      <Chart
        label="Requests"
        at={at}
        format={whole}
        series={[
          { name: 'all requests', values: of(({ requests }) => requests), color: '--frontier', draw: 'bars' },
          {
            name: 'answered by a local model',
            values: of(({ requests, localAcceptance }) => requests * (localAcceptance ?? 0)),
            color: '--local',
            draw: 'bars',
          },
        ]}
      />
    </section>
  )
}

function Stages({ overview }: { readonly overview: Overview }) {
  const { stages, metrics } = overview
  if (stages.length === 0)
    return (
      <Empty title="No task has a local model" command="spillway init">
        Give a task one with <code>tasks.&lt;name&gt;.local</code>, or begin with a policy of your own:
      </Empty>
    )
  return (
    <Table label="Stages of tasks" columns={['Task', 'Stage', { figure: 'Requests' }, { figure: 'Local' }]}>
      {stages.map(({ task, stage, source, hasCandidate }) => {
        const own = metrics.tasks.find(({ name }) => name === task)
        return (
          <tr key={task}>
            <th scope="row">
              <a href={linkTo('tasks', task)}>{task}</a>
            </th>
            <td>
              <Badge tone={stage === 'accept' ? 'good' : stage === 'off' ? 'plain' : 'warn'}>{stage}</Badge>{' '}
              <span class="hint">
                {source === 'moved' ? 'moved here' : source === 'policy' ? 'by the policy' : 'by default'}
                {hasCandidate && ', tries a candidate'}
              </span>
            </td>
            <td class="num">{own ? count(own.requests) : '0'}</td>
            <td class="num">{own ? percent(own.localAcceptance.rate) : NONE}</td>
          </tr>
        )
      })}
    </Table>
  )
}

function Budgets({ lines }: { readonly lines: readonly BudgetLine[] }) {
  if (lines.length === 0)
    return (
      <Empty title="No ceiling is set" command={'budgets: { day: 2.00, month: 40.00 }'}>
        Without one nothing bounds what frontiers cost. Put this into the policy:
      </Empty>
    )
  return (
    <ul class="budgets">
      {lines.map(({ name, period, limitUsd, spentUsd, reservedUsd }) => {
        const share = (spentUsd + reservedUsd) / limitUsd
        return (
          <li key={`${name} ${period}`}>
            <p>
              <strong>{name === 'all' ? 'everything' : name.replace(':', ' ')}</strong>{' '}
              <span class="hint">{period.length === 7 ? 'this month' : 'today'} (UTC)</span>
              <span class="num">
                {dollars(spentUsd)} of {dollars(limitUsd)}
              </span>
            </p>
            <meter min={0} max={1} low={0.8} high={0.95} optimum={0} value={Math.min(1, share)}>
              {percent(share)}
            </meter>
            <p class="hint">
              {percent(share)} taken{reservedUsd > 0 && `, ${dollars(reservedUsd)} of it reserved`}
            </p>
          </li>
        )
      })}
    </ul>
  )
}
