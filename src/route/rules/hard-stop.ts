import type { Reason } from '../../spec/decision.ts'
import { type Rule, remove, SERVE } from './rule.ts'

/** A hard stop says who may answer: the local model may still assist, its answer is never served. */
export const hardStopRule: Rule = ({ features }) => {
  const first = features.hardStops[0]
  if (!first) return []
  const reason: Reason = `hard_stop_${first.kind}`
  const detail =
    first.kind === 'novel'
      ? `The input is novel to the task: ${first.term}.`
      : `Term "${first.term}" in ${first.field}.`
  return remove('local', SERVE, { rule: 'hard_stop', reason, detail })
}
