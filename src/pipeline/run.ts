/** What a request gathers on its way: the attempts made and the journal lines written. The one mutable thing in here. */
import { hash } from 'node:crypto'
import type { FindPrivate } from '../classify/privacy/find.ts'
import { redactPreview } from '../classify/privacy/mask.ts'
import type { KeyScope } from '../spec/access.ts'
import type { AuditRecord, JournalEntry, RecordedCall } from '../spec/audit.ts'
import type { BudgetBook } from '../spec/budget.ts'
import type { CheckRunner } from '../spec/check-run.ts'
import type { Circumstances } from '../spec/circumstances.ts'
import type { ConversationBook } from '../spec/conversations.ts'
import type { Attempt, ModelIdentity, OutcomeKind, RouteDecision, Usage, Verdict } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { HeldForm, HeldPlace } from '../spec/held.ts'
import type { Lift } from '../spec/held-ticket.ts'
import type { KillSwitch } from '../spec/kill-switch.ts'
import type { CheckedDraft, RecordedDraft } from '../spec/label.ts'
import type { ExampleBook } from '../spec/learned.ts'
import type { PatternFact, RecordedPattern } from '../spec/pattern-record.ts'
import type { Plugin, RecordedPlugin } from '../spec/plugin.ts'
import type { HeadExampleSet, LoadedPolicy, ModelPolicy, TaskPolicy } from '../spec/policy.ts'
import type { CalibrationBook, Clock, ContentKeeper, Journal, PriorBook } from '../spec/ports.ts'
import type { PriorOpinion } from '../spec/prior.ts'
import type { Reading } from '../spec/reading.ts'
import { inputText, type RouterRequest } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import type { RolloutBook } from '../spec/rollout.ts'
import type { TaskInForce, TaskOverrides } from '../spec/task-override.ts'
import type { RequestSpan, Tracing } from '../spec/tracing.ts'
import type { AnswerCache } from './answer-cache.ts'
import type { AuditWatch } from './audit-watch.ts'
import type { BuddyWatch } from './buddy-watch.ts'
import { finderFor } from './find-private.ts'
import type { HarmlessScores } from './harmless-scores.ts'
import type { NoveltyWatch } from './novelty.ts'
import type { PlaceholderNumbers } from './placeholder-numbers.ts'
import { recordedPlugins } from './plugin-notes.ts'
import type { TextReader } from './reading-thread.ts'
import type { RolloutWatch } from './rollout-watch.ts'
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
  /** The context window that the price table knows of a model; null when it knows none. */
  readonly windowTokens?: (model: ModelPolicy) => number | null
  readonly newId: () => string
  readonly random: () => number
  readonly calibrations: CalibrationBook
  /** The examples of every task's head, by task name: those of the policy and those learned since. */
  readonly heads: Pick<ReadonlyMap<string, HeadExampleSet>, 'get'>
  readonly examples: ExampleBook
  readonly priors: PriorBook
  readonly killSwitch: KillSwitch
  readonly overrides: TaskOverrides
  readonly rollouts: RolloutBook
  /** Null where nothing is remembered of conversations. */
  readonly conversations: ConversationBook | null
  /** Finds private pieces of a text. Default: the detectors of this package and of the policy's plugins. */
  readonly findPrivate?: FindPrivate
  /** Hears of every plugin that threw. */
  readonly pluginNotice?: (plugin: Plugin, error: unknown) => void
  /** Reads long texts beside the requests; without it they are read between them. */
  readonly textReader?: TextReader
  /** Null when the policy keeps no answers. */
  readonly cache: AnswerCache | null
  /** Null when the policy keeps no full texts. */
  readonly content: ContentKeeper | null
  /** Null in a trial, whose requests are nobody's. */
  readonly held: HeldPlace | null
  /** Null when the policy sets no ceiling. */
  readonly budgets: BudgetBook | null
  /** Runs the commands of `verify`. */
  readonly checks: CheckRunner
  /** Hears of every local answer that gates checked. */
  readonly onDraft: (requestId: string, draft: CheckedDraft) => void
  readonly watch: AuditWatch
  readonly buddies: BuddyWatch
  readonly stages: RolloutWatch
  readonly placeholders: PlaceholderNumbers
  readonly turns: TurnBook
  readonly novelty: NoveltyWatch
  readonly harmless: HarmlessScores
  /** Null or absent while nobody traces. */
  readonly tracing?: Tracing | null
}

type ToldEntry = Extract<JournalEntry, { readonly type: 'call' | 'egress' }>

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
  /** A person let this request go on that was held before; null for all others. */
  readonly lift: Lift | null
  /** How its caller reads the answer; null where the request itself says it. */
  readonly form: HeldForm | null
  /** A task that came with it. */
  readonly inlineTask?: TaskPolicy
  /** US dollars that the caller allows for this request; null when it sets no limit. */
  readonly maxCostUsd: number | null
  readonly features: Features
  readonly decision: RouteDecision
  readonly task: TaskInForce
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
  readonly circumstances: Circumstances
  /** Absent while nobody traces. */
  readonly span?: RequestSpan
  /** Models that were to be asked and could not be by then. */
  readonly missed: string[]
  readonly attempts: Attempt[]
  /** Every call that was about to be made, and its line of the egress ledger, as far as they could be written. */
  readonly told: ToldEntry[]
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
  /** What plugins did; adapters of models stand in the attempts. */
  readonly plugins: RecordedPlugin[]
  /** What the last local answer of an open typed kind found. */
  reading: Reading | null
}

export function hexDigest(text: string): string {
  return hash('sha256', text, 'hex')
}

export function sha256(text: string): string {
  return `sha256:${hexDigest(text)}`
}

/** Notes a call or what leaves with it, for the journal and for the record of the settlement. */
export function tell(run: Run, entry: ToldEntry): void {
  run.told.push(entry)
  run.unwritten.push(entry)
}

/** Writes what the run has noted, and what it has reserved. Nobody is asked, and no answer goes out, before this resolves. */
export async function written(run: Run, { journal, budgets }: PipelineDeps): Promise<void> {
  const entries = run.unwritten.splice(0)
  try {
    await journal.write(entries, budgets?.noted)
  } catch (error) {
    // The call that waits for this line is not made.
    const lost: ReadonlySet<JournalEntry> = new Set(entries)
    run.told.splice(0, run.told.length, ...run.told.filter((entry) => !lost.has(entry)))
    throw error
  }
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
    ...(run.lift && { release: run.lift }),
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
    calls: run.told.flatMap((entry) => (entry.type === 'call' ? [recordedCall(entry)] : [])),
    egress: run.told.flatMap((entry) => (entry.type === 'egress' ? [entry.row] : [])),
    usage: null,
    costUsd: null,
    latencyMs: null,
    inputHash: features.inputHash,
    answerHash: null,
    preview: previewOf(run, loaded),
    ...recordedPlugins(run, loaded),
    shadow: null,
    prior: run.prior,
    circumstances: {
      ...run.circumstances,
      ...(run.missed.length > 0 && { missed: [...run.missed] }),
      ...(run.span && { traceId: run.span.traceId }),
    },
    ...(decision.continues && { continues: decision.continues }),
    draft: null,
    labels: [],
    error: null,
  }
}

function recordedCall({ type: _, requestId: __, ...call }: ToldEntry & { readonly type: 'call' }): RecordedCall {
  return call
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
function tierDraftsOf(run: Run, outcome: Outcome | null): Pick<AuditRecord, 'tierDrafts'> {
  const { tierDrafts } = run
  if (tierDrafts.length === 0 || (tierDrafts.length === 1 && run.drafter === run.localModel)) return {}
  const drafts = tierDrafts.map(({ model, identity, draft }, index) => {
    const record = outcome ? labelled(run, outcome, draft) : draft.record
    // An answer below has a label in any case only where those above it could not end the climb, either.
    const isFair = tierDrafts.slice(index).every((above) => above.draft.record.isSampled)
    return { model, identity, draft: { ...record, isSampled: isFair } }
  })
  return { tierDrafts: drafts }
}

function labelled(run: Run, outcome: Outcome, draft: CheckedDraft): RecordedDraft {
  const answer = frontierAnswer(run, outcome)
  return answer === null ? draft.record : { ...draft.record, agrees: sameAnswer(run.task.kind, draft.text, answer) }
}

/** What labels local answers; null when no frontier answered. A hosted answer that passed gates is no label of those below it. */
export function frontierAnswer({ tierDrafts }: Pick<Run, 'tierDrafts'>, { answer, decision }: Outcome): string | null {
  const isGated = tierDrafts.some(({ model }) => model === decision.model)
  return decision.route !== 'frontier' || isGated ? null : answer
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
    reason: failureReason(run, failed.code),
    verdicts: run.verdicts,
    localModel: run.localModel,
    attempts: [...run.attempts],
    ...patternOf(run),
    costUsd: totalCost(run.attempts),
    latencyMs: failed.latencyMs,
    draft: run.draft?.record ?? null,
    ...tierDraftsOf(run, null),
    error: failed.code,
  }
}

/** What the policy masks before text leaves is masked in what is kept of it, too. */
function previewOf({ request }: Run, loaded: LoadedPolicy): string | null {
  const { audit, privacy } = loaded.policy
  if (audit.content !== 'preview') return null
  try {
    return redactPreview(inputText(request.messages), 240, { kinds: privacy.redact, find: finderFor({ loaded }) })
  } catch {
    // A detector failed: nobody knows what would have to be masked.
    return null
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

/** What the record names as the reason of a failure with this code. */
export function failureReason(run: Pick<Run, 'decision' | 'attempts'>, code: string): string {
  if (CALLERS_OWN.has(code)) return 'cancelled'
  if (run.decision.reason !== null) return run.decision.reason
  return run.attempts.at(-1)?.actor === 'frontier' ? 'frontier_down' : 'local_unavailable'
}

/** Escalated means that a gate rejected a local answer; a route that policy sent to the frontier is simply accepted. */
export function outcomeKind({ decision, verdicts }: Pick<Outcome, 'decision' | 'verdicts'>): OutcomeKind {
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
