/** The results of an evaluation on disk, a line a row, so that an interrupted one goes on. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../../spec/errors.ts'
import { type RowResult, rowResultSchema } from './row-result.ts'

/** What must be the same for results to belong together. */
export interface EvalRun {
  /** `sha256:` of every dataset. */
  readonly datasets: readonly string[]
  readonly policyDigest: string
  readonly frontier: 'assumed right' | 'called'
  readonly stage: 'accept' | 'configured'
  readonly limit: number | null
  readonly seed: number
}

export interface ResultsFile {
  /** The rows that are done. */
  readonly done: readonly RowResult[]
  append(result: RowResult): void
}

const runSchema: z.ZodType<EvalRun> = z.strictObject({
  datasets: z.array(z.string()),
  policyDigest: z.string(),
  frontier: z.enum(['assumed right', 'called']),
  stage: z.enum(['accept', 'configured']),
  limit: z.number().nullable(),
  seed: z.number(),
})

/**
 * @param file null keeps nothing
 * @param mode `new` refuses a file that exists; `resume` goes on with one
 * @throws RouterError usage: results exist, or are those of another evaluation
 */
export function openResults(file: string | null, run: EvalRun, mode: 'new' | 'resume'): ResultsFile {
  if (file === null) return { done: [], append: () => undefined }
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  if (lines.length > 0 && mode === 'new')
    throw refusal(`${file} holds the results of an evaluation`, 'Use --resume to go on, or another --out folder.')
  if (lines.length === 0) {
    mkdirSync(dirname(file), { recursive: true })
    // Answers may be private: readable by their owner only.
    writeFileSync(file, `${JSON.stringify({ run })}\n`, { mode: 0o600 })
    return { done: [], append: (result) => appendFileSync(file, `${JSON.stringify(result)}\n`) }
  }
  const changed = changes(lines[0] ?? '', run)
  if (changed.length > 0)
    throw refusal(`${file} is of another evaluation (${changed.join(', ')} differ)`, 'Use another --out folder.')
  const done = lines.slice(1).flatMap(resultOf)
  // A line that was cut off by a crash is written over: the file ends with whole lines again.
  writeFileSync(file, `${[lines[0], ...done.map((result) => JSON.stringify(result))].join('\n')}\n`, { mode: 0o600 })
  return { done, append: (result) => appendFileSync(file, `${JSON.stringify(result)}\n`) }
}

function changes(line: string, run: EvalRun): readonly string[] {
  const before = z.strictObject({ run: runSchema }).safeParse(parsed(line)).data?.run
  if (!before) return ['form']
  const keys = ['datasets', 'policyDigest', 'frontier', 'stage', 'limit', 'seed'] as const
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(run[key]))
}

function resultOf(line: string): readonly RowResult[] {
  const { data } = rowResultSchema.safeParse(parsed(line))
  return data ? [data] : []
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function refusal(problem: string, fix: string): RouterError {
  return new RouterError('usage', { problem, fix })
}
