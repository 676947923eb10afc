/** What `rollout candidate report` says of a candidate: the evidence since it began, and the memory of both models. */
import { type RotationReport, type RotationSide, rotationReport } from '../eval/rollout/rotation.ts'
import { embeddedNeedBytes } from '../models/embedded/configured.ts'
import { resolvePaths } from '../models/paths.ts'
import { hasFrontier } from '../spec/has-frontier.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import { type Candidate, setupText } from '../spec/rotation.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import type { CliContext } from './context.ts'
import type { RolloutView } from './rollout-view.ts'
import { sizeText } from './size-text.ts'

export interface RotationView extends RolloutView {
  readonly candidate: Candidate
}

export interface ToldReport extends RotationReport {
  readonly task: string
  /** Bytes that a model takes when it is loaded; null for one of another server, and without its file. */
  readonly memoryBytes: { readonly incumbent: number | null; readonly challenger: number | null }
}

export function reportOn(view: RotationView, context: CliContext): ToldReport {
  const { name: task, candidate, policy, stateDir, setup } = view
  const log = readAuditLog({ stateDir })
  try {
    const records = log.each({ task, sinceMs: Date.parse(candidate.at) })
    const options = optionsOf(policy)?.length ?? null
    const basis = hasFrontier(task, view.loaded) ? 'drawn' : 'people'
    const memoryBytes = {
      incumbent: memoryOf(setup?.model ?? candidate.setup.replaces, view, context),
      challenger: memoryOf(candidate.setup.model, view, context),
    }
    return { task, ...rotationReport({ records, candidate, task: policy, options, basis }), memoryBytes }
  } finally {
    log.close()
  }
}

function memoryOf(name: string, { loaded }: RolloutView, { env }: CliContext): number | null {
  const policy = loaded.policy.models[name]
  if (policy?.provider !== 'embedded') return null
  return embeddedNeedBytes({ name, policy, paths: resolvePaths(env, process.platform), env })
}

export function reportLines(report: ToldReport): readonly string[] {
  const { task, candidate, runs, ofOthers, pairs, changed, incumbent, challenger, memoryBytes, verdict } = report
  const dropped = Object.entries(report.dropped).map(([reason, count]) => `${count} ${reason}`)
  const others = ofOthers > 0 ? `, ${ofOthers} of another model or prompt` : ''
  const left = dropped.length > 0 ? `, left out: ${dropped.join(', ')}` : ''
  return [
    `${task}: ${setupText(candidate.setup)} beside ${incumbent.model?.name ?? candidate.setup.replaces}: ${verdict}`,
    `  ${runs} requests answered by both, ${pairs} count${others}${left}`,
    `  changed: ${changed.answers} of ${changed.compared} answers; ${changed.nowAccepted} more served, ${changed.nowEscalated} not any more`,
    ...sideLines('now      ', incumbent, memoryBytes.incumbent),
    ...sideLines('candidate', challenger, memoryBytes.challenger),
    ...report.labels.map(
      ({ label, n, incumbent: was, candidate: is }) =>
        `  label ${label}: of ${n} wrong ${was.wrong} before (${between(was)}), ${is.wrong} by the candidate (${between(is)})`,
    ),
    `  wrong answers change by ${points(report.errors.bounds.lower)} to ${points(report.errors.bounds.upper)} points, false accepts by ${points(report.falseAccepts.bounds.lower)} to ${points(report.falseAccepts.bounds.upper)}; allowed ${points(candidate.maxLoss)}`,
    ...report.missing.map((clause) => `  ${clause}`),
    ...(report.unlabelled.length > 0 ? [`  to label: ${report.unlabelled.join(' ')}`] : []),
    ...report.notes.map((note) => `  ${note}`),
  ]
}

function sideLines(what: string, side: RotationSide, memory: number | null): readonly string[] {
  const { answered, failed, accepted, errors, falseAccepts, latencyMs, acceptUsd, reasons } = side
  const { p50, p95 } = latencyMs
  const time = p50 === null ? 'time unknown' : `${Math.round(p50)} ms (95 %: ${Math.round(p95 ?? 0)} ms)`
  const cost = acceptUsd === null ? 'cost unknown' : `$${acceptUsd.toPrecision(3)} a request`
  const [most] = reasons
  const rejected = most ? `, most often not for ${most.reason}` : ''
  return [
    `  ${what} ${accepted} of ${answered + failed} accepted${failed > 0 ? `, ${failed} failed` : ''}${rejected}; ${errors.wrong} of ${errors.n} wrong (${between(errors)}), ${falseAccepts} of them accepted; ${time}; ${memory === null ? 'memory unknown' : sizeText(memory)}; ${cost}`,
  ]
}

function between({ n, lower, upper }: RotationSide['errors']): string {
  return n === 0 ? 'unknown' : `${points(lower)} to ${points(upper)} %`
}

function points(share: number): string {
  return (100 * share).toFixed(1)
}
