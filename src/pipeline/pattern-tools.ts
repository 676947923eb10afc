/** What a pattern may do on one request. */
import { escalationPacket } from '../patterns/packet.ts'
import type { PatternTools } from '../patterns/pattern.ts'
import { ask } from './attempt.ts'
import { checkDraft } from './check.ts'
import { consult } from './consult.ts'
import { deliverNow } from './corrections.ts'
import { draftOf } from './draft.ts'
import type { AskContext } from './exchange.ts'
import { standingOf } from './pattern-standing.ts'
import { retrieverFor } from './retriever.ts'
import { sameAnswer } from './same-answer.ts'
import { patiently } from './wait.ts'

export function toolsFor(context: AskContext): PatternTools {
  const { run, deps } = context
  return {
    ask: (actor, request, delivery) => patiently(context, actor, () => ask(context, actor, { request, delivery })),
    consult: (what) => consult(context, what),
    note: (facts) => void Object.assign(run.did, facts),
    check: async (asked, how = 'alone') => {
      const isAdvised = how === 'advised'
      run.verdicts = await checkDraft(isAdvised ? { ...context, run: { ...run, isAdvised } } : context, asked)
      run.draft = isAdvised ? null : draftOf(run, deps, asked)
      if (run.draft) deps.onDraft(run.requestId, run.draft)
      return run.verdicts
    },
    deliver: (asked, reason) => deliverNow(context, asked, reason),
    retriever: (name) => retrieverFor(context, name),
    sameAnswer: (one, other) => sameAnswer(run.task.kind, one, other),
    standing: standingOf(run, deps),
    isSampled: run.isSampled,
    packet: (asked, rejected) =>
      escalationPacket(
        run.request,
        { name: run.features.task, policy: run.task, options: run.options },
        { asked, rejected },
      ),
  }
}
