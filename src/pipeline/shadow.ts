/** The local model beside the frontier: recorded, never served, never slower for the caller. */
import type { ShadowResult } from '../spec/audit.ts'
import type { Outcome } from '../spec/response.ts'
import { ask } from './attempt.ts'
import { checkDraft } from './check.ts'
import type { AskContext } from './exchange.ts'
import { type PipelineDeps, type Run, sha256 } from './run.ts'
import { NO_SINK } from './sink.ts'

/** Runs after the caller has its answer; a failure of the shadow is recorded, it is nobody's error. */
export async function runShadow(run: Run, deps: PipelineDeps, served: Outcome): Promise<void> {
  const own: Run = { ...run, attempts: [], localModel: null, reading: null }
  const context: AskContext = {
    run: own,
    deps,
    sink: NO_SINK,
    signal: AbortSignal.timeout(deps.loaded.policy.deadlines.local_quality.total),
    purpose: 'shadow',
  }
  const result = await shadowResult(context, served)
  if (result) deps.journal.append({ type: 'shadow', requestId: run.requestId, shadow: result })
}

async function shadowResult(context: AskContext, served: Outcome): Promise<ShadowResult | null> {
  const { run } = context
  try {
    const asked = await ask(context, 'local', { request: run.request, delivery: 'held' })
    const verdicts = checkDraft(run, context.deps, asked)
    const attempt = run.attempts.at(-1)
    if (!attempt) return null
    return {
      model: asked.model,
      identity: run.localModel?.identity ?? null,
      verdicts,
      signals: asked.answer.signals,
      wouldAccept: verdicts.every((verdict) => verdict.accepted),
      answerHash: sha256(asked.answer.text),
      agrees: run.options && served.answer !== null ? served.answer.trim() === asked.answer.text.trim() : null,
      attempt,
    }
  } catch {
    const attempt = run.attempts.at(-1)
    if (!attempt) return null
    const nothing = { verdicts: [], signals: null, wouldAccept: false, answerHash: null, agrees: null, identity: null }
    return { model: attempt.model, ...nothing, attempt }
  }
}
