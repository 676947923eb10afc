/** What a pattern may do on one request. */
import { escalationPacket } from '../patterns/packet.ts'
import type { Asked, PatternTools } from '../patterns/pattern.ts'
import { ask } from './attempt.ts'
import { checkDraft } from './check.ts'
import { type Consulted, consult } from './consult.ts'
import { deliverNow } from './corrections.ts'
import { draftOf } from './draft.ts'
import type { AskContext } from './exchange.ts'
import { standingOf } from './pattern-standing.ts'
import { retrieverFor } from './retriever.ts'
import type { Run } from './run.ts'
import { sameAnswer } from './same-answer.ts'
import { patiently } from './wait.ts'

export function toolsFor(context: AskContext): PatternTools {
  const { run, deps } = context
  /** What answers that were consulted would leave on the record; see `check`. */
  const answers = new Map<Asked, Consulted['found']>()
  const checked = new Map<Asked, Pick<Run, 'verdicts' | 'draft'>>()
  return {
    ask: (actor, request, delivery) => patiently(context, actor, () => ask(context, actor, { request, delivery })),
    consult: async (what) => {
      const { asked, found } = await consult(context, what)
      if (what.read === 'task') answers.set(asked, found)
      return asked
    },
    note: (facts) => void Object.assign(run.did, facts),
    check: async (asked, how = 'alone') => {
      const isAdvised = how === 'advised'
      Object.assign(run, answers.get(asked))
      const known = checked.get(asked)
      if (known) return Object.assign(run, known).verdicts
      run.verdicts = await checkDraft(isAdvised ? { ...context, run: { ...run, isAdvised } } : context, asked)
      run.draft = isAdvised ? null : draftOf(run, deps, asked)
      checked.set(asked, { verdicts: run.verdicts, draft: run.draft })
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
