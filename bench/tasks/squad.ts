import { extractAnswer } from '../../src/decide/extract.ts'
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'
import { bootstrap, squadEm, squadF1 } from './metrics.ts'

/** A row of `squad.jsonl` or `hotpotqa.jsonl`; no answers = the context holds none. */
export interface SquadRow {
  readonly input: string
  readonly context: string
  readonly answers: readonly string[]
}

/** F1, EM and shares are percentages; intervals are 95 %. */
export interface SquadScore {
  readonly n: number
  readonly f1: number
  readonly em: number
  readonly f1Interval: readonly [number, number] | null
  readonly abstained: number
  readonly answerable: { readonly n: number; readonly f1: number; readonly em: number; readonly abstained: number }
  readonly unanswerable: { readonly n: number; readonly abstained: number }
  readonly secondsPerItem: number
}

interface Judged {
  readonly f1: number
  readonly em: number
  readonly abstained: boolean
  readonly isAnswerable: boolean
}

/**
 * Answers questions from their passages with the defaults of the product and scores them with abstention counted.
 *
 * @param _held not used: weights and worked examples are constants of the product, the same for every caller
 */
export async function squad(
  rows: readonly SquadRow[],
  _held: readonly SquadRow[],
  port: ModelPort,
): Promise<SquadScore> {
  const started = performance.now()
  const judged: Judged[] = []
  for (const { input, context, answers } of rows) {
    const { answer } = await extractAnswer({ question: input, document: context }, port, limits())
    judged.push({
      f1: squadF1(answer, answers),
      em: squadEm(answer, answers),
      abstained: answer === null,
      isAnswerable: answers.length > 0,
    })
  }
  return scoreOf(judged, (performance.now() - started) / 1000)
}

function scoreOf(judged: readonly Judged[], seconds: number): SquadScore {
  const answerable = judged.filter(({ isAnswerable }) => isAnswerable)
  const unanswerable = judged.filter(({ isAnswerable }) => !isAnswerable)
  const interval = bootstrap(judged.map(({ f1 }) => f1 * 100))
  return {
    ...means(judged),
    f1Interval: interval === null ? null : [round(interval[0]), round(interval[1])],
    abstained: abstentions(judged),
    answerable: { ...means(answerable), abstained: abstentions(answerable) },
    unanswerable: { n: unanswerable.length, abstained: abstentions(unanswerable) },
    secondsPerItem: round(seconds / judged.length),
  }
}

function means(judged: readonly Judged[]): { readonly n: number; readonly f1: number; readonly em: number } {
  const mean = (key: 'f1' | 'em'): number => (100 * judged.reduce((sum, row) => sum + row[key], 0)) / judged.length
  return { n: judged.length, f1: round(mean('f1')), em: round(mean('em')) }
}

function abstentions(judged: readonly Judged[]): number {
  return judged.filter(({ abstained }) => abstained).length
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function limits(): CallLimits {
  const ms = 120_000
  const deadlines = { connectMs: ms, firstByteMs: ms, idleMs: ms, totalMs: ms }
  return { signal: AbortSignal.timeout(ms), deadlines }
}
