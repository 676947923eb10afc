import { accept, type Gate, reject } from './gate.ts'

/**
 * Rejects an answer that states a false equation (`disagreement`): "17 * 23 = 401". Equations that cannot be read as a
 * whole, and those that the request states itself, say nothing.
 */
export const equations: Gate = ({ answer, checkEquations }) => {
  const { checked, wrong } = checkEquations(answer.text)
  if (wrong === 0) return accept('equations', `${checked} equations were checked, none is false.`)
  return reject('equations', {
    reason: 'disagreement',
    detail: `${wrong} of ${checked} equations in the answer are false by exact arithmetic.`,
    score: wrong,
    threshold: 0,
  })
}
