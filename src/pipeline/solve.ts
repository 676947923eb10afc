/** Exact tools come before any model, where a rule does not ask for somebody else. */
import { type Solution, solve } from '../solvers/solvers.ts'
import type { Removal, RouteDecision } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import { inputText } from '../spec/request.ts'
import type { Run } from './run.ts'

/** A solver is on this machine and exact: reach and size do not matter to it, every other rule does. */
const HARMLESS: ReadonlySet<Removal['rule']> = new Set(['availability', 'partition'])

export function solverAnswer({ request, features, decision }: Solvable): Solution | null {
  return maySolve({ ...features, isQuestion: isQuestion(request) }, decision)
    ? solve(inputText(request.messages))
    : null
}

interface Solvable extends Pick<Run, 'request' | 'features'> {
  readonly decision: Pick<RouteDecision, 'removals'>
}

/** Whether a solver can read the request, whoever may answer it. */
export function isSolvable({ request, features }: Pick<Run, 'request' | 'features'>): boolean {
  return solverAnswer({ request, features, decision: { removals: [] } }) !== null
}

function isQuestion({ embed, completion }: Run['request']): boolean {
  return !embed && !completion
}

/** What a solver's answer hangs on beside the text. */
export function maySolve(
  features: Pick<Features, 'kind' | 'hasTools' | 'hasImages' | 'hasSchema'> & { readonly isQuestion: boolean },
  decision: Pick<RouteDecision, 'removals'>,
): boolean {
  const open = features.kind === 'text' || features.kind === 'answer'
  if (!features.isQuestion || !open || features.hasTools || features.hasImages || features.hasSchema) return false
  const against = decision.removals.filter((removal) => removal.set === 'serve' && removal.actor === 'local')
  return against.every((removal) => HARMLESS.has(removal.rule))
}
