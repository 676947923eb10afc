/** The options of `spillway eval --suite published-study`. */
import { resolve } from 'node:path'
import type { StudyModels } from '../eval/study/conditions.ts'
import type { FitSizes } from '../eval/study/fit.ts'
import type { FrontierMode } from '../eval/study/report.ts'
import { STUDY_SETS, type StudySet } from '../eval/study/sets.ts'
import { packageFile } from './context.ts'
import { usage } from './failure.ts'
import { wholeNumber } from './numbers.ts'

export const SUITE = 'published-study'

export interface StudyFlags {
  readonly data?: string
  readonly sets?: string
  readonly frontier?: string
  readonly accuracy?: string
  readonly fit?: string
  readonly within?: string
  readonly out?: string
  readonly resume?: true
  readonly limit?: string
  readonly seed: string
  readonly json?: true
}

export interface StudyOptions {
  readonly data: string
  readonly sets: readonly StudySet[]
  readonly frontier: FrontierMode | 'auto'
  readonly accuracy: number
  readonly cheapAccuracy: number
  readonly closedBookAccuracy: number
  readonly fit: FitSizes
  /** After so many milliseconds nothing new is asked; null: until all is. */
  readonly withinMs: number | null
  readonly limit: number
  readonly seed: number
}

/** @throws RouterError usage */
export function studyOptions(flags: StudyFlags): StudyOptions {
  if (flags.resume && flags.out === undefined) throw usage('--resume needs --out', 'Name the folder of the results.')
  const rows = flags.fit === undefined ? DEFAULT_FIT : wholeNumber('--fit', flags.fit, { from: 20, to: 5000 })
  const head = Math.floor(rows * HEAD_SHARE)
  return {
    data: resolve(flags.data ?? packageFile('..', 'shared', 'data')),
    sets: flags.sets === undefined ? STUDY_SETS : flags.sets.split(',').map(setNamed),
    frontier: frontierNamed(flags.frontier ?? 'auto'),
    accuracy: share('--accuracy', flags.accuracy ?? '0.95'),
    cheapAccuracy: 0.85,
    closedBookAccuracy: 0.4,
    withinMs:
      flags.within === undefined ? null : wholeNumber('--within', flags.within, { from: 0, to: 10_000 }) * MINUTE_MS,
    fit: { head, threshold: rows - head },
    limit: wholeNumber('--limit', flags.limit ?? '100', { from: 1, to: 10_000 }),
    seed: wholeNumber('--seed', flags.seed, { from: 0, to: 2 ** 31 }),
  }
}

const MINUTE_MS = 60_000
/** A third of the labels fits the score, the others prove the threshold: 360 labels were too few for AG News by about 70. */
const DEFAULT_FIT = 1000
/** The threshold needs more labels than the head. */
const HEAD_SHARE = 0.4

function setNamed(name: string): StudySet {
  const set = STUDY_SETS.find((known) => known === name.trim())
  if (set) return set
  throw usage(`--sets ${name} is not known`, `Known: ${STUDY_SETS.join(', ')}.`)
}

function frontierNamed(name: string): StudyOptions['frontier'] {
  if (name === 'auto' || name === 'real' || name === 'replay' || name === 'oracle') return name
  throw usage(`--frontier ${name} is not known`, 'Use auto, real, replay or oracle.')
}

function share(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw usage(`${flag} ${text} is not a number from 0 to 1`, 'Give a share, for example 0.95.')
}

/** A strong and a cheap model of the provider whose key is set; simulated ones have the names, and so the prices, of the first. */
export function askedFrontier(frontier: FrontierMode, env: Readonly<Record<string, string | undefined>>): StudyModels {
  const isOpenAi = frontier === 'real' && !env.ANTHROPIC_API_KEY
  return isOpenAi
    ? { provider: 'openai', frontier: 'gpt-4.1', cheap: 'gpt-4.1-mini' }
    : { provider: 'anthropic', frontier: 'claude-sonnet-4-6', cheap: 'claude-haiku-4-5' }
}
