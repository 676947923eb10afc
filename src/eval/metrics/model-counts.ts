/** The same figures by model. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { Attempt, Tier } from '../../spec/decision.ts'
import type { ModelMetrics } from '../../spec/metrics.ts'
import type { Costs } from '../../spec/policy-costs.ts'
import { attemptsOf, energyOf, isPartOfAnother, isSuccess, localMsOf } from '../costs.ts'
import { type DefectCount, defectCount, latency, share, type Tally, tally } from './counts.ts'
import { checkedAnswers, firstRejection, isAuditSample, isLocallyAccepted } from './local-answers.ts'
import { localTruth, thumbOf } from './truth.ts'

interface Line {
  readonly tier: Tier
  calls: number
  answered: number
  totalUsd: number
  unknown: number
  readonly latenciesMs: number[]
  asked: number
  accepted: number
  checked: number
  passed: number
  shadowChecked: number
  shadowPassed: number
  thumbs: number
  thumbsUp: number
  successes: number
  readonly rejections: Tally
  readonly defects: DefectCount
}

export function modelCounts(costs: Costs): {
  add(record: AuditRecord): void
  figures(): readonly ModelMetrics[]
} {
  const lines = new Map<string, Line>()
  return {
    add(record) {
      for (const attempt of attemptsOf(record)) countCall(lineOf(lines, attempt), attempt, costs)
      if (isPartOfAnother(record)) return
      countAsked(lines, record)
      countChecked(lines, record)
      countServed(lines, record)
    },
    figures: () => [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, line]) => figuresOf(name, line)),
  }
}

function lineOf(lines: Map<string, Line>, { model, tier }: Attempt): Line {
  const known = lines.get(model)
  if (known) return known
  const calls = { calls: 0, answered: 0, totalUsd: 0, unknown: 0, latenciesMs: [] }
  const zero = { asked: 0, accepted: 0, checked: 0, passed: 0, shadowChecked: 0, shadowPassed: 0 }
  const served = { thumbs: 0, thumbsUp: 0, successes: 0 }
  const line: Line = { tier, ...calls, ...zero, ...served, rejections: tally(), defects: defectCount() }
  lines.set(model, line)
  return line
}

function countCall(line: Line, attempt: Attempt, costs: Costs): void {
  const { outcome, purpose, costUsd, latencyMs } = attempt
  line.calls += 1
  line.totalUsd += (costUsd ?? 0) + (energyOf(localMsOf([attempt]), costs) ?? 0)
  if (costUsd === null) line.unknown += 1
  if (outcome !== 'answered') return
  line.answered += 1
  if (purpose === 'answer') line.latenciesMs.push(latencyMs)
}

function countAsked(lines: ReadonlyMap<string, Line>, { attempts }: AuditRecord): void {
  const asked = new Set(attempts.flatMap(({ purpose, model }) => (purpose === 'answer' ? [model] : [])))
  for (const model of asked) {
    const line = lines.get(model)
    if (line) line.asked += 1
  }
}

function countChecked(lines: ReadonlyMap<string, Line>, record: AuditRecord): void {
  for (const { model, rejectedFor } of checkedAnswers(record)) {
    const line = lines.get(model)
    if (!line) continue
    line.checked += 1
    if (rejectedFor === null) line.passed += 1
    else line.rejections.add(rejectedFor)
  }
  const { shadow } = record
  const watched = shadow && shadow.verdicts.length > 0 ? lines.get(shadow.model) : undefined
  if (!watched || !shadow) return
  watched.shadowChecked += 1
  if (firstRejection(shadow.verdicts) === null) watched.shadowPassed += 1
}

function countServed(lines: ReadonlyMap<string, Line>, record: AuditRecord): void {
  const accepted = isLocallyAccepted(record)
  const truth = accepted || isAuditSample(record) ? localTruth(record) : null
  const judged = lines.get((accepted ? record.decision?.model : record.localModel?.name) ?? '')
  if (truth) judged?.defects.add(truth, { isSampled: record.draft?.isSampled === true })
  // What a cache gave again was counted when it was made.
  const served = record.route === 'cache' ? undefined : lines.get(record.decision?.model ?? '')
  if (!served) return
  // A frontier has no gates to please: what it answered is what the caller got.
  if (accepted || (record.route === 'frontier' && record.outcome !== 'error')) served.accepted += 1
  if (isSuccess(record)) served.successes += 1
  const thumb = thumbOf(record)
  if (thumb === null) return
  served.thumbs += 1
  if (thumb) served.thumbsUp += 1
}

function figuresOf(name: string, line: Line): ModelMetrics {
  const { tier, totalUsd, unknown, successes } = line
  return {
    name,
    tier,
    calls: share(line.answered, line.calls),
    acceptance: share(line.accepted, line.asked),
    verifierPass: share(line.passed, line.checked),
    shadowPass: share(line.shadowPassed, line.shadowChecked),
    validationFailures: line.rejections.byName(),
    localDefects: line.defects.figures(),
    thumbsUp: share(line.thumbsUp, line.thumbs),
    latency: latency(line.latenciesMs),
    cost: { totalUsd, unknown, successes, perSuccessUsd: successes === 0 ? null : totalUsd / successes },
  }
}
