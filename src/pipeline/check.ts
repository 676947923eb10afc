/** Runs the task's gates on a local answer: first those that cost nothing, then those that ask somebody. */
import { firstRejection, gatesFor, needsOpinions, runGates } from '../gates/gates.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { AskContext } from './exchange.ts'
import { gateInput } from './gate-input.ts'
import { opinionVerdicts } from './second-opinion.ts'

/** @throws RouterError cancelled; that somebody gave no opinion is a verdict */
export async function checkDraft(context: AskContext, asked: Asked): Promise<readonly Verdict[]> {
  const { run, deps } = context
  const { stoppedBy } = asked.answer
  if (stoppedBy) return [stoppedBy]
  const input = gateInput(run, deps, asked)
  const gates = gatesFor(run.task, run.request)
  const own = runGates(
    gates.filter((gate) => !needsOpinions(gate)),
    input,
  )
  if (firstRejection(own)) return own
  const further = gates.filter(needsOpinions)
  return [...own, ...(await opinionVerdicts(context, { asked, input, verdicts: own, gates: further }))]
}
