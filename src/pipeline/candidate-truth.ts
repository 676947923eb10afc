/** What is known of a candidate's answer. Labels are given to the answer of the model in force; some of them tell about another one. Pure. */
import type { CandidateResult } from '../spec/audit.ts'
import { LABEL_SOURCES, type LabelSource, type RecordedLabel } from '../spec/label.ts'

export interface Truth {
  readonly isCorrect: boolean
  readonly source: LabelSource
}

/**
 * The surest source that says anything about a request speaks, or nobody does: what a person found wrong is not measured against a
 * frontier that may have been wrong, too.
 *
 * @param leastSure labels of this source and of surer ones count
 * @param options how many answers there are; null for open kinds
 * @returns null when nobody said
 */
export function candidateTruth(
  candidate: CandidateResult,
  labels: readonly RecordedLabel[],
  { leastSure, options }: { readonly leastSure: LabelSource; readonly options: number | null },
): Truth | null {
  for (const source of upTo(leastSure)) {
    const label = labels.findLast((one) => one.source === source)
    if (label) {
      const isCorrect = ofLabel(candidate, label, options)
      return isCorrect === null ? null : { isCorrect, source }
    }
    if (source === 'frontier' && candidate.agrees !== null) return { isCorrect: candidate.agrees, source }
  }
  return null
}

/** The same of the model in force. */
export function incumbentTruth(
  { incumbent }: CandidateResult,
  labels: readonly RecordedLabel[],
  leastSure: LabelSource,
): Truth | null {
  for (const source of upTo(leastSure)) {
    const label = labels.findLast((one) => one.source === source)
    if (label) return { isCorrect: label.isCorrect, source }
    if (source === 'frontier' && incumbent.agrees !== null) return { isCorrect: incumbent.agrees, source }
  }
  return null
}

function upTo(leastSure: LabelSource): readonly LabelSource[] {
  return LABEL_SOURCES.slice(0, LABEL_SOURCES.indexOf(leastSure) + 1)
}

function ofLabel({ isSame }: CandidateResult, label: RecordedLabel, options: number | null): boolean | null {
  if (label.isCandidateCorrect !== undefined) return label.isCandidateCorrect
  if (isSame === true) return label.isCorrect
  if (isSame === null || options === null) return null
  // One answer of a closed set is right, and the other model gave it.
  if (label.isCorrect) return false
  // It should have gone elsewhere, right or not.
  if (label.verdict === 'escalate') return null
  return options === 2 ? true : null
}
