import { probabilityCorrect } from '../learn/calibrate.ts'
import type { Verdict } from '../spec/decision.ts'
import { accept, type Gate, type GateInput, reject } from './gate.ts'

/**
 * Says whether an error bound stands behind the acceptance. With a fit that counts, its score is the probability that
 * the answer is right, and its threshold the lowest that is proven to keep the task's `accept.maxErrorRate`. Without
 * one, the task's `accept.uncalibrated` decides: false rejects with `uncalibrated`; true lets the plain thresholds
 * decide, and the verdict says that nothing is proven.
 */
export const calibrated: Gate = (input) => {
  const { calibration, task, taskName } = input
  if (calibration?.fit) return judged(input, calibration.fit)
  const why = calibration?.why ?? 'the task asks for none (accept.maxErrorRate)'
  if (task.accept.uncalibrated) return accept('calibrated', `Not proven, plain thresholds decided: ${why}.`)
  return reject('calibrated', {
    reason: 'uncalibrated',
    detail: `No error bound stands behind task ${taskName}: ${why}. Set tasks.${taskName}.accept.uncalibrated: true to accept on plain thresholds, marked proven: false.`,
  })
}

function judged({ figures = [] }: GateInput, fit: NonNullable<NonNullable<GateInput['calibration']>['fit']>): Verdict {
  const threshold = fit.accept?.threshold ?? null
  const score = probabilityCorrect(fit.score, figures)
  if (score === null || threshold === null) {
    const detail = `A figure that the fit ${fit.id} reads is unknown for this answer.`
    return reject('calibrated', { reason: 'signal_unavailable', detail, threshold })
  }
  const { maxErrorRate, confidence } = fit.bound
  const detail = `Probability ${score.toFixed(3)} of being right (by ${fit.source} labels), accepted from ${threshold.toFixed(3)}: at most ${maxErrorRate} wrong, ${confidence} sure.`
  if (score >= threshold) return accept('calibrated', detail, { score, threshold })
  return reject('calibrated', { reason: 'confidence_low', detail, score, threshold })
}
