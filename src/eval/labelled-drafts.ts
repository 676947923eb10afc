/** Labelled local answers out of the audit. Pure. */
import type { LabelledDraft } from '../learn/calibrate.ts'
import { candidateTruth } from '../pipeline/candidate-truth.ts'
import type { AuditRecord, CandidateResult } from '../spec/audit.ts'
import type { CalibrationKey } from '../spec/calibration.ts'
import type { ModelIdentity, Verdict } from '../spec/decision.ts'
import { type LabelSource, type RecordedDraft, truthOf } from '../spec/label.ts'

/** The labelled drafts that share one calibration. */
export interface DraftGroup {
  readonly key: CalibrationKey
  readonly drafts: readonly (LabelledDraft & { readonly at: string })[]
}

/**
 * @param leastSure labels of this source and of surer ones count; of several, the surest
 * @returns one group for each model and setup that answered; drafts that a hard check rejected are left out, because no
 *   threshold would accept them
 */
export function labelledDrafts(records: readonly AuditRecord[], leastSure: LabelSource): readonly DraftGroup[] {
  const groups = new Map<string, DraftGroup & { readonly drafts: (LabelledDraft & { readonly at: string })[] }>()
  for (const record of records)
    for (const answered of [...answersOf(record), ...candidateOf(record)]) {
      const isCorrect = correctness(record, answered, leastSure)
      if (isCorrect === null || !passesHardChecks(answered.verdicts)) continue
      const key = keyOf(record.task, answered)
      const id = JSON.stringify(key)
      const group = groups.get(id) ?? { key, drafts: [] }
      groups.set(id, group)
      const { figures, isSampled } = answered.draft
      group.drafts.push({ id: record.requestId, figures, isCorrect, isFair: isSampled, at: record.receivedAt })
    }
  return [...groups.values()]
}

/** Labels are given to the answer of the model in force. */
function correctness(record: AuditRecord, { draft, tried }: Answered, leastSure: LabelSource): boolean | null {
  const labels = record.labels ?? []
  if (!tried) return truthOf(draft, labels, leastSure)
  const options = tried.signals?.options?.length ?? null
  return candidateTruth(tried, labels, { leastSure, options })?.isCorrect ?? null
}

interface Answered {
  /** Of an answer that a candidate gave. */
  readonly tried?: CandidateResult
  readonly draft: RecordedDraft
  readonly identity: ModelIdentity
  readonly verdicts: readonly Verdict[]
}

function answersOf({ draft, tierDrafts, shadow, localModel, verdicts }: AuditRecord): readonly Answered[] {
  if (tierDrafts) return tierDrafts.map((one) => ({ ...one, verdicts: verdictsOn(one.model, verdicts) }))
  if (draft && localModel) return [{ draft, identity: localModel.identity, verdicts }]
  if (shadow?.draft && shadow.identity)
    return [{ draft: shadow.draft, identity: shadow.identity, verdicts: shadow.verdicts }]
  return []
}

/** What it says is fitted while it is on trial, so that a threshold is there when it takes over. */
function candidateOf({ candidate: tried }: AuditRecord): readonly Answered[] {
  if (!tried?.draft || !tried.identity) return []
  return [{ tried, draft: tried.draft, identity: tried.identity, verdicts: tried.verdicts }]
}

function verdictsOn(name: string, verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ model }) => model === undefined || model === name)
}

function keyOf(task: string, { identity, draft }: Answered): CalibrationKey {
  const { digest, quantisation, servedBy } = identity
  return { task, digest, quantisation, servedBy, setup: draft.setup }
}

/** Gates that a fitted threshold replaces; everything else is a hard check. */
const REPLACED: ReadonlySet<string> = new Set(['confidence', 'entropy', 'calibrated'])

/** Whether only gates that a fitted threshold replaces spoke against an answer. */
export function passesHardChecks(verdicts: readonly Verdict[]): boolean {
  return verdicts.every(({ gate, accepted }) => accepted || REPLACED.has(gate))
}
