/** When labels have grown enough for another fit to be worth its share of the error budget. Pure. */
import { confidenceOfRefit } from '../learn/bounds.ts'
import { looksProvable } from '../learn/calibrate.ts'
import type { Calibration } from '../spec/calibration.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { fractionOf } from './calibrate.ts'
import type { DraftGroup } from './labelled-drafts.ts'

/** So many times the labels of the fit before, or a refit learns little and costs as much. */
const GROWTH = 1.4

export interface CalibrationState {
  /** The last fit of this model and setup; null before the first. */
  readonly last: Calibration | null
  /** Of the task, whatever model and setup. */
  readonly refits: number
}

/**
 * A fit is due when labels have grown and those that only fit the score would pass the bound. They are other labels than
 * those of the proof, so the look costs none of the budget.
 *
 * @returns null when it is due, else why not
 */
export function whyNotCalibrate(
  { drafts }: DraftGroup,
  { maxErrorRate, confidence }: TaskPolicy['accept'],
  { last, refits }: CalibrationState,
): string | null {
  if (maxErrorRate === undefined) return 'the task asks for no bound'
  const wanted = last ? Math.ceil(GROWTH * (last.fitted.n + last.proof.n)) : 0
  if (drafts.length < wanted) return `${drafts.length} labels, the next fit is due with ${wanted}`
  const bound = { maxErrorRate, confidence: confidenceOfRefit(confidence, refits + 1) }
  return looksProvable(drafts, bound, fractionOf)
    ? null
    : `${drafts.length} labels do not look as if they prove the bound`
}

/** With fewer labelled examples a head knows too little of each option. */
const FIRST_HEAD = 150

/**
 * @param labelled examples with a label, now and when a head was fitted last; null before the first
 * @returns null when it is due, else why not
 */
export function whyNotFitHead(labelled: { readonly now: number; readonly last: number | null }): string | null {
  const wanted = labelled.last === null ? FIRST_HEAD : Math.ceil(GROWTH * labelled.last)
  return labelled.now >= wanted ? null : `${labelled.now} labelled examples, the next fit is due with ${wanted}`
}

/** With fewer requests neither half of them could show anything. */
const FIRST_PRIOR = 200

/**
 * @param checked requests whose local answer was checked, now and when a prior was fitted last; null before the first
 * @returns null when it is due, else why not
 */
export function whyNotFitPrior(checked: { readonly now: number; readonly last: number | null }): string | null {
  const wanted = checked.last === null ? FIRST_PRIOR : Math.ceil(GROWTH * checked.last)
  return checked.now >= wanted ? null : `${checked.now} checked local answers, the next fit is due with ${wanted}`
}
