/** Recorded answers of a large model to questions of the study, where a recording holds them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from '../lab/recording.ts'
import type { StudyRow } from './sets.ts'

const RECORDING = 'zeroeval_gsm.jsonl.gz'
/** The strongest of the family whose prices the study uses. */
export const RECORDED_MODEL = 'claude-3-5-sonnet-20241022'

/** @returns the recorded answer to a question; null where there is none, and for every question without the recording */
export function recordedAnswers(folder: string): (row: StudyRow) => string | null {
  const file = join(folder, 'routing', RECORDING)
  if (!existsSync(file)) return () => null
  const { models, rows } = readRecording(file)
  const at = models.indexOf(RECORDED_MODEL)
  const known = new Map(rows.map(({ question, answers }) => [folded(question), answers?.[at] ?? null]))
  return ({ set, input }) => (set === 'gsm8k' ? (known.get(folded(input)) ?? null) : null)
}

function folded(text: string): string {
  return text.replace(/\s+/g, ' ').trim().toLowerCase()
}
