/** Everything that runs beside served requests: the shadow of a task, and the candidate for it. Each has a queue with an end. */
import type { JournalEntry } from '../spec/audit.ts'
import type { Outcome } from '../spec/response.ts'
import type { ShadowHealth } from '../spec/router.ts'
import { type Due, dueCandidate, runCandidate, whyNot } from './candidate.ts'
import { openRecord, type PipelineDeps, type Run } from './run.ts'
import { type Beside, runShadow } from './shadow.ts'
import { createShadowQueue } from './shadow-queue.ts'
import { candidateOf } from './task-setup.ts'

/** A settled request. */
export interface Served {
  readonly run: Run
  readonly outcome: Outcome
}

export interface Shadows {
  /** Takes note of a request; what is due for it begins after the caller has the answer. */
  served(served: Served): void
  health(): { readonly shadows: ShadowHealth; readonly candidates: ShadowHealth }
  /** Resolves once nothing runs and nothing waits. */
  idle(): Promise<void>
}

/** Two at once: a candidate takes nothing from the shadows, whose evidence moves stages. */
const CANDIDATES = { atOnce: 2, mostWaiting: 128 }

/** @param inBackground is told of writes that nobody waits for */
export function createShadows(deps: PipelineDeps, inBackground: (work: Promise<unknown>) => void): Shadows {
  const shadows = createShadowQueue()
  const candidates = createShadowQueue(CANDIDATES)
  const note = (entry: JournalEntry): void => inBackground(deps.journal.write([entry]))
  const offerCandidate = ({ run, outcome }: Served, shadow: Beside | null): void => {
    const due = dueCandidate(run, deps, { outcome, shadow })
    if (!due || candidates.offer(() => besideOf(run, deps, due))) return
    note({ type: 'candidate_dropped', requestId: run.requestId, why: 'queue_full' })
  }
  return {
    served(served) {
      const { run } = served
      if (!run.decision.shadow) return offerCandidate(served, null)
      const isTaken = shadows.offer(async () => {
        const shadow = await shadowed(served, deps)
        if (shadow) offerCandidate(served, shadow)
      })
      // Without the one in force there is nothing to hold a candidate against.
      if (!isTaken) note({ type: 'shadow_dropped', requestId: run.requestId })
    },
    health: () => ({ shadows: shadows.health(), candidates: candidates.health() }),
    async idle() {
      await shadows.idle()
      await candidates.idle()
    },
  }
}

async function shadowed({ run, outcome }: Served, deps: PipelineDeps): Promise<Beside | null> {
  const beside = await runShadow(run, deps, outcome)
  if (beside) deps.stages.noted('shadow', { ...openRecord(run, deps.loaded), shadow: beside.result }, run.task)
  return beside
}

async function besideOf(run: Run, deps: PipelineDeps, due: Due): Promise<void> {
  const { requestId } = run
  // Its trial ended while the request waited.
  if (candidateOf(deps, run.features.task)?.id !== due.candidate.id) return
  const why = whyNot(run, deps, due)
  const candidate = why === null ? await runCandidate(run, deps, due) : null
  if (candidate) deps.journal.append({ type: 'candidate', requestId, candidate })
  else deps.journal.append({ type: 'candidate_dropped', requestId, why: why ?? 'local_unavailable' })
}
