import type { PatternStanding } from '../patterns/pattern.ts'
import { switchText } from '../spec/buddy.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'

/** How the task's pattern stands. Of other patterns nothing is remembered. */
export function standingOf(run: Run, deps: PipelineDeps): PatternStanding {
  if (run.decision.pattern !== 'buddy') return { setup: '', off: null }
  const setup = hexDigest(JSON.stringify([patternOptions(run.task, 'buddy'), run.decision.local])).slice(0, 16)
  const off = found(run, setup, deps)
  return { setup, off: off && switchText(off) }
}

/** A file that cannot be read switches nothing off; `spillway doctor` names it. */
function found(
  run: Run,
  setup: string,
  { buddies }: PipelineDeps,
): ReturnType<PipelineDeps['buddies']['book']['find']> {
  try {
    return buddies.book.find(run.features.task, setup)
  } catch {
    return null
  }
}
