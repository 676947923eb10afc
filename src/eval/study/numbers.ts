/** What the patterns promise, held against the rows of the study. Pure. */
import type { Condition } from './conditions.ts'
import type { StudySet } from './sets.ts'
import type { StudyResult } from './study-row.ts'
import { asNumber, type Interval, pairedRatio } from './summary.ts'

export interface Measure {
  readonly ratio: number
  readonly ci: Interval
  readonly n: number
  readonly wanted: string
  /** Of the figure itself; the interval says how sure that is. */
  readonly isMet: boolean
}

/** Arithmetic questions put to the cascade. */
export interface SolverCheck {
  readonly asked: number
  readonly solved: number
  /** Solved by a solver, and a frontier was called all the same. */
  readonly escalatedThoughSolved: number
}

export interface StudyNumbers {
  /** AG News and SST-2. */
  readonly cascadeAccuracyOfFrontier: Measure | null
  readonly cascadeCostOfFrontier: Measure | null
  readonly buddyInputTokensOfFrontier: Measure | null
  readonly buddyF1OfFrontier: Measure | null
  /** GSM8K, requests that end escalated: local time over that of a whole local answer. */
  readonly earlyAbort: Measure | null
  readonly solver: SolverCheck | null
}

const LABELS: readonly StudySet[] = ['agnews', 'sst2']
const DOCUMENTS: readonly StudySet[] = ['squad', 'hotpotqa']

export function numbersOf(rows: readonly StudyResult[], solver: SolverCheck | null): StudyNumbers {
  const of = (condition: Condition, sets: readonly StudySet[]): readonly StudyResult[] =>
    rows.filter((row) => row.condition === condition && sets.includes(row.set))
  const cascade = of('cascade', LABELS)
  const frontier = of('frontier_only', LABELS)
  const buddy = of('buddy', DOCUMENTS)
  const whole = of('frontier_only', DOCUMENTS)
  const escalated = of('cascade', ['gsm8k']).filter(({ route }) => route === 'frontier')
  return {
    cascadeAccuracyOfFrontier: atLeast(pairedRatio(cascade, frontier, asNumber), 0.98),
    cascadeCostOfFrontier: atMost(
      pairedRatio(cascade, frontier, ({ costUsd }) => costUsd),
      0.65,
    ),
    buddyInputTokensOfFrontier: atMost(
      pairedRatio(buddy, whole, ({ frontierInputTokens }) => frontierInputTokens),
      0.4,
    ),
    buddyF1OfFrontier: atLeast(
      pairedRatio(buddy, whole, ({ f1 }) => f1 ?? 0),
      0.97,
    ),
    earlyAbort: atMost(
      pairedRatio(escalated, of('local_only', ['gsm8k']), ({ localMs }) => localMs),
      0.5,
    ),
    solver,
  }
}

function atLeast(found: ReturnType<typeof pairedRatio>, least: number): Measure | null {
  return found && { ...found, wanted: `at least ${least}`, isMet: found.ratio >= least }
}

function atMost(found: ReturnType<typeof pairedRatio>, most: number): Measure | null {
  return found && { ...found, wanted: `at most ${most}`, isMet: found.ratio <= most }
}
