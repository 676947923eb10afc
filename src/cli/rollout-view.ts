/** One task as `rollout` sees it: its stage, who moved it there, and the evidence since then. */
import { type CostBook, type CostSummary, costBook } from '../eval/costs.ts'
import { type Advice, adviceFor } from '../eval/rollout/advice.ts'
import { evidenceBook, type RolloutEvidence } from '../eval/rollout/evidence.ts'
import { type Judgement, judgeEvidence, needsEvidence } from '../eval/rollout/judge.ts'
import { resolvePaths } from '../models/paths.ts'
import { changedSince } from '../pipeline/policy-since.ts'
import { createTaskDrift } from '../pipeline/rollout-drift.ts'
import { answeringNow, candidateOf } from '../pipeline/task-setup.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { hasFrontier } from '../spec/has-frontier.ts'
import type { LoadedPolicy, StagePolicy, TaskPolicy } from '../spec/policy.ts'
import { eventOf, type RolloutChange, type RolloutInForce, type TaskDriftState } from '../spec/rollout.ts'
import type { Candidate, LocalSetup } from '../spec/rotation.ts'
import { closest } from '../spec/suggest.ts'
import { recordEvent } from '../stores/audit-events.ts'
import { readPolicy } from '../stores/policy-archive.ts'
import { openRollouts, type RolloutStore } from '../stores/rollouts.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { firstFrontier, usdOf, withAudit } from './read-costs.ts'

export interface RolloutView {
  readonly name: string
  readonly loaded: LoadedPolicy
  readonly policy: TaskPolicy
  readonly store: RolloutStore
  readonly stateDir: string
  /** In force now. */
  readonly stage: StagePolicy
  /** Null: the stage is the policy's own, or its default. */
  readonly inForce: RolloutInForce | null
  /** What was rotated in; undefined: as the policy says. */
  readonly setup: LocalSetup | undefined
  /** Digest of what the policy says of its models and prompt. */
  readonly written: string | null
  /** Of the task; null without one, and when the policy was edited under it. */
  readonly candidate: Candidate | null
  /** Reads the audit since the last move. */
  look(): Found
  /** For whoever reads these records anyway. */
  reading(): ViewReading
}

/** What the records since the last move say. */
export interface Found {
  readonly evidence: RolloutEvidence
  readonly judgement: Judgement
  readonly advice: readonly Advice[]
  /** Null in a stage that serves no local answers. */
  readonly drift: TaskDriftState | null
}

export interface ViewReading {
  /** Of the last move, in epoch milliseconds; 0 without one. */
  readonly sinceMs: number
  /** Of the task since then, oldest first. */
  take(record: AuditRecord): void
  found(): Found
}

/** Another move takes a few milliseconds, or as long as the audit is busy. */
const WAIT_MS = 2000

/** @throws RouterError unknown_task, usage: the task has no local model; rollouts_unreadable */
export function openRolloutView(name: string, policyFile: string | undefined, context: CliContext): RolloutView {
  return rolloutView(name, booksOf(policyFile, context))
}

/** Every task of the policy that has a local model. */
export function openRolloutViews(policyFile: string | undefined, context: CliContext): readonly RolloutView[] {
  return rolloutViews(booksOf(policyFile, context))
}

function booksOf(policyFile: string | undefined, context: CliContext): RolloutBooks {
  const loaded = findPolicy(policyFile, context)
  const { stateDir } = resolvePaths(context.env, process.platform)
  return { loaded, stateDir, monotonicMs: context.clock.monotonicMs }
}

/** What the stages of a policy are read from. */
export interface RolloutBooks {
  readonly loaded: LoadedPolicy
  readonly stateDir: string
  readonly monotonicMs: () => number
}

/** @throws RouterError unknown_task, usage: the task has no local model; rollouts_unreadable */
export function rolloutView(name: string, books: RolloutBooks): RolloutView {
  return viewOf(name, opened(books))
}

/** @throws RouterError rollouts_unreadable */
export function rolloutViews(books: RolloutBooks): readonly RolloutView[] {
  const own = opened(books)
  const routed = Object.entries(books.loaded.policy.tasks).filter(([, { local }]) => local !== false)
  return routed.map(([name]) => viewOf(name, own))
}

function opened({ loaded, stateDir, monotonicMs }: RolloutBooks): Pick<RolloutView, 'loaded' | 'store' | 'stateDir'> {
  const store = openRollouts(stateDir, monotonicMs, WAIT_MS)
  // An unreadable file is an error here, and not a stage that it makes.
  store.list()
  return { loaded, store, stateDir }
}

function viewOf(name: string, own: Pick<RolloutView, 'loaded' | 'store' | 'stateDir'>): RolloutView {
  const { tasks } = own.loaded.policy
  const policy = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (!policy) throw unknownTask(name, Object.keys(tasks))
  if (policy.local === false)
    throw usage(
      `task ${name} has no local model, so there is nothing to roll out`,
      'Give it one with tasks.<name>.local.',
    )
  const inForce = own.store.find(name, policy.stage)
  const stage = inForce?.to ?? policy.stage ?? (hasFrontier(name, own.loaded) ? 'shadow' : 'accept')
  const books = { loaded: own.loaded, rollouts: own.store }
  const answering = { ...answeringNow(books, name), candidate: candidateOf(books, name) }
  const view = { name, policy, inForce, stage, ...answering, ...own }
  return { ...view, look: () => lookAt(view), reading: () => readingOf(view) }
}

/** @throws RouterError in_use: somebody else was faster; store_* when the audit cannot note it */
export function putInForce({ name, store, stateDir }: RolloutView, change: RolloutChange): void {
  if (!store.move(change, () => recordEvent(stateDir, eventOf(change))))
    throw raced('The stage', `somebody else moved ${name} at the same time`)
}

/** What the policy says otherwise of the task than when the stage before was in force; nothing where that one is not kept. */
export function editedSince({ name, inForce, loaded, stateDir }: RolloutView): readonly string[] {
  const digest = inForce?.before.at(-1)?.policyDigest
  const before = digest === undefined || digest === loaded.digest ? null : readPolicy(stateDir, digest)
  return before ? changedSince(before.policy, loaded.policy, name) : []
}

export function raced(path: string, problem: string): RouterError {
  return new RouterError('in_use', { path, problem, fix: 'Look at it again with `spillway rollout status`.' })
}

/** Whoever reads the log has to know why. */
export function reasonGiven(why: string | undefined): string {
  const text = why?.trim() ?? ''
  if (text === '') throw usage('a move needs a reason', 'Say with --why what happened.')
  return text.replace(/\.$/, '')
}

type Bare = Omit<RolloutView, 'look' | 'reading'>

function lookAt(view: Bare): Found {
  const reading = readingOf(view)
  const query = { task: view.name, ...(view.inForce && { sinceMs: reading.sinceMs }) }
  withAudit(view.stateDir, (log) => {
    for (const record of log.each(query)) reading.take(record)
  })
  return reading.found()
}

/** Months of records take minutes to read and nothing to go through, so all that is told of them is counted together. */
function readingOf({ policy, inForce, stage, loaded }: Bare): ViewReading {
  const sinceMs = inForce ? Date.parse(inForce.at) : 0
  const evidence = evidenceBook(policy.accept)
  const local = needsEvidence(stage) ? { costs: costsOf(loaded), drift: createTaskDrift() } : null
  return {
    sinceMs,
    take(record) {
      evidence.add(record)
      local?.costs.add(record)
      if (record.settledAt !== null) local?.drift.take(record)
    },
    found() {
      const seen = evidence.evidence()
      return {
        evidence: seen,
        judgement: judgeEvidence(policy, seen),
        advice: adviceFor({ task: policy, evidence: seen, costs: local && spentOn(local.costs, sinceMs) }),
        drift: local?.drift.state() ?? null,
      }
    },
  }
}

function costsOf(loaded: LoadedPolicy): CostBook {
  const frontierUsd = (task: string, tokens: Usage) => usdOf(firstFrontier(task, loaded), tokens)
  return costBook({ costs: loaded.policy.costs, frontierUsd })
}

/** Hardware and maintenance are the machine's, not one task's: they are told of no time. */
function spentOn(book: CostBook, sinceMs: number): CostSummary {
  return book.summary({ sinceMs, nowMs: sinceMs })
}

function unknownTask(task: string, known: readonly string[]): RouterError {
  const near = closest(task, known)
  return new RouterError('unknown_task', {
    task,
    fix: near ? `Did you mean ${near}?` : `Known: ${known.join(', ') || 'none'}.`,
  })
}
