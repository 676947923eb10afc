/** The features of a recorded request as another policy would read them, as far as that needs no text. Pure. */
import { statedComplexity, strongerImpact } from '../../classify/features.ts'
import type { TaskChoice } from '../../classify/task.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Circumstances } from '../../spec/circumstances.ts'
import { type Complexity, HARD_STOP_KINDS, type HardStopHit, PARTITIONS, type Partition } from '../../spec/decision.ts'
import type { Features } from '../../spec/features.ts'
import type { HardStopTerm } from '../../spec/hard-stops.ts'
import { DEFAULT_TASK, type Policy } from '../../spec/policy.ts'
import { Unrecorded } from './not-replayable.ts'
import { type PolicyChange, taskIn } from './policy-change.ts'
import { recalledTask } from './recalled-task.ts'

/** @throws Unrecorded what hangs on the text */
export function recalledFeatures(record: AuditRecord, about: Circumstances, change: PolicyChange): Features {
  const choice = recalledTask(record, about, change)
  const task = taskIn(change.next, choice.task) ?? DEFAULT_TASK
  const { features } = record
  const { partition, source } = partitionOf(record, about, { change, task: choice.task })
  const onlyDetected = about.onlyDetected && partition === 'local_only'
  return {
    ...choice,
    inputChars: features.inputChars,
    inputTokensEstimated: features.inputTokensEstimated,
    messages: features.messages,
    hasTools: features.hasTools,
    hasImages: features.hasImages,
    hasSchema: features.hasSchema,
    wantsCodeChange: features.wantsCodeChange,
    kind: task.kind,
    complexity: complexityOf(record, choice, change),
    partition,
    partitionSource: source,
    ...(onlyDetected && { onlyDetected: true }),
    ...(onlyDetected && isAnonymised(record, about, { change, task: choice.task }) && { anonymised: true }),
    hardStops: hardStopsOf(record, about, { change, task: choice.task }),
    needs: about.needs ?? [],
    ...(about.novelty && task.novel && { novelty: about.novelty }),
    ...(about.dialect && { dialect: about.dialect }),
    ...(about.turn && { turn: about.turn }),
    impact: strongerImpact(about.impact, task.impact),
    affectsSystemState: about.affectsSystemState ?? false,
    userVisibleOutput: about.userVisibleOutput ?? false,
    group: record.group,
    tenant: record.tenant,
    conversationHash: about.conversationHash,
    systemHash: about.systemHash ?? null,
    inputHash: record.inputHash,
  }
}

function complexityOf(record: AuditRecord, choice: TaskChoice, { old, next }: PolicyChange): Complexity {
  const stated = statedComplexity(taskIn(next, choice.task) ?? DEFAULT_TASK, choice, next.policy)
  if (stated !== null) return stated
  const before = { task: record.task, action: record.action }
  const wasRead = statedComplexity(taskIn(old, record.task) ?? DEFAULT_TASK, before, old.policy) === null
  if (wasRead) return record.features.complexity as Complexity
  throw new Unrecorded('complexity_by_text')
}

interface Under {
  readonly change: PolicyChange
  readonly task: string
}

interface Said {
  readonly partition: Partition
  readonly source: string
}

/**
 * The strictest claim wins, and the record names the one that won. A policy's own claims are read anew; those of the caller, the documents,
 * the conversation and the detectors hold where nothing about them has changed and they won, or where they cannot matter any more.
 */
function partitionOf(record: AuditRecord, about: Circumstances, { change, task }: Under): Said {
  const was: Said = { partition: record.features.partition as Partition, source: about.partitionSource }
  if (change.old.digest === change.next.digest) return was
  const isLookedForAlike = change.isSame('localOnly', ({ policy: { privacy } }) => [
    privacy.localOnly.paths,
    privacy.localOnly.detect,
    privacy.localOnly.detectWithin,
  ])
  const claims = policyClaims(record, about, { policy: change.next.policy, task })
  const strictest = claims.reduce((most, one) => (rank(one) > rank(most) ? one : most))
  const before = policyClaims(record, about, { policy: change.old.policy, task: record.task })
  const isUnchanged = isLookedForAlike && JSON.stringify(claims) === JSON.stringify(before)
  if (isUnchanged) return was
  // Nothing is stricter, so nothing else matters.
  if (rank(strictest) === PARTITIONS.length - 1) return strictest
  if (!isLookedForAlike) throw new Unrecorded('partition_by_text')
  const wasTheirs = !before.some(({ source }) => source === was.source)
  if (wasTheirs) return rank(was) >= rank(strictest) ? was : strictest
  // The policy's own claim won, so what the others said was no stricter, and that is all that is known of it.
  if (rank(strictest) >= rank(was)) return strictest
  throw new Unrecorded('partition_by_text')
}

function rank({ partition }: Said): number {
  return PARTITIONS.indexOf(partition)
}

/** In the order in which `classify/partition.ts` asks: of equals the first wins. */
function policyClaims(
  { tenant }: AuditRecord,
  { askedPartition }: Circumstances,
  { policy, task }: { readonly policy: Policy; readonly task: string },
): readonly [Said, ...Said[]] {
  const ofTask = Object.hasOwn(policy.tasks, task) ? policy.tasks[task]?.partition : undefined
  const ofTenant = tenant === null ? undefined : policy.privacy.tenants[tenant]?.partition
  return [
    { partition: policy.privacy.default, source: 'privacy.default' },
    ...(ofTask ? [{ partition: ofTask, source: `tasks.${task}.partition` }] : []),
    ...(askedPartition ? [{ partition: askedPartition, source: 'metadata.partition' }] : []),
    ...(ofTenant ? [{ partition: ofTenant, source: `privacy.tenants.${tenant}` }] : []),
  ]
}

function isAnonymised(record: AuditRecord, about: Circumstances, { change, task }: Under): boolean {
  if (!(taskIn(change.next, task) ?? DEFAULT_TASK).anonymise) return false
  if ((taskIn(change.old, record.task) ?? DEFAULT_TASK).anonymise) return about.anonymised ?? false
  throw new Unrecorded('partition_by_text', 'anonymise')
}

/** Terms that are gone stop nobody; terms that nobody looked for need the text. */
function hardStopsOf(record: AuditRecord, about: Circumstances, { change, task }: Under): readonly HardStopHit[] {
  const novel = novelHits(record, about, { change, task })
  const found = record.hardStops.filter(({ kind }) => kind !== 'novel')
  if (about.form === 'embed') return []
  if (change.isSame('hardStops', ({ policy }) => policy.hardStops)) return [...found, ...novel]
  const [old, next] = [change.old.policy.hardStops, change.next.policy.hardStops]
  const isNarrowed =
    change.isSame('hard-stop context', ({ policy: { hardStops } }) => [hardStops.except, hardStops.passingLines]) &&
    HARD_STOP_KINDS.every((kind) => addedTo(old[kind], next[kind]).length === 0)
  if (!isNarrowed) throw new Unrecorded('hard_stop_by_text')
  const left = found.filter(({ kind, term }) => kind !== 'novel' && next[kind].some((one) => names(one, term)))
  // A term may stand in several entries, of which only some are left.
  const isSplit = left.some(
    ({ kind, term }) => kind !== 'novel' && countOf(old[kind], term) !== countOf(next[kind], term),
  )
  if (isSplit) throw new Unrecorded('hard_stop_by_text')
  return [...left, ...novel]
}

function addedTo(old: readonly HardStopTerm[], next: readonly HardStopTerm[]): readonly HardStopTerm[] {
  if (old === next) return []
  const known = new Set(old.map((term) => JSON.stringify(term)))
  return next.filter((term) => !known.has(JSON.stringify(term)))
}

function names(entry: HardStopTerm, term: string): boolean {
  const spelt = typeof entry === 'string' ? entry : entry.term
  return typeof spelt === 'string' ? spelt === term : spelt.includes(term)
}

function countOf(entries: readonly HardStopTerm[], term: string): number {
  return entries.filter((entry) => names(entry, term)).length
}

function novelHits(record: AuditRecord, about: Circumstances, { change, task }: Under): readonly HardStopHit[] {
  const rule = taskIn(change.next, task)?.novel
  if (!rule) return []
  const isJudged = about.novelty !== undefined && task === record.task
  if (!isJudged || !change.isSame(`novel ${task}`, (kept) => taskIn(kept, task)?.novel))
    throw new Unrecorded('novelty_by_text')
  return record.hardStops.filter(({ kind }) => kind === 'novel')
}
