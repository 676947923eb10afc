/** What is known of a local answer when the gate must decide, as a row of figures. Pure. */
import type { FinishReason, Signals } from '../spec/decision.ts'

/** In the order of the row; every figure is null when it is unknown, never 0 in its place. */
export const DRAFT_FIGURES = [
  'probability',
  'margin',
  'meanLogprob',
  'minLogprob',
  'entropyHighNats',
  'maxTokenEntropyNats',
  'tokens',
  'inputChars',
  'finished',
] as const
export type DraftFigure = (typeof DRAFT_FIGURES)[number]

export interface DraftFacts {
  readonly signals: Signals | null
  readonly finishReason: FinishReason
  readonly inputChars: number
  /** Probability of the option or reading that was chosen, 0 to 1; null for text. */
  readonly probability: number | null
}

/** @returns one figure per name of `DRAFT_FIGURES`; finite or null */
export function draftFigures({
  signals,
  finishReason,
  inputChars,
  probability,
}: DraftFacts): readonly (number | null)[] {
  const figures: Readonly<Record<DraftFigure, number | null>> = {
    probability,
    margin: signals?.margin ?? null,
    meanLogprob: signals?.meanLogprob ?? null,
    minLogprob: signals?.minLogprob ?? null,
    entropyHighNats: signals?.entropyHighNats ?? null,
    maxTokenEntropyNats: signals?.maxTokenEntropyNats ?? null,
    tokens: signals?.tokens ?? null,
    inputChars,
    finished: finishReason === 'stop' ? 1 : 0,
  }
  return DRAFT_FIGURES.map((name) => figures[name]).map((figure) =>
    figure !== null && Number.isFinite(figure) ? figure : null,
  )
}
