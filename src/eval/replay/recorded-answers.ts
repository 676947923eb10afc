/** The answers that a record knows of: who gave them, what gates read of them, what they cost. Pure. */
import { DRAFT_FIGURES, type DraftFigure } from '../../learn/draft-figures.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Attempt, ModelIdentity, Signals, Verdict } from '../../spec/decision.ts'
import type { RecordedDraft } from '../../spec/label.ts'
import { Unrecorded } from './not-replayable.ts'

/** An answer that gates checked. */
export interface RecordedAnswer {
  readonly model: string
  readonly identity: ModelIdentity
  /** Null for a draft that was stopped before its end: then `verdicts` is the one that stopped it. */
  readonly draft: RecordedDraft | null
  readonly verdicts: readonly Verdict[]
}

export function recordedAnswers({
  draft,
  tierDrafts,
  localModel,
  shadow,
  verdicts,
  attempts,
}: AuditRecord): readonly RecordedAnswer[] {
  const found: RecordedAnswer[] = []
  for (const one of tierDrafts ?? [])
    found.push({ ...one, verdicts: verdictsOn(one.model, verdicts, one === tierDrafts?.at(-1)) })
  if (!tierDrafts && draft && localModel)
    found.push({
      model: localModel.name,
      identity: localModel.identity,
      draft,
      verdicts: verdictsOn(localModel.name, verdicts),
    })
  // A draft that was stopped leaves the one verdict that stopped it.
  if (!tierDrafts && !draft && verdicts.length === 1 && verdicts[0]?.accepted === false) {
    const last = attempts.findLast(
      ({ actor, purpose, outcome }) => actor === 'local' && purpose === 'answer' && outcome === 'answered',
    )
    const identity = localModel?.identity ?? NOBODY
    if (last) found.push({ model: last.model, identity, draft: null, verdicts: verdictsOn(last.model, verdicts) })
  }
  if (shadow?.draft && shadow.identity)
    found.push({ model: shadow.model, identity: shadow.identity, draft: shadow.draft, verdicts: shadow.verdicts })
  return found
}

const NOBODY: ModelIdentity = { digest: null, quantisation: null, servedBy: '' }

/** Verdicts without a name are about the answer that was checked last. */
function verdictsOn(name: string, verdicts: readonly Verdict[], isLast = true): readonly Verdict[] {
  return verdicts
    .filter(({ model }) => (model === undefined ? isLast : model === name))
    .map(({ model: _, ...verdict }) => verdict)
}

/** Calls for the answer, made for the caller or beside it. */
export function answerAttempts({ attempts, shadow }: AuditRecord): readonly Attempt[] {
  const own = attempts.filter(({ purpose }) => purpose === 'answer')
  return shadow ? [...own, shadow.attempt] : own
}

/** What second opinions on local answers took. */
export function opinionAttempts({ attempts, shadow }: AuditRecord): readonly Attempt[] {
  const own = attempts.filter(({ purpose }) => OPINIONS.has(purpose))
  return [...own, ...(shadow?.opinions ?? [])]
}

const OPINIONS: ReadonlySet<Attempt['purpose']> = new Set(['agreement', 'judge', 'stop_check'])

export function figure({ figures }: RecordedDraft, name: DraftFigure): number | null {
  return figures[DRAFT_FIGURES.indexOf(name)] ?? null
}

/**
 * The signals as far as gates read them.
 *
 * @throws Unrecorded older_record
 */
export function signalsOf(draft: RecordedDraft): Signals | null {
  const { spread } = draft
  if (spread === undefined) throw new Unrecorded('older_record')
  if (spread === null) return null
  return {
    pass: 'decode',
    level: 1,
    fullDistribution: spread.isFull,
    tokens: figure(draft, 'tokens') ?? 0,
    meanLogprob: figure(draft, 'meanLogprob'),
    minLogprob: figure(draft, 'minLogprob'),
    entropyLowNats: spread.entropyLowNats,
    entropyHighNats: figure(draft, 'entropyHighNats'),
    maxTokenEntropyNats: figure(draft, 'maxTokenEntropyNats'),
    options: null,
    margin: figure(draft, 'margin'),
  }
}
