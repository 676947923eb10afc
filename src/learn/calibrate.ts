/** From labelled drafts to a probability of being right and a threshold with a proven bound. Pure. */
import type { AnswerScore, ProvenThreshold, Quality } from '../spec/calibration.ts'
import { fitTrees, predictTrees } from './boosted-trees.ts'
import { acceptThreshold, type ErrorBound, type ScoredLabel } from './bounds.ts'
import { DRAFT_FIGURES, type DraftFigure } from './draft-figures.ts'
import { fitIsotonic, predictIsotonic } from './isotonic.ts'
import { labelsToProve } from './labels-needed.ts'
import { qualityOf } from './quality.ts'

/** One local answer whose truth is known. */
export interface LabelledDraft {
  /** The same for the same request; decides which part of the labels it belongs to. */
  readonly id: string
  /** A figure for each of `DRAFT_FIGURES`. */
  readonly figures: readonly (number | null)[]
  readonly isCorrect: boolean
  /** Whether its label would have been asked for whatever the gates said. */
  readonly isFair: boolean
}

export interface Calibrated {
  readonly score: AnswerScore
  readonly fitted: readonly LabelledDraft[]
  readonly proof: readonly LabelledDraft[]
  readonly quality: Quality
  readonly accept: ProvenThreshold | null
  /** About how many more fair labels may prove the bound; null when it is proven, or when more would not help. */
  readonly moreLabels: number | null
}

/**
 * A third of the fair labels, by a hash of their id, and all others fit the score; the rest of the fair ones proves the
 * threshold. So no label does both, labels that the gate itself selected never touch the threshold, and a label that
 * once fitted never proves in a later fit.
 *
 * @param fractionOf a number from 0 to 1 that looks random and depends on the id alone
 * @param bound its confidence is that of this fit, see `confidenceOfRefit`
 * @returns null when there is nothing to fit a score on: fewer than 10 labels, or no figure known for all of them
 */
export function calibrate(
  drafts: readonly LabelledDraft[],
  bound: ErrorBound,
  fractionOf: (id: string) => number,
): Calibrated | null {
  const proof = drafts.filter(({ id, isFair }) => isFair && fractionOf(id) >= FIT_SHARE)
  const fitted = drafts.filter(({ id, isFair }) => !isFair || fractionOf(id) < FIT_SHARE)
  const score = fitScore(fitted, fractionOf)
  if (!score) return null
  const scored = proof.map((draft): ScoredLabel & { readonly probability: number } => {
    // An answer whose figures are unknown is never accepted; it keeps its place among all answers.
    const probability = probabilityCorrect(score, draft.figures) ?? -1
    return { score: probability, probability, isCorrect: draft.isCorrect }
  })
  const known = scored.filter(({ probability }) => probability >= 0)
  const accept = acceptThreshold(scored, bound)
  const proven = accept && accept.threshold >= 0 ? accept : null
  return {
    score,
    fitted,
    proof,
    quality: qualityOf(known),
    accept: proven,
    moreLabels: proven ? null : labelsToProve(scored, bound),
  }
}

/**
 * Whether the labels that only fit the score would pass the bound if there were as many of them as of those that prove,
 * each scored by a fit that has not seen it. None of the proof is looked at.
 */
export function looksProvable(
  drafts: readonly LabelledDraft[],
  bound: ErrorBound,
  fractionOf: (id: string) => number,
): boolean {
  const proof = drafts.filter(({ id, isFair }) => isFair && fractionOf(id) >= FIT_SHARE)
  const fitted = drafts.filter(({ id, isFair }) => !isFair || fractionOf(id) < FIT_SHARE)
  const folds = Array.from({ length: FOLDS }, (_, fold) => fold)
  const scored = folds.flatMap((fold): readonly ScoredLabel[] => {
    const isHeld = ({ id }: LabelledDraft): boolean => Math.floor(fractionOf(`fold ${id}`) * FOLDS) === fold
    const score = fitScore(
      fitted.filter((draft) => !isHeld(draft)),
      fractionOf,
    )
    if (!score) return []
    return fitted
      .filter((draft) => draft.isFair && isHeld(draft))
      .map(({ figures, isCorrect }) => ({ score: probabilityCorrect(score, figures) ?? -1, isCorrect }))
  })
  const times = Math.round(proof.length / Math.max(1, scored.length))
  return acceptThreshold(Array.from({ length: times }, () => scored).flat(), bound) !== null
}

/** @returns 0 to 1; null when a figure the score needs is unknown */
export function probabilityCorrect(score: AnswerScore, figures: readonly (number | null)[]): number | null {
  if (score.kind === 'trees') return predictTrees(score, figures)
  const figure = figures[score.figure] ?? null
  return figure === null ? null : predictIsotonic(score, figure)
}

/** Share of the fair labels that fits the score: it needs fewer than the proof. */
const FIT_SHARE = 1 / 3
const MIN_FIT = 10
/** Trees need this many labels before they are tried against a single figure. */
const MIN_TREES = 200
const FOLDS = 5

/** Figures that alone may carry a score: they grow with the chance of being right. */
const SINGLE: readonly DraftFigure[] = ['probability', 'margin', 'meanLogprob', 'minLogprob']

/** The single figure, or the trees over all, with the least cross-validated log-loss; a figure must be known everywhere. */
function fitScore(rows: readonly LabelledDraft[], fractionOf: (id: string) => number): AnswerScore | null {
  if (rows.length < MIN_FIT) return null
  const kinds: readonly ((part: readonly LabelledDraft[]) => AnswerScore)[] = [
    ...SINGLE.map((name) => DRAFT_FIGURES.indexOf(name))
      .filter((figure) => rows.every(({ figures }) => typeof figures[figure] === 'number'))
      .map((figure) => (part: readonly LabelledDraft[]) => isotonicOn(part, figure)),
    ...(rows.length >= MIN_TREES ? [treesOn] : []),
  ]
  const losses = kinds.map((fitOn) => heldOutLoss(rows, fitOn, fractionOf))
  const best = kinds[losses.indexOf(Math.min(...losses))]
  return best?.(rows) ?? null
}

function isotonicOn(rows: readonly LabelledDraft[], figure: number): AnswerScore {
  const points = fitIsotonic(
    rows.map(({ figures }) => figures[figure] ?? 0),
    rows.map(({ isCorrect }) => isCorrect),
  )
  return { kind: 'isotonic', figure, ...points }
}

function treesOn(rows: readonly LabelledDraft[]): AnswerScore {
  const examples = { rows: rows.map(({ figures }) => figures), targets: rows.map(({ isCorrect }) => isCorrect) }
  return { kind: 'trees', ...fitTrees(examples, { trees: TREES, leaves: 4 }) }
}

/** Few and shallow: a few hundred labels hold no more. */
const TREES = 60

function heldOutLoss(
  rows: readonly LabelledDraft[],
  fitOn: (part: readonly LabelledDraft[]) => AnswerScore,
  fractionOf: (id: string) => number,
): number {
  const foldOf = ({ id }: LabelledDraft): number => Math.floor(fractionOf(`fold ${id}`) * FOLDS)
  let total = 0
  for (let fold = 0; fold < FOLDS; fold++) {
    const train = rows.filter((row) => foldOf(row) !== fold)
    if (train.length === 0) return Number.POSITIVE_INFINITY
    const score = fitOn(train)
    for (const row of rows.filter((other) => foldOf(other) === fold)) {
      const p = Math.min(1 - LEAST, Math.max(LEAST, probabilityCorrect(score, row.figures) ?? 0.5))
      total -= Math.log(row.isCorrect ? p : 1 - p)
    }
  }
  return total / rows.length
}

const LEAST = 0.001
