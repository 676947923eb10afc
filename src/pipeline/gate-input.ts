/** What the gates read of a draft. */
import { findHardStops } from '../classify/hard-stops.ts'
import type { GateInput } from '../gates/gate.ts'
import type { Asked } from '../patterns/pattern.ts'
import { checkEquations } from '../solvers/equations.ts'
import { inputText } from '../spec/request.ts'
import { calibrationOf, figuresOf } from './draft.ts'
import type { PipelineDeps, Run } from './run.ts'

export function gateInput(run: Run, deps: PipelineDeps, draft: Pick<Asked, 'answer' | 'option'>): GateInput {
  const { task, request, features } = run
  const { hardStops } = deps.loaded.policy
  const calibration = calibrationOf(run, deps)
  return {
    answer: draft.answer,
    task,
    taskName: features.task,
    request,
    option: draft.option,
    ...(run.options && { options: run.options }),
    ...(calibration && { calibration, figures: figuresOf(run, draft) }),
    checkEquations: (text) => checkEquations(text, inputText(request.messages)),
    findHardStops: (text) => findHardStops([{ field: 'answer', text }], hardStops),
  }
}
