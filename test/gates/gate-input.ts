/** Builds what a gate reads: an answer that is fine in every respect, changed where a test wants it. */
import type { ChosenOption, GateInput } from '../../src/gates/gate.ts'
import type { Opinions } from '../../src/gates/opinions.ts'
import { checkEquations } from '../../src/solvers/equations.ts'
import type { HardStopHit, Signals } from '../../src/spec/decision.ts'
import { type PolicyInput, policySchema, type TaskPolicy } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import type { Answer } from '../../src/spec/response.ts'

type TaskInput = NonNullable<PolicyInput['tasks']>[string]

export interface Changes {
  readonly text?: string
  readonly answer?: Partial<Answer>
  readonly signals?: Partial<Signals> | null
  readonly task?: TaskInput
  readonly request?: Partial<RouterRequest>
  readonly option?: ChosenOption | null
  readonly options?: readonly string[]
  readonly opinions?: Opinions
  readonly findHardStops?: (text: string) => readonly HardStopHit[]
}

export function gateInput(changes: Changes = {}): GateInput {
  const { text = 'The build failed because a module is missing.', signals = {} } = changes
  return {
    answer: {
      text,
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens: 10, outputTokens: 9, source: 'reported' },
      signals: signals === null ? null : { ...SURE, ...signals },
      raw: null,
      ...changes.answer,
    },
    task: taskPolicy(changes.task ?? {}),
    taskName: 'triage',
    request: { messages: [{ role: 'user', content: 'Why did it fail?' }], ...changes.request },
    option: changes.option ?? null,
    checkEquations: (text) => checkEquations(text, 'Why did it fail?'),
    findHardStops: changes.findHardStops ?? (() => []),
    ...(changes.opinions === undefined ? {} : { opinions: changes.opinions }),
    ...(changes.options === undefined ? {} : { options: changes.options }),
  }
}

/** A task of the real policy schema, so that defaults are the shipped ones. */
export function taskPolicy(task: TaskInput): TaskPolicy {
  const parsed = policySchema.parse({ tasks: { triage: task } }).tasks.triage
  if (parsed === undefined) throw new Error('The policy schema dropped the task.')
  return parsed
}

const SURE: Signals = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: 9,
  meanLogprob: -0.1,
  minLogprob: -0.5,
  entropyLowNats: 0.1,
  entropyHighNats: 0.4,
  maxTokenEntropyNats: 0.5,
  options: null,
  margin: null,
}
