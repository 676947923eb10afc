/** A conversation stays as private as its most private request was. */
import { type ConversationKeys, type EarlierClaim, strictestClaim } from '../spec/conversations.ts'
import { PARTITIONS } from '../spec/decision.ts'
import { type Message, messageText, type RouterRequest } from '../spec/request.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'

/**
 * The caller's id names a conversation, and so does its beginning: chat clients send all that was said again, so a request whose user and tool
 * messages begin with those of an earlier one goes on with it. Both count, since a client may name a conversation later, no more, or anew.
 * Only a single message under a name of its own is no other conversation's: clients that send nothing but what is new say "yes" in many.
 */
export function conversationKeys({ messages, metadata = {} }: RouterRequest): KnownAs {
  const tenant = metadata.tenant ?? null
  const { conversation } = metadata
  const chain = chainOf(messages)
  const ofNamed = chain.map((link) => hexDigest(`named:${link}`))
  const under = (keys: readonly string[]): ConversationKeys => ({ tenant, isNamed: false, keys })
  if (conversation === undefined) return { found: [under([...ofNamed, ...chain])], kept: [under(chain)] }
  const id = { tenant, isNamed: true, keys: [hexDigest(`id:${conversation}`)] }
  return { found: [id, under(ofNamed.length > 1 ? [...ofNamed, ...chain] : chain)], kept: [id, under(ofNamed)] }
}

interface KnownAs {
  /** Under which earlier requests may stand. */
  readonly found: readonly ConversationKeys[]
  /** Under which this one will. */
  readonly kept: readonly ConversationKeys[]
}

/** One hash for each message of users and tools, over it and all before it. */
export function chainOf(messages: readonly Message[]): readonly string[] {
  const known = chains.get(messages)
  if (known) return known
  let digest = ''
  const chain = messages.filter(isGiven).map((message) => {
    digest = hexDigest(`${digest}${message.role}:${messageText(message)}${message.aside ?? ''}`)
    return digest
  })
  chains.set(messages, chain)
  return chain
}

/** A request is looked up and remembered by the same chain; half a megabyte of messages takes most of a millisecond to hash. */
const chains = new WeakMap<readonly Message[], readonly string[]>()

/** The hash over what users and tools had said when message number `count` came; undefined when that was nothing. */
export function linkBefore(messages: readonly Message[], count: number): string | undefined {
  return chainOf(messages)[messages.slice(0, count).filter(isGiven).length - 1]
}

/** Instructions change from request to request, and what a model said may come back in another form. */
function isGiven({ role }: Message): boolean {
  return role === 'user' || role === 'tool'
}

/** What is found under an id may stand anywhere in the conversation, so no mask of this request covers it. */
export function earlierClaim(request: RouterRequest, { conversations }: PipelineDeps): EarlierClaim | null {
  if (!conversations) return null
  try {
    if (conversations.isEmpty()) return null
    const found = conversationKeys(request).found.flatMap((keys): readonly EarlierClaim[] => {
      const claim = conversations.find(keys)
      return claim ? [keys.isNamed ? { ...claim, cause: 'said' } : claim] : []
    })
    return strictestClaim(found)
  } catch {
    return { partition: 'local_only', cause: 'said' }
  }
}

/** @throws RouterError conversations_unwritable: then a later request could leave, so this one is not answered either */
export function rememberPartition({ request, features }: Run, { conversations, loaded }: PipelineDeps): void {
  const { partition, onlyDetected } = features
  const strictness = (one: typeof partition): number => PARTITIONS.indexOf(one)
  if (!conversations || strictness(partition) <= strictness(loaded.policy.privacy.default)) return
  const claim: EarlierClaim = { partition, cause: onlyDetected ? 'detected' : 'said' }
  for (const keys of conversationKeys(request).kept) conversations.remember(keys, claim)
}
