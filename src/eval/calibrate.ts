/** Fits the calibrations of a policy's tasks from the audit. */
import { createHash } from 'node:crypto'
import { confidenceOfRefit } from '../learn/bounds.ts'
import { calibrate } from '../learn/calibrate.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Calibration } from '../spec/calibration.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { type DraftGroup, labelledDrafts } from './labelled-drafts.ts'

export interface CalibrationRequest {
  readonly records: readonly AuditRecord[]
  readonly accept: TaskPolicy['accept']
  /** How many fits a task has had. */
  readonly refitsOf: (task: string) => number
  /** ISO 8601, UTC. */
  readonly now: string
}

/** One fit, or why there is none. */
export type CalibrationResult =
  | { readonly fit: Calibration }
  | { readonly fit: null; readonly key: Calibration['key']; readonly labels: number; readonly why: string }

/**
 * @returns one result for each model and setup with labels; none without any
 * @throws RangeError a task without `accept.maxErrorRate`
 */
export function calibrateTask({ records, accept, refitsOf, now }: CalibrationRequest): readonly CalibrationResult[] {
  let fits = 0
  return labelledDrafts(records, accept.labels).map((group) => {
    const result = calibrateGroup(group, { accept, refit: refitsOf(group.key.task) + fits + 1, now })
    if (result.fit) fits += 1
    return result
  })
}

export interface GroupCalibration {
  readonly accept: TaskPolicy['accept']
  /** 1 for the first fit of the task; each has its share of the error budget. */
  readonly refit: number
  /** ISO 8601, UTC. */
  readonly now: string
}

/** @throws RangeError a task without `accept.maxErrorRate` */
export function calibrateGroup(group: DraftGroup, { accept, refit, now }: GroupCalibration): CalibrationResult {
  const { maxErrorRate, confidence, labels } = accept
  if (maxErrorRate === undefined) throw new RangeError('the task asks for no bound')
  const { key, drafts } = group
  const budgeted = { maxErrorRate, confidence: confidenceOfRefit(confidence, refit) }
  const fitted = calibrate(drafts, budgeted, fractionOf)
  if (!fitted) return { fit: null, key, labels: drafts.length, why: 'fewer than 10 labels fit a score' }
  return {
    fit: {
      id: `${key.task}-${hashOf([key]).slice(0, 8)}-${refit}`,
      key,
      refit,
      fittedAt: now,
      source: labels,
      score: fitted.score,
      fitted: { n: fitted.fitted.length, hash: `sha256:${hashOf(fitted.fitted)}` },
      proof: { ...fitted.quality, hash: `sha256:${hashOf(fitted.proof)}`, newestAt: newest(group, fitted.proof) },
      bound: { maxErrorRate, confidence },
      accept: fitted.accept,
      moreLabels: fitted.moreLabels,
      closed: null,
    },
  }
}

/** A number from 0 to 1 that depends on the text alone. */
export function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32
}

function newest({ drafts }: DraftGroup, proof: readonly { readonly id: string }[]): string | null {
  const ids = new Set(proof.map(({ id }) => id))
  return drafts
    .filter(({ id }) => ids.has(id))
    .reduce<string | null>((last, { at }) => (last === null || at > last ? at : last), null)
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
