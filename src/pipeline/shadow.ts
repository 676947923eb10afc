/** The local model beside the frontier: recorded, never served, never slower for the caller. */
import type { ShadowResult } from '../spec/audit.ts'
import type { Outcome } from '../spec/response.ts'
import { ask } from './attempt.ts'
import { checkDraft } from './check.ts'
import { draftOf } from './draft.ts'
import type { AskContext } from './exchange.ts'
import { type PipelineDeps, type Run, sha256 } from './run.ts'
import { sameAnswer } from './same-answer.ts'
import { agreementOf } from './shadow-agreement.ts'
import { NO_SINK } from './sink.ts'
import { isSolvable } from './solve.ts'

/** What a model said that answered beside the one that was served. */
export interface Beside {
  readonly result: ShadowResult
  /** Null when no answer came. */
  readonly text: string | null
}

/**
 * Runs after the caller has its answer; a failure of the shadow is recorded, it is nobody's error.
 *
 * @returns what was recorded; null when nobody was asked
 */
export async function runShadow(run: Run, deps: PipelineDeps, served: Outcome): Promise<Beside | null> {
  const beside = await answerBeside(run, deps, served.answer)
  if (beside) deps.journal.append({ type: 'shadow', requestId: run.requestId, shadow: beside.result })
  return beside
}

/**
 * Asks the local models of the run's route, holds the answer against the gates and compares it; nobody is served.
 *
 * @param reference what the frontier said; null when it said nothing
 * @returns null when nobody was asked
 */
export async function answerBeside(run: Run, deps: PipelineDeps, reference: string | null): Promise<Beside | null> {
  const own: Run = { ...run, attempts: [], missed: [], unwritten: [], localModel: null, drafter: null, reading: null }
  const context: AskContext = {
    run: own,
    deps,
    sink: NO_SINK,
    signal: AbortSignal.timeout(deps.loaded.policy.deadlines.local_quality.total),
    purpose: 'shadow',
    priority: 'background',
  }
  try {
    return await answered(context, reference)
  } catch {
    const attempt = own.attempts.findLast(({ purpose }) => purpose === 'shadow')
    return attempt ? { result: { model: attempt.model, ...NOTHING, attempt }, text: null } : null
  }
}

async function answered(context: AskContext, reference: string | null): Promise<Beside | null> {
  const { run } = context
  const asked = await ask(context, 'local', { request: run.request, delivery: 'held' })
  const verdicts = await checkDraft(context, asked)
  const attempt = run.attempts.findLast(({ purpose }) => purpose === 'shadow')
  if (!attempt) return null
  const { text } = asked.answer
  const agrees = reference === null ? null : sameAnswer(run.task.kind, text, reference)
  const draft = draftOf(run, context.deps, asked)
  const wouldAccept = verdicts.every((verdict) => verdict.accepted)
  const agreement = reference === null ? null : await agreementOf(context, asked, reference)
  const opinions = run.attempts.filter(({ purpose }) => purpose !== 'shadow')
  const result: ShadowResult = {
    model: asked.model,
    identity: run.localModel?.identity ?? null,
    verdicts,
    signals: asked.answer.signals,
    wouldAccept,
    routeCandidate: wouldAccept && !isForbidden(run) ? 'local' : 'frontier',
    answerHash: sha256(text),
    agrees,
    agreement,
    isSolvable: isSolvable(run),
    draft: draft && { ...draft.record, isSampled: true, agrees },
    attempt,
    ...(opinions.length > 0 && { opinions }),
  }
  return { result, text }
}

const NOTHING = {
  verdicts: [],
  signals: null,
  wouldAccept: false,
  routeCandidate: 'frontier',
  answerHash: null,
  agrees: null,
  agreement: null,
  identity: null,
  draft: null,
} as const

/** A hard stop, a wish of the caller or any other rule holds in every stage. */
function isForbidden({ decision }: Run): boolean {
  return decision.removals.some(({ set, actor, rule }) => set === 'serve' && actor === 'local' && rule !== 'stage')
}
