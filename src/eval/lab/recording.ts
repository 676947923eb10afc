/** Reads recorded outcomes: gzipped or plain JSON Lines, and beside them `manifest.json` with the names of the models. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { RouterError } from '../../spec/errors.ts'
import type { LabRecording, LabRow } from './method.ts'

const answer = z.union([z.string(), z.number(), z.null()]).transform((value) => (value === null ? null : String(value)))
const samples = z.array(answer)

const rowSchema = z.object({
  id: z.coerce.string(),
  split: z.string().default('dev'),
  task: z.string().default(''),
  q: z.string().default(''),
  fn: z.string().optional(),
  s: z.array(z.number().min(0).max(1)).optional(),
  a: z.array(answer).optional(),
  len: z.array(z.number()).optional(),
  resp: z.string().optional(),
  resp_of: z.string().optional(),
  lp: z.array(z.array(z.number())).optional(),
  conf: z.array(z.number().min(1).max(10).nullable()).optional(),
  verify: z.array(z.number().min(0).max(1).nullable()).optional(),
  A: samples.optional(),
  B: samples.optional(),
  gold: answer.optional(),
  strong: z.number().optional(),
})

/** Of the recordings with samples instead of models. */
const SAMPLED_MODELS = ['sampled', 'strong']

/**
 * @param file `<name>.jsonl` or `<name>.jsonl.gz`
 * @throws RouterError request_invalid, which names the file, the line and what is wrong
 */
export function readRecording(file: string): LabRecording {
  const name = basename(file).replace(/\.jsonl(\.gz)?$/, '')
  const { models, respOf } = manifestOf(join(dirname(file), 'manifest.json'), name)
  const lines = textOf(file).split('\n')
  const rows = lines.flatMap((line, index) =>
    line.trim() === '' ? [] : rowOf(line, { file, number: index + 1, models, respOf }),
  )
  if (rows.length === 0) throw invalid(file, 'it holds no row', 'Give a recording with at least one row.')
  const named = rows.some(({ samples: drawn }) => drawn !== null) ? SAMPLED_MODELS : models
  return {
    name,
    models: named,
    rows: withEvenSelfReports(
      rows,
      named.map(() => null),
    ),
  }
}

/** A field that some rows hold is there in all, with nothing known, so that every row has the same figures. */
function withEvenSelfReports(rows: readonly LabRow[], unknown: readonly null[]): readonly LabRow[] {
  const hasConfidences = rows.some(({ confidences }) => confidences !== null)
  const hasVerifications = rows.some(({ verifications }) => verifications !== null)
  if (!hasConfidences && !hasVerifications) return rows
  return rows.map((row) => ({
    ...row,
    confidences: row.confidences ?? (hasConfidences ? unknown : null),
    verifications: row.verifications ?? (hasVerifications ? unknown : null),
  }))
}

interface Place {
  readonly file: string
  readonly number: number
  readonly models: readonly string[]
  readonly respOf: string | null
}

function rowOf(line: string, { file, number, models, respOf }: Place): LabRow {
  const parsed = rowSchema.safeParse(parseJson(line))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(file, `line ${number}: ${issue?.path.join('.') || 'the row'} ${issue?.message ?? 'is wrong'}`, FORM)
  }
  const { q, fn, s, a, len, resp, resp_of, lp, A, B, gold, strong, conf, verify, ...own } = parsed.data
  const drawn = A && B ? A.flatMap((one, at) => [one, B[at] ?? null]) : null
  // Without a recorded score, quality is whether the most frequent sample is right, or to be found from log-probabilities.
  const scores = s ?? (drawn ? [modeOf(drawn) === (gold ?? null) ? 1 : 0, strong ?? 0] : models.map(() => 0))
  if (drawn === null && scores.length !== models.length)
    throw invalid(file, `line ${number}: it has ${scores.length} scores for ${models.length} models`, FORM)
  for (const [field, values] of [
    ['conf', conf],
    ['verify', verify],
  ] as const)
    if (values && values.length !== scores.length)
      throw invalid(file, `line ${number}: ${field} has ${values.length} values for ${scores.length} models`, FORM)
  return {
    ...own,
    question: q,
    functions: fn ?? null,
    scores,
    answers: a ?? null,
    lengths: len ?? null,
    response: resp ?? null,
    responseOf: resp_of ?? respOf,
    logprobs: lp?.map((one) => one.map((value) => value / 100)) ?? null,
    samples: drawn,
    confidences: conf ?? null,
    verifications: verify ?? null,
  }
}

const FORM = 'Each line is {"id", "split", "task", "q", "s": [score of each model], ...}.'

export function modeOf(values: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts.entries()].toSorted((x, y) => y[1] - x[1])[0]?.[0] ?? null
}

const manifestSchema = z.record(z.string(), z.object({ models: z.array(z.string()), resp_of: z.string().optional() }))

function manifestOf(
  manifest: string,
  name: string,
): { readonly models: readonly string[]; readonly respOf: string | null } {
  const entry = manifestSchema.safeParse(parseJson(textOf(manifest))).data?.[name]
  if (!entry) throw invalid(manifest, `it has no entry ${name} with "models"`, 'Write {"<name>": {"models": ["…"]}}.')
  return { models: entry.models, respOf: entry.resp_of ?? null }
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file)
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw invalid(file, `it cannot be read (${code})`, 'Check the path.')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
