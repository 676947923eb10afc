/** What a pattern may do on one request. */
import { escalationPacket } from '../patterns/packet.ts'
import type { Asked, Delivery, PatternTools } from '../patterns/pattern.ts'
import type { Actor, RouteTier } from '../spec/decision.ts'
import type { RouterRequest } from '../spec/request.ts'
import { askAssisted } from './assist.ts'
import { ask, type Question } from './attempt.ts'
import { checkDraft } from './check.ts'
import { type Consulted, consult } from './consult.ts'
import { deliverNow } from './corrections.ts'
import { drafterOf, noteDraft } from './draft.ts'
import type { AskContext } from './exchange.ts'
import { finderFor } from './find-private.ts'
import { standingOf } from './pattern-standing.ts'
import { usePlugin } from './plugin-pattern.ts'
import { retrieverFor } from './retriever.ts'
import type { Run } from './run.ts'
import { sameAnswer } from './same-answer.ts'
import { type Nested, subtask } from './subtask.ts'
import { patiently } from './wait.ts'

/** @param nested runs a request of another task */
export function toolsFor(context: AskContext, nested: Nested): PatternTools {
  const { run, deps } = context
  /** What answers that were consulted would leave on the record; see `check`. */
  const answers = new Map<Asked, Consulted['found']>()
  const checked = new Map<Asked, Pick<Run, 'verdicts' | 'draft' | 'drafter'>>()
  const beside: Pick<PatternTools, 'consult' | 'note'> = {
    consult: async (what) => {
      const { asked, found } = await consult(context, what)
      if (what.read === 'task') answers.set(asked, found)
      return asked
    },
    note: (facts) => void Object.assign(run.did, facts),
  }
  return {
    ...beside,
    ask: (whom, request, delivery) => {
      const askThem = (own: RouterRequest, how: Delivery): Promise<Asked> =>
        askWhom(context, whom, { request: own, delivery: how })
      if ((typeof whom === 'string' ? whom : whom.actor) === 'local') return askThem(request, delivery)
      const { hardStops } = deps.loaded.policy
      return askAssisted({ run, hardStops, tools: beside, ask: askThem }, { request, delivery })
    },
    subtask: (task) => subtask(context, task, nested),
    check: async (asked, how = 'alone') => {
      const isAdvised = how === 'advised'
      Object.assign(run, answers.get(asked))
      const known = checked.get(asked)
      if (known) return Object.assign(run, known).verdicts
      run.drafter = drafterOf(run, asked)
      run.verdicts = await checkDraft(isAdvised ? { ...context, run: { ...run, isAdvised } } : context, asked)
      run.span?.judged(asked.model, run.verdicts)
      const draft = isAdvised ? null : noteDraft(run, deps, asked)
      if (isAdvised) run.draft = null
      checked.set(asked, { verdicts: run.verdicts, draft: run.draft, drafter: run.drafter })
      if (draft) deps.onDraft(run.requestId, draft)
      return run.verdicts
    },
    plugin: (name, use) => usePlugin(context, name, use),
    deliver: (asked, reason) => deliverNow(context, asked, reason),
    retriever: (name) => retrieverFor(context, name),
    sameAnswer: (one, other) => sameAnswer(run.task.kind, one, other),
    standing: standingOf(run, deps),
    isSampled: run.isSampled,
    packet: (asked, rejected) =>
      escalationPacket(
        run.request,
        { name: run.features.task, policy: run.task, options: run.options },
        { asked, rejected, find: finderFor(deps) },
      ),
  }
}

/** Behind all tiers but the last somebody stands who can be asked at once: nothing is waited for, or tried again. */
function askWhom(context: AskContext, whom: Actor | RouteTier, what: Question): Promise<Asked> {
  const { decision } = context.run
  if (typeof whom === 'string') return patiently(context, whom, () => ask(context, whom, what))
  const { actor, models } = whom
  if (decision.tiers.slice(0, -1).includes(whom)) return ask(context, actor, { ...what, models, again: 'never' })
  return patiently(context, actor, () => ask(context, actor, { ...what, models }))
}
