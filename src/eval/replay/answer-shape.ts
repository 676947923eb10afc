/** Whether a model would give the same answer under another policy: what shapes it is unchanged. Pure. */
import { promptFor } from '../../pipeline/task-prompt.ts'
import type { KeptPolicy } from '../../spec/kept-policy.ts'
import { DEFAULT_TASK, type ModelPolicy } from '../../spec/policy.ts'
import { DEFAULT_CONTEXT_TOKENS } from '../../spec/policy-models.ts'
import { optionsOf } from '../../spec/policy-problems.ts'
import { type PolicyChange, taskIn } from './policy-change.ts'

export interface Answerer {
  readonly model: string
  /** The task then and now; another name may hold the same settings. */
  readonly was: string
  readonly is: string
}

/** Of a local model everything that reaches it but the request. */
export function isSameAnswer({ model, was, is }: Answerer, change: PolicyChange): boolean {
  return change.isSame(`answer ${model} ${was} ${is}`, (kept) => shapeOf(kept, model, kept === change.old ? was : is))
}

/** Whether a name stands for the same model. */
export function isSameModel(model: string, change: PolicyChange): boolean {
  return change.isSame(`model ${model}`, ({ policy }) => modelShape(policy.models[model]))
}

function shapeOf(kept: KeptPolicy, model: string, name: string): unknown {
  const task = taskIn(kept, name) ?? DEFAULT_TASK
  const { system = null, shots } = promptFor(task, model)
  return [
    modelShape(kept.policy.models[model]),
    [
      system,
      shots,
      task.description ?? null,
      task.kind,
      optionsOf(task),
      task.adapter ?? null,
      task.rank,
      task.schema ?? null,
    ],
    [kept.files.heads[name] ?? null, kept.files.pairs[name] ?? null],
  ]
}

function modelShape(model: ModelPolicy | undefined): unknown {
  if (!model) return null
  const {
    provider,
    baseUrl,
    path,
    contextTokens = DEFAULT_CONTEXT_TOKENS,
    signals,
    adapter,
    think,
    maxOutputTokens,
  } = model
  return [provider, model.model, baseUrl, path, contextTokens, signals, adapter, think, maxOutputTokens]
}
