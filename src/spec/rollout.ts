/** The stage of a task as operators and evidence moved it: over the one of the policy, until the policy's is edited. */
import type { AuditEvent } from './audit-event.ts'
import type { ModelIdentity } from './decision.ts'
import type { StagePolicy } from './policy.ts'
import { type Candidate, type LocalSetup, sameSetup, setupText } from './rotation.ts'

/** From the stage in which local does least to the one in which it does most. */
export const STAGES = ['off', 'shadow', 'canary', 'accept'] as const
export type StageName = (typeof STAGES)[number]

/** `operator`: a person. `label_error`: live labels broke the bound. `drift`: inputs or signals are not what they were. */
export type RolloutCause = 'operator' | 'label_error' | 'drift'

/** Labels of answers that were, or would have been, accepted. */
export interface RolloutCounts {
  readonly n: number
  readonly errors: number
  /** Ends of a confidence sequence on the share of errors, 0 to 1; null for an end that was not looked at. */
  readonly lower: number | null
  readonly upper: number | null
  /** The bound they are held against; null for a task without one. */
  readonly maxErrorRate: number | null
  /** In words: what a drift was seen in, how a candidate did, what the policy says otherwise than at the stage before. */
  readonly detail?: string
}

export interface RolloutModel {
  readonly name: string
  readonly identity: ModelIdentity
}

/** One move of one task. */
export interface RolloutChange {
  readonly id: string
  readonly task: string
  /** `rotate`: another model, prompt or order of labels in the same stage. */
  readonly action: 'promote' | 'rollback' | 'rotate'
  readonly cause: RolloutCause
  readonly from: StagePolicy
  readonly to: StagePolicy
  /** What the policy file says; null for nothing. */
  readonly over: StagePolicy | null
  /** The move that this one comes after; null when the policy's stage was in force. */
  readonly after: string | null
  readonly why: string
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly policyDigest: string
  /** Who gave the answers that the evidence is about; null when none is known. */
  readonly model: RolloutModel | null
  readonly evidence: RolloutCounts | null
  /** What answers from then on; absent: as the policy says. */
  readonly setup?: LocalSetup | undefined
  /** What answered until then; of a rotation also which model that was. */
  readonly setupBefore?: LocalSetup | undefined
  readonly modelBefore?: RolloutModel | null | undefined
}

/** The last move of a task, and the stages that a rollback goes back to, the nearest last. */
export interface RolloutInForce extends RolloutChange {
  readonly before: readonly Standing[]
}

/** A stage with the model and the policy it was in force with. */
export interface Standing {
  readonly stage: StagePolicy
  readonly model: RolloutModel | null
  readonly policyDigest: string
  /** Absent: as the policy says. */
  readonly setup?: LocalSetup | undefined
}

/** A setup that stands over what the policy says of a task's models, prompt and labels, until that is edited. */
export interface SetupInForce {
  readonly task: string
  readonly setup: LocalSetup
}

/** The moves in force, never more than a fifth of a second old. */
export interface RolloutBook {
  /** The move that speaks for a task whose policy says `written`; null when the policy does. */
  find(task: string, written: StagePolicy | undefined): RolloutInForce | null
  /** Why the moves cannot be read: until they can, no local answer is served; null when they can. */
  problem(): string | null
  /** What was rotated in, lapsed ones included; the same array until the file changes. */
  setups(): readonly SetupInForce[]
  /** The same for candidates, one a task. */
  candidates(): readonly Candidate[]
  /**
   * Puts a move in force; a `rotate` ends the candidate of its task.
   *
   * @param record writes it down for the audit; called before the move holds, and not at all when it will not
   * @returns false when another move came first, or is under way
   */
  move(change: RolloutChange, record: () => void): boolean
}

export interface DriftState {
  /** Rows that were seen. */
  readonly rows: number
  /** Natural logarithm of the wealth of a bet against "nothing has changed"; starts with 0. */
  readonly logWealth: number
  /** The figure that speaks for a change most; null before any row. */
  readonly strongest: string | null
}

export interface TaskDriftState {
  readonly inputs: DriftState
  /** Of the present model and prompt. */
  readonly signals: DriftState
  /** A monitor whose wealth has reached this logarithm says that something changed. */
  readonly alarmAt: number
  /** What changed, in words; null while nothing did. */
  readonly alarm: string | null
}

/** Live evidence of a task in a stage that serves local answers, since the stage began. */
export interface WatchedTask {
  readonly task: string
  /** Accepted answers with a label, of the model, prompt and threshold that answered last. */
  readonly labelled: number
  readonly errors: number
  readonly drift: TaskDriftState
  /** Why a move that was due could not be made, or nothing be read; null when all is well. */
  readonly problem: string | null
}

export function stageName(stage: StagePolicy): StageName {
  return typeof stage === 'string' ? stage : 'canary'
}

/** Whether local does more in the first stage than in the second. */
export function isAbove(one: StagePolicy, other: StagePolicy): boolean {
  const [a, b] = [STAGES.indexOf(stageName(one)), STAGES.indexOf(stageName(other))]
  if (a !== b || typeof one === 'string' || typeof other === 'string') return a > b
  const [more, less] = [one.canary, other.canary]
  const names = (key: 'groups' | 'tenants') => more[key].some((name) => !less[key].includes(name))
  return more.percent > less.percent || names('groups') || names('tenants')
}

/** `canary 10 %, groups pilots` */
export function stageText(stage: StagePolicy): string {
  if (typeof stage === 'string') return stage
  const { percent, groups, tenants } = stage.canary
  const named = (what: string, names: readonly string[]) => (names.length > 0 ? [`${what} ${names.join(' ')}`] : [])
  return [`canary ${percent} %`, ...named('groups', groups), ...named('tenants', tenants)].join(', ')
}

/** Where a rollback leads without a history of moves: to the next stage in which no more local answers are served. */
export function stageBelow(stage: StagePolicy): StagePolicy {
  return stageName(stage) === 'canary' || stage === 'accept' ? 'shadow' : 'off'
}

/** A stage of a task, and what answers it on this machine. */
export interface Answering {
  readonly stage: StagePolicy
  readonly setup: LocalSetup | undefined
}

/**
 * Where a rollback leads: to the stage before, with what answered in it, where one is known that lies below; where the last change was a
 * rotation, to what answered before it in the same stage. Else the stage below, with what answers now.
 *
 * @param written digest of what the policy says now: what stood over something else has lapsed
 */
export function rollbackTarget(now: Answering, inForce: RolloutInForce | null, written: string | null): Answering {
  const before = inForce?.before.at(-1)
  if (before) {
    const setup = before.setup?.over === written ? before.setup : undefined
    const isRotation = !isAbove(before.stage, now.stage) && !sameSetup(setup, now.setup)
    if (isRotation || isAbove(now.stage, before.stage)) return { stage: before.stage, setup }
  }
  return { stage: stageBelow(now.stage), setup: now.setup }
}

/** Whether two stages are the same, whatever the order of their keys. */
export function sameStage(one: StagePolicy | null | undefined, other: StagePolicy | null | undefined): boolean {
  return textOf(one) === textOf(other)
}

function textOf(stage: StagePolicy | null | undefined): string {
  return stage ? stageText(stage) : ''
}

/** Who moved what, why, and on what evidence, for the log beside the records. */
export function eventOf(change: RolloutChange): AuditEvent {
  const { id, at, by, task, action, cause, from, to, why, policyDigest, model, evidence, setup, setupBefore } = change
  const identity = model && {
    model: model.name,
    digest: model.identity.digest,
    quantisation: model.identity.quantisation,
  }
  const answering = (setup || setupBefore) && {
    answeredBy: setupText(setup),
    answeredBefore: setupText(setupBefore),
    ...(setup?.promptHash && { promptHash: setup.promptHash }),
  }
  const moved = { task, action, cause, from: stageText(from), to: stageText(to), why, policyDigest }
  return { id: `event-${id}`, kind: 'rollout', at, by, what: { ...moved, ...answering, ...identity, ...evidence } }
}

/** Who began or ended the trial of a candidate, and why. */
export function candidateEvent(
  { task, setup, maxLoss, id: candidate }: Candidate,
  said: Pick<AuditEvent, 'id' | 'at' | 'by'> & {
    readonly action: 'start' | 'discard'
    readonly why: string
    readonly policyDigest: string
  },
): AuditEvent {
  const { id, at, by, action, why, policyDigest } = said
  const tried = { candidate, setup: setupText(setup), ...(setup.promptHash && { promptHash: setup.promptHash }) }
  const what = { task, action: `candidate_${action}`, ...tried, maxLoss, why, policyDigest }
  return { id: `event-${id}`, kind: 'rollout', at, by, what }
}
