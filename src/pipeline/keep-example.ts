/** Keeps what a task may learn from: the text of a request and, as far as it is known, its right answer. */
import type { Outcome } from '../spec/response.ts'
import { namedOption } from './decide.ts'
import { hasFairLabel } from './draft.ts'
import { finderFor } from './find-private.ts'
import { keptText } from './kept-text.ts'
import type { PipelineDeps, Run } from './run.ts'

/** Only for tasks whose policy says so; the text of `local_only` requests is never kept. */
export function keepExample(run: Run, deps: PipelineDeps, outcome: Outcome): void {
  const { features, task, requestId, receivedAt, request } = run
  const { route } = outcome.decision
  if (task.learn.keep !== 'text' || features.partition === 'local_only') return
  if (route !== 'local' && route !== 'frontier') return
  const value = route === 'frontier' && run.options ? namedOption(outcome, run.options) : null
  const text = maskedText(run, deps)
  if (text === null) return
  const example = {
    requestId,
    text,
    at: receivedAt,
    isFair: hasFairLabel(run, deps),
    label: value === null ? null : ({ value, source: 'frontier' } as const),
  }
  const { tenant = null, user = null } = request.metadata ?? {}
  deps.examples.keep(features.task, example, { tenant, user })
}

/** Null where a detector fails: what it would have masked is not kept. */
function maskedText({ request }: Run, deps: PipelineDeps): string | null {
  try {
    return keptText(request.messages, finderFor(deps))
  } catch {
    return null
  }
}
