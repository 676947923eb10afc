/** Exact tools come before any model, where a rule does not ask for somebody else. */
import { type Solution, solve } from '../solvers/solvers.ts'
import type { Removal } from '../spec/decision.ts'
import { inputText } from '../spec/request.ts'
import type { Run } from './run.ts'

/** A solver is on this machine and exact: reach and size do not matter to it, every other rule does. */
const HARMLESS: ReadonlySet<Removal['rule']> = new Set(['availability', 'partition'])

export function solverAnswer(run: Pick<Run, 'request' | 'features' | 'decision' | 'options'>): Solution | null {
  const { features, decision, request } = run
  if (request.embed || request.completion) return null
  const open = features.kind === 'text' || features.kind === 'answer'
  if (!open || features.hasTools || features.hasImages || features.hasSchema) return null
  const against = decision.removals.filter((removal) => removal.set === 'serve' && removal.actor === 'local')
  if (against.some((removal) => !HARMLESS.has(removal.rule))) return null
  return solve(inputText(request.messages))
}
