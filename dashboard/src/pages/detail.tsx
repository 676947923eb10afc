/** One request: its path in time, what the gates said, what left the machine. */
import type { RequestDetail } from '../../../src/cli/console/requests.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { Signals, Verdict } from '../../../src/spec/decision.ts'
import type { PageProps } from '../app.tsx'
import { count, dollars, milliseconds, moment, NONE, percent, plural, words } from '../format.ts'
import { Badge, Marks, OriginBadge } from '../parts/badge.tsx'
import { Heading } from '../parts/heading.tsx'
import { KeptText } from '../parts/kept-text.tsx'
import { PathDrawing } from '../parts/path.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../place.ts'
import { useReport } from '../use-report.ts'

export function DetailPage({ place, session }: PageProps) {
  const id = place.about ?? ''
  const report = useReport<RequestDetail>(id === '' ? null : `/requests/${encodeURIComponent(id)}`)
  return (
    <>
      <Heading title="Request" about={<code>{id}</code>}>
        <a class="button" href={linkTo('live')}>
          All decisions
        </a>
      </Heading>
      <Shown report={report} what="the record">
        {(detail) => <Detail detail={session.isReadOnly ? { ...detail, content: 'not_yours' } : detail} />}
      </Shown>
    </>
  )
}

function Detail({ detail }: { readonly detail: RequestDetail }) {
  const { record, row, reasonText, steps } = detail
  return (
    <>
      <section class="lead detail" aria-label="Decision">
        <div>
          <p class="label">
            <OriginBadge origin={row.origin} /> <Marks row={row} />
          </p>
          <p class="sentence">{reasonText}</p>
          <p class="hint">
            reason <code>{record.reason}</code>
          </p>
        </div>
        <dl class="facts">
          <Fact name="Task" value={record.task} />
          <Fact name="Received" value={moment(record.receivedAt)} />
          <Fact name="Took" value={milliseconds(record.latencyMs)} />
          <Fact name="Cost" value={dollars(record.costUsd)} />
          <Fact name="Answered by" value={record.decision?.model ?? 'nobody'} />
          <Fact
            name="Stage"
            value={
              record.decision
                ? `${record.decision.stage}, ${record.decision.proven ? 'bound proven' : 'not proven'}`
                : NONE
            }
          />
        </dl>
      </section>
      <section class="panel" aria-labelledby="path">
        <h2 id="path">Path</h2>
        <PathDrawing steps={steps} totalMs={record.latencyMs} />
      </section>
      <section class="panel" aria-labelledby="gates">
        <h2 id="gates">Gates</h2>
        <Gates detail={detail} />
      </section>
      <div class="columns two">
        <section class="panel" aria-labelledby="signals">
          <h2 id="signals">What the model's distribution says</h2>
          <SignalsDrawing signals={record.signals ?? record.shadow?.signals ?? null} />
        </section>
        <section class="panel" aria-labelledby="rules">
          <h2 id="rules">Rules</h2>
          <Rules record={record} />
        </section>
      </div>
      <section class="panel" aria-labelledby="egress">
        <h2 id="egress">What left this machine</h2>
        <Egress record={record} />
      </section>
      <section class="panel" aria-labelledby="texts">
        <h2 id="texts">Texts</h2>
        <KeptText requestId={record.requestId} content={detail.content} preview={record.preview} />
      </section>
      <section class="panel" aria-labelledby="replay">
        <h2 id="replay">Under another policy</h2>
        <p class="hint">What another policy would have done with this request and its time, offline:</p>
        <pre>
          <code>spillway replay --since 24h --policy other.yaml</code>
        </pre>
        <p class="hint">
          Policy in force then: <code>{record.policyDigest.slice(0, 19)}…</code>
        </p>
      </section>
    </>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Gates({ detail: { record, reasonTexts, thresholds } }: { readonly detail: RequestDetail }) {
  const verdicts = record.verdicts.length > 0 ? record.verdicts : (record.shadow?.verdicts ?? [])
  const bound = thresholds?.accept.maxErrorRate
  if (verdicts.length === 0)
    return <Empty title="No gate was asked">No local answer came as far as the gates: the rules below say why.</Empty>
  return (
    <>
      {record.verdicts.length === 0 && <p class="hint">Of the shadow answer, which was never served.</p>}
      <Table
        label="Verdicts of gates"
        columns={['Gate', 'Verdict', { figure: 'Score' }, { figure: 'Threshold' }, 'Why']}
      >
        {verdicts.map((verdict, at) => (
          <GateRow
            key={`${at} ${verdict.gate}`}
            verdict={verdict}
            text={verdict.reason ? reasonTexts[verdict.reason] : ''}
          />
        ))}
      </Table>
      <p class="hint">
        {bound === undefined
          ? 'The task asks for no bound on wrong answers.'
          : `The task asks for at most ${percent(bound)} wrong among accepted answers, ${percent(thresholds?.accept.confidence, 0)} sure.`}
      </p>
    </>
  )
}

function GateRow({ verdict, text }: { readonly verdict: Verdict; readonly text: string | undefined }) {
  const { gate, model, accepted, score, threshold, detail } = verdict
  return (
    <tr>
      <th scope="row">
        {words(gate)} {model && <span class="hint">{model}</span>}
      </th>
      <td>
        <Badge tone={accepted ? 'good' : 'bad'}>{accepted ? 'accepted' : 'rejected'}</Badge>
      </td>
      <td class="num">{score === null ? NONE : score.toFixed(3)}</td>
      <td class="num">{threshold === null ? NONE : threshold.toFixed(3)}</td>
      <td class="wide why">
        {text || detail}
        {text && detail && <span class="hint"> {detail}</span>}
      </td>
    </tr>
  )
}

function SignalsDrawing({ signals }: { readonly signals: Signals | null }) {
  if (!signals)
    return (
      <Empty title="No signals">
        No model on this machine read its distribution for this request. What is missing is said to be missing, and
        never made up.
      </Empty>
    )
  const { options, margin, tokens, entropyLowNats, entropyHighNats, maxTokenEntropyNats, minLogprob, pass, level } =
    signals
  return (
    <>
      {options && (
        <ul class="options">
          {options.slice(0, 12).map(({ value, probability }) => (
            <li key={value}>
              <span class="option">{value}</span>
              <meter min={0} max={1} value={probability}>
                {percent(probability)}
              </meter>
              <span class="num">{percent(probability)}</span>
            </li>
          ))}
        </ul>
      )}
      <dl class="facts">
        {margin !== null && <Fact name="Margin to the second" value={margin.toFixed(3)} />}
        <Fact name="Mean entropy" value={bracket(entropyLowNats, entropyHighNats)} />
        {maxTokenEntropyNats !== null && (
          <Fact name="Least sure token" value={`≥ ${maxTokenEntropyNats.toFixed(2)} nats`} />
        )}
        {minLogprob !== null && <Fact name="Least likely token" value={percent(Math.exp(minLogprob))} />}
        <Fact name="Tokens read" value={`${count(tokens)}, ${pass} pass, level ${level}`} />
      </dl>
    </>
  )
}

function bracket(low: number | null, high: number | null): string {
  if (low === null && high === null) return 'not read'
  return `${low?.toFixed(2) ?? '?'} – ${high?.toFixed(2) ?? '?'} nats`
}

function Rules({ record: { removals, hardStops, features, continues } }: { readonly record: AuditRecord }) {
  return (
    <>
      <p class="hint">
        {features.kind}, {features.complexity}, partition <strong>{features.partition}</strong>,{' '}
        {plural(features.inputTokensEstimated, 'token')} in
      </p>
      {removals.length === 0 && hardStops.length === 0 && <p>No rule removed anybody.</p>}
      <ul class="lines">
        {hardStops.map(({ kind, term, field }) => (
          <li key={`${kind} ${term} ${field}`}>
            <Badge tone="bad">hard stop</Badge> {kind}: “{term}” in <code>{field}</code>
          </li>
        ))}
        {removals.map(({ actor, set, rule, detail }, at) => (
          <li key={`${at} ${rule}`}>
            <Badge tone="warn">{words(rule)}</Badge> {actor} may not {set === 'serve' ? 'answer' : 'be asked'}: {detail}
          </li>
        ))}
        {continues && (
          <li>
            <Badge tone="plain">turn</Badge> {continues.detail}
          </li>
        )}
      </ul>
    </>
  )
}

function Egress({ record: { egress } }: { readonly record: AuditRecord }) {
  if (egress.length === 0) return <p>Nothing. Every byte of this request stayed here.</p>
  return (
    <Table label="What left this machine" columns={['When', 'To', 'For', { figure: 'Bytes' }, 'Masked', 'Where']}>
      {egress.map((row) => (
        <tr key={`${row.at} ${row.hash}`}>
          <td class="time">{moment(row.at)}</td>
          <td class="wide">
            {row.model} <span class="hint">{row.destination}</span>
          </td>
          <td>{words(row.purpose)}</td>
          <td class="num">{count(row.bytes)}</td>
          <td>{maskedText(row.redactions)}</td>
          <td>{row.residency ?? 'unknown'}</td>
        </tr>
      ))}
    </Table>
  )
}

function maskedText(redactions: Readonly<Record<string, number>>): string {
  const told = Object.entries(redactions).map(([kind, amount]) => `${amount} ${words(kind)}`)
  return told.length === 0 ? 'nothing' : told.join(', ')
}
