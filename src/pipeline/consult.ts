/** A pattern's calls that are not the answer. They go the way of every call; only their purpose is another. */
import type { Asked, Consultation } from '../patterns/pattern.ts'
import type { Actor } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import { ask, type Question } from './attempt.ts'
import { type AskContext, generateOnce } from './exchange.ts'
import { mayBeAsked } from './opinion-context.ts'
import type { Run } from './run.ts'

/**
 * What is found is not the answer's: attempts and money are the request's, but the model and the reading on record stay those of
 * the answer.
 *
 * @throws RouterError no_model_available when nobody may be asked; else that of the call
 */
export async function consult(context: AskContext, what: Consultation): Promise<Consulted> {
  const { run, sink, signal } = context
  const { actor, models } = whomToAsk(context, what.whom)
  const waiting = sink.streaming ? sink.push({ type: 'waiting', what: 'consulting' }) : undefined
  if (waiting) await waiting
  const own: AskContext = {
    ...context,
    purpose: what.purpose,
    signal: what.signal ? AbortSignal.any([signal, what.signal]) : signal,
    run: { ...run, localModel: null, reading: null },
  }
  const asked = await ask(own, actor, { ...formOf(what), request: requestOf(what), delivery: 'held', models })
  return { asked, found: { localModel: own.run.localModel, reading: own.run.reading } }
}

/** What was said, and what the record holds of it once it is the answer. */
export interface Consulted {
  readonly asked: Asked
  readonly found: Pick<Run, 'localModel' | 'reading'>
}

function formOf({ read }: Consultation): Pick<Question, 'prompt' | 'read'> {
  return read === 'task' ? { prompt: 'task' } : { prompt: 'own', read: generateOnce }
}

/** The caller's own body holds the caller's question, and this is another one. */
function requestOf({ request, maxOutputTokens }: Consultation): RouterRequest {
  const { wire: _, ...own } = request
  return maxOutputTokens === undefined ? own : { ...own, maxOutputTokens }
}

function whomToAsk(
  context: AskContext,
  whom: Consultation['whom'],
): { readonly actor: Actor; readonly models: readonly string[] } {
  const { run, deps } = context
  if (typeof whom === 'string') return { actor: whom, models: run.decision[whom] }
  const models = whom.filter((name) => mayBeAsked(context, name))
  const [first] = models
  if (first !== undefined)
    return { actor: deps.roster.model(first).policy.tier === 'frontier' ? 'frontier' : 'local', models }
  throw new RouterError('no_model_available', {
    task: run.features.task,
    why: `none of ${whom.join(', ')} may be asked`,
    fix: 'See `spillway route` for what stands in the way.',
  })
}
