/** Runs the task's gates on a local answer: first those that cost nothing, then those that ask somebody. */
import { gatesFor, isDoubt, looksAgain, type NamedGate, needsOpinions, runGates } from '../gates/gates.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { verifyingGates } from '../spec/policy-patterns.ts'
import type { AskContext } from './exchange.ts'
import { gateInput } from './gate-input.ts'
import { pluginVerdicts } from './plugin-gates.ts'
import { opinionVerdicts } from './second-opinion.ts'
import { withStopCheck } from './stop-check.ts'

/** @throws RouterError cancelled; that somebody gave no opinion is a verdict */
export async function checkDraft(context: AskContext, asked: Asked): Promise<readonly Verdict[]> {
  const { run, deps } = context
  const { stoppedBy } = asked.answer
  const input = gateInput(run, deps, asked)
  const gates = gatesFor(run.task, run.request)
  const free = gates.filter((gate) => !needsOpinions(gate) && !looksAgain(gate))
  const found = stoppedBy ? [stoppedBy] : [...runGates(free, input), ...(await pluginVerdicts(context, asked))]
  const own = await withStopCheck(context, { asked, input, own: found, gates })
  const further = furtherGates(run.task, gates, own)
  if (further.length === 0) return own
  return [...own, ...(await opinionVerdicts(context, { asked, input, verdicts: own, gates: further }))]
}

/** Those that cost something run only where the answer may still be accepted. */
export function furtherGates(
  task: TaskPolicy,
  gates: readonly NamedGate[],
  own: readonly Verdict[],
): readonly NamedGate[] {
  const costly = gates.filter(needsOpinions)
  const rejected = own.filter(({ accepted }) => !accepted)
  if (rejected.length === 0) return costly
  return rejected.every(isDoubt) ? costly.filter(({ name }) => verifyingGates(task).includes(name)) : []
}
