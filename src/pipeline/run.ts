/** What a request gathers on its way: the attempts made and the journal lines written. The one mutable thing in here. */
import { hash } from 'node:crypto'
import type { FindPrivate } from '../classify/privacy/anonymise.ts'
import { redactPreview } from '../classify/privacy/mask.ts'
import type { KeyScope } from '../spec/access.ts'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import type { BudgetBook } from '../spec/budget.ts'
import type { CheckRunner } from '../spec/check-run.ts'
import type { ConversationBook } from '../spec/conversations.ts'
import type { Attempt, ModelIdentity, OutcomeKind, RouteDecision, Usage, Verdict } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { KillSwitch } from '../spec/kill-switch.ts'
import type { CheckedDraft, RecordedDraft } from '../spec/label.ts'
import type { ExampleBook } from '../spec/learned.ts'
import type { PatternFact, RecordedPattern } from '../spec/pattern-record.ts'
import type { HeadExampleSet, LoadedPolicy, ModelPolicy, TaskPolicy } from '../spec/policy.ts'
import type { CalibrationBook, Clock, ContentKeeper, Journal, PriorBook } from '../spec/ports.ts'
import type { PriorOpinion } from '../spec/prior.ts'
import type { Reading } from '../spec/reading.ts'
import { inputText, type RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { AnswerCache } from './answer-cache.ts'
import type { AuditWatch } from './audit-watch.ts'
import type { BuddyWatch } from './buddy-watch.ts'
import type { HarmlessScores } from './harmless-scores.ts'
import type { NoveltyWatch } from './novelty.ts'
import type { PlaceholderNumbers } from './placeholder-numbers.ts'
import type { TextReader } from './reading-thread.ts'
import type { Roster } from './roster.ts'
import { sameAnswer } from './same-answer.ts'
import type { TurnBook } from './turn-book.ts'

/** What a call cost in US dollars, null when no price is known, and where the price came from. */
export type Price = Pick<Attempt, 'costUsd' | 'priceSource'>

export interface PipelineDeps {
  readonly loaded: LoadedPolicy
  readonly roster: Roster
  readonly journal: Journal
  readonly clock: Clock
  readonly price: (model: ModelPolicy, usage: Usage, servedBy: string) => Price
  readonly newId: () => string
  readonly random: () => number
  readonly calibrations: CalibrationBook
  /** The examples of every task's head, by task name: those of the policy and those learned since. */
  readonly heads: Pick<ReadonlyMap<string, HeadExampleSet>, 'get'>
  readonly examples: ExampleBook
  readonly priors: PriorBook
  readonly killSwitch: KillSwitch
  /** Null where nothing is remembered of conversations. */
  readonly conversations: ConversationBook | null
  /** Finds private pieces of a text. Default: the detectors of this package. */
  readonly findPrivate?: FindPrivate
  /** Reads long texts beside the requests; without it they are read between them. */
  readonly textReader?: TextReader
  /** Null when the policy keeps no answers. */
  readonly cache: AnswerCache | null
  /** Null when the policy keeps no full texts. */
  readonly content: ContentKeeper | null
  /** Null when the policy sets no ceiling. */
  readonly budgets: BudgetBook | null
  /** Runs the commands of `verify`. */
  readonly checks: CheckRunner
  /** Hears of every local answer that gates checked. */
  readonly onDraft: (requestId: string, draft: CheckedDraft) => void
  readonly watch: AuditWatch
  readonly buddies: BuddyWatch
  readonly placeholders: PlaceholderNumbers
  readonly turns: TurnBook
  readonly novelty: NoveltyWatch
  readonly harmless: HarmlessScores
}

/** Everything known about one request before anybody is asked. */
export interface Run {
  readonly requestId: string
  readonly request: RouterRequest
  /** Of the API key; null when the caller has none that was issued. */
  readonly key: KeyScope | null
  /** 0 for the request of a caller, 1 for one that its pattern made, and so on. */
  readonly depth: number
  /** The request whose pattern made this one; null for the request of a caller. */
  readonly parent: string | null
  /** US dollars that the caller allows for this request; null when it sets no limit. */
  readonly maxCostUsd: number | null
  readonly features: Features
  readonly decision: RouteDecision
  readonly task: TaskPolicy
  /** The closed set of a typed task; null for open kinds. */
  readonly options: readonly string[] | null
  readonly startedMs: number
  readonly receivedAt: string
  /** What is checked was written with somebody's advice; see `calibrationOf`. */
  readonly isAdvised?: boolean
  /** Drawn before anybody is asked: the frontier answers in any case, so that the local answer gets a label. */
  readonly isSampled: boolean
  /** What a prior in force said; null when none was asked. */
  readonly prior: PriorOpinion | null
  readonly attempts: Attempt[]
  /** Lines of the journal that are on disk before the next byte goes out; see `written`. */
  readonly unwritten: JournalEntry[]
  /** Of calls of frontiers, under way or done, opinions among them; what is unknown counts as the most it may be. */
  readonly taken: { usd: number }
  localModel: AuditRecord['localModel']
  verdicts: readonly Verdict[]
  /** The last local answer that was checked, and its text. */
  draft: CheckedDraft | null
  /** Who gave the answer that was checked last; null before one was. */
  drafter: AuditRecord['localModel']
  /** Every answer that gates checked, lowest tier first. */
  readonly tierDrafts: { readonly model: string; readonly identity: ModelIdentity; readonly draft: CheckedDraft }[]
  /** Who was asked last for the answer, first choice first; null before anybody was. */
  among: readonly string[] | null
  /** What the pattern noted. */
  readonly did: Record<string, PatternFact>
  /** What the last local answer of an open typed kind found. */
  reading: Reading | null
}

export function hexDigest(text: string): string {
  return hash('sha256', text, 'hex')
}

export function sha256(text: string): string {
  return `sha256:${hexDigest(text)}`
}

/** Writes what the run has noted. Nobody is asked, and no answer goes out, before this resolves. */
export function written(run: Run, { journal }: PipelineDeps): Promise<void> {
  return journal.write(run.unwritten.splice(0))
}

/** The record as it stands on disk before anybody is asked. */
export function openRecord(run: Run, loaded: LoadedPolicy): AuditRecord {
  const { features, decision, request } = run
  const metadata = request.metadata ?? {}
  return {
    requestId: run.requestId,
    taskId: metadata.taskId ?? null,
    task: features.task,
    action: features.action,
    user: metadata.user ?? null,
    group: metadata.group ?? null,
    tenant: metadata.tenant ?? null,
    ...(run.key && { key: run.key.id }),
    ...(run.parent !== null && { parent: run.parent }),
    policyDigest: loaded.digest,
    receivedAt: run.receivedAt,
    settledAt: null,
    outcome: 'open',
    route: decision.route,
    reason: decision.reason ?? 'local_accepted',
    decision: null,
    features: recorded(features),
    hardStops: features.hardStops,
    removals: decision.removals,
    verdicts: [],
    signals: null,
    localModel: null,
    attempts: [],
    calls: [],
    egress: [],
    usage: null,
    costUsd: null,
    latencyMs: null,
    inputHash: features.inputHash,
    answerHash: null,
    preview: loaded.policy.audit.content === 'preview' ? redactPreview(inputText(request.messages), 240) : null,
    shadow: null,
    prior: run.prior,
    ...(decision.continues && { continues: decision.continues }),
    draft: null,
    labels: [],
    error: null,
  }
}

/** The record of a request that has an outcome. */
export function settledRecord(
  run: Run,
  loaded: LoadedPolicy,
  settled: { readonly outcome: Outcome; readonly at: string },
): AuditRecord {
  const { outcome } = settled
  return {
    ...openRecord(run, loaded),
    settledAt: settled.at,
    outcome: outcomeKind(outcome),
    route: outcome.decision.route,
    reason: outcome.decision.reason,
    decision: outcome.decision,
    hardStops: outcome.hardStops,
    verdicts: outcome.verdicts,
    signals: outcome.signals,
    localModel: run.localModel,
    attempts: outcome.attempts,
    ...patternOf(run),
    usage: outcome.usage,
    costUsd: outcome.costUsd,
    latencyMs: outcome.latencyMs,
    answerHash: outcome.answer === null ? null : sha256(outcome.answer),
    draft: run.draft && labelled(run, outcome, run.draft),
    ...tierDraftsOf(run, outcome),
  }
}

/** Of one local answer `draft` says all. */
function tierDraftsOf(run: Run, outcome: Outcome): Pick<AuditRecord, 'tierDrafts'> {
  const { tierDrafts } = run
  if (tierDrafts.length === 0 || (tierDrafts.length === 1 && run.drafter === run.localModel)) return {}
  const drafts = tierDrafts.map(({ model, identity, draft }, index) => {
    const record = labelled(run, outcome, draft)
    // An answer below has a label in any case only where those above it could not end the climb, either.
    const isFair = tierDrafts.slice(index).every((above) => above.draft.record.isSampled)
    return { model, identity, draft: { ...record, isSampled: isFair } }
  })
  return { tierDrafts: drafts }
}

/** A hosted answer that passed gates is no label of those below it. */
function labelled({ task, tierDrafts }: Run, { answer, decision }: Outcome, draft: CheckedDraft): RecordedDraft {
  const isGated = tierDrafts.some(({ model }) => model === decision.model)
  if (decision.route !== 'frontier' || answer === null || isGated) return draft.record
  return { ...draft.record, agrees: sameAnswer(task.kind, draft.text, answer) }
}

/** The caller went, or its time was over. */
const CALLERS_OWN: ReadonlySet<string> = new Set(['cancelled', 'deadline_exceeded'])

/** The record of a request that failed; what was spent until then stays in it. */
export function failedRecord(
  run: Run,
  loaded: LoadedPolicy,
  failed: { readonly code: string; readonly at: string; readonly latencyMs: number },
): AuditRecord {
  return {
    ...openRecord(run, loaded),
    settledAt: failed.at,
    outcome: 'error',
    reason: CALLERS_OWN.has(failed.code) ? 'cancelled' : (run.decision.reason ?? failureReason(run)),
    verdicts: run.verdicts,
    localModel: run.localModel,
    attempts: [...run.attempts],
    ...patternOf(run),
    costUsd: totalCost(run.attempts),
    latencyMs: failed.latencyMs,
    error: failed.code,
  }
}

function patternOf({ did, decision }: Run): { readonly pattern?: RecordedPattern } {
  return Object.keys(did).length === 0 ? {} : { pattern: { name: decision.pattern, did: { ...did } } }
}

/** @returns US dollars over all attempts; null as soon as one is unknown */
export function totalCost(attempts: readonly Attempt[]): number | null {
  return attempts.reduce<number | null>(
    (sum, attempt) => (sum === null || attempt.costUsd === null ? null : sum + attempt.costUsd),
    0,
  )
}

/** How often a frontier was called for a request. */
export function frontierCalls({ attempts }: Run): number {
  return attempts.filter(({ actor }) => actor === 'frontier').length
}

function failureReason(run: Run): string {
  return run.attempts.at(-1)?.actor === 'frontier' ? 'frontier_down' : 'local_unavailable'
}

/** Escalated means that a gate rejected a local answer; a route that policy sent to the frontier is simply accepted. */
function outcomeKind({ decision, verdicts }: Outcome): OutcomeKind {
  if (decision.route === 'held' || decision.route === 'human') return decision.route
  return decision.route === 'frontier' && verdicts.some((verdict) => !verdict.accepted) ? 'escalated' : 'accepted'
}

function recorded(features: Features): AuditRecord['features'] {
  const { kind, complexity, partition, inputChars, inputTokensEstimated, messages } = features
  const { hasTools, hasImages, hasSchema, wantsCodeChange, taskSource } = features
  return {
    kind,
    complexity,
    partition,
    inputChars,
    inputTokensEstimated,
    messages,
    hasTools,
    hasImages,
    hasSchema,
    wantsCodeChange,
    taskSource,
  }
}
