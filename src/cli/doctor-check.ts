/** One finding of `spillway doctor`, and what a check may look at. */
import type { Paths } from '../models/paths.ts'

export interface Check {
  readonly name: string
  /** warn: something is missing that is not needed now. fail: something that is needed does not work. */
  readonly state: 'ok' | 'warn' | 'fail'
  /** One sentence: what was found. */
  readonly why: string
  /** What to do about it; null when there is nothing to do. */
  readonly fix: string | null
}

export interface CheckPlace {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

export function ok(name: string, why: string): Check {
  return { name, state: 'ok', why, fix: null }
}

export function warn(name: string, why: string, fix: string): Check {
  return { name, state: 'warn', why, fix }
}

export function fail(name: string, why: string, fix: string): Check {
  return { name, state: 'fail', why, fix }
}
