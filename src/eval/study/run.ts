/** Asks every row of the study in every condition, and keeps what came out. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import type { Outcome } from '../../spec/response.ts'
import type { Router } from '../../spec/router.ts'
import { whileAsking } from './asking.ts'
import { type AskedCondition, PASSES, whyNot } from './conditions.ts'
import { judge } from './judge.ts'
import { askRow } from './question.ts'
import type { StudyData, StudyRow } from './sets.ts'
import { resultSchema, type StudyResult } from './study-row.ts'

export interface StudyResults {
  readonly done: readonly StudyResult[]
  append(result: StudyResult): void
}

/**
 * @param file null keeps nothing
 * @param run what has to be the same for results to belong together
 * @throws RouterError usage: results exist and are not to be resumed, or are those of another run
 */
export function openStudyResults(
  file: string | null,
  run: Readonly<Record<string, unknown>>,
  isResumed: boolean,
): StudyResults {
  if (file === null) return { done: [], append: () => undefined }
  const head = JSON.stringify({ run })
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  if (lines.length > 0 && !isResumed)
    throw refusal(`${file} holds the results of a study`, 'Use --resume to go on, or another --out folder.')
  if (lines.length > 0 && lines[0] !== head)
    throw refusal(`${file} is of a study with other options or data`, 'Use another --out folder.')
  const done = lines.slice(1).flatMap(resultOf)
  mkdirSync(dirname(file), { recursive: true })
  // A line that was cut off by a crash is written over: the file ends with whole lines again.
  writeFileSync(file, `${[head, ...done.map((one) => JSON.stringify(one))].join('\n')}\n`, { mode: 0o600 })
  return { done, append: (result) => appendFileSync(file, `${JSON.stringify(result)}\n`) }
}

function resultOf(line: string): readonly StudyResult[] {
  try {
    const { data } = resultSchema.safeParse(JSON.parse(line))
    return data ? [data] : []
  } catch {
    return []
  }
}

function refusal(problem: string, fix: string): RouterError {
  return new RouterError('usage', { problem, fix })
}

export interface Running {
  readonly router: Router
  readonly results: StudyResults
  readonly signal: AbortSignal
  /** Whether there is time for one more question. */
  readonly hasTime: () => boolean
  readonly told: (what: string, done: number, total: number) => void
}

/**
 * One question at a time, so that the time of a local call is its own. Rows come in the order they were drawn: the first ones are a
 * fair sample wherever time runs out.
 *
 * @returns what was asked now and before @throws RouterError cancelled; what is done is kept
 */
export async function runStudySets(sets: readonly StudyData[], running: Running): Promise<readonly StudyResult[]> {
  const { router, results, signal, hasTime, told } = running
  const all = [...results.done]
  const known = new Set(all.map(keyOf))
  for (const conditions of PASSES)
    for (const { set, scored } of sets) {
      const measured = conditions.filter((condition) => whyNot(set, condition) === null)
      for (const [index, row] of scored.entries()) {
        told(`${set} ${conditions[0]} …`, index, scored.length)
        for (const condition of measured) {
          if (known.has(keyOf({ set, id: row.id, condition }))) continue
          if (signal.aborted) throw new RouterError('cancelled', { requestId: row.id })
          if (!hasTime()) continue
          const result = await ask(row, condition, { router, signal })
          results.append(result)
          all.push(result)
        }
      }
    }
  return all
}

function keyOf({ set, id, condition }: Pick<StudyResult, 'set' | 'id' | 'condition'>): string {
  return `${set} ${condition} ${id}`
}

async function ask(
  row: StudyRow,
  condition: AskedCondition,
  { router, signal }: Pick<Running, 'router' | 'signal'>,
): Promise<StudyResult> {
  try {
    const { result: outcome, asked } = await whileAsking(row, () => askRow(router, row, condition, signal))
    const ownMs = Math.max(0, outcome.latencyMs - asked.spentMs)
    const times = { latencyMs: ownMs + asked.localMs + asked.frontierMs, localMs: asked.localMs }
    return { ...rowOf(row, condition), ...answered(row, outcome), ...times }
  } catch (error) {
    const failure = toRouterError(error)
    if (signal.aborted) throw failure
    return { ...rowOf(row, condition), error: failure.code }
  }
}

function answered(row: StudyRow, { answer, decision, attempts, costUsd }: Outcome): Partial<StudyResult> {
  const { isCorrect, f1 = null, em = null, entities = null, said = null } = judge(row, answer)
  const calls = attempts.filter(({ actor }) => actor === 'frontier')
  const tokens = (key: 'inputTokens' | 'outputTokens'): number =>
    calls.reduce((sum, { usage }) => sum + (usage?.[key] ?? 0), 0)
  return {
    ...{ isCorrect, f1, em, entities: entities && { ...entities }, said, answer },
    ...{ route: decision.route, reason: decision.reason, costUsd },
    frontierCalls: calls.length,
    frontierInputTokens: tokens('inputTokens'),
    frontierOutputTokens: tokens('outputTokens'),
  }
}

function rowOf({ set, id }: StudyRow, condition: AskedCondition): StudyResult {
  return {
    ...{ set, id, condition, isCorrect: false, f1: null, em: null, entities: null, said: null, answer: null },
    ...{ route: null, reason: null, error: null, frontierCalls: 0, frontierInputTokens: 0, frontierOutputTokens: 0 },
    ...{ costUsd: null, latencyMs: 0, localMs: 0 },
  }
}
