/** What of a caller's own body the model that answered was not asked. */
import type { ModelPolicy } from '../spec/policy.ts'
import type { RouterRequest } from '../spec/request.ts'
import { notCarried } from '../spec/translation.ts'
import { dialectOfProvider } from '../spec/wire.ts'

/** Empty for a model of the caller's dialect, which gets the body as it is, and for requests of the library. */
export function unaskedOf(
  { wire }: RouterRequest,
  { tier, provider, model }: ModelPolicy,
): { readonly unasked?: readonly string[] } {
  if (wire === undefined) return {}
  // A local model gets a request of its own, whatever dialect its server speaks.
  const dialect = tier === 'frontier' ? dialectOfProvider(provider) : null
  if (dialect === wire.dialect) return {}
  const { warned } = notCarried(wire, { dialect: dialect ?? 'local', model })
  return warned.length === 0 ? {} : { unasked: warned }
}
