/** Where the text of a request may go. The strictest claim wins. Pure. */
import { PARTITIONS, type Partition } from '../spec/decision.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import type { RequestMetadata } from '../spec/request.ts'
import { matchesGlob } from './glob.ts'
import { findPrivate } from './privacy/find.ts'

/** What can speak about a partition. */
export interface PartitionQuestion {
  readonly metadata: RequestMetadata
  readonly taskName: string
  readonly task: TaskPolicy | undefined
  readonly policy: Policy
  /** Every text of the request. */
  readonly texts: readonly string[]
}

/** A partition and, for people, what made it so; `source` holds no document name. */
export interface PartitionClaim {
  readonly partition: Partition
  readonly source: string
}

/**
 * The strictest of the caller's word, the task's, the tenant's, the paths of the documents, what detectors find in the texts
 * and, when none of them speaks, the policy's default. Each may only tighten the default.
 */
export function partitionOf(question: PartitionQuestion): PartitionClaim {
  const claims = [
    { partition: question.policy.privacy.default, source: 'privacy.default' },
    ...taskClaim(question),
    ...callerClaim(question.metadata),
    ...documentClaim(question),
    ...tenantClaim(question),
  ]
  const claim = claims.reduce((strictest, one) => (strictness(one) > strictness(strictest) ? one : strictest))
  // Looking costs time, and can tighten only what is not local_only yet.
  return claim.partition === 'local_only' ? claim : (detectedClaim(question) ?? claim)
}

function strictness({ partition }: PartitionClaim): number {
  return PARTITIONS.indexOf(partition)
}

function taskClaim({ taskName, task }: PartitionQuestion): readonly PartitionClaim[] {
  return task?.partition ? [{ partition: task.partition, source: `tasks.${taskName}.partition` }] : []
}

function callerClaim({ partition }: RequestMetadata): readonly PartitionClaim[] {
  return partition ? [{ partition, source: 'metadata.partition' }] : []
}

function documentClaim({ metadata, policy }: PartitionQuestion): readonly PartitionClaim[] {
  const glob = policy.privacy.localOnly.paths.find((pattern) =>
    metadata.documents?.some((path) => matchesGlob(path, pattern)),
  )
  return glob === undefined ? [] : [{ partition: 'local_only', source: `privacy.localOnly.paths: ${glob}` }]
}

function tenantClaim({ metadata, policy }: PartitionQuestion): readonly PartitionClaim[] {
  const { tenant } = metadata
  const partition = tenant === undefined ? undefined : policy.privacy.tenants[tenant]
  return partition ? [{ partition, source: `privacy.tenants.${tenant}` }] : []
}

/** A detector that fails says nothing of the text, so the text stays. */
function detectedClaim({ policy, texts }: PartitionQuestion): PartitionClaim | null {
  const { detect } = policy.privacy.localOnly
  if (detect.length === 0) return null
  try {
    const found = texts.flatMap((text) => findPrivate(text, detect))[0]
    return found ? { partition: 'local_only', source: `privacy.localOnly.detect: ${found.kind}` } : null
  } catch {
    return { partition: 'local_only', source: 'privacy.localOnly.detect: a detector failed' }
  }
}
