/** Where the text of a request may go. The strictest claim wins. Pure. */
import { PARTITIONS, type Partition } from '../spec/decision.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import type { RequestMetadata } from '../spec/request.ts'
import { matchesGlob } from './glob.ts'

/** What can speak about a partition. */
export interface PartitionQuestion {
  readonly metadata: RequestMetadata
  readonly taskName: string
  readonly task: TaskPolicy | undefined
  readonly policy: Policy
}

/** A partition and, for people, what made it so; `source` holds no document name. */
export interface PartitionClaim {
  readonly partition: Partition
  readonly source: string
}

/**
 * The strictest of the caller's word, the task's, the paths of the documents and, when none of them speaks, the policy's
 * default. A caller or task may only tighten the default.
 */
export function partitionOf(question: PartitionQuestion): PartitionClaim {
  const claims = [
    { partition: question.policy.privacy.default, source: 'privacy.default' },
    ...taskClaim(question),
    ...callerClaim(question.metadata),
    ...documentClaim(question),
  ]
  return claims.reduce((strictest, claim) => (strictness(claim) > strictness(strictest) ? claim : strictest))
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
