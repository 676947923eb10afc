/** How private the conversations of a machine were so far. */
import { PARTITIONS, type Partition } from './decision.ts'

/** What an earlier request of the conversation was. */
export interface EarlierClaim {
  readonly partition: Partition
  /** `detected`: nothing but detectors made it so. `said`: caller, task, tenant or a path did, or a detector failed. */
  readonly cause: 'said' | 'detected'
}

/** Names of a conversation, as hashes: of its id, or of the texts of its users and tools so far, request by request. */
export interface ConversationKeys {
  readonly tenant: string | null
  /** True when the caller gave an id. */
  readonly isNamed: boolean
  /** Under which earlier requests may stand, the whole request last. */
  readonly keys: readonly string[]
}

export interface ConversationBook {
  /** The strictest of what stands under the keys; null when nothing does. @throws when it cannot be read */
  find(keys: ConversationKeys): EarlierClaim | null
  /**
   * Writes down the claim under the last key; survives the end of the process.
   *
   * @throws RouterError conversations_unwritable
   */
  remember(keys: ConversationKeys, claim: EarlierClaim): void
  /** False while no conversation was written down: then there is nothing to look for. */
  isEmpty(): boolean
}

/** What anybody said counts more than what detectors found. */
export function strictestClaim(claims: readonly EarlierClaim[]): EarlierClaim | null {
  const rank = ({ partition, cause }: EarlierClaim): number =>
    PARTITIONS.indexOf(partition) * 2 + (cause === 'said' ? 1 : 0)
  const [first, ...rest] = claims
  if (!first) return null
  const { partition, cause } = rest.reduce<EarlierClaim>((one, other) => (rank(other) > rank(one) ? other : one), first)
  return { partition, cause }
}
