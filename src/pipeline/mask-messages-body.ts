/** Masks a caller's body in the Messages dialect in place: its blocks hold more than messages of the router can say. */
import { findPrivate } from '../classify/privacy/find.ts'
import { maskText, type Vault } from '../classify/privacy/mask.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import type { CallersWire } from '../spec/wire.ts'
import { decodedAddress } from './mask-fields.ts'
import { visitBody } from './messages-body.ts'

/**
 * Words, inputs of tools and thoughts have every wanted kind masked; what steers the API only personal data, since secrets in it have
 * held the request before.
 *
 * @param kinds that the policy wants masked, secrets among them
 */
export function maskMessagesBody(wire: CallersWire, kinds: readonly PrivateKind[], vault: Vault): CallersWire {
  const personal = kinds.filter((kind) => kind !== 'secret')
  const body = visitBody(wire.body, {
    string(value, place) {
      if (place === 'opaque') return value
      if (place === 'text') return maskText(value, kinds, vault).text
      return personal.length === 0 ? value : decodedAddress(value, personal, vault)
    },
    input: (json) => maskText(json, kinds, vault, 'json').text,
  })
  return body === wire.body ? wire : { ...wire, body }
}

/** Every string that masking for secrets leaves as it is, but for bytes. */
export function unmaskableIn({ body }: CallersWire): readonly string[] {
  const found: string[] = []
  visitBody(body, {
    string(value, place) {
      if (place === 'fixed') found.push(value)
      return value
    },
    input: (json) => json,
  })
  return found
}

/** Whether a detector of secrets finds something in a field that stays as it is. */
export function holdsUnmaskableSecret(wire: CallersWire): boolean {
  const strings = unmaskableIn(wire)
  return findPrivate([JSON.stringify(strings), ...strings].join('\n'), ['secret']).length > 0
}
