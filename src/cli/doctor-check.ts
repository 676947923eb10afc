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
  /** What `doctor --fix` does about it; absent where that is for a person. Nothing of it destroys what somebody wrote. */
  readonly repair?: Repair
}

export interface Repair {
  /** downloads: only with `--install`, since it takes time and room. */
  readonly kind: 'local' | 'download'
  /** @returns what was done, as a sentence */
  readonly run: () => string | Promise<string>
}

export interface CheckPlace {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

export function ok(name: string, why: string): Check {
  return { name, state: 'ok', why, fix: null }
}

export function warn(name: string, why: string, fix: string, repair?: Repair): Check {
  return { name, state: 'warn', why, fix, ...(repair && { repair }) }
}

export function fail(name: string, why: string, fix: string, repair?: Repair): Check {
  return { name, state: 'fail', why, fix, ...(repair && { repair }) }
}
