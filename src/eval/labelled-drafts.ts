/** Labelled local answers out of the audit. Pure. */
import type { LabelledDraft } from '../learn/calibrate.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { CalibrationKey } from '../spec/calibration.ts'
import type { ModelIdentity, Verdict } from '../spec/decision.ts'
import { LABEL_SOURCES, type LabelSource, type RecordedDraft, type RecordedLabel } from '../spec/label.ts'

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
    for (const answered of answersOf(record)) {
      const isCorrect = truthOf(answered.draft, record.labels ?? [], leastSure)
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

interface Answered {
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

function verdictsOn(name: string, verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ model }) => model === undefined || model === name)
}

function keyOf(task: string, { identity, draft }: Answered): CalibrationKey {
  const { digest, quantisation, servedBy } = identity
  return { task, digest, quantisation, servedBy, setup: draft.setup }
}

/** What the frontier said counts as its label of the draft, unless a surer source spoke. */
function truthOf(draft: RecordedDraft, labels: readonly RecordedLabel[], leastSure: LabelSource): boolean | null {
  const said = LABEL_SOURCES.slice(0, LABEL_SOURCES.indexOf(leastSure) + 1)
  for (const source of said) {
    const label = labels.findLast((one) => one.source === source)
    if (label) return label.isCorrect
    if (source === 'frontier' && draft.agrees !== null) return draft.agrees
  }
  return null
}

/** Gates that a fitted threshold replaces; everything else is a hard check. */
const REPLACED: ReadonlySet<string> = new Set(['confidence', 'entropy', 'calibrated'])

/** Whether only gates that a fitted threshold replaces spoke against an answer. */
export function passesHardChecks(verdicts: readonly Verdict[]): boolean {
  return verdicts.every(({ gate, accepted }) => accepted || REPLACED.has(gate))
}
