/** The table of methods, and the baselines that need no fit. */
import { complexityOfText } from '../../classify/complexity.ts'
import { randomFrom } from '../../learn/random.ts'
import { COMPLEXITIES } from '../../spec/decision.ts'
import { LEARNED_GAIN } from './learned-gain.ts'
import type { LabMethod, LabState } from './method.ts'
import {
  AGREEMENT,
  AGREEMENT_COUNT,
  ANSWER_LENGTH,
  CONSISTENCY,
  ENTROPY,
  GREY_ZONE,
  MARGIN,
  MAX_PROBABILITY,
} from './post-answers.ts'
import { LEARNED_TEXT, TASK_PRIOR } from './pre-text.ts'
import { SELF_REPORTED, SELF_VERIFICATION } from './self-report.ts'

const RANDOM: LabMethod<{ readonly seed: number }> = {
  name: 'random',
  about: 'a draw that knows nothing; the curve of every mixture of always and never',
  applies: () => true,
  fit: (_, __, seed) => ({ seed }),
  need: ({ seed }, { id }) =>
    randomFrom([...id].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed))(),
}

/** What the policy's own rules read from a question, before anything is learned. */
const TASK_RULES: LabMethod<Readonly<Record<string, never>>> = {
  name: 'task rules',
  about: "the router's own complexity rules: simple, moderate, complex; then the longer question first",
  applies: ({ setting }, rows) => setting.kind === 'before' && rows.some(({ question }) => question !== ''),
  fit: () => ({}),
  need: (_, { question, functions }) => {
    const complexity = complexityOfText({ text: question, hasTools: functions !== null })
    return COMPLEXITIES.indexOf(complexity) + 1 - 1 / (1 + question.length)
  },
}

/** Every method by name. */
export const METHODS: readonly LabMethod[] = [
  erased(RANDOM),
  erased(TASK_RULES),
  erased(TASK_PRIOR),
  erased(LEARNED_TEXT),
  erased(ANSWER_LENGTH),
  erased(MAX_PROBABILITY),
  erased(MARGIN),
  erased(ENTROPY),
  erased(CONSISTENCY),
  erased(SELF_REPORTED),
  erased(SELF_VERIFICATION),
  erased(AGREEMENT_COUNT),
  erased(AGREEMENT),
  erased(GREY_ZONE),
  erased(LEARNED_GAIN),
]

/** A state is only ever given back to the method that made it; what a file holds is checked by name. */
function erased<State extends LabState>({ localRuns, need, ...method }: LabMethod<State>): LabMethod {
  return {
    ...method,
    need: (state, row, context) => need(state as State, row, context),
    ...(localRuns && { localRuns: (state, row, context) => localRuns(state as State, row, context) }),
  }
}
