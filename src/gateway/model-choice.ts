/** What a model name in a request asks for, the same at every door, and what its caller is told of it. */
import type { Decision } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelState } from '../spec/ports.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { RequestHeaders } from './metadata.ts'

/** Names that every policy has. */
export const VIRTUAL_MODELS = ['auto', 'auto:fast', 'local', 'frontier'] as const

/** What a model name asks for. */
export interface ModelChoice {
  readonly override?: 'local' | 'frontier'
  readonly task?: string
  /** A configured model: a wish for its side, and to be the first there. Whether it is asked at all is for the policy to say. */
  readonly model?: string
  /** Of the models that the policy leaves, those of this tier first. */
  readonly tier?: 'local_fast'
  /** Set when the name is not known and is treated as `auto`. */
  readonly warning?: string
}

/** The names a policy gives, read only when a virtual name does not settle the question. */
export interface KnownNames {
  readonly tasks: readonly string[]
  readonly models: readonly Pick<ModelState, 'name' | 'actor' | 'providerModel'>[]
}

/** What model names are read with. */
export interface NameSettings {
  readonly names: () => KnownNames
  readonly unknownModel: 'auto' | 'error'
}

/** What a body is read with. */
export interface ReadSettings extends NameSettings {
  readonly headers: RequestHeaders
}

/** @throws RouterError not_found when the policy wants unknown names refused */
export function chooseModel(model: string, known: NameSettings): ModelChoice {
  if (model === 'auto') return {}
  if (model === 'auto:fast') return { tier: 'local_fast' }
  if (model === 'local' || model === 'frontier') return { override: model }
  const { tasks, models } = known.names()
  if (tasks.includes(model)) return { task: model }
  const configured = models.find(({ name }) => name === model) ?? models.find((one) => one.providerModel === model)
  if (configured) return { override: configured.actor, model: configured.name }
  if (known.unknownModel === 'error')
    throw new RouterError('not_found', {
      subject: 'model',
      value: model,
      fix: `GET /v1/models lists the names: ${VIRTUAL_MODELS.join(', ')}, the tasks and the models.`,
    })
  return { warning: `model ${model} is not known here and was treated as auto` }
}

/** The choice as the router takes it; a task goes into the metadata. */
export function wishOf({ override, model, tier }: ModelChoice): Pick<RouterRequest, 'override' | 'prefer'> {
  const prefer = model ?? tier
  return { ...(override && { override }), ...(prefer !== undefined && { prefer }) }
}

/** Who answered, and what of the request was not asked. */
export interface KnownAnswer {
  readonly decision: Pick<Decision, 'model'>
  readonly unasked?: readonly string[]
}

/** What to tell a caller whose model name was not taken literally, or whose model was not asked all of the request. */
export function warningOf(choice: ModelChoice, { decision, unasked = [] }: KnownAnswer): string | undefined {
  const { model } = decision
  const isOther = choice.model !== undefined && model !== null && model !== choice.model
  const named = isOther ? `model ${choice.model} was asked for and ${model} answered, by policy` : choice.warning
  if (unasked.length === 0) return named
  const lost = `${model} was not asked ${unasked.join(', ')}`
  return named === undefined ? lost : `${named}; ${lost}`
}
