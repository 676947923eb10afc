/** Debug replay: the full texts of a request, encrypted before they go anywhere. Only when the policy says so. */
import type { Outcome } from '../spec/response.ts'
import type { PipelineDeps, Run } from './run.ts'

/** @param outcome null for a request that failed */
export function keepContent(run: Run, deps: PipelineDeps, outcome: Outcome | null): void {
  const { requestId, request, draft, features } = run
  const { content, replay } = deps.loaded.policy.audit
  if (!deps.content || content !== 'replay') return
  if (features.partition === 'local_only' && !replay.localOnly) return
  const { wire: _, ...asked } = request
  const answer = outcome && {
    text: outcome.answer,
    toolCalls: outcome.toolCalls,
    finishReason: outcome.finishReason,
  }
  const tenant = request.metadata?.tenant ?? null
  const sealed = deps.content.seal({ requestId, tenant }, { request: asked, answer, draft: draft?.text ?? null })
  const at = new Date(deps.clock.epochMs()).toISOString()
  run.unwritten.push({ type: 'content', requestId, tenant, at, sealed: sealed.toString('base64') })
}
