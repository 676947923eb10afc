/** Reads the scored pairs of a similarity task: JSON Lines of `{"left": …, "right": …, "score": …}`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { PairExampleSet } from '../spec/policy.ts'

/** @returns the pairs, or what is wrong with them; the problem names the file and the line */
export function readPairExamples(
  reference: string,
  folder: string,
): PairExampleSet | { readonly problem: string; readonly fix: string } {
  const file = resolve(folder, reference)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return { problem: `the examples ${file} cannot be read`, fix: 'Correct the path, or remove head.' }
  }
  const rows: PairExampleSet['rows'][number][] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const row = parseRow(line)
    if (!row) return { problem: `line ${index + 1} of ${file} is not a scored pair`, fix: FORM }
    rows.push(row)
  }
  if (rows.length < MIN_PAIRS || rows.length > MAX_PAIRS) {
    const problem = `${file} holds ${rows.length} pairs`
    return { problem, fix: `Write ${MIN_PAIRS} to ${MAX_PAIRS}; about a hundred are enough.` }
  }
  return { rows, digest: `sha256:${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}` }
}

/** Six features and a cross-validation need some. */
const MIN_PAIRS = 20
/** Both texts of a pair are read by the model before the first comparison. */
const MAX_PAIRS = 1000

const FORM = 'Write one {"left": "…", "right": "…", "score": 0.5} in every line.'
const rowSchema = z.strictObject({ left: z.string().min(1), right: z.string().min(1), score: z.number() })

function parseRow(line: string): z.output<typeof rowSchema> | null {
  try {
    return rowSchema.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}
