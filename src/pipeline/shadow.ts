/** The local model beside the frontier: recorded, never served, never slower for the caller. */
import type { ShadowResult } from '../spec/audit.ts'
import type { Outcome } from '../spec/response.ts'
import { ask } from './attempt.ts'
import { checkDraft } from './check.ts'
import { draftOf } from './draft.ts'
import type { AskContext } from './exchange.ts'
import { type PipelineDeps, type Run, sha256 } from './run.ts'
import { sameAnswer } from './same-answer.ts'
import { NO_SINK } from './sink.ts'

/** Runs after the caller has its answer; a failure of the shadow is recorded, it is nobody's error. */
export async function runShadow(run: Run, deps: PipelineDeps, served: Outcome): Promise<void> {
  const own: Run = { ...run, attempts: [], unwritten: [], localModel: null, drafter: null, reading: null }
  const context: AskContext = {
    run: own,
    deps,
    sink: NO_SINK,
    signal: AbortSignal.timeout(deps.loaded.policy.deadlines.local_quality.total),
    purpose: 'shadow',
    priority: 'background',
  }
  const result = await shadowResult(context, served)
  if (result) deps.journal.append({ type: 'shadow', requestId: run.requestId, shadow: result })
}

async function shadowResult(context: AskContext, served: Outcome): Promise<ShadowResult | null> {
  const { run } = context
  try {
    const asked = await ask(context, 'local', { request: run.request, delivery: 'held' })
    const verdicts = await checkDraft(context, asked)
    const attempt = run.attempts.findLast(({ purpose }) => purpose === 'shadow')
    if (!attempt) return null
    const agrees = served.answer === null ? null : sameAnswer(run.task.kind, asked.answer.text, served.answer)
    const draft = draftOf(run, context.deps, asked)
    const opinions = run.attempts.filter(({ purpose }) => purpose !== 'shadow')
    return {
      model: asked.model,
      identity: run.localModel?.identity ?? null,
      verdicts,
      signals: asked.answer.signals,
      wouldAccept: verdicts.every((verdict) => verdict.accepted),
      answerHash: sha256(asked.answer.text),
      agrees,
      draft: draft && { ...draft.record, isSampled: true, agrees },
      attempt,
      ...(opinions.length > 0 && { opinions }),
    }
  } catch {
    const attempt = run.attempts.findLast(({ purpose }) => purpose === 'shadow')
    if (!attempt) return null
    const nothing = {
      verdicts: [],
      signals: null,
      wouldAccept: false,
      answerHash: null,
      agrees: null,
      identity: null,
      draft: null,
    }
    return { model: attempt.model, ...nothing, attempt }
  }
}
