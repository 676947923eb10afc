/** What is fitted before anything is scored: heads from examples, and the thresholds of the bounded cascades. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Calibration } from '../../spec/calibration.ts'
import { toRouterError } from '../../spec/errors.ts'
import type { Router } from '../../spec/router.ts'
import { type CalibrationResult, calibrateTask } from '../calibrate.ts'
import { whileAsking } from './asking.ts'
import { taskName } from './conditions.ts'
import { judge } from './judge.ts'
import { askRow } from './question.ts'
import { SET_DETAILS, type StudyData, type StudyRow, type StudySet } from './sets.ts'

/** Rows a set that a head is fitted on, and those after them that a threshold is. */
export interface FitSizes {
  readonly head: number
  readonly threshold: number
}

/** @returns the file of examples of every set whose kind has a head, written to `folder` */
export function writeExamples(
  sets: readonly StudyData[],
  folder: string,
  sizes: FitSizes,
): ReadonlyMap<StudySet, string> {
  return new Map(
    sets.flatMap(({ set, fitted }) => {
      const lineOf = EXAMPLE_LINES[SET_DETAILS[set].kind]
      if (!lineOf) return []
      const file = join(folder, `${set}-examples.jsonl`)
      const lines = fitted.slice(0, sizes.head).map((row) => JSON.stringify(lineOf(row)))
      writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
      return [[set, file] as const]
    }),
  )
}

const EXAMPLE_LINES: Readonly<Record<string, ((row: StudyRow) => object) | undefined>> = {
  choice: ({ input, answers }) => ({ text: input, label: answers[0] }),
  similarity: ({ meta }) => ({ left: meta.sentence1, right: meta.sentence2, score: (meta.score ?? 0) / 5 }),
}

/** How a bounded cascade of a set came out. */
export interface SetFit {
  readonly headRows: number
  readonly labels: number
  /** Share of right local answers among the labels; null without any. */
  readonly localAccuracy: number | null
  /** Share of answers that the threshold accepts, of the labels that prove it; null: no threshold is proven. */
  readonly coverage: number | null
  readonly why: string | null
}

export interface Fitting {
  /** Under a policy that keeps every local answer of bounded tasks for its label; its frontier is never a real one. */
  readonly router: Router
  readonly draftOf: (requestId: string) => string | null
  readonly sizes: FitSizes
  readonly accept: Parameters<typeof calibrateTask>[0]['accept']
  readonly now: string
  readonly signal: AbortSignal
  readonly told: (set: StudySet, done: number, total: number) => void
}

/** @returns the fit to be kept, or null, and what became of it */
export async function fitSet(
  { set, fitted }: StudyData,
  { router, draftOf, sizes, accept, now, signal, told }: Fitting,
): Promise<{ readonly calibration: Calibration | null; readonly fit: SetFit }> {
  const hasHead = EXAMPLE_LINES[SET_DETAILS[set].kind] !== undefined
  const from = hasHead ? Math.min(sizes.head, fitted.length) : 0
  const rows = fitted.slice(from, from + sizes.threshold)
  let [labels, right] = [0, 0]
  for (const [index, row] of rows.entries()) {
    told(set, index, rows.length)
    const requestId = await drafted(row, router, signal)
    const draft = requestId === null ? null : draftOf(requestId)
    if (requestId === null || draft === null) continue
    const { isCorrect } = judge(row, draft)
    await router.feedback(requestId, { source: 'gold', isCorrect })
    labels += 1
    right += isCorrect ? 1 : 0
  }
  const task = taskName(set, 'cascade')
  const results = calibrateTask({ records: router.audit({ task }), accept, refitsOf: () => 0, now })
  return { calibration: results[0]?.fit ?? null, fit: fitOf(results[0], { headRows: from, labels, right }) }
}

/** The request that left a local answer, or null. */
async function drafted(row: StudyRow, router: Router, signal: AbortSignal): Promise<string | null> {
  try {
    return (await whileAsking(row, () => askRow(router, row, 'cascade', signal))).result.requestId
  } catch (error) {
    if (signal.aborted) throw toRouterError(error)
    return null
  }
}

function fitOf(
  result: CalibrationResult | undefined,
  { headRows, labels, right }: { readonly headRows: number; readonly labels: number; readonly right: number },
): SetFit {
  const common = { headRows, labels, localAccuracy: labels === 0 ? null : right / labels }
  if (!result) return { ...common, coverage: null, why: 'no local answer passed the checks' }
  if (!result.fit) return { ...common, coverage: null, why: result.why }
  const { accept, moreLabels } = result.fit
  if (accept) return { ...common, coverage: accept.coverage, why: null }
  const more = moreLabels === null ? 'more labels would not help' : `about ${moreLabels} more labels are needed`
  return { ...common, coverage: null, why: `no threshold is proven: ${more}` }
}
