import { accept, type Gate, reject } from './gate.ts'
import { outsideVerdict } from './grey-zone.ts'
import { meanBracket, ROUNDING } from './opinions.ts'

/**
 * In the grey zone: a model, by default the one that answered, is asked whether the answer is correct, in several
 * wordings and orders. The mean probability of yes is at least `minProbability`, else `judge_rejected`. A vote that could
 * not be had counts as no; where it could have turned the mean, the reason is `signal_unavailable`.
 *
 * @see Aggarwal et al. 2024, AutoMix (self-verification); Kadavath et al. 2022 (P(True) read, not generated)
 */
export const judge: Gate = ({ task, opinions }) => {
  if (!task.judge) return accept('judge', 'No judge is asked for.')
  const { greyZone, minProbability } = task.judge
  const outside = outsideVerdict('judge', opinions?.score ?? null, greyZone)
  if (outside) return outside
  const votes = opinions?.votes ?? []
  if (votes.length === 0) return unavailable(minProbability, 'No judge was asked.')
  const { low, high, unknown } = meanBracket(votes.map((vote) => vote.probability))
  const figures = `Probability ${low.toFixed(3)} that the answer is correct, mean of ${votes.length}, minProbability ${minProbability}`
  if (low >= minProbability - ROUNDING) {
    return accept('judge', `${figures}.`, { score: low, threshold: minProbability })
  }
  if (high >= minProbability - ROUNDING) return unavailable(minProbability, `${figures}; ${unknown} votes are missing.`)
  return reject('judge', { reason: 'judge_rejected', detail: `${figures}.`, score: low, threshold: minProbability })
}

function unavailable(threshold: number, detail: string): ReturnType<Gate> {
  return reject('judge', { reason: 'signal_unavailable', detail, threshold })
}
