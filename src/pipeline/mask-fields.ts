/** Masks what goes out beside the texts of messages: tools, schemas, names and every further field of the caller's body. */

import { fileText, isBytes } from '../classify/file-text.ts'
import type { LeavingText } from '../classify/leaving.ts'
import { percentDecoded } from '../classify/leaving.ts'
import { maskText, type Vault } from '../classify/privacy/mask.ts'
import { unmaskedIn } from '../classify/unmasked.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'

/** Has long texts read where nobody waits for it, before detectors are asked about them. */
export type ReadPrivate = (texts: readonly (string | LeavingText)[], kinds: readonly PrivateKind[]) => Promise<void>

/**
 * Secrets never come here: they hold the request. Fields that choose something (a role, a type, the name of a tool) hold no
 * personal data that a detector knows, so they stay as they are.
 *
 * @param kinds that the policy wants masked
 * @returns the same call when there is nothing to mask
 */
export async function maskFields(
  call: ModelCall,
  kinds: readonly PrivateKind[],
  { vault, read }: { readonly vault: Vault; readonly read: ReadPrivate },
): Promise<ModelCall> {
  const personal = kinds.filter((kind) => kind !== 'secret')
  if (personal.length === 0) return call
  const { json, strings, files } = unmaskedIn(call, isBytes)
  // A body in the Messages dialect is masked by `maskMessagesBody`, in one go with its texts.
  const wire = call.wire?.dialect === 'anthropic_messages' ? undefined : call.wire
  const plain = percentDecoded(json)
  const texts = [...(plain === json ? [json] : [json, plain]), ...files.map(({ text }) => text)]
  await read(texts, personal)
  if (texts.every((text) => vault.find(text, personal).length === 0)) return call
  await read(strings, personal)
  const mask = <T>(value: T): T => masked(value, personal, vault) as T
  return {
    ...call,
    messages: call.messages.map((message) => ({
      ...message,
      ...(message.name !== undefined && { name: mask(message.name) }),
      ...(message.toolCallId !== undefined && { toolCallId: mask(message.toolCallId) }),
      ...(message.toolCalls && {
        toolCalls: message.toolCalls.map((one) => ({ ...one, id: mask(one.id), name: mask(one.name) })),
      }),
      ...(typeof message.content !== 'string' && {
        content: message.content.map((part) => (part.type === 'image' ? { ...part, url: mask(part.url) } : part)),
      }),
    })),
    ...(call.tools && { tools: mask(call.tools) }),
    ...(call.stop && { stop: mask(call.stop) }),
    ...(call.responseSchema && { responseSchema: mask(call.responseSchema) }),
    ...(wire && { wire: { ...wire, body: mask(wire.body) } }),
  }
}

/** Names of fields, too: those of a schema are the caller's own words. */
function masked(value: unknown, kinds: readonly PrivateKind[], vault: Vault): unknown {
  if (typeof value === 'string') return maskedString(value, kinds, vault)
  if (Array.isArray(value)) return value.map((item) => masked(item, kinds, vault))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [maskText(key, kinds, vault).text, masked(item, kinds, vault)]),
  )
}

/** Whatever it is: bytes, a file that is text, an address, words. */
export function maskedString(value: string, kinds: readonly PrivateKind[], vault: Vault): string {
  if (isBytes(value)) return value
  return maskedFile(value, kinds, vault) ?? decodedAddress(value, kinds, vault)
}

/** The same file with its text masked; null for what is no file that can be written anew. */
export function maskedFile(value: string, kinds: readonly PrivateKind[], vault: Vault): string | null {
  const file = fileText(value)
  if (!file?.rewritten) return null
  const { text } = maskText(file.text, kinds, vault)
  return text === file.text ? value : file.rewritten(text)
}

/** What only shows when an address is decoded is masked there: the address is of no use any more, and tells nothing. */
export function decodedAddress(text: string, kinds: readonly PrivateKind[], vault: Vault): string {
  const plain = percentDecoded(text)
  const shows = plain !== text && vault.find(plain, kinds).length > vault.find(text, kinds).length
  return maskText(shows ? plain : text, kinds, vault).text
}
