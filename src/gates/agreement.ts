import { sameAnswer } from './equality.ts'
import { accept, type Gate, reject } from './gate.ts'
import { outsideVerdict } from './grey-zone.ts'
import { meanBracket, ROUNDING } from './opinions.ts'

/**
 * In the grey zone: at least `minShare` of the other answers say what the answer says, else `disagreement`. An answer
 * that could not be had or compared counts against it; where it could have turned the share, the reason is
 * `signal_unavailable`. The score is the share that surely agrees.
 *
 * @see Yue et al. 2024, Large Language Model Cascades with Mixture of Thoughts Representations (answer consistency)
 */
export const agreement: Gate = ({ task, opinions }) => {
  if (!task.agreement) return accept('agreement', 'No agreement is asked for.')
  const { greyZone, minShare } = task.agreement
  const outside = outsideVerdict('agreement', opinions?.score ?? null, greyZone)
  if (outside) return outside
  if (!opinions?.answers) return unavailable(minShare, 'No other answer was asked for.')
  const { own, others, wanted } = opinions.answers
  const rule = task.agreement
  const equal = others.map((other) => (other === null ? null : sameAnswer(own, other, rule)))
  const missing = Array.from({ length: Math.max(0, wanted - others.length) }, () => null)
  const { low, high, unknown } = meanBracket([
    ...equal.map((same) => (same === null ? null : Number(same))),
    ...missing,
  ])
  const agreeing = equal.filter((same) => same === true).length
  const counted = `${agreeing} of ${Math.max(wanted, others.length)} other answers agree, minShare ${minShare}`
  if (low >= minShare - ROUNDING) return accept('agreement', `${counted}.`, { score: low, threshold: minShare })
  if (high >= minShare - ROUNDING) return unavailable(minShare, `${counted}; ${unknown} could not be had or compared.`)
  return reject('agreement', { reason: 'disagreement', detail: `${counted}.`, score: low, threshold: minShare })
}

function unavailable(threshold: number, detail: string): ReturnType<Gate> {
  return reject('agreement', { reason: 'signal_unavailable', detail, threshold })
}
