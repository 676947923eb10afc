/** The seven public sets of the study: how their rows are read, what is asked, and by which kind of task. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { TaskKind } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import { drawn } from '../run/sample.ts'

export const STUDY_SETS = ['agnews', 'wikigold', 'stsb', 'sst2', 'gsm8k', 'squad', 'hotpotqa'] as const
export type StudySet = (typeof STUDY_SETS)[number]

const rowSchema = z.object({
  id: z.string().min(1),
  input: z.string().min(1),
  context: z.string().optional(),
  answers: z.array(z.string()),
  labels: z.array(z.string()).optional(),
  meta: z
    .object({
      sentence1: z.string().optional(),
      sentence2: z.string().optional(),
      score: z.number().optional(),
      solution: z.string().optional(),
      supporting: z.array(z.string()).optional(),
      entities: z.array(z.object({ text: z.string(), label: z.string() })).optional(),
    })
    .default({}),
})

/** One question with what is right: `answers` for most sets, `meta.score` (0 to 5) for stsb, `meta.entities` for wikigold. */
export type StudyRow = z.output<typeof rowSchema> & { readonly set: StudySet }

export interface SetDetails {
  readonly title: string
  readonly kind: TaskKind
  /** What the local model is told; also the task's description for the frontier. */
  readonly instruction: string
  /** Whether an error bound can be asked for: a written answer that is hardly ever right has none to prove. */
  readonly isBounded: boolean
  /** What is asked where the answer is to be written, the text of the row left out. */
  readonly inWords: string
  /** Of an answer in words. Absent: the caps of the models, since a frontier works a problem out at greater length. */
  readonly maxOutputTokens?: number
  readonly metric: string
}

export const SET_DETAILS: Readonly<Record<StudySet, SetDetails>> = {
  agnews: {
    title: 'AG News',
    kind: 'choice',
    instruction: 'Is the news article about World, Sports, Business or Science/Technology?',
    isBounded: true,
    inWords:
      'Is the news article above about World, Sports, Business or Science/Technology? Answer with the label only.',
    maxOutputTokens: 16,
    metric: 'label, exact',
  },
  wikigold: {
    title: 'wikigold',
    kind: 'entities',
    instruction: 'List the names in the text.',
    isBounded: true,
    inWords: 'List the names in the text above, one a line, as PER: name, LOC: name, ORG: name or MISC: name.',
    maxOutputTokens: 64,
    metric:
      'F1 of the names of a sentence >= .85, words exact, types left out as published; F1, precision, recall and typed F1 over all names beside it',
  },
  stsb: {
    title: 'STS-B',
    kind: 'similarity',
    instruction: 'How alike in meaning are the two sentences?',
    isBounded: true,
    inWords: 'Are the two sentences above very similar, similar or dissimilar? Answer with the label only.',
    maxOutputTokens: 16,
    metric: 'band of the score (>= 4, >= 2.5, below); Spearman beside it',
  },
  sst2: {
    title: 'SST-2',
    kind: 'choice',
    instruction: 'Is the sentiment of the film review positive or negative?',
    isBounded: true,
    inWords: 'Is the sentiment of the film review above positive or negative? Answer with the label only.',
    maxOutputTokens: 16,
    metric: 'label, exact',
  },
  gsm8k: {
    title: 'GSM8K',
    kind: 'text',
    instruction: 'Solve the problem step by step. End with a line `Answer: <number>`.',
    isBounded: false,
    inWords: 'Solve the problem above step by step. End with a line `Answer: <number>`.',
    metric: 'number of the last `Answer:` line, else the last number, equal',
  },
  squad: {
    title: 'SQuAD',
    kind: 'answer',
    instruction: 'Answer the question from the passage.',
    isBounded: true,
    inWords: 'Answer with the shortest words of the text, or with none where it holds no answer.',
    maxOutputTokens: 32,
    metric: 'F1 of words >= .5 over all gold answers, abstention counted; mean F1 and EM beside it',
  },
  hotpotqa: {
    title: 'HotpotQA',
    kind: 'answer',
    instruction: 'Answer the question from the passages.',
    isBounded: true,
    inWords: 'Answer with the shortest words of the text, or with yes or no.',
    maxOutputTokens: 32,
    metric: 'F1 of words >= .5; mean F1 and EM beside it',
  },
}

/** Rows to score, and rows for heads and thresholds; none is in both. */
export interface StudyData {
  readonly set: StudySet
  readonly scored: readonly StudyRow[]
  readonly fitted: readonly StudyRow[]
  /** `sha256:` of the files. */
  readonly digest: string
}

export interface Drawing {
  /** Rows a set that are scored. */
  readonly limit: number
  readonly seed: number
}

/** Streams were made for learning, and hold no row of the task files. */
const STREAMS: ReadonlySet<StudySet> = new Set(['agnews', 'sst2'])
/** The end of every task file is kept for examples and thresholds; of a short file its second half. */
const HELD = 100

/**
 * @param folder holds `tasks/<set>.jsonl` and, for agnews and sst2, `streams/<set>.jsonl`
 * @throws RouterError not_found, request_invalid: a file is missing, a line is no row
 */
export function readSet(folder: string, set: StudySet, { limit, seed }: Drawing): StudyData {
  const task = readRows(join(folder, 'tasks', `${set}.jsonl`), set)
  const pool = task.rows.slice(0, task.rows.length - Math.min(HELD, Math.floor(task.rows.length / 2)))
  const scored = drawn(pool, limit, seed)
  const ids = new Set(scored.map(({ id }) => id))
  const stream = STREAMS.has(set) ? readRows(join(folder, 'streams', `${set}.jsonl`), set) : null
  const others = (stream ?? task).rows.filter(({ id }) => !ids.has(id))
  // The held end of a file first: those rows nobody scores, whatever the limit.
  const fitted = stream ? others : others.toReversed()
  return { set, scored, fitted, digest: [task.digest, ...(stream ? [stream.digest] : [])].join(' ') }
}

function readRows(file: string, set: StudySet): { readonly rows: readonly StudyRow[]; readonly digest: string } {
  const text = textOf(file)
  const rows = text.split('\n').flatMap((line, index): readonly StudyRow[] => {
    if (line.trim() === '') return []
    const parsed = rowSchema.safeParse(jsonOf(line))
    if (parsed.success) return [{ ...parsed.data, set }]
    const problem = `line ${index + 1} is no row of the study`
    throw new RouterError('request_invalid', { path: file, problem, fix: FORM })
  })
  if (rows.length === 0) throw new RouterError('request_invalid', { path: file, problem: 'it holds no row', fix: FORM })
  return { rows, digest: `sha256:${createHash('sha256').update(text).digest('hex')}` }
}

const FORM = 'Write one {"id", "input", "answers", …} in every line; see docs/guides/evaluation.md.'

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const fix = 'Name the folder that holds tasks/ and streams/ by --data; the package brings no data sets.'
    throw new RouterError('not_found', { subject: 'data of the study', value: file, fix })
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
