/** Reads the labelled examples of a task's head: JSON Lines of `{"text": …, "label": …}`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { HeadExampleSet } from '../spec/policy.ts'

export interface HeadExampleProblem {
  readonly problem: string
  readonly fix: string
}

/**
 * @param reference a path, relative to the folder of the policy, or `shipped:<name>` for a file of this package
 * @returns the examples, or what is wrong with them; the problem names the file and the line
 */
export function readHeadExamples(
  reference: string,
  context: { readonly folder: string; readonly options: readonly string[] },
): HeadExampleSet | HeadExampleProblem {
  const file = locate(reference, context.folder)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return { problem: `the examples ${file} cannot be read`, fix: 'Correct the path, or remove head.' }
  }
  const rows: HeadExampleSet['rows'][number][] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const row = parseRow(line)
    if (!row) return { problem: `line ${index + 1} of ${file} is not an example`, fix: FORM }
    if (!context.options.includes(row.label)) {
      const fix = `Labels: ${context.options.join(', ')}.`
      return { problem: `line ${index + 1} of ${file} has the unknown label ${row.label}`, fix }
    }
    rows.push(row)
  }
  return tooFew(rows, context.options, file) ?? { options: context.options, rows, digest: digestOf(rows, context) }
}

const SHIPPED = 'shipped:'
const SHIPPED_FOLDER = fileURLToPath(new URL('../../templates/heads/', import.meta.url))

function locate(reference: string, folder: string): string {
  if (!reference.startsWith(SHIPPED)) return resolve(folder, reference)
  return resolve(SHIPPED_FOLDER, `${reference.slice(SHIPPED.length).replace(/[^\w-]/g, '')}.jsonl`)
}

const FORM = 'Write one {"text": "…", "label": "…"} in every line.'
const rowSchema = z.strictObject({ text: z.string().min(1), label: z.string().min(1) })

function parseRow(line: string): z.output<typeof rowSchema> | null {
  try {
    return rowSchema.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}

/** One to hold out, and two to learn from. */
const MIN_EXAMPLES = 3
/** Each is read by the model before the first decision: at a tenth of a second, 1,000 take two minutes. */
const MAX_EXAMPLES = 1000

function tooFew(rows: HeadExampleSet['rows'], options: readonly string[], file: string): HeadExampleProblem | null {
  if (rows.length > MAX_EXAMPLES) {
    return { problem: `${file} holds ${rows.length} examples`, fix: `Keep at most ${MAX_EXAMPLES}.` }
  }
  for (const option of options) {
    const count = rows.filter(({ label }) => label === option).length
    if (count >= MIN_EXAMPLES) continue
    const problem = `${file} holds ${count} examples of the label ${option}`
    return { problem, fix: `Write at least ${MIN_EXAMPLES} of every label; a few dozen are better.` }
  }
  return null
}

/** Examples that were checked elsewhere. */
export function headExampleSet(rows: HeadExampleSet['rows'], options: readonly string[]): HeadExampleSet {
  return { options, rows, digest: digestOf(rows, { options }) }
}

function digestOf(rows: HeadExampleSet['rows'], { options }: { readonly options: readonly string[] }): string {
  const content = JSON.stringify([options, rows.map(({ text, label }) => [text, label])])
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
