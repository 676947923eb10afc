/** Masks what goes out beside the texts of messages: tools, schemas, names and every further field of the caller's body. */
import { findPrivate } from '../classify/privacy/find.ts'
import { maskText, type Vault } from '../classify/privacy/mask.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import { unmaskedIn } from './unmasked.ts'

/** Bytes of images, sound and files: nothing in them can be masked. */
const DATA = /^data:[\w.+-]+\/[\w.+-]+[;,]|^[A-Za-z0-9+/]{256,}={0,2}$/

/**
 * Secrets never come here: they hold the request. Fields that choose something (a role, a type, the name of a tool) hold no
 * personal data that a detector knows, so they stay as they are.
 *
 * @param kinds that the policy wants masked
 * @returns the same call when there is nothing to mask
 */
export function maskFields(call: ModelCall, kinds: readonly PrivateKind[], vault: Vault): ModelCall {
  const personal = kinds.filter((kind) => kind !== 'secret')
  if (personal.length === 0) return call
  const { json } = unmaskedIn(call, DATA)
  // A body in the Messages dialect is masked by `maskMessagesBody`, in one go with its texts.
  const wire = call.wire?.dialect === 'anthropic_messages' ? undefined : call.wire
  const isClean = (one: string): boolean => findPrivate(one, personal).length === 0
  if (isClean(json) && isClean(decoded(json))) return call
  const mask = <T>(value: T): T => masked(value, personal, vault) as T
  return {
    ...call,
    messages: call.messages.map((message) => ({
      ...message,
      ...(message.name !== undefined && { name: mask(message.name) }),
      ...(typeof message.content !== 'string' && {
        content: message.content.map((part) => (part.type === 'image' ? { ...part, url: mask(part.url) } : part)),
      }),
    })),
    ...(call.tools && { tools: mask(call.tools) }),
    ...(call.responseSchema && { responseSchema: mask(call.responseSchema) }),
    ...(wire && { wire: { ...wire, body: mask(wire.body) } }),
  }
}

/** Names of fields, too: those of a schema are the caller's own words. */
function masked(value: unknown, kinds: readonly PrivateKind[], vault: Vault): unknown {
  if (typeof value === 'string') return DATA.test(value) ? value : decodedAddress(value, kinds, vault)
  if (Array.isArray(value)) return value.map((item) => masked(item, kinds, vault))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [maskText(key, kinds, vault).text, masked(item, kinds, vault)]),
  )
}

/** What only shows when an address is decoded is masked there: the address is of no use any more, and tells nothing. */
export function decodedAddress(text: string, kinds: readonly PrivateKind[], vault: Vault): string {
  const plain = decoded(text)
  const shows = plain !== text && findPrivate(plain, kinds).length > findPrivate(text, kinds).length
  return maskText(shows ? plain : text, kinds, vault).text
}

function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
}
