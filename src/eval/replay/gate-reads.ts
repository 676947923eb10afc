/** What each gate reads of a policy: where that is the same, its verdict on a recorded answer is. Pure. */
import type { GateName } from '../../gates/gate.ts'
import type { KeptPolicy } from '../../spec/kept-policy.ts'
import { DEFAULT_TASK, type TaskPolicy } from '../../spec/policy.ts'
import { taskIn } from './policy-change.ts'

interface Read {
  readonly kept: KeptPolicy
  readonly task: TaskPolicy
  readonly name: string
}

/** @returns plain data; thresholds that a replay holds the recorded figure against are left out */
export function gateReads(gate: GateName, kept: KeptPolicy, name: string): unknown {
  const task = taskIn(kept, name) ?? DEFAULT_TASK
  return READS[gate]({ kept, task, name })
}

const nothing = (): null => null

const READS: Readonly<Record<GateName, (read: Read) => unknown>> = {
  answer_hard_stop: ({ kept }) => kept.policy.hardStops,
  stop_check: ({ kept, task: { stopCheck }, name }) => {
    if (!stopCheck) return null
    const { task } = stopCheck
    return [task, stopCheck.onFailure, taskIn(kept, task), kept.files.heads[task], kept.files.harmless[name]]
  },
  safety_class: ({ task }) => task.gates.safetyClass,
  complete: ({ task }) => [task.gates.length, task.kind],
  refusal: nothing,
  repetition: nothing,
  patch: nothing,
  equations: nothing,
  schema: ({ task }) => task.schema,
  verify_text: ({ task: { verify } }) => [verify?.matches, verify?.lacks],
  verify_code: ({ task: { verify } }) => verify?.parses,
  verify_citations: ({ task: { verify } }) => verify?.citations,
  verify_edits: ({ task: { verify } }) => verify?.edits,
  labels: ({ task }) => [task.kind, task.labels, task.range, task.escalateLabels],
  evidence: ({ task }) => task.rank,
  // Read from recorded figures.
  confidence: nothing,
  entropy: nothing,
  calibrated: nothing,
  verify_command: ({ task: { verify } }) => verify?.command,
  agreement: agreementReads,
  semantic_entropy: agreementReads,
  judge: ({ kept, task: { judge } }) => judge && [{ ...judge, greyZone: null }, kept.policy.models[judge.by]],
  quality: ({ kept, task }) =>
    task.quality && [task.quality, task.schema, task.labels, task.range, kept.policy.models[task.quality.by]],
}

function agreementReads({ kept, task: { agreement } }: Read): unknown {
  return agreement && [{ ...agreement, greyZone: null }, agreement.with.map((model) => kept.policy.models[model])]
}
