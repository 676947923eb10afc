/** Every task: how far local may serve it, on what evidence, and what to try next. */
import { useState } from 'preact/hooks'
import type { FittedScore, TaskPage, TasksPage as TasksReport } from '../../../src/cli/console/tasks.ts'
import { post } from '../api.ts'
import type { PageProps } from '../app.tsx'
import { count, dollars, interval, milliseconds, moment, NONE, percent, plural, words } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { ReasonDialog } from '../parts/dialog.tsx'
import { Heading } from '../parts/heading.tsx'
import { Plot } from '../parts/plot.tsx'
import { Empty, Marked, Shown } from '../parts/state.tsx'
import { WindowChoice } from '../parts/window-choice.tsx'
import { linkTo } from '../place.ts'
import { useReport } from '../use-report.ts'

export function TasksPage({ place, session }: PageProps) {
  const since = place.query.since ?? '7d'
  const report = useReport<TasksReport>('/tasks', { query: { since } })
  return (
    <>
      <Heading title="Tasks" about="How far a local model may serve each task, and on what evidence.">
        <WindowChoice place={place} usual="7d" />
      </Heading>
      <Shown report={report} what={`the tasks of ${since}`}>
        {(found) => (
          <Tasks
            found={found}
            about={place.about}
            since={place.query.since}
            reload={session.isReadOnly ? null : report.reload}
          />
        )}
      </Shown>
    </>
  )
}

interface TasksProps {
  readonly found: TasksReport
  readonly about: string | null
  readonly since: string | undefined
  /** Null where nothing can be changed. */
  readonly reload: (() => void) | null
}

function Tasks({ found, about, since, reload }: TasksProps) {
  const { tasks, reasonTexts } = found
  const busiest = tasks.toSorted((a, b) => (b.metrics?.requests ?? 0) - (a.metrics?.requests ?? 0))[0]
  const shown = tasks.find(({ task }) => task === about) ?? busiest
  if (!shown)
    return (
      <Empty title="The policy names no task" command="spillway tasks discover --since 7d">
        Requests that name no task are all treated alike. The traffic of this machine as tasks to review:
      </Empty>
    )
  return (
    <div class="master">
      <nav class="list" aria-label="Tasks">
        {tasks.map(({ task, metrics, status }) => (
          <a
            key={task}
            href={linkTo('tasks', task, since ? { since } : {})}
            aria-current={task === shown.task ? 'true' : undefined}
          >
            <strong>{task}</strong>
            <span class="hint">
              {status?.stageText ?? 'no local model'} · {metrics ? plural(metrics.requests, 'request') : 'no requests'}
            </span>
          </a>
        ))}
      </nav>
      <div class="stack">
        <Task key={shown.task} page={shown} reasonTexts={reasonTexts} reload={reload} />
      </div>
    </div>
  )
}

interface TaskProps {
  readonly page: TaskPage
  readonly reasonTexts: Readonly<Record<string, string>>
  /** Null where nothing can be changed. */
  readonly reload: (() => void) | null
}

function Task({ page, reasonTexts, reload }: TaskProps) {
  return (
    <>
      <Figures page={page} />
      <StagePanel page={page} reload={reload} />
      <Reasons page={page} reasonTexts={reasonTexts} />
      <Scores page={page} />
    </>
  )
}

function Figures({ page: { task, metrics, kind, pattern } }: Pick<TaskProps, 'page'>) {
  const defects = metrics?.localDefects
  return (
    <section class="panel" aria-labelledby="task">
      <h2 id="task">
        {task}{' '}
        {kind && (
          <span class="hint">
            {words(kind)}
            {typeof pattern === 'string' ? `, ${words(pattern)}` : ''}
          </span>
        )}
      </h2>
      {metrics ? (
        <dl class="facts">
          <Fact name="Requests" value={count(metrics.requests)} figure="requests" />
          <Fact name="Local acceptance" value={percent(metrics.localAcceptance.rate)} figure="localAcceptance" />
          <Fact name="Escalated after a gate" value={percent(metrics.escalation.after.rate)} figure="gate" />
          <Fact
            name="Local defects"
            value={
              defects?.interval ? `${percent(defects.rate)} (95 % ${interval(defects.interval)})` : 'no labels yet'
            }
            figure="defects"
          />
          <Fact name="Fallback p95" value={milliseconds(metrics.fallbackLatency.p95Ms)} />
          <Fact name="Cost of a success" value={dollars(metrics.cost.perSuccessUsd)} />
        </dl>
      ) : (
        <Empty title="No request in this span" command={`spillway ask --task ${task} "…"`} />
      )}
    </section>
  )
}

function Fact({ name, value, figure }: { readonly name: string; readonly value: string; readonly figure?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-figure={figure}>{value}</dd>
    </div>
  )
}

type Move = 'promote' | 'rollback'

function StagePanel({ page: { task, status }, reload }: Pick<TaskProps, 'page' | 'reload'>) {
  const [wanted, setWanted] = useState<Move | null>(null)
  if (!status)
    return (
      <section class="panel">
        <h2>Stage</h2>
        <p class="hint">This task has no local model, so there is nothing to roll out.</p>
      </section>
    )
  const { stageText, moved, evidence, next, nextText, drift, advice, candidate } = status
  return (
    <section class="panel" aria-labelledby="stage">
      <h2 id="stage">Stage</h2>
      <ol class="stages" aria-label="Stages">
        {['off', 'shadow', 'canary', 'accept'].map((name) => (
          <li key={name} aria-current={stageText.startsWith(name) ? 'step' : undefined}>
            {stageText.startsWith(name) ? stageText : name}
          </li>
        ))}
      </ol>
      <p class="hint">
        {moved
          ? `${words(moved.action)} ${moment(moved.at)} by ${moved.by}: ${moved.why}`
          : `as the ${status.source === 'policy' ? 'policy says' : 'default is'}`}
        {candidate && `; a candidate is tried since ${moment(candidate.at)}`}
      </p>
      <dl class="facts">
        <Fact
          name="Seen"
          value={`${plural(evidence.requests, 'request')}, ${count(evidence.shadowed)} shadowed, ${count(evidence.audited)} audited`}
        />
        <Fact name="Would be local" value={`${count(evidence.accepted)} of ${count(evidence.items)}`} />
        <Fact
          name="Labelled wrong"
          value={
            evidence.labelled === 0
              ? 'no labels yet'
              : `${count(evidence.errors)} of ${count(evidence.labelled)}, rate ${interval([evidence.errorRate.lower, evidence.errorRate.upper])}`
          }
        />
      </dl>
      {next && (
        <p>
          Next: <strong>{nextText}</strong>{' '}
          {next.isMet ? <Badge tone="good">all bars are met</Badge> : <Badge tone="warn">not yet</Badge>}
        </p>
      )}
      {next && next.missing.length > 0 && (
        <ul class="lines">
          {next.missing.map((clause) => (
            <li key={clause}>{clause}</li>
          ))}
        </ul>
      )}
      {drift?.alarm && (
        <p class="stale" role="status">
          Drift: {drift.alarm}
        </p>
      )}
      {advice.length > 0 && (
        <>
          <h3>What to try</h3>
          <ul class="lines">
            {advice.map(({ text }) => (
              <li key={text}>
                <Marked text={text} />
              </li>
            ))}
          </ul>
        </>
      )}
      <div class="row" hidden={reload === null}>
        {next && (
          <button type="button" class="primary" disabled={!next.isMet} onClick={() => setWanted('promote')}>
            Promote to {nextText}
          </button>
        )}
        <button type="button" class="outline" disabled={stageText === 'off'} onClick={() => setWanted('rollback')}>
          Roll back
        </button>
      </div>
      {wanted && (
        <ReasonDialog
          title={wanted === 'promote' ? `Promote ${task} to ${nextText}` : `Roll ${task} back`}
          confirm={wanted === 'promote' ? 'Promote' : 'Roll back'}
          isDangerous={wanted === 'rollback'}
          onClose={() => setWanted(null)}
          onConfirm={async (why) => {
            await post(`/tasks/${encodeURIComponent(task)}/${wanted}`, { why })
            reload?.()
          }}
        >
          <p>
            {wanted === 'promote'
              ? 'It holds at once, for all gateways of this machine, if the bars still hold.'
              : 'It goes to the stage before at once; rotations go back as well.'}
          </p>
        </ReasonDialog>
      )}
    </section>
  )
}

function Reasons({ page: { status, metrics }, reasonTexts }: Pick<TaskProps, 'page' | 'reasonTexts'>) {
  const told =
    status && status.evidence.reasons.length > 0
      ? status.evidence.reasons
      : reasonsOf(metrics?.validationFailures ?? {})
  if (told.length === 0) return null
  const most = Math.max(...told.map((one) => one.count))
  return (
    <section class="panel" aria-labelledby="reasons">
      <h2 id="reasons">Why local did not answer</h2>
      <ul class="options reasons">
        {told.slice(0, 8).map((one) => (
          <li key={one.reason}>
            <span class="option" title={reasonTexts[one.reason]}>
              {words(one.reason)}
            </span>
            <meter min={0} max={most} value={one.count}>
              {one.count}
            </meter>
            <span class="num">{count(one.count)}</span>
            <p class="hint">{reasonTexts[one.reason]}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}

function reasonsOf(
  counts: Readonly<Record<string, number>>,
): readonly { readonly reason: string; readonly count: number }[] {
  return Object.entries(counts).map(([reason, amount]) => ({ reason, count: amount }))
}

function Scores({ page: { scores, task, maxErrorRate } }: Pick<TaskProps, 'page'>) {
  return (
    <section class="panel" aria-labelledby="scores">
      <h2 id="scores">How far its probabilities can be trusted</h2>
      {scores.length === 0 ? (
        <Empty title="Nothing is fitted yet" command={`spillway calibrate ${task} --dry-run`}>
          {maxErrorRate === null
            ? 'The task asks for no bound. With tasks.<name>.accept.maxErrorRate a threshold is proven from labels; what there is shows:'
            : `A bound of ${percent(maxErrorRate)} takes labels; how many are there, and how many more are needed, says:`}
        </Empty>
      ) : (
        scores.map((score) => <Score key={score.calibration.id} score={score} />)
      )}
    </section>
  )
}

function Score({ score: { calibration, model, risk, labelled } }: { readonly score: FittedScore }) {
  const { proof, bound, accept, moreLabels, fittedAt, source, closed, id } = calibration
  const top = Math.max(0.1, bound.maxErrorRate * 2, ...risk.map((point) => point.risk))
  return (
    <>
      <p class="hint">
        {id}: {model}, fitted {moment(fittedAt)} on labels by {source}
        {closed && `; closed ${moment(closed.at)}: ${closed.errors} of ${closed.n} audited accepts were wrong`}
      </p>
      <dl class="facts">
        <Fact name="Labels in the proof" value={count(proof.n)} />
        <Fact
          name="Labels needed"
          value={accept ? 'enough' : moreLabels === null ? 'more would not help' : `about ${count(moreLabels)} more`}
        />
        <Fact name="Right" value={percent(proof.accuracy)} />
        <Fact name="AUROC" value={proof.auroc?.toFixed(3) ?? NONE} />
        <Fact name="ECE" value={proof.ece.toFixed(3)} />
        <Fact
          name="Accepts"
          value={
            accept
              ? `${percent(accept.coverage)} of answers, at most ${percent(accept.upper)} wrong`
              : 'no threshold is proven'
          }
        />
      </dl>
      <div class="plots">
        <Plot
          label="Reliability: what it says against what was right"
          x="probability of being right"
          y="was right"
          hasDiagonal
          points={proof.reliability.map(({ predicted, observed, n }) => ({
            x: predicted,
            y: observed,
            size: 3 + Math.min(6, Math.sqrt(n) / 3),
            title: `${percent(predicted)} said, ${percent(observed)} right, ${n} labels`,
          }))}
        />
        {risk.length > 1 ? (
          <Plot
            label={`Risk against coverage, ${plural(labelled, 'labelled answer')}`}
            x="share accepted"
            y="wrong among them"
            top={Math.min(1, top)}
            line={risk.map((point) => [point.coverage, point.risk] as const)}
            limit={bound.maxErrorRate}
            mark={
              accept && {
                x: accept.coverage,
                y: accept.errors / Math.max(1, accept.n),
                upper: accept.upper,
                title: `threshold ${accept.threshold.toFixed(3)}: ${percent(accept.coverage)} accepted, at most ${percent(accept.upper)} wrong`,
              }
            }
          />
        ) : (
          <Empty title="Too few labels in this span for a curve" />
        )}
      </div>
    </>
  )
}
