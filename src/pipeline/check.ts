/** Runs the task's gates on a local answer. */
import { findHardStops } from '../classify/hard-stops.ts'
import { gatesFor, runGates } from '../gates/gates.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { PipelineDeps, Run } from './run.ts'

export function checkDraft(run: Run, deps: PipelineDeps, asked: Asked): readonly Verdict[] {
  const { task, request, features } = run
  const { hardStops } = deps.loaded.policy
  return runGates(gatesFor(task, request), {
    answer: asked.answer,
    task,
    taskName: features.task,
    request,
    option: asked.option,
    ...(run.options && { options: run.options }),
    findHardStops: (text) => findHardStops([{ field: 'answer', text }], hardStops),
  })
}
