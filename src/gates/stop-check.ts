import type { Verdict } from '../spec/decision.ts'
import { accept, type Gate, reject } from './gate.ts'
import { ROUNDING, type StopOpinion } from './opinions.ts'

/**
 * Rejects with `hard_stop_<kind>` when hardly any harmless text is as likely a yes to the question as this request: at
 * most `maxFalseStopRate` of them. It runs where terms found nothing, so it can add a stop and never take one back. A
 * look that could not be made is not imputed: `signal_unavailable`, unless `onFailure` says otherwise.
 */
export const stopCheck: Gate = ({ task, opinions }) => {
  const rule = task.stopCheck
  if (!rule) return accept('stop_check', 'No stop check is asked for.')
  const found: StopOpinion = opinions?.stop ?? { state: 'failed', why: 'nobody was asked' }
  if (found.state === 'off') return accept('stop_check', `The stop check is off: ${found.why}.`)
  if (found.state === 'failed') return notMade(found.why, rule.onFailure)
  const { share, probability, harmless } = found
  const threshold = rule.maxFalseStopRate
  const detail = `${(100 * share).toFixed(1)} % of ${harmless} harmless texts are as likely a yes to ${rule.task} (probability ${probability.toFixed(3)}), maxFalseStopRate ${threshold}.`
  if (share > threshold + ROUNDING) return accept('stop_check', detail, { score: share, threshold })
  return reject('stop_check', { reason: `hard_stop_${rule.kind}`, detail, score: share, threshold })
}

function notMade(why: string, onFailure: 'reject' | 'accept'): Verdict {
  if (onFailure === 'accept')
    return accept('stop_check', `The stop check could not be made: ${why}; terms alone decide.`)
  return reject('stop_check', { reason: 'signal_unavailable', detail: `The stop check could not be made: ${why}.` })
}
