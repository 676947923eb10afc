/** What the caller's API key leaves of a request. A key only narrows: what it forbids is refused, never sent another way. */
import type { KeyScope } from '../spec/access.ts'
import type { RouteDecision, RuleName } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Features } from '../spec/features.ts'
import type { ModelState } from '../spec/ports.ts'

/** @throws RouterError key_forbids */
export function requireTask(key: KeyScope | undefined, { task }: Features): void {
  if (!key?.tasks || key.tasks.includes(task)) return
  throw forbidden(key, { subject: 'task', value: task, allowed: key.tasks })
}

/** The models as the holder of the key finds them; an entry of its list is a name or a tier. */
export function modelsFor(key: KeyScope | undefined, models: readonly ModelState[]): readonly ModelState[] {
  const allowed = key?.models
  if (!allowed) return models
  return models.map((model) =>
    allowed.includes(model.name) || allowed.includes(model.tier) ? model : { ...model, isBarred: true },
  )
}

/** Rules that hold a request for a human: whoever it is that asks, the answer is not "use another key". */
const HOLDING: ReadonlySet<RuleName> = new Set(['partition', 'kill_switch', 'hard_stop'])

/**
 * Where nothing but the key keeps an actor from answering, and nobody else may either, another key is the way out.
 *
 * @throws RouterError key_forbids
 */
export function requireModel(key: KeyScope | undefined, { serve, removals, task }: RouteDecision): void {
  if (!key?.models || serve.length > 0 || removals.some(({ rule }) => HOLDING.has(rule))) return
  const isByKeyAlone = (['local', 'frontier'] as const).some((actor) => {
    const own = removals.filter((removal) => removal.actor === actor && removal.set === 'serve')
    return own.length > 0 && own.every(({ rule }) => rule === 'key')
  })
  if (isByKeyAlone) throw forbidden(key, { subject: 'the models of task', value: task, allowed: key.models })
}

function forbidden(
  { id: key }: KeyScope,
  what: { readonly subject: string; readonly value: string; readonly allowed: readonly string[] },
): RouterError {
  return new RouterError('key_forbids', { ...what, key, allowed: what.allowed.join(', ') || 'none' })
}
