/** Whether an answer is right, and whether it has the shape that was asked for. Pure. */
import { sameAnswer as sameText } from '../../gates/equality.ts'
import { parseJsonAnswer, problemWith } from '../../gates/schema.ts'
import { sameAnswer } from '../../pipeline/same-answer.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import { optionsOf } from '../../spec/policy-problems.ts'
import { NO_ANSWER } from '../../spec/reading.ts'
import type { Comparison, EvalRow } from './dataset.ts'

/**
 * @param answer null: none was given
 * @returns null when the row names no right answer
 */
export function isRight(answer: string | null, row: EvalRow, task: TaskPolicy): boolean | null {
  const { expected, compare } = row
  if (expected === undefined || answer === null) return null
  const abstains = answer.trim() === '' || answer === NO_ANSWER
  return expected.some((right) => {
    if (right === null || abstains) return abstains && right === null
    return compared(answer, right, compare, task)
  })
}

function compared(answer: string, right: string, compare: Comparison, task: TaskPolicy): boolean {
  if (compare === 'contains') return folded(answer).includes(folded(right))
  if (compare === 'auto') return sameAnswer(task.kind, answer, right) ?? sameWords(answer, right, 'exact')
  return sameWords(answer, right, compare === 'numeric' ? 'numeric' : 'exact')
}

/** Relative, so that a rounded last digit is no error. */
const TOLERANCE = 1e-6

function sameWords(answer: string, right: string, equality: 'exact' | 'numeric'): boolean {
  const rule = { equality, tolerance: TOLERANCE, minSimilarity: 1 }
  return sameText({ text: answer, vector: null }, { text: right, vector: null }, rule) === true
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
}

/** @returns null when neither row nor task ask for a shape */
export function hasShape(answer: string | null, row: EvalRow, task: TaskPolicy): boolean | null {
  const shape = row.expectedShape ?? task.schema ?? (optionsOf(task) ? 'label' : null)
  if (shape === null || answer === null) return null
  if (shape === 'number') return answer.trim() !== '' && Number.isFinite(Number(answer))
  if (shape === 'label') return (optionsOf(task) ?? []).some((option) => folded(option) === folded(answer.trim()))
  const parsed = parseJsonAnswer(answer)
  if (!parsed) return false
  return shape === 'json' || problemWith(parsed.value, shape) === null
}
