/** What a checked local answer leaves behind for calibration, and the fit that speaks about it. */
import type { GateInput } from '../gates/gate.ts'
import { draftFigures } from '../learn/draft-figures.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Calibration, CalibrationKey } from '../spec/calibration.ts'
import type { CheckedDraft, RecordedDraft } from '../spec/label.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { hexDigest, type PipelineDeps, type Run, sha256 } from './run.ts'
import { promptFor } from './task-prompt.ts'

/** Who gave an answer that is about to be checked. Of a hosted model only the name is known by which it answers. */
export function drafterOf(run: Run, { actor, model }: Pick<Asked, 'actor' | 'model'>): Run['drafter'] {
  if (actor === 'local') return run.localModel
  const made = run.attempts.findLast((attempt) => attempt.model === model && attempt.outcome === 'answered')
  return {
    name: model,
    identity: { digest: null, quantisation: null, servedBy: made?.servedBy ?? model },
    prompt: null,
  }
}

/** Keeps a checked answer for its label; `run.draft` is the last local one. */
export function noteDraft(run: Run, deps: PipelineDeps, asked: Asked): CheckedDraft | null {
  const draft = draftOf(run, deps, asked)
  if (asked.actor === 'local') run.draft = draft
  if (draft && run.drafter) {
    const { name, identity } = run.drafter
    run.tierDrafts.push({ model: name, identity, draft })
  }
  return draft
}

/** Null for a draft that was stopped: it has no end to judge. */
export function draftOf(run: Run, deps: PipelineDeps, asked: Asked): Run['draft'] {
  const { answer } = asked
  if (answer.stoppedBy) return null
  const fit = calibrationOf(run, deps)?.fit ?? null
  return {
    text: answer.text,
    record: {
      answerHash: sha256(answer.text),
      isSampled: hasFairLabel(run, deps),
      agrees: null,
      figures: figuresOf(run, asked),
      spread: spreadOf(answer),
      setup: setupOf(run, deps),
      calibration: fit?.id ?? null,
    },
  }
}

function spreadOf({ signals }: Asked['answer']): NonNullable<RecordedDraft['spread']> | null {
  return signals && { isFull: signals.fullDistribution, entropyLowNats: signals.entropyLowNats }
}

/**
 * Whether the frontier labels this answer whatever the gates say of it: because it was drawn, because a shadow runs beside
 * every answer, or because no threshold is proven yet and all answers escalate. Labels of the others are those of answers
 * that a gate rejected.
 */
export function hasFairLabel(run: Run, deps: PipelineDeps): boolean {
  const { accept } = run.task
  if (run.isSampled || run.decision.shadow) return true
  if (accept.maxErrorRate === undefined || accept.uncalibrated) return false
  return calibrationOf(run, deps)?.fit === null
}

export function figuresOf(run: Run, { answer, option }: Pick<Asked, 'answer' | 'option'>): readonly (number | null)[] {
  return draftFigures({
    signals: answer.signals,
    finishReason: answer.finishReason,
    inputChars: run.features.inputChars,
    probability: option?.probability ?? null,
  })
}

/** Which answers share a calibration with this one; null before a local model answered. */
export function calibrationKey(run: Run, deps: PipelineDeps): CalibrationKey | null {
  const drafter = run.drafter ?? run.localModel
  if (!drafter) return null
  const { digest, quantisation, servedBy } = drafter.identity
  return { task: run.features.task, digest, quantisation, servedBy, setup: setupOf(run, deps) }
}

function setupOf(run: Run, { loaded, heads }: PipelineDeps): string {
  const { features, options, task } = run
  const name = (run.drafter ?? run.localModel)?.name ?? ''
  const head = heads.get(features.task)?.digest ?? loaded.pairs.get(features.task)?.digest ?? null
  const adapter = task.adapter ?? loaded.policy.models[name]?.adapter ?? null
  const { system = null, shots } = promptFor(task, name)
  return hexDigest(JSON.stringify([system, shots, options, head, adapter])).slice(0, 32)
}

/** @returns undefined when the task asks for no bound */
export function calibrationOf(run: Run, deps: PipelineDeps): GateInput['calibration'] {
  const { accept } = run.task
  const { maxErrorRate } = accept
  if (maxErrorRate === undefined) return undefined
  if (run.isAdvised) return { fit: null, why: 'nothing is fitted for answers that were written with advice' }
  const key = calibrationKey(run, deps)
  return inForce(key && found(key, deps), { ...accept, maxErrorRate }, deps.clock.epochMs())
}

/** Whether a fit may decide for a task at a moment, and if not, why. @param nowMs epoch milliseconds */
export function inForce(
  fit: Calibration | null,
  accept: TaskPolicy['accept'] & { readonly maxErrorRate: number },
  nowMs: number,
): NonNullable<GateInput['calibration']> {
  if (!fit) return { fit: null, why: `nothing is fitted yet for this model and prompt (spillway calibrate)` }
  const { bound, proof, closed, moreLabels } = fit
  const asked = `at most ${accept.maxErrorRate} wrong`
  if (closed)
    return { fit: null, why: `audited answers closed the gate of ${fit.id}: ${closed.errors} of ${closed.n} wrong` }
  if (bound.maxErrorRate > accept.maxErrorRate || bound.confidence < accept.confidence)
    return { fit: null, why: `${fit.id} was fitted for a looser bound than ${asked} (spillway calibrate)` }
  if (fit.accept === null) {
    const more = moreLabels === null ? 'more labels would not help' : `about ${moreLabels} more labels are needed`
    return { fit: null, why: `no threshold of ${fit.id} is proven for ${asked}, ${more}` }
  }
  const ageMs = nowMs - Date.parse(proof.newestAt ?? fit.fittedAt)
  if (ageMs > accept.labelMaxAgeDays * DAY_MS)
    return { fit: null, why: `the newest label of ${fit.id} is older than ${accept.labelMaxAgeDays} days` }
  return { fit }
}

/** Audited accepts are counted for the fit that accepted them. */
export function watchAudited(run: Run, deps: PipelineDeps, record: AuditRecord): void {
  if (record.draft?.calibration == null) return
  const key = calibrationKey(run, deps)
  const fit = key && found(key, deps)
  deps.watch.settled(record, key && fit ? { key, inForce: fit } : null)
}

const DAY_MS = 86_400_000

/** A file that cannot be read proves nothing; `spillway calibrate` names it. */
function found(key: CalibrationKey, { calibrations }: PipelineDeps): ReturnType<PipelineDeps['calibrations']['find']> {
  try {
    return calibrations.find(key)
  } catch {
    return null
  }
}
