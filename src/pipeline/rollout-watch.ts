/** Takes a task back a stage when live evidence breaks its bound, or when what comes in is not what it was. */
import { logEvidenceAbove, lowerConfidenceBound } from '../learn/sequence.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { StagePolicy, TaskPolicy } from '../spec/policy.ts'
import type { AuditQuery, Clock, Journal } from '../spec/ports.ts'
import {
  eventOf,
  type RolloutBook,
  type RolloutCause,
  type RolloutChange,
  type RolloutCounts,
  type RolloutInForce,
  type RolloutModel,
  rollbackTarget,
  stageName,
  type WatchedTask,
} from '../spec/rollout.ts'
import { sameSetup } from '../spec/rotation.ts'
import { WATCH_CONFIDENCE } from './audit-watch.ts'
import { letOthersIn } from './parted.ts'
import { createTaskDrift, type TaskDrift } from './rollout-drift.ts'
import { rolloutItem } from './rollout-item.ts'
import type { Answerer } from './task-setup.ts'

/** A shadow is noted after the settlement that it belongs to, labels after both. */
export type Noted = 'settled' | 'shadow' | 'label'

export interface RolloutWatch {
  /** Takes note of what became known of a request of a task; never throws. */
  noted(what: Noted, record: AuditRecord, task: TaskPolicy): void
  /** The tasks that were looked at, in stages that serve local answers. */
  watched(): readonly WatchedTask[]
}

export interface RolloutWatchSettings {
  readonly rollouts: RolloutBook
  /** Read as far as it is gone through. */
  readonly eachAudit: (query: AuditQuery) => Iterable<AuditRecord>
  readonly journal: Pick<Journal, 'append'>
  readonly clock: Clock
  readonly newId: () => string
  readonly policyDigest: string
  /** What answers a task now, and the digest of what the policy says of that. */
  readonly answering: (task: string) => Answerer
  /** What the policy says otherwise of a task than the one of that digest did; nothing where that is not kept. */
  readonly changedSince: (policyDigest: string, task: string) => readonly string[]
  /** Whether a frontier could answer a task that local does not serve any more. */
  readonly hasFrontier: (task: string) => boolean
}

/** Requests that are looked through once, when the first of a stage comes to a process. */
const MOST_EARLIER = 1000

/** Records that are read or counted before others are answered; about 10 ms. */
const PART = 50
/** Requests of one group whose label is remembered, the latest: labels that correct another come within days. */
const MOST_REMEMBERED = 5000
/** Groups that are counted, the latest: each fit, prompt or model begins one. */
const MOST_GROUPS = 8

/** Of accepted answers. */
interface Labels {
  /** Whether the answer was wrong, by request: a later label takes the place of an earlier one. */
  readonly wrong: Map<string, boolean>
  /** Also of requests that are not remembered any more. */
  labelled: number
  errors: number
}

interface Watched {
  readonly task: string
  /** The stage that this is about: a move, or what the policy says. */
  readonly key: string
  readonly drift: TaskDrift
  /** Epoch milliseconds of the move; null where the policy's stage holds. */
  readonly since: number | null
  isCaughtUp: boolean
  /** What came while earlier records were read; null while none are. */
  waiting: News[] | null
  /** By group. */
  readonly labels: Map<string, Labels>
  group: string | null
  model: RolloutModel | null
  problem: string | null
}

/** What other processes see beside this one is seen after a restart, or when the stage moves. */
export function createRolloutWatch(settings: RolloutWatchSettings): RolloutWatch {
  const { rollouts, eachAudit } = settings
  const known = new Map<string, Watched>()
  return {
    noted(what, record, task) {
      const found = stageFor(record, task)
      if (!found) return
      const watched = watchedFor(record, task, found.moved)
      try {
        if (watched.waiting) watched.waiting.push({ what, record })
        else if (watched.isCaughtUp || isCaughtUpAtOnce(watched, { what, record }, task))
          hear(watched, { what, record }, { task, ...found })
      } catch (error) {
        failed(watched, error)
      }
    },
    watched: () =>
      [...known.values()].map(({ task, drift, labels, group, problem }) => ({
        task,
        ...countsOf(labels.get(group ?? '')),
        drift: drift.state(),
        problem,
      })),
  }

  /** Null where nothing is watched. */
  function stageFor(record: AuditRecord, task: TaskPolicy): Watching | null {
    const moved = rollouts.find(record.task, task.stage)
    const stage = moved?.to ?? task.stage
    // Without a bound and without a rollout nothing could come of it.
    const isWatched = moved !== null || task.accept.maxErrorRate !== undefined
    if (!isWatched || stage === undefined || !isServing(stage) || !settings.hasFrontier(record.task)) {
      known.delete(record.task)
      return null
    }
    // What a label says of an earlier stage is no evidence about this one.
    return moved && Date.parse(record.receivedAt) < Date.parse(moved.at) ? null : { stage, moved }
  }

  function hear(watched: Watched, news: News, { task, stage, moved }: Watching & { readonly task: TaskPolicy }): void {
    take(watched, news, task)
    // Traffic that comes in waves is no reason to overrule an operator who never asked for a rollout.
    const broken = brokenBound(watched, task) ?? (moved ? drifted(watched) : null)
    watched.problem = null
    if (broken) takeBack(watched, { ...broken, stage, moved, written: task.stage ?? null })
  }

  /** The next request tries again; the health page says why. */
  function failed(watched: Watched, error: unknown): void {
    watched.problem = error instanceof Error ? error.message : String(error)
  }

  function watchedFor(record: AuditRecord, task: TaskPolicy, moved: RolloutInForce | null): Watched {
    const key = JSON.stringify([moved?.id ?? null, task.stage])
    const before = known.get(record.task)
    if (before?.key === key) return before
    const fresh: Watched = {
      ...{ task: record.task, key, drift: createTaskDrift(), labels: new Map(), isCaughtUp: false },
      ...{ waiting: null, since: moved && Date.parse(moved.at), group: null, model: null, problem: null },
    }
    known.set(record.task, fresh)
    return fresh
  }

  /** What came before this process, once. @returns false where it is much: it goes on beside the requests, and the news waits */
  function isCaughtUpAtOnce(watched: Watched, news: News, task: TaskPolicy): boolean {
    const steps = catchUp(watched, news.record, task)
    if (steps.next().done) return true
    watched.waiting = [news]
    void goOn(watched, steps, task)
    return false
  }

  async function goOn(watched: Watched, steps: Iterator<void>, task: TaskPolicy): Promise<void> {
    try {
      do await letOthersIn(Number.POSITIVE_INFINITY)
      while (known.get(watched.task) === watched && !steps.next().done)
      for (let next = watched.waiting?.shift(); next; next = watched.waiting?.shift()) {
        const found = stageFor(next.record, task)
        // The stage may have moved meanwhile, and then this is about another one.
        if (found && watchedFor(next.record, task, found.moved) === watched) hear(watched, next, { task, ...found })
      }
    } catch (error) {
      failed(watched, error)
    } finally {
      watched.waiting = null
    }
  }

  function* catchUp(watched: Watched, { task: name, requestId: own }: AuditRecord, task: TaskPolicy): Generator<void> {
    const since = watched.since === null ? {} : { sinceMs: watched.since }
    const earlier: AuditRecord[] = []
    for (const record of eachAudit({ task: name, newestFirst: true, limit: MOST_EARLIER, ...since })) {
      if (record.requestId !== own) earlier.push(record)
      if (earlier.length % PART === PART - 1) yield
    }
    watched.isCaughtUp = true
    for (const [at, record] of earlier.reverse().entries()) {
      take(watched, { what: record.shadow ? 'shadow' : 'settled', record }, task)
      if (at % PART === PART - 1) yield
    }
  }

  function takeBack(watched: Watched, due: Due): void {
    const { stage, moved, written, cause, why, counts } = due
    const { setup: setupBefore, written: digest } = settings.answering(watched.task)
    const back = rollbackTarget({ stage, setup: setupBefore }, moved, digest)
    const restored = moved?.before.at(-1)
    const edited = restored ? settings.changedSince(restored.policyDigest, watched.task) : []
    const note = edited.length > 0 && { detail: `the policy says otherwise than then: ${edited.join(', ')}` }
    // Nothing is known of inputs unlike the former ones, whoever answers: the gate closes.
    const { stage: to, setup } = cause === 'drift' ? { stage: 'shadow' as const, setup: setupBefore } : back
    const change: RolloutChange = {
      id: settings.newId(),
      task: watched.task,
      action: 'rollback',
      cause,
      from: stage,
      to,
      over: written,
      after: moved?.id ?? null,
      why,
      by: 'spillway',
      at: new Date(settings.clock.epochMs()).toISOString(),
      policyDigest: restored?.policyDigest ?? settings.policyDigest,
      // Of what is rotated back in, and not of what broke the bound.
      model: restored?.model ?? (sameSetup(setup, setupBefore) ? watched.model : null),
      evidence: { ...note, ...counts },
      ...(setup && { setup }),
      ...(setupBefore && { setupBefore }),
    }
    const event = eventOf(change)
    rollouts.move(change, () => settings.journal.append({ type: 'event', requestId: event.id, event }))
  }
}

interface Found {
  readonly cause: RolloutCause
  readonly why: string
  readonly counts: RolloutCounts
}

/** The stage that a record is evidence about. */
interface Watching {
  readonly stage: StagePolicy
  readonly moved: RolloutInForce | null
}

interface Due extends Found, Watching {
  readonly written: StagePolicy | null
}

function isServing(stage: StagePolicy): boolean {
  return stageName(stage) === 'canary' || stage === 'accept'
}

interface News {
  readonly what: Noted
  readonly record: AuditRecord
}

function take(watched: Watched, { what, record }: News, task: TaskPolicy): void {
  const item = rolloutItem(record, task.accept.labels)
  if (what === 'shadow' || (what === 'settled' && !waitsForShadow(record))) watched.drift.take(record)
  if (item?.group == null) return
  watched.group = item.group
  watched.model = item.model
  if (!item.isAccepted || item.isWrong === null) return
  const labels = watched.labels.get(item.group) ?? { wrong: new Map<string, boolean>(), labelled: 0, errors: 0 }
  watched.labels.set(item.group, labels)
  forgetBeyond(watched.labels, MOST_GROUPS)
  const before = labels.wrong.get(record.requestId) ?? forgotten(labels, { what, record }, task)
  labels.labelled += before === null ? 1 : 0
  labels.errors += Number(item.isWrong) - Number(before ?? false)
  labels.wrong.set(record.requestId, item.isWrong)
  forgetBeyond(labels.wrong, MOST_REMEMBERED)
}

/** What was counted of a request that is not remembered any more: its earlier labels say it. */
function forgotten({ wrong, labelled }: Labels, { what, record }: News, { accept }: TaskPolicy): boolean | null {
  if (what !== 'label' || labelled <= wrong.size) return null
  return rolloutItem({ ...record, labels: record.labels.slice(0, -1) }, accept.labels)?.isWrong ?? null
}

/** The oldest go first. */
function forgetBeyond(map: Map<string, unknown>, most: number): void {
  for (const [oldest] of map) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

/** Its signals come with the shadow, and the row is taken then. */
function waitsForShadow({ removals, shadowDropped }: AuditRecord): boolean {
  return (
    !shadowDropped && removals.some(({ rule, actor, set }) => rule === 'stage' && actor === 'local' && set === 'serve')
  )
}

function countsOf(labels: Labels | undefined): { readonly labelled: number; readonly errors: number } {
  return { labelled: labels?.labelled ?? 0, errors: labels?.errors ?? 0 }
}

function brokenBound({ labels, group }: Watched, { accept }: TaskPolicy): Found | null {
  const { labelled: n, errors } = countsOf(labels.get(group ?? ''))
  const limit = accept.maxErrorRate
  if (limit === undefined || n === 0) return null
  if (logEvidenceAbove(errors, n, limit) < -Math.log(1 - WATCH_CONFIDENCE)) return null
  const lower = lowerConfidenceBound(errors, n, WATCH_CONFIDENCE)
  const why = `${errors} of ${n} accepted answers were wrong, more than the bound of ${limit} allows`
  return { cause: 'label_error', why, counts: { n, errors, lower, upper: null, maxErrorRate: limit } }
}

function drifted(watched: Watched): Found | null {
  const { alarm } = watched.drift.state()
  if (alarm === null) return null
  const { labelled: n, errors } = countsOf(watched.labels.get(watched.group ?? ''))
  const counts = { n, errors, lower: null, upper: null, maxErrorRate: null, detail: alarm }
  return { cause: 'drift', why: alarm, counts }
}
