/** Whether an answer is doubtful enough to ask for a second opinion, and not so doubtful that none would help. */
import type { Verdict } from '../spec/decision.ts'
import type { Answer } from '../spec/response.ts'
import { accept, type ChosenOption, type GateName, reject } from './gate.ts'

export interface GreyZone {
  readonly from: number
  readonly to: number
}

/**
 * How likely the answer is right before a second opinion: the score of the gate `calibrated`, else the probability of
 * the option, else the geometric mean of the probabilities of the answer's tokens.
 *
 * @returns 0 to 1; null when the model gave no signal
 * @see Malinin and Gales 2021, Uncertainty Estimation in Autoregressive Structured Prediction (length-normalised)
 */
export function scoreBefore(
  verdicts: readonly Verdict[],
  draft: { readonly answer: Answer; readonly option: ChosenOption | null },
): number | null {
  const fitted = verdicts.find(({ gate }) => gate === 'calibrated')?.score ?? null
  if (fitted !== null) return fitted
  if (draft.option) return draft.option.probability
  const mean = draft.answer.signals?.meanLogprob ?? null
  return mean === null ? null : Math.exp(mean)
}

/** Both ends lie inside, and so does a score that is not known: what is missing is no reason to be sure. */
export function isInside(score: number | null, { from, to }: GreyZone): boolean {
  return score === null || (score >= from && score <= to)
}

/** The verdict on an answer outside of the zone, about which nobody is asked; null inside. */
export function outsideVerdict(gate: GateName, score: number | null, zone: GreyZone): Verdict | null {
  if (score === null || isInside(score, zone)) return null
  const place = `Score ${score.toFixed(3)}, grey zone ${zone.from} to ${zone.to}`
  if (score > zone.to) {
    return accept(gate, `${place}: sure enough without a second opinion.`, { score: null, threshold: null })
  }
  return reject(gate, {
    reason: 'confidence_low',
    detail: `${place}: too doubtful for a second opinion.`,
    score,
    threshold: zone.from,
  })
}
