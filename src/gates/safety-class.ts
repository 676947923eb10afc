import { accept, type Gate, reject } from './gate.ts'

/**
 * Rejects an answer that holds one of the task's `gates.safetyClass` terms as a whole word, case-folded.
 *
 * The reason is `hard_stop_security`. Of the closed vocabulary, `judge_rejected` would claim that a judge model spoke,
 * and it is a matter of quality: such an answer may still be served marked degraded when no frontier is in reach. A
 * term that the operator forbids must never be served, and that is what a hard stop means.
 */
export const safetyClass: Gate = ({ answer, task }) => {
  const written = [answer.text, ...answer.toolCalls.map((call) => call.arguments)].map(fold).join('\n')
  const term = task.gates.safetyClass.find((candidate) => holdsWholeTerm(written, fold(candidate)))
  if (term === undefined) return accept('safety_class', 'The answer holds no term of gates.safetyClass.')
  return reject('safety_class', {
    reason: 'hard_stop_security',
    detail: `The answer holds the term "${term}" of gates.safetyClass.`,
  })
}

/** Compatibility forms, letter case and invisible characters do not hide a term. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, '')
    .toLowerCase()
}

function holdsWholeTerm(text: string, term: string): boolean {
  const words = term.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) return false
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('\\s+')
  return new RegExp(`(?<![\\p{L}\\p{N}_])${pattern}(?![\\p{L}\\p{N}_])`, 'u').test(text)
}
