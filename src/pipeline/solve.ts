/** Exact tools come before any model, where a rule does not ask for somebody else. */
import { type Solution, solve } from '../solvers/solvers.ts'
import type { Removal, RouteDecision } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import { isForTask, pluginLabel, pluginsOf } from '../spec/plugin.ts'
import { inputText } from '../spec/request.ts'
import { notePlugin, pluginFailed } from './plugin-notes.ts'
import type { PipelineDeps, Run } from './run.ts'

/** A solver is on this machine and exact: reach and size do not matter to it, every other rule does. */
const HARMLESS: ReadonlySet<Removal['rule']> = new Set(['availability', 'partition'])

/** @returns null where no tool reads the whole question, or somebody else has to answer */
export function solverAnswer(run: Solvable & Pick<Run, 'plugins'>, deps: PipelineDeps): Solved | null {
  const own = ownAnswer(run)
  if (own) return own
  const { request, features, decision } = run
  if (!maySolve({ ...features, isQuestion: isQuestion(request) }, decision)) return null
  return pluginAnswer(run, deps)
}

/** The same by the solvers of this package alone. */
export function ownAnswer({ request, features, decision }: Solvable): Solution | null {
  return maySolve({ ...features, isQuestion: isQuestion(request) }, decision)
    ? solve(inputText(request.messages))
    : null
}

interface Solved {
  readonly answer: string
  readonly solver: string
}

/** The first that answers; one that throws is passed over. */
function pluginAnswer(run: Solvable & Pick<Run, 'plugins'>, deps: PipelineDeps): Solved | null {
  const solvers = pluginsOf(deps.loaded.plugins, 'solver').filter((one) => isForTask(one, run.features.task))
  for (const { plugin } of solvers) {
    try {
      const found = plugin.solve(inputText(run.request.messages))
      if (found === null || found === undefined) continue
      if (typeof found.answer !== 'string' || found.answer === '') throw new TypeError('it returned no { answer }')
      notePlugin(run.plugins, plugin, 'answered')
      return { answer: found.answer, solver: pluginLabel(plugin) }
    } catch (error) {
      pluginFailed(run, deps, { plugin, error })
    }
  }
  return null
}

interface Solvable extends Pick<Run, 'request' | 'features'> {
  readonly decision: Pick<RouteDecision, 'removals'>
}

/** Whether a solver can read the request, whoever may answer it. */
export function isSolvable({ request, features }: Pick<Run, 'request' | 'features'>): boolean {
  return ownAnswer({ request, features, decision: { removals: [] } }) !== null
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
