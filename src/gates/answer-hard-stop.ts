import { HARD_STOP_KINDS, type HardStopHit, type HardStopKind } from '../spec/decision.ts'
import type { Answer } from '../spec/response.ts'
import { accept, type Gate, reject } from './gate.ts'

/**
 * Rejects with `hard_stop_<kind>` when the answer itself, or a tool call in it, holds a hard-stop term: a local model
 * that turns a harmless question into talk of credentials has left what it may settle. With several kinds the first of
 * `HARD_STOP_KINDS` names the reason, so the verdict does not depend on the order of the text.
 */
export const answerHardStop: Gate = ({ answer, findHardStops }) => {
  const hits = writtenTexts(answer).flatMap((text) => findHardStops(text))
  const kind = HARD_STOP_KINDS.find((candidate) => hits.some((hit) => hit.kind === candidate))
  if (kind === undefined) return accept('answer_hard_stop', 'The answer holds no hard-stop term.')
  return reject('answer_hard_stop', {
    reason: `hard_stop_${kind}`,
    detail: `The answer holds ${termsOf(hits, kind)}, which only a frontier or a human may settle.`,
  })
}

function writtenTexts(answer: Answer): readonly string[] {
  return [answer.text, ...answer.toolCalls.map((call) => `${call.name} ${call.arguments}`)]
}

function termsOf(hits: readonly HardStopHit[], kind: HardStopKind): string {
  const terms = new Set(hits.filter((hit) => hit.kind === kind).map((hit) => `"${hit.term}"`))
  return `the ${kind} ${terms.size === 1 ? 'term' : 'terms'} ${[...terms].join(', ')}`
}
