/** Runs the task's gates on a local answer. */
import { findHardStops } from '../classify/hard-stops.ts'
import type { GateInput } from '../gates/gate.ts'
import { gatesFor, runGates } from '../gates/gates.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { PipelineDeps, Run } from './run.ts'

export function checkDraft(run: Run, deps: PipelineDeps, asked: Asked): readonly Verdict[] {
  const { stoppedBy } = asked.answer
  if (stoppedBy) return [stoppedBy]
  return runGates(gatesFor(run.task, run.request), gateInput(run, deps, asked))
}

export function gateInput(run: Run, deps: PipelineDeps, draft: Pick<Asked, 'answer' | 'option'>): GateInput {
  const { task, request, features } = run
  const { hardStops } = deps.loaded.policy
  return {
    answer: draft.answer,
    task,
    taskName: features.task,
    request,
    option: draft.option,
    ...(run.options && { options: run.options }),
    findHardStops: (text) => findHardStops([{ field: 'answer', text }], hardStops),
  }
}
