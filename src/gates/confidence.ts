import { accept, type Gate, reject } from './gate.ts'

/**
 * Typed decisions: the probability of the chosen option, read from the model's distribution, is at least the task's
 * `minConfidence`. What the model says about its own certainty is never read. Without a readable probability, or with
 * one from a cut or tempered distribution, the verdict is `signal_unavailable`: missing evidence accepts nothing.
 */
export const confidence: Gate = ({ option, answer, task, calibration }) => {
  if (calibration?.fit && !task.isConfidenceSet) return accept('confidence', DECIDED_BY_FIT)
  const threshold = task.minConfidence
  const probability = option?.probability ?? null
  if (probability === null || !(probability >= 0 && probability <= 1)) {
    return unavailable(threshold, 'The model gave no probability for its option.')
  }
  if (answer.signals !== null && !answer.signals.fullDistribution) {
    return unavailable(threshold, 'Sampling cut the distribution, so the probability of the option is not comparable.')
  }
  const measured = { score: probability, threshold }
  const compared = `Option probability ${probability.toFixed(3)}, minConfidence ${threshold}.`
  if (probability >= threshold) return accept('confidence', compared, measured)
  return reject('confidence', { reason: 'confidence_low', detail: compared, ...measured })
}

/** The bound holds for all answers above the fitted threshold; a second one would be another, unproven gate. */
export const DECIDED_BY_FIT = 'Not consulted: a threshold with a proven bound decides.'

function unavailable(threshold: number, detail: string): ReturnType<Gate> {
  return reject('confidence', { reason: 'signal_unavailable', detail, threshold })
}
