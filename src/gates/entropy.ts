import type { Verdict } from '../spec/decision.ts'
import { DECIDED_BY_FIT } from './confidence.ts'
import { accept, type Gate, reject } from './gate.ts'

/**
 * Written answers: the mean next-token entropy stays within the task's `gates.entropyNats`.
 *
 * What is known is a bracket, [-ln p, h2(p) + (1 - p) ln(V - 1)] per token, averaged over the answer. The gate accepts
 * on proof only, so it reads the end that speaks against the answer:
 * - upper end <= threshold: accepted, the entropy cannot exceed it;
 * - lower end > threshold: rejected, the entropy certainly exceeds it;
 * - threshold inside the bracket: rejected, the entropy may exceed it;
 * - only the lower end known, and it is <= threshold: nothing is shown either way, `signal_unavailable`.
 * The middle of the bracket would accept more, and would be a guess.
 */
export const entropy: Gate = ({ answer, task, calibration }) => {
  if (calibration?.fit) return accept('entropy', DECIDED_BY_FIT)
  const threshold = task.gates.entropyNats
  if (threshold === null) return accept('entropy', 'gates.entropyNats is null: not checked.')
  const { signals } = answer
  if (signals === null) return unavailable(threshold, 'The model reported no token signals.')
  if (!signals.fullDistribution) {
    return unavailable(threshold, 'Sampling cut the distribution, so its entropy is not comparable.')
  }
  return judge(usable(signals.entropyLowNats), usable(signals.entropyHighNats), threshold)
}

function judge(low: number | null, high: number | null, threshold: number): Verdict {
  if (low !== null && low > threshold) {
    return tooHigh(low, threshold, `Mean token entropy is at least ${low.toFixed(3)} nats, limit ${threshold}.`)
  }
  if (high === null) {
    return unavailable(threshold, 'The upper end of the mean token entropy is not known.')
  }
  if (high > threshold) {
    return tooHigh(high, threshold, `Mean token entropy may be up to ${high.toFixed(3)} nats, limit ${threshold}.`)
  }
  return accept('entropy', `Mean token entropy is at most ${high.toFixed(3)} nats, limit ${threshold}.`, {
    score: high,
    threshold,
  })
}

function tooHigh(score: number, threshold: number, detail: string): Verdict {
  return reject('entropy', { reason: 'entropy_high', detail, score, threshold })
}

function unavailable(threshold: number, detail: string): Verdict {
  return reject('entropy', { reason: 'signal_unavailable', detail, threshold })
}

/** An entropy that is not a number >= 0 is a reading fault, not a small entropy. */
function usable(nats: number | null): number | null {
  return nats !== null && nats >= 0 ? nats : null
}
