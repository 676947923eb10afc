/** Reads the rows of an evaluation: JSON Lines, one question with its right answer in every line. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { RouterError } from '../../spec/errors.ts'

/** How an answer is compared with the right one; `auto` by the kind of the task. */
export const COMPARISONS = ['auto', 'exact', 'numeric', 'contains', 'json'] as const
export type Comparison = (typeof COMPARISONS)[number]

const message = z.strictObject({ role: z.enum(['system', 'developer', 'user', 'assistant']), content: z.string() })

const tool = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
})

const rowSchema = z
  .strictObject({
    id: z.coerce.string().min(1).optional(),
    task: z.string().min(1).optional(),
    input: z.string().optional(),
    messages: z.array(message).min(1).optional(),
    document: z.string().optional(),
    compareTo: z.string().optional(),
    items: z.array(z.string()).optional(),
    tools: z.array(tool).optional(),
    expected: z
      .union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string()).min(1)])
      .optional()
      .transform(acceptable),
    compare: z.enum(COMPARISONS).default('auto'),
    expectedRoute: z.enum(['local', 'frontier', 'solver', 'held']).optional(),
    expectedShape: z.union([z.enum(['json', 'label', 'number']), z.record(z.string(), z.unknown())]).optional(),
    hardStop: z.boolean().default(false),
    partition: z.enum(['public', 'internal', 'local_only']).optional(),
  })
  .refine(({ input, messages }) => (input === undefined) !== (messages === undefined), {
    message: 'needs either input or messages',
  })

/** One question. `expected`: the answers that are right, null in it for "there is none"; undefined when unknown. */
export type EvalRow = Omit<z.output<typeof rowSchema>, 'id'> & { readonly id: string }

export interface Dataset {
  readonly file: string
  readonly rows: readonly EvalRow[]
  /** `sha256:` of the file. */
  readonly digest: string
}

/** @throws RouterError request_invalid, which names the file, the line and what is wrong; not_found */
export function readDataset(file: string): Dataset {
  const text = textOf(file)
  const rows = text
    .split('\n')
    .flatMap((line, index): readonly EvalRow[] => (line.trim() === '' ? [] : [rowOf(line, file, index + 1)]))
  if (rows.length === 0) throw invalid(file, 'it holds no row', 'Give a file with at least one row.')
  const seen = new Set<string>()
  for (const { id } of rows) {
    if (seen.has(id)) throw invalid(file, `two rows have the id ${id}`, 'Give every row an id of its own, or none.')
    seen.add(id)
  }
  return { file, rows, digest: `sha256:${createHash('sha256').update(text).digest('hex')}` }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new RouterError('not_found', { subject: 'dataset', value: file, fix: 'Check the path.' })
  }
}

function rowOf(line: string, file: string, number: number): EvalRow {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw invalid(file, `line ${number} is no JSON`, FORM)
  }
  const parsed = rowSchema.safeParse(value)
  if (parsed.success) return { ...parsed.data, id: parsed.data.id ?? `line ${number}` }
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.')
  throw invalid(file, `line ${number}: ${where ? `${where}: ` : ''}${issue?.message ?? 'is wrong'}`, FORM)
}

type Acceptable = readonly (string | null)[] | undefined

function acceptable(expected: string | number | boolean | null | readonly string[] | undefined): Acceptable {
  if (expected === undefined) return undefined
  if (expected === null) return [null]
  if (typeof expected === 'boolean') return [expected ? 'yes' : 'no']
  return typeof expected === 'object' ? expected : [String(expected)]
}

const FORM = 'Write one {"input": "…", "expected": "…", "task": "…"} in every line; see docs/guides/evaluation.md.'

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
