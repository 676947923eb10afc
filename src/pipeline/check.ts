/** Runs the task's gates on a local answer: first those that cost nothing, then those that ask somebody. */
import { firstRejection, gatesFor, looksAgain, needsOpinions, runGates } from '../gates/gates.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { AskContext } from './exchange.ts'
import { gateInput } from './gate-input.ts'
import { opinionVerdicts } from './second-opinion.ts'
import { withStopCheck } from './stop-check.ts'

/** @throws RouterError cancelled; that somebody gave no opinion is a verdict */
export async function checkDraft(context: AskContext, asked: Asked): Promise<readonly Verdict[]> {
  const { run, deps } = context
  const { stoppedBy } = asked.answer
  const input = gateInput(run, deps, asked)
  const gates = gatesFor(run.task, run.request)
  const free = gates.filter((gate) => !needsOpinions(gate) && !looksAgain(gate))
  const found = stoppedBy ? [stoppedBy] : runGates(free, input)
  const own = await withStopCheck(context, { asked, input, own: found, gates })
  if (firstRejection(own)) return own
  const further = gates.filter(needsOpinions)
  return [...own, ...(await opinionVerdicts(context, { asked, input, verdicts: own, gates: further }))]
}
