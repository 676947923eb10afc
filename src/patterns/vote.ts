/** Counting votes. Pure: who is asked, and what becomes of the winner, is the pattern's. */
import { comparedText, type Equality, sameAnswer } from '../gates/equality.ts'
import { optionNamed } from '../gates/option-text.ts'
import type { TaskKind } from '../spec/decision.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { ConsensusOptions } from '../spec/policy-consensus.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { Asked } from './pattern.ts'

export type { Equality }

export interface Vote {
  readonly asked: Asked
  /** What is compared: the option, or the answer's text. */
  readonly said: string
  readonly weight: number
}

/** Everybody who said the same. */
export interface Side {
  readonly votes: readonly Vote[]
  readonly weight: number
}

/** Null for a vote that names no option of a typed task: it counts for nobody. */
export function voteOf(asked: Asked, task: TaskPolicy, options: ConsensusOptions): Vote | null {
  const choices = optionsOf(task)
  const said = asked.option?.value ?? (choices ? optionNamed(asked.answer.text, choices) : comparedText(asked.answer))
  if (said === null || said.trim() === '') return null
  return { asked, said, weight: options.rule === 'weighted' ? (options.weights[asked.model] ?? 1) : 1 }
}

/** When two answers of a task are one vote; null where no comparison of words can say so. */
export function equalityOf(kind: TaskKind, { equality, tolerance }: ConsensusOptions): Equality | null {
  const rule = equality ?? (kind === 'text' || kind === 'code' ? null : 'exact')
  return rule === null ? null : { equality: rule, tolerance, minSimilarity: 1 }
}

/** The sides, heaviest first; of equal ones the one that was there first. */
export function sidesOf(votes: readonly Vote[], equality: Equality): readonly Side[] {
  const sides: Vote[][] = []
  for (const vote of votes) {
    const own = sides.find(([first]) => first !== undefined && isSame(first, vote, equality))
    if (own) own.push(vote)
    else sides.push([vote])
  }
  return sides
    .map((side) => ({ votes: side, weight: side.reduce((sum, { weight }) => sum + weight, 0) }))
    .sort((a, b) => b.weight - a.weight)
}

/** Whether the first side wins, however those who have not voted yet will vote. */
export function isDecided(sides: readonly Side[], outstanding: number): boolean {
  const [first, second] = sides
  return first !== undefined && first.weight > (second?.weight ?? 0) + outstanding + ROUNDING
}

/** The side that alone has the most weight; null for a tie. */
export function winnerOf(sides: readonly Side[]): Side | null {
  return isDecided(sides, 0) ? (sides[0] ?? null) : null
}

/** Sums of weights such as 0.1 are off by this little. */
const ROUNDING = 1e-9

function isSame(one: Vote, other: Vote, equality: Equality): boolean {
  return sameAnswer({ text: one.said, vector: null }, { text: other.said, vector: null }, equality) === true
}
