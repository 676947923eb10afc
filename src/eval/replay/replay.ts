/** Every recorded request of a span under another policy, and what that changes. No text is read and nobody is called. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { Usage } from '../../spec/decision.ts'
import type { KeptPolicy } from '../../spec/kept-policy.ts'
import { DEFAULT_TASK, type ModelPolicy } from '../../spec/policy.ts'
import { bookedUsd, type Ledger, openLedger, type ReplayedCeiling } from './ledger.ts'
import type { NotReplayable } from './not-replayable.ts'
import { type PolicyChange, policyChange, taskIn } from './policy-change.ts'
import { type Fate, type ReplayContext, type ReplayedRecord, recordedFate, replayRecord } from './replay-record.ts'
import type { ReplayedCall } from './replay-tools.ts'
import { type Counted, countSide, quantiles, type Side, type SideCount } from './side.ts'

export interface ReplayQuestion extends Pick<ReplayContext, 'fits' | 'calibrator' | 'nowMs'> {
  /** Oldest first; gone through once. */
  readonly records: Iterable<AuditRecord>
  readonly next: KeptPolicy
  /** What is compared with: this policy, or null for what happened. */
  readonly base: KeptPolicy | null
  /** The policy of a digest; null when it is not kept. */
  readonly policyOf: (digest: string) => KeptPolicy | null
  /** US dollars; null when no price is known. */
  readonly price: (model: ModelPolicy, usage: Usage) => number | null
  /** Asks the local models again, where the text of a request that hangs on it is kept; null where it is not. Default: nothing is asked. */
  readonly regenerate?: (record: AuditRecord, why: NotReplayable) => Promise<Told | null>
  /** How many request ids are named for each change. */
  readonly examples: number
}

/** Requests that went one way and would go another. */
export interface ReplayedChange {
  /** `route reason`. */
  readonly from: string
  readonly to: string
  readonly count: number
  readonly examples: readonly string[]
}

export interface ReplayReport {
  readonly policyDigest: string
  readonly decisions: number
  /** Those that the figures of both sides are about. */
  readonly replayed: number
  /** Of these decided anew in every step; the others stand because nothing that they hang on is other. */
  readonly decidedAnew: number
  /** Asked again of the local models, from kept texts. */
  readonly regenerated: number
  readonly changed: number
  readonly notReplayable: {
    readonly total: number
    readonly why: Readonly<Partial<Record<NotReplayable, number>>>
    /** With what of it, for example the gate. */
    readonly what: Readonly<Record<string, number>>
  }
  readonly before: Side
  readonly after: Side
  /** Calls of frontiers that were not made then: cost and time of them are estimates, and that they are answered is an assumption. */
  readonly assumedCalls: number
  readonly changes: readonly ReplayedChange[]
  readonly tasks: readonly {
    readonly task: string
    readonly decisions: number
    readonly replayed: number
    readonly changed: number
    readonly before: Side
    readonly after: Side
  }[]
  readonly budgets: readonly ReplayedCeiling[]
}

export async function replay(question: ReplayQuestion): Promise<ReplayReport> {
  const { next, base } = question
  const now = openReplayer(next, question)
  const was = base && openReplayer(base, question)
  const tally = openTally(question)
  for (const record of question.records) {
    const before = was ? await was.replay(record) : recordedPath(record)
    const after = await now.replay(record)
    tally.add(record, before, after)
    const isWhole = before.fate !== null && after.fate !== null
    const recorded = bookedUsd(recordedCalls(record), next.policy)
    const usd = ({ calls, beside }: Told): number => bookedUsd([...calls, ...beside], next.policy)
    const beforeUsd = isWhole ? usd(before) : recorded
    const afterUsd = isWhole ? usd(after) : recorded
    now.ledger.book(record, record.task, { beforeUsd, afterUsd })
    was?.ledger.book(record, record.task, { beforeUsd: recorded, afterUsd: beforeUsd })
  }
  return tally.report(now.ledger.list())
}

export type Told = Extract<ReplayedRecord, { fate: Fate }>

/** One policy and what it has spent so far. */
interface Replayer {
  readonly ledger: Ledger
  replay(record: AuditRecord): Promise<ReplayedRecord>
}

function openReplayer(next: KeptPolicy, question: ReplayQuestion): Replayer {
  const regenerate = next === question.next ? question.regenerate : undefined
  const { fits, calibrator, nowMs, base, price } = question
  const contexts = new Map<string, ReplayContext | null>()
  const ledger = openLedger(next.policy)
  const policyOf = (digest: string): KeptPolicy | null =>
    [next, question.next, base].find((kept) => kept?.digest === digest) ?? question.policyOf(digest)
  const contextOf = ({ policyDigest }: AuditRecord): ReplayContext | null => {
    const known = contexts.get(policyDigest)
    if (known !== undefined) return known
    const old = policyOf(policyDigest)
    const change = old && policyChange(old.digest === next.digest ? next : old, next)
    const context = change && {
      ...{ change, fits, calibrator, nowMs },
      exhausted: (record: AuditRecord, { task }: { readonly task: string }) =>
        exhaustedFor(ledger, record, { task, change }),
    }
    contexts.set(policyDigest, context)
    return context
  }
  return {
    ledger,
    async replay(record) {
      const context = contextOf(record)
      if (!context) return { fate: null, why: 'policy_unknown', what: null }
      const replayed = await replayRecord(record, context)
      if (replayed.fate === null) return (regenerate && (await regenerate(record, replayed.why))) ?? replayed
      return { ...replayed, calls: replayed.calls.map((call) => priced(call, { next, price })) }
    },
  }
}

function recordedPath(record: AuditRecord): Told {
  const { attempts: calls, shadow, verdicts } = record
  const beside = shadow ? [shadow.attempt, ...(shadow.opinions ?? [])] : []
  return { fate: recordedFate(record), how: 'decided', calls, beside, verdicts }
}

interface Tally {
  add(record: AuditRecord, before: ReplayedRecord, after: ReplayedRecord): void
  report(budgets: ReplayReport['budgets']): ReplayReport
}

interface Group {
  decisions: number
  replayed: number
  changed: number
  readonly before: SideCount
  readonly after: SideCount
}

function openTally({ next, examples }: ReplayQuestion): Tally {
  const all = emptyGroup()
  const tasks = new Map<string, Group>()
  const why: Partial<Record<NotReplayable, number>> = {}
  const what: Record<string, number> = {}
  const moved: Moves = new Map()
  const answered = new Map<string, number[]>()
  const counts = { decided: 0, unchanged: 0, regenerated: 0, assumedCalls: 0 }
  return {
    add(record, before, after) {
      const groups = [all, groupOf(tasks, record.task)]
      for (const group of groups) group.decisions += 1
      noteTimes(answered, record)
      const missing = [after, before].find((one) => one.fate === null)
      if (missing?.fate === null) {
        why[missing.why] = (why[missing.why] ?? 0) + 1
        const whole = missing.what === null ? missing.why : `${missing.why}: ${missing.what}`
        what[whole] = (what[whole] ?? 0) + 1
      }
      if (before.fate === null || after.fate === null) return
      const isMoved = !isSameFate(before.fate, after.fate)
      counts.assumedCalls += after.calls.filter(({ isAssumed }) => isAssumed).length
      counts[after.how] += 1
      const labels = (taskIn(next, record.task) ?? DEFAULT_TASK).accept.labels
      const was = recordedFate(record)
      for (const group of groups) {
        group.replayed += 1
        if (isMoved) group.changed += 1
        group.before.add({ ...countedOf(record, was, before), labels })
        group.after.add({ ...countedOf(record, was, after), labels })
      }
      if (isMoved) noteMove(moved, { record, from: before.fate, to: after.fate, examples })
    },
    report(budgets) {
      const usual = usualTimes(answered)
      const total = Object.values(why).reduce((sum, count) => sum + count, 0)
      const { decisions, replayed, changed, before, after } = summed(all, usual)
      return {
        ...{ policyDigest: next.digest, decisions, replayed, decidedAnew: counts.decided },
        ...{ regenerated: counts.regenerated, changed },
        notReplayable: { total, why, what },
        ...{ before, after, assumedCalls: counts.assumedCalls },
        changes: [...moved.values()].toSorted((a, b) => b.count - a.count || (a.from < b.from ? -1 : 1)),
        tasks: [...tasks]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([task, group]) => ({ task, ...summed(group, usual) })),
        budgets,
      }
    },
  }
}

/** Where nothing is other the time is the one that was measured, waits between calls included. */
function countedOf(record: AuditRecord, was: Fate, { fate, calls, beside }: Told): Omit<Counted, 'labels'> {
  const measured = record.latencyMs === null ? null : { knownMs: record.latencyMs, model: null }
  return { record, fate, calls: [...calls, ...beside], time: isSameFate(was, fate) ? measured : timeOf(calls) }
}

function exhaustedFor(
  ledger: Ledger,
  record: AuditRecord,
  { task, change }: { readonly task: string; readonly change: PolicyChange },
): ReturnType<Ledger['exhausted']> {
  // Under the same policy the record knows it all.
  if (change.old.digest === change.next.digest) return record.circumstances?.exhausted ?? null
  return ledger.exhausted(record, task, change.old.policy)
}

function emptyGroup(): Group {
  return { decisions: 0, replayed: 0, changed: 0, before: countSide(), after: countSide() }
}

function groupOf(groups: Map<string, Group>, name: string): Group {
  const group = groups.get(name) ?? emptyGroup()
  groups.set(name, group)
  return group
}

function summed({ before, after, ...counted }: Group, usual: (model: string) => number | null) {
  return { ...counted, before: before.sum(usual), after: after.sum(usual) }
}

function recordedCalls({ attempts, shadow }: AuditRecord): readonly ReplayedCall[] {
  return shadow ? [...attempts, shadow.attempt, ...(shadow.opinions ?? [])] : attempts
}

function priced(call: ReplayedCall, { next, price }: Pick<ReplayQuestion, 'next' | 'price'>): ReplayedCall {
  const model = next.policy.models[call.model]
  if (!call.isAssumed || !call.usage || !model) return call
  return { ...call, costUsd: price(model, call.usage) }
}

function timeOf(calls: readonly ReplayedCall[]): { readonly knownMs: number; readonly model: string | null } {
  const knownMs = calls.reduce((sum, { latencyMs }) => sum + latencyMs, 0)
  return { knownMs, model: calls.find(({ isAssumed }) => isAssumed)?.model ?? null }
}

function isSameFate(one: Fate, other: Fate): boolean {
  const { outcome, route, reason, model, degraded, proven, error } = one
  return (
    outcome === other.outcome &&
    route === other.route &&
    reason === other.reason &&
    model === other.model &&
    degraded === other.degraded &&
    proven === other.proven &&
    error === other.error
  )
}

function noteTimes(answered: Map<string, number[]>, { attempts }: AuditRecord): void {
  for (const { model, actor, outcome, purpose, latencyMs } of attempts) {
    if (actor !== 'frontier' || outcome !== 'answered' || purpose !== 'answer') continue
    const times = answered.get(model) ?? []
    times.push(latencyMs)
    answered.set(model, times)
  }
}

/** The median of the model's answers in the span, else of all frontiers'. */
function usualTimes(answered: ReadonlyMap<string, readonly number[]>): (model: string) => number | null {
  const medians = new Map([...answered].map(([model, times]) => [model, quantiles(times).p50]))
  const ofAll = quantiles([...answered.values()].flat()).p50
  return (model) => medians.get(model) ?? ofAll
}

type Moves = Map<string, { from: string; to: string; count: number; examples: string[] }>

interface Move {
  readonly record: AuditRecord
  readonly from: Fate
  readonly to: Fate
  readonly examples: number
}

function noteMove(moved: Moves, { record, from, to, examples }: Move): void {
  const [was, now] = [wordsOf(from, to), wordsOf(to, from)]
  const line = moved.get(`${was} > ${now}`) ?? { from: was, to: now, count: 0, examples: [] }
  moved.set(`${was} > ${now}`, line)
  line.count += 1
  if (line.examples.length < examples) line.examples.push(record.requestId)
}

/** Route and reason; what else is other where those are the same. */
function wordsOf(fate: Fate, other: Fate): string {
  const isAlike = fate.route === other.route && fate.reason === other.reason
  const more = [
    fate.degraded && 'degraded',
    fate.outcome === 'error' && (fate.error ?? 'error'),
    isAlike && fate.model !== other.model && fate.model,
    isAlike && fate.proven !== other.proven && (fate.proven ? 'proven' : 'unproven'),
  ].filter((word) => typeof word === 'string')
  return [fate.route, fate.reason, ...more].join(' ')
}
