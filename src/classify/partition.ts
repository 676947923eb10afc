/** Where the text of a request may go. The strictest claim wins. Pure. */
import type { EarlierClaim } from '../spec/conversations.ts'
import { PARTITIONS, type Partition } from '../spec/decision.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import type { RequestMetadata } from '../spec/request.ts'
import { matchesGlob } from './glob.ts'
import type { LeavingText } from './leaving.ts'
import type { FindPrivate } from './privacy/find.ts'

/** What can speak about a partition. */
export interface PartitionQuestion {
  readonly metadata: RequestMetadata
  readonly taskName: string
  readonly task: TaskPolicy | undefined
  readonly policy: Policy
  /** Every text that would go out with the request; asked for only where detectors are to look. */
  readonly texts: () => readonly LeavingText[]
  /** What an earlier request of the conversation was; null when none is known. */
  readonly earlier: EarlierClaim | null
  readonly detector: Detector
}

/** Looks for private data, and tells how long that takes. */
export interface Detector {
  readonly find: FindPrivate
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
}

/** A partition and, for people, what made it so; `source` holds no document name. */
export interface PartitionClaim {
  readonly partition: Partition
  readonly source: string
  /** True when nothing but what a detector found makes the request `local_only`. */
  readonly onlyDetected: boolean
}

type Said = Pick<PartitionClaim, 'partition' | 'source'>

/**
 * The strictest of the caller's word, the task's, the tenant's, the paths of the documents, what an earlier request of the
 * conversation was, what detectors find in the texts and, when none of them speaks, the policy's default. Each may only
 * tighten the default.
 */
export function partitionOf(question: PartitionQuestion): PartitionClaim {
  const claims = [
    { partition: question.policy.privacy.default, source: 'privacy.default' },
    ...taskClaim(question),
    ...callerClaim(question.metadata),
    ...documentClaim(question),
    ...tenantClaim(question),
    ...earlierClaim(question, 'said'),
  ]
  const said = strictestOf(claims)
  // Looking costs time, and can tighten only what is not local_only yet.
  if (said.partition === 'local_only') return { ...said, onlyDetected: false }
  const detected = detectedClaim(question)
  if (detected) return detected
  // What a detector found earlier and finds no more was said in other words, or is not in this request.
  return { ...strictestOf([said, ...earlierClaim(question, 'detected')]), onlyDetected: false }
}

function strictestOf(claims: readonly Said[]): Said {
  const [first = { partition: 'local_only', source: 'nothing' }, ...rest] = claims
  return rest.reduce<Said>((strictest, one) => (strictness(one) > strictness(strictest) ? one : strictest), first)
}

function earlierClaim({ earlier }: PartitionQuestion, cause: EarlierClaim['cause']): readonly Said[] {
  if (earlier?.cause !== cause) return []
  return [{ partition: earlier.partition, source: 'an earlier request of the conversation' }]
}

function strictness({ partition }: Said): number {
  return PARTITIONS.indexOf(partition)
}

function taskClaim({ taskName, task }: PartitionQuestion): readonly Said[] {
  return task?.partition ? [{ partition: task.partition, source: `tasks.${taskName}.partition` }] : []
}

function callerClaim({ partition }: RequestMetadata): readonly Said[] {
  return partition ? [{ partition, source: 'metadata.partition' }] : []
}

function documentClaim({ metadata, policy }: PartitionQuestion): readonly Said[] {
  const glob = policy.privacy.localOnly.paths.find((pattern) =>
    metadata.documents?.some((path) => matchesGlob(path, pattern)),
  )
  return glob === undefined ? [] : [{ partition: 'local_only', source: `privacy.localOnly.paths: ${glob}` }]
}

function tenantClaim({ metadata, policy }: PartitionQuestion): readonly Said[] {
  const { tenant } = metadata
  const partition = tenant === undefined ? undefined : policy.privacy.tenants[tenant]?.partition
  return partition ? [{ partition, source: `privacy.tenants.${tenant}` }] : []
}

/** A detector that fails, or takes too long, says nothing of the text, so the text stays. */
function detectedClaim({ policy, texts, detector }: PartitionQuestion): PartitionClaim | null {
  const { detect, detectWithin } = policy.privacy.localOnly
  if (detect.length === 0) return null
  const startedMs = detector.now()
  const failed = (how: string): PartitionClaim => ({
    partition: 'local_only',
    source: `privacy.localOnly.detect: a detector ${how}`,
    onlyDetected: false,
  })
  try {
    for (const { text, writing } of texts()) {
      const [found] = detector.find(text, detect, writing)
      if (found)
        return { partition: 'local_only', source: `privacy.localOnly.detect: ${found.kind}`, onlyDetected: true }
      if (detector.now() - startedMs > detectWithin) return failed(`took more than ${detectWithin} ms`)
    }
    return null
  } catch {
    return failed('failed')
  }
}
