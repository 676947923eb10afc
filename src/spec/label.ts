/** What became known about an answer after it was given. */

/**
 * Who says whether a local answer was right, from the surest to the least sure. A bound always names its source: with
 * `frontier` it bounds how often local and frontier disagree, not how often local is wrong.
 */
export const LABEL_SOURCES = ['gold', 'human', 'test', 'frontier', 'thumbs'] as const
export type LabelSource = (typeof LABEL_SOURCES)[number]

/** One label of one request; several may be given, the surest source counts. */
export interface RecordedLabel {
  readonly source: LabelSource
  /** Whether the local answer was right. */
  readonly isCorrect: boolean
  /** Whether the answer that was served was, where a right answer was given to compare both with. */
  readonly isServedCorrect?: boolean
  /** Whether the answer of a candidate was, where a right answer was given to compare it with. */
  readonly isCandidateCorrect?: boolean
  /** Who reviewed the decision, and what they found; absent in labels that did not come from a review. */
  readonly by?: string
  readonly verdict?: ReviewVerdict
  /** ISO 8601, UTC. */
  readonly at: string
}

/**
 * What a reviewer says of a local answer: it may stand; it should have gone to the frontier, right or not; it is wrong. Only
 * `accept` counts as right.
 */
export const REVIEW_VERDICTS = ['accept', 'escalate', 'wrong'] as const
export type ReviewVerdict = (typeof REVIEW_VERDICTS)[number]

/** What a caller may say about an earlier answer. */
export interface Feedback {
  readonly source: LabelSource
  /** Whether the local model's answer was right. Give this or `value`. */
  readonly isCorrect?: boolean
  /** The right answer, compared with the local one. */
  readonly value?: string
  /** Of a review. */
  readonly review?: { readonly by: string; readonly verdict: ReviewVerdict }
}

/** A local answer as the gates saw it. A rejected one reaches no caller: only who composed the router may look on. */
export interface CheckedDraft {
  /** Typed decisions: the option, before it is rendered. */
  readonly text: string
  readonly record: RecordedDraft
}

/** The local answer that gates checked, served or not: what calibration learns from. */
export interface RecordedDraft {
  /** `sha256:` of its text. */
  readonly answerHash: string
  /** Drawn before any gate spoke, so that a sample of all answers gets a label; see `accept.auditRate`. */
  readonly isSampled: boolean
  /** Whether the frontier that answered in its place said the same; null when none answered or they cannot be compared. */
  readonly agrees: boolean | null
  /** The figures of `DRAFT_FIGURES` in `learn/draft-figures.ts`; null is unknown. */
  readonly figures: readonly (number | null)[]
  /** What gates read of the distribution beside the figures; null when the model gave no signals, absent in records of older versions. */
  readonly spread?: { readonly isFull: boolean; readonly entropyLowNats: number | null } | null
  /** Hash of what shaped the answer besides the model; see `CalibrationKey`. */
  readonly setup: string
  /** The calibration whose threshold decided; null when none did. */
  readonly calibration: string | null
}

/**
 * Whether a local answer was right: what the frontier said counts as its label, unless a surer source spoke.
 *
 * @param leastSure labels of this source and of surer ones count; of several, the surest
 * @returns null when nobody said
 */
export function truthOf(
  draft: RecordedDraft,
  labels: readonly RecordedLabel[],
  leastSure: LabelSource,
): boolean | null {
  const said = LABEL_SOURCES.slice(0, LABEL_SOURCES.indexOf(leastSure) + 1)
  for (const source of said) {
    const label = labels.findLast((one) => one.source === source)
    if (label) return label.isCorrect
    if (source === 'frontier' && draft.agrees !== null) return draft.agrees
  }
  return null
}
