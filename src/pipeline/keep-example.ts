/** Keeps what a task may learn from: the text of a request and, as far as it is known, its right answer. */
import { excerptForDecision } from '../classify/excerpt.ts'
import { redactPreview } from '../classify/privacy/mask.ts'
import { inputText } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import { namedOption } from './decide.ts'
import { hasFairLabel } from './draft.ts'
import type { PipelineDeps, Run } from './run.ts'

/** Long texts are cut before they are masked; what a decision reads of them lies within. */
export const MAX_CHARS = 20_000
/** As much as a decision reads. */
export const KEPT_CHARS = 1500

/** Only for tasks whose policy says so; the text of `local_only` requests is never kept. */
export function keepExample(run: Run, deps: PipelineDeps, outcome: Outcome): void {
  const { features, task, requestId, receivedAt, request } = run
  const { route } = outcome.decision
  if (task.learn.keep !== 'text' || features.partition === 'local_only') return
  if (route !== 'local' && route !== 'frontier') return
  const value = route === 'frontier' && run.options ? namedOption(outcome, run.options) : null
  const example = {
    requestId,
    text: excerptForDecision(redactPreview(inputText(request.messages), MAX_CHARS), KEPT_CHARS),
    at: receivedAt,
    isFair: hasFairLabel(run, deps),
    label: value === null ? null : ({ value, source: 'frontier' } as const),
  }
  const { tenant = null, user = null } = request.metadata ?? {}
  deps.examples.keep(features.task, example, { tenant, user })
}
