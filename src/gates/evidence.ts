import { accept, type Gate, reject } from './gate.ts'

/**
 * Rankings: `disagreement` when words and model each have a clear first choice and they differ, `incomplete` when items
 * could not be judged. Of other readings nothing is known that would speak against them here.
 */
export const evidence: Gate = ({ answer: { reading } }) => {
  if (reading?.kind !== 'ranking') return accept('evidence', 'No evidence contradicts the answer.')
  if (reading.missing.length > 0)
    return reject('evidence', {
      reason: 'incomplete',
      detail: `${reading.missing.length} of ${reading.ranking.length} items could not be judged.`,
    })
  if (reading.conflict)
    return reject('evidence', {
      reason: 'disagreement',
      detail: 'Words and model each have a clear first item, and they differ.',
    })
  return accept('evidence', 'Words and model do not contradict each other.')
}
