/** Routing by what the local model says of its own answer: baselines, since models are seldom good judges of themselves. */
import type { LabContext, LabMethod } from './method.ts'

type NoState = Readonly<Record<string, never>>

/** Asked for a number from 1 to 10 along with the answer; the custom is to escalate below 8. */
export const SELF_REPORTED: LabMethod<NoState> = {
  name: 'self-reported confidence',
  about: 'what the local model said of its own certainty, 1 to 10; usually escalates below 8',
  applies: ({ setting }, rows) => setting.kind === 'after' && rows.some(({ confidences }) => confidences !== null),
  fit: () => ({}),
  need: (_, { confidences }, context) => SUREST - (confidences?.[localOf(context)] ?? 0),
  usualCut: 2,
}

const SUREST = 10

/**
 * The local model is asked again whether its answer is right.
 *
 * @see Aggarwal et al. 2023, AutoMix (2310.12963): self-verification, there as the share of sampled votes
 */
export const SELF_VERIFICATION: LabMethod<NoState> = {
  name: 'self-verification',
  about: 'probability of yes when the local model is asked whether its own answer is right',
  applies: ({ setting }, rows) => setting.kind === 'after' && rows.some(({ verifications }) => verifications !== null),
  fit: () => ({}),
  need: (_, { verifications }, context) => 1 - (verifications?.[localOf(context)] ?? UNVERIFIED),
  localRuns: () => 2,
}

/** Less than any probability: what was not verified needs the frontier most. */
const UNVERIFIED = -1

function localOf({ setting, models }: LabContext): number {
  return models.indexOf(setting.local)
}
