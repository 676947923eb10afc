/** Every task: its figures, its evidence, how good its probabilities are, and what accepting more would risk. */
import { join } from 'node:path'
import { labelledDrafts } from '../../eval/labelled-drafts.ts'
import { metricsBook } from '../../eval/metrics/report.ts'
import { type RiskPoint, riskCurve } from '../../eval/report/curves.ts'
import { probabilityCorrect } from '../../learn/calibrate.ts'
import { systemClock } from '../../pipeline/clock.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Calibration, CalibrationKey } from '../../spec/calibration.ts'
import type { TaskMetrics } from '../../spec/metrics.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import { stageText } from '../../spec/rollout.ts'
import type { AuditReader } from '../../stores/audit-log.ts'
import { openCalibrations } from '../../stores/calibrations.ts'
import { withAudit } from '../read-costs.ts'
import { type RolloutBooks, type RolloutView, rolloutViews, type ViewReading } from '../rollout-view.ts'
import { statusWith, type TaskStatus } from '../task-status.ts'
import { type Reading, windowStart } from './reading.ts'

/** What is known of the answers of one model and prompt. */
export interface FittedScore {
  readonly calibration: Pick<
    Calibration,
    'id' | 'refit' | 'fittedAt' | 'source' | 'proof' | 'bound' | 'accept' | 'moreLabels' | 'closed'
  >
  readonly model: string
  /** What every threshold would have done on the labelled answers of the window; those that took part in the fit are among them. */
  readonly risk: readonly RiskPoint[]
  readonly labelled: number
}

export interface TaskPage {
  readonly task: string
  /** Null without a settled request in the window. */
  readonly metrics: TaskMetrics | null
  /** Null for a task without a local model. */
  readonly status: (TaskStatus & { readonly stageText: string; readonly nextText: string | null }) | null
  readonly scores: readonly FittedScore[]
  readonly kind: TaskPolicy['kind'] | null
  readonly pattern: TaskPolicy['pattern'] | null
  readonly maxErrorRate: number | null
}

export interface TasksPage {
  readonly since: string
  readonly until: string
  readonly tasks: readonly TaskPage[]
  readonly reasonTexts: Readonly<Record<string, string>>
}

/** @throws RouterError request_invalid, rollouts_unreadable, store_* */
export function tasks(reading: Reading): TasksPage {
  const { loaded, stateDir, nowMs } = reading
  const sinceMs = windowStart(reading, '7d')
  const { costs, tasks: policies } = loaded.policy
  const book = metricsBook({ costs, isPart: false })
  const labelled = new Map<string, AuditRecord[]>()
  const views = openViews({ loaded, stateDir, monotonicMs: systemClock.monotonicMs })
  withAudit(stateDir, (log) => {
    for (const [task, { look }] of views) readBefore(log, { task, look, untilMs: sinceMs })
    for (const record of log.each({ sinceMs })) {
      book.add(record)
      const look = views.get(record.task)?.look
      if (look && Date.parse(record.receivedAt) >= look.sinceMs) look.take(record)
      if (!isLabelled(record)) continue
      const own = labelled.get(record.task) ?? []
      labelled.set(record.task, own)
      if (own.length < MOST_LABELLED) own.push(record)
    }
  })
  const report = book.report({ sinceMs, untilMs: nowMs })
  const calibrations = openCalibrations(join(stateDir, 'calibrations'), systemClock.monotonicMs)
  const inForce = calibrations.list().flatMap(({ versions: [first] }) => first ?? [])
  const names = [...new Set([...Object.keys(policies), ...report.tasks.map(({ name }) => name)])]
  return {
    since: report.since,
    until: report.until,
    reasonTexts: REASON_TEXTS,
    tasks: names.map((task) => {
      const policy = Object.hasOwn(policies, task) ? policies[task] : undefined
      const open = views.get(task)
      const status = open ? statusWith(open.view, open.look.found()) : null
      return {
        task,
        metrics: report.tasks.find(({ name }) => name === task) ?? null,
        status: status && {
          ...status,
          stageText: stageText(status.stage),
          nextText: status.next && stageText(status.next.to),
        },
        scores: policy ? scoresOf(inForce, task, { policy, records: labelled.get(task) ?? [] }) : [],
        kind: policy?.kind ?? null,
        pattern: policy?.pattern ?? null,
        maxErrorRate: policy?.accept.maxErrorRate ?? null,
      }
    }),
  }
}

interface OpenView {
  readonly view: RolloutView
  readonly look: ViewReading
}

/** By task. */
function openViews(books: RolloutBooks): ReadonlyMap<string, OpenView> {
  return new Map(rolloutViews(books).map((view) => [view.name, { view, look: view.reading() }]))
}

interface Before {
  readonly task: string
  readonly look: ViewReading
  /** Epoch milliseconds; from then on the window is read, whatever the task. */
  readonly untilMs: number
}

/** Each record is read once, although the evidence of a task goes back further than the window, or less far. */
function readBefore(log: AuditReader, { task, look, untilMs }: Before): void {
  if (look.sinceMs >= untilMs) return
  for (const record of log.each({ task, sinceMs: look.sinceMs, untilMs: Math.ceil(untilMs) - 1 })) look.take(record)
}

/** The curve of so many labels is as fine as a plot can show. */
const MOST_LABELLED = 5000

function isLabelled({ labels, draft, shadow }: AuditRecord): boolean {
  const agrees = draft?.agrees ?? shadow?.draft?.agrees ?? null
  return (labels ?? []).length > 0 || agrees !== null
}

interface Labelled {
  readonly policy: TaskPolicy
  readonly records: readonly AuditRecord[]
}

function scoresOf(fits: readonly Calibration[], task: string, { policy, records }: Labelled): readonly FittedScore[] {
  const groups = labelledDrafts(records, policy.accept.labels)
  return fits
    .filter(({ key }) => key.task === task)
    .map((fit) => {
      const drafts = groups.find(({ key }) => isSame(key, fit.key))?.drafts ?? []
      const scored = drafts.flatMap(({ figures, isCorrect }) => {
        const probability = probabilityCorrect(fit.score, figures)
        return probability === null ? [] : [{ probability, isCorrect, passesChecks: true }]
      })
      const { id, refit, fittedAt, source, proof, bound, accept, moreLabels, closed } = fit
      return {
        calibration: { id, refit, fittedAt, source, proof, bound, accept, moreLabels, closed },
        model: fit.key.servedBy,
        risk: riskCurve(scored),
        labelled: scored.length,
      }
    })
}

function isSame(a: CalibrationKey, b: CalibrationKey): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
}
