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
  /** ISO 8601, UTC. */
  readonly at: string
}

/** What a caller may say about an earlier answer. */
export interface Feedback {
  readonly source: LabelSource
  /** Whether the local model's answer was right. Give this or `value`. */
  readonly isCorrect?: boolean
  /** The right answer, compared with the local one. */
  readonly value?: string
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
  /** Hash of what shaped the answer besides the model; see `CalibrationKey`. */
  readonly setup: string
  /** The calibration whose threshold decided; null when none did. */
  readonly calibration: string | null
}
