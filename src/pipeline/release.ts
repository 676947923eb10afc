/** A request that a person lets go on: it takes the leave once, and what comes of it goes back to where it was held. */
import type { Lifted } from '../route/lift.ts'
import { RouterError } from '../spec/errors.ts'
import type { HeldOwner, HeldRow } from '../spec/held.ts'
import type { HeldDecision, Lift } from '../spec/held-ticket.ts'
import type { Outcome } from '../spec/response.ts'
import { decideOutcome } from './decide.ts'
import type { PipelineDeps, Run } from './run.ts'

/** @throws RouterError release_refused: a model that is not there */
export function liftedBy({ held, to, by, why }: Lift, { roster }: Pick<PipelineDeps, 'roster'>): Lifted {
  if (to === null || to === 'local' || to === 'frontier') return { actor: to, model: null, by, why }
  const model = roster.states().find(({ name }) => name === to)
  if (model) return { actor: model.actor, model: to, by, why }
  const names = roster.states().map(({ name }) => name)
  const fix = `Use local, frontier, or a model of the policy: ${names.join(', ')}.`
  throw new RouterError('release_refused', { id: held, why: `there is no model ${to.slice(0, 100)}`, fix })
}

/**
 * The leave that a caller refers to who sends its request again.
 *
 * @throws RouterError not_found, for somebody else's, too; release_refused
 */
export function leaveFor(id: string, owner: HeldOwner, { held }: Pick<PipelineDeps, 'held'>): Lift {
  const row = held?.book.find(id) ?? null
  if (!row || row.key !== owner.key || row.tenant !== owner.tenant) throw unknownHeld(id)
  if (row.state !== 'released' || !row.decision) throw notReleased(row)
  const { by, why, to } = row.decision
  return { held: id, by, why, to }
}

/** Before anybody is asked. @throws RouterError release_refused: it was used already, or it is for another request */
export function takeLeave(run: Run, { held }: PipelineDeps): void {
  if (!run.lift) return
  const row = held?.book.find(run.lift.held) ?? null
  if (!held || !row) throw unknownHeld(run.lift.held)
  if (row.inputHash !== run.features.inputHash || row.task !== run.features.task) {
    const fix = 'Send the same messages for the same task as before, without a change.'
    throw new RouterError('release_refused', { id: row.id, why: 'this is another request', fix })
  }
  // What is released from the desk is claimed there.
  if (row.state === 'releasing' && row.hasText) return
  if (!held.book.change(row.id, ['released'], { state: 'releasing' })) throw notReleased(row)
}

/** What its caller gets; held again, it waits for a person as before. */
export async function endRelease(run: Run, deps: PipelineDeps, outcome: Outcome): Promise<void> {
  const { lift } = run
  const row = lift && deps.held?.book.find(lift.held)
  if (!lift || !row || !deps.held) return
  const at = new Date(deps.clock.epochMs()).toISOString()
  if (outcome.decision.route === 'held') {
    const why =
      outcome.removals.find(({ reason }) => reason === outcome.decision.reason)?.detail ?? outcome.decision.reason
    deps.held.book.change(row.id, ['releasing'], { state: 'waiting', lastTry: { at, why } })
    await noteDecision(deps, { requestId: row.id, tried: 'held', decision: decisionOf(lift, run, at) })
    return
  }
  const decision = decisionOf(lift, run, at)
  const answer = row.form === 'decision' ? decideOutcome(run, outcome) : outcome
  await noteDecision(deps, { requestId: row.id, tried: null, decision })
  // Who sent it again has it already.
  deps.held.book.change(row.id, ['releasing'], { state: 'answered', decision, ...(row.hasText && { answer }) })
  deps.held.changed()
}

/** Nothing came of it: the leave, or the request, is there as it was. */
export async function failRelease(run: Run, deps: PipelineDeps, error: RouterError): Promise<void> {
  const { lift } = run
  const row = lift && deps.held?.book.find(lift.held)
  if (!lift || !row || !deps.held || row.state !== 'releasing') return
  const at = new Date(deps.clock.epochMs()).toISOString()
  const lastTry = { at, why: error.message }
  deps.held.book.change(row.id, ['releasing'], { state: row.decision ? 'released' : 'waiting', lastTry })
  await noteDecision(deps, { requestId: row.id, tried: error.code, decision: decisionOf(lift, run, at) })
}

function decisionOf({ by, why, to }: Lift, { requestId }: Run, at: string): HeldDecision {
  return { action: 'release', by, why, at, to, releasedAs: requestId }
}

export interface Noted {
  readonly requestId: string
  /** Why nothing is decided yet; null when it is. */
  readonly tried: string | null
  readonly decision: HeldDecision
}

/** In the log of the audit, and in the record of the held request once it is decided. */
export async function noteDecision(
  { journal, newId }: Pick<PipelineDeps, 'journal' | 'newId'>,
  { requestId, tried, decision }: Noted,
): Promise<void> {
  const { action, by, why, at, to, releasedAs } = decision
  const what = { action, requestId, why, to, releasedAs, ...(tried !== null && { outcome: tried }) }
  const id = `event-${newId()}`
  await journal.write([
    { type: 'event', requestId: id, event: { id, kind: 'held', at, by, what } },
    ...(tried === null ? [{ type: 'held' as const, requestId, decision }] : []),
  ])
}

/** Written before anybody sees the text; where it cannot be written, nobody does. */
export async function noteReading(
  { journal, newId, clock }: Pick<PipelineDeps, 'journal' | 'newId' | 'clock'>,
  requestId: string,
  by: string,
): Promise<void> {
  const id = `event-${newId()}`
  const at = new Date(clock.epochMs()).toISOString()
  const event = { id, kind: 'held', at, by, what: { action: 'read', requestId } } as const
  await journal.write([{ type: 'event', requestId: id, event }])
}

/** Also said of one that is none of the asker's business. */
export function unknownHeld(id: string): RouterError {
  const fix =
    '`spillway review held` and GET /spillway/v1/held list those that wait; it may be held for another key or tenant, or its time is over.'
  return new RouterError('not_found', { subject: 'held request', value: id.slice(0, 100), fix })
}

function notReleased({ id, state }: HeldRow): RouterError {
  const why = state === 'waiting' ? 'nobody has released it yet' : `it is ${state}`
  const fix = 'Ask for it at /spillway/v1/held; a release counts for one request.'
  return new RouterError('release_refused', { id, why, fix })
}
