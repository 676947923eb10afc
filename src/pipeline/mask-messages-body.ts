/** Masks a caller's body in the Messages dialect in place: its blocks hold more than messages of the router can say. */

import { fileText } from '../classify/file-text.ts'
import { visitBody } from '../classify/messages-body.ts'
import { maskText, type Vault } from '../classify/privacy/mask.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import type { CallersWire } from '../spec/wire.ts'
import { decodedAddress, maskedFile, maskedString } from './mask-fields.ts'

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
      if (place === 'text') return maskedFile(value, kinds, vault) ?? maskedWords(value, kinds, vault)
      return personal.length === 0 ? value : maskedString(value, personal, vault)
    },
    input: (json) => maskText(json, kinds, vault, 'json').text,
  })
  return body === wire.body ? wire : { ...wire, body }
}

/** What has no space in it may be an address. */
function maskedWords(value: string, kinds: readonly PrivateKind[], vault: Vault): string {
  return /\s/.test(value) ? maskText(value, kinds, vault).text : decodedAddress(value, kinds, vault)
}

/** What masking leaves as it is. */
interface Unmaskable {
  /** Strings in which a secret stays, with the text of those that are files. */
  readonly fixed: readonly string[]
  /** Texts of files that cannot be written anew: nothing in them is masked. */
  readonly files: readonly string[]
}

/** But for bytes that are no text. */
export function unmaskableIn({ body }: CallersWire): Unmaskable {
  const fixed: string[] = []
  const files: string[] = []
  visitBody(body, {
    string(value, place) {
      if (place === 'opaque') return value
      const file = fileText(value)
      if (place === 'fixed') fixed.push(value, ...(file ? [file.text] : []))
      if (file?.rewritten === null) files.push(file.text)
      return value
    },
    input: (json) => json,
  })
  return { fixed, files }
}

/** The text of the fields that stay as they are. */
export function unmaskableText(strings: readonly string[]): string {
  return [JSON.stringify(strings), ...strings].join('\n')
}
