/** Counts what records say of a candidate and the model in force, one request at a time. Pure. */
import type { PairedCounts } from '../../learn/paired-sequence.ts'
import { candidateTruth, incumbentTruth } from '../../pipeline/candidate-truth.ts'
import type { AuditRecord, CandidateResult, RecordedPrompt } from '../../spec/audit.ts'
import type { ModelIdentity } from '../../spec/decision.ts'
import type { LabelSource } from '../../spec/label.ts'
import type { RolloutModel } from '../../spec/rollout.ts'

export interface SideTally {
  model: RolloutModel | null
  prompt: RecordedPrompt | null
  answered: number
  accepted: number
  labelled: number
  wrong: number
  falseAccepts: number
  readonly localMs: number[]
  /** US dollars; null as soon as one is unknown. */
  localUsd: number | null
  readonly reasons: Map<string, number>
}

/** Of one model and prompt of each side. */
interface GroupTally {
  runs: number
  picked: number
  unclear: number
  /** The calibrations whose thresholds decided last; null before any. */
  thresholds: string | null
  readonly incumbent: SideTally
  readonly challenger: SideTally
  readonly changed: { compared: number; answers: number; nowEscalated: number; nowAccepted: number }
  readonly errors: Mutable<CountedPairs>
  readonly falseAccepts: Mutable<CountedPairs>
  /** The first requests whose labels would tell more. */
  readonly unlabelled: string[]
  readonly sources: Map<LabelSource, number>
  readonly labels: Map<string, { n: number; incumbent: number; challenger: number }>
  /** What the frontier cost where it was asked. */
  readonly frontierUsd: { n: number; sum: number | null }
}

/** Pairs, and of them those that may be lost or gained for all that is known; they are not among the lost and gained. */
export interface CountedPairs extends PairedCounts {
  readonly openLost: number
  readonly openGained: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export interface RotationTally {
  /** Of all groups. */
  runs: number
  readonly dropped: Map<string, number>
  readonly groups: Map<string, GroupTally>
  /** The group that answered last. */
  last: GroupTally
}

export function emptyTally(): RotationTally {
  return { runs: 0, dropped: new Map(), groups: new Map(), last: emptyGroup() }
}

export interface Counting {
  /** The candidate's id. */
  readonly candidate: string
  readonly leastSure: LabelSource
  /** How many answers the task has; null for open kinds. */
  readonly options: number | null
  /**
   * `drawn`: the frontier labels requests that were chosen before anybody spoke, and only those count. `people`: there is no frontier, so answers
   * alike count without a label, and every other one is open until a person says what is right.
   */
  readonly basis: 'drawn' | 'people'
}

export function tallied(tally: RotationTally, record: AuditRecord, counting: Counting): void {
  const { candidate: result, candidateDropped } = record
  if (candidateDropped) bump(tally.dropped, candidateDropped)
  if (result?.candidate !== counting.candidate) return
  tally.runs += 1
  const group = groupFor(tally, groupOf(result))
  tally.last = group
  group.runs += 1
  countSides(group, result)
  countFrontier(group, record)
  countPair(group, record, { ...counting, result })
}

function countSides(group: GroupTally, result: CandidateResult): void {
  const { incumbent: was, attempt, opinions = [] } = result
  const { incumbent, challenger, changed } = group
  const [isAnswered, wasAnswered] = [result.answerHash !== null, was.answerHash !== null]
  const [isAccepted, wasAccepted] = [result.routeCandidate === 'local', was.routeCandidate === 'local']
  if (wasAnswered && was.identity) incumbent.model = { name: was.model, identity: was.identity }
  if (isAnswered && result.identity) challenger.model = { name: result.model, identity: result.identity }
  challenger.prompt = result.prompt
  incumbent.answered += Number(wasAnswered)
  challenger.answered += Number(isAnswered)
  incumbent.accepted += Number(wasAccepted)
  challenger.accepted += Number(isAccepted)
  if (was.latencyMs !== null) incumbent.localMs.push(was.latencyMs)
  if (attempt.outcome === 'answered') challenger.localMs.push(attempt.latencyMs)
  incumbent.localUsd = plus(incumbent.localUsd, was.costUsd)
  for (const { costUsd } of [attempt, ...opinions]) challenger.localUsd = plus(challenger.localUsd, costUsd)
  const rejected = result.verdicts.find(({ accepted }) => !accepted)
  if (rejected?.reason) bump(challenger.reasons, rejected.reason)
  if (result.isSame !== null) changed.compared += 1
  if (result.isSame === false) changed.answers += 1
  if (wasAccepted && !isAccepted) changed.nowEscalated += 1
  if (!wasAccepted && isAccepted) changed.nowAccepted += 1
}

/** What an escalation costs is known where one happened. */
function countFrontier({ frontierUsd }: GroupTally, { attempts }: AuditRecord): void {
  const calls = attempts.filter(({ actor, purpose }) => actor === 'frontier' && purpose === 'answer')
  if (calls.length === 0) return
  frontierUsd.n += 1
  for (const { costUsd } of calls) frontierUsd.sum = plus(frontierUsd.sum, costUsd)
}

function countPair(
  group: GroupTally,
  { labels, requestId }: AuditRecord,
  { result, leastSure, options, basis }: Counting & { readonly result: CandidateResult },
): void {
  const said = labels ?? []
  const was = result.incumbent
  const truth = result.answerHash === null ? null : candidateTruth(result, said, { leastSure, options })
  const before = was.answerHash === null ? null : incumbentTruth(result, said, leastSure)
  const source = (truth ?? before)?.source
  // Where nobody knows what is right, nothing is compared.
  if (basis === 'drawn' && source === undefined) return
  if (basis === 'drawn' && !was.isFair) {
    group.picked += 1
    return
  }
  // No answer is no right one.
  const isRight = result.answerHash === null ? false : truth?.isCorrect
  const wasRight = was.answerHash === null ? false : before?.isCorrect
  forgetOtherThresholds(group, result)
  if (isRight === undefined || wasRight === undefined) {
    if (basis === 'drawn') group.unclear += 1
    else countOpen(group, requestId, { result, isRight, wasRight })
    return
  }
  count(group.errors, wasRight, isRight)
  const [falseNow, falseThen] = [
    !isRight && result.routeCandidate === 'local',
    !wasRight && was.routeCandidate === 'local',
  ]
  count(group.falseAccepts, !falseThen, !falseNow)
  group.incumbent.labelled += 1
  group.challenger.labelled += 1
  group.incumbent.wrong += Number(!wasRight)
  group.challenger.wrong += Number(!isRight)
  group.incumbent.falseAccepts += Number(falseThen)
  group.challenger.falseAccepts += Number(falseNow)
  if (source === undefined) return
  group.sources.set(source, (group.sources.get(source) ?? 0) + 1)
  const label = rightOption(result, { isRight, wasRight, source })
  if (label === null) return
  const row = group.labels.get(label) ?? { n: 0, incumbent: 0, challenger: 0 }
  group.labels.set(label, row)
  row.n += 1
  row.incumbent += Number(!wasRight)
  row.challenger += Number(!isRight)
}

interface Open {
  readonly result: CandidateResult
  readonly isRight: boolean | undefined
  readonly wasRight: boolean | undefined
}

/** As many requests are named as somebody labels in one go. */
const MOST_NAMED = 20

/** What may be is counted for and against: two answers alike are right or wrong together. */
function countOpen(group: GroupTally, requestId: string, { result, isRight, wasRight }: Open): void {
  const { incumbent: was, isSame } = result
  const [isAccepted, wasAccepted] = [result.routeCandidate === 'local', was.routeCandidate === 'local']
  const isAlike = isSame === true
  const errors = {
    lost: !isAlike && wasRight !== false && isRight !== true,
    gained: !isAlike && wasRight !== true && isRight !== false,
  }
  const falseAccepts = {
    lost: isAccepted && isRight !== true && !(wasAccepted && (isAlike || wasRight === false)),
    gained: wasAccepted && wasRight !== true && !(isAccepted && (isAlike || isRight === false)),
  }
  for (const [pairs, may] of [
    [group.errors, errors],
    [group.falseAccepts, falseAccepts],
  ] as const) {
    pairs.n += 1
    pairs.openLost += Number(may.lost)
    pairs.openGained += Number(may.gained)
  }
  const isOpen = [errors, falseAccepts].some(({ lost, gained }) => lost || gained)
  if (isOpen && group.unlabelled.length < MOST_NAMED) group.unlabelled.push(requestId)
}

/** What a threshold accepted says nothing of another one. */
function forgetOtherThresholds(group: GroupTally, { draft, incumbent }: CandidateResult): void {
  if (!draft || incumbent.answerHash === null) return
  const now = JSON.stringify([incumbent.calibration, draft.calibration])
  if (group.thresholds !== null && group.thresholds !== now) {
    Object.assign(group.falseAccepts, noPairs())
    group.incumbent.falseAccepts = 0
    group.challenger.falseAccepts = 0
  }
  group.thresholds = now
}

interface Judged {
  readonly isRight: boolean
  readonly wasRight: boolean
  readonly source: LabelSource
}

/** The option that was right, where it is known which. */
function rightOption(result: CandidateResult, { isRight, wasRight, source }: Judged): string | null {
  if (isRight) return result.option
  if (wasRight) return result.incumbent.option
  return source === 'frontier' ? result.frontierOption : null
}

function count(pairs: Mutable<PairedCounts>, wasRight: boolean, isRight: boolean): void {
  pairs.n += 1
  pairs.lost += Number(wasRight && !isRight)
  pairs.gained += Number(!wasRight && isRight)
}

/** Null for a run without an answer on one side: it belongs to the group that answered last. */
function groupOf({ identity, draft, incumbent }: CandidateResult): string | null {
  if (!identity || !draft || !incumbent.identity) return null
  const whose = ({ digest, quantisation, servedBy }: ModelIdentity): readonly unknown[] => [
    digest,
    quantisation,
    servedBy,
  ]
  return JSON.stringify([...whose(identity), draft.setup, ...whose(incumbent.identity), incumbent.setup])
}

/** What failed before anybody answered is counted with those that answered first. */
function groupFor(tally: RotationTally, key: string | null): GroupTally {
  if (key === null) return tally.last
  const known = tally.groups.get(key)
  if (known) return known
  const made = tally.groups.size === 0 ? tally.last : emptyGroup()
  tally.groups.set(key, made)
  return made
}

function noPairs(): CountedPairs {
  return { n: 0, lost: 0, gained: 0, openLost: 0, openGained: 0 }
}

function emptyGroup(): GroupTally {
  return {
    ...{ runs: 0, picked: 0, unclear: 0, thresholds: null },
    ...{ incumbent: emptySide(), challenger: emptySide() },
    changed: { compared: 0, answers: 0, nowEscalated: 0, nowAccepted: 0 },
    ...{ errors: noPairs(), falseAccepts: noPairs(), unlabelled: [] },
    ...{ sources: new Map(), labels: new Map(), frontierUsd: { n: 0, sum: 0 } },
  }
}

function emptySide(): SideTally {
  const counts = { answered: 0, accepted: 0, labelled: 0, wrong: 0, falseAccepts: 0 }
  return { model: null, prompt: null, ...counts, localMs: [], localUsd: 0, reasons: new Map() }
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function plus(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more
}
