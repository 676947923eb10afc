/** Routing by the local answer: its text, its probabilities, and what other local models say. Pure. */
import { answerOf, lengthOf, ownLogprobs, same } from './answer-figures.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { modeOf } from './recording.ts'

type NoState = Readonly<Record<string, never>>
const nothing = (): NoState => ({})

function plain(
  name: string,
  about: string,
  rest: Pick<LabMethod<NoState>, 'applies' | 'need' | 'localRuns'>,
): LabMethod<NoState> {
  return { name, about, fit: nothing, ...rest }
}

const after = ({ setting }: LabContext): boolean => setting.kind === 'after'
const withLogprobs: LabMethod['applies'] = (context, rows) =>
  after(context) && rows.some(({ logprobs }) => logprobs !== null)

export const MAX_PROBABILITY = plain('max probability', 'one minus the probability of the best option', {
  applies: withLogprobs,
  need: (_, row, context) => -Math.exp(ownLogprobs(row, context)[0] ?? 0),
})

export const MARGIN = plain('margin', 'probability of the second option minus that of the best', {
  applies: withLogprobs,
  need: (_, row, context) => {
    const [first = 0, second = 0] = ownLogprobs(row, context)
    return Math.exp(second) - Math.exp(first)
  },
})

export const ENTROPY = plain('entropy', 'entropy of the options, in nats', {
  applies: withLogprobs,
  need: (_, row, context) => -ownLogprobs(row, context).reduce((sum, log) => sum + Math.exp(log) * log, 0),
})

export const ANSWER_LENGTH = plain('answer length', 'logarithm of the length of the local answer', {
  applies: (context, rows) => after(context) && rows.some(({ lengths }) => lengths !== null),
  need: (_, row, context) => Math.log1p(lengthOf(row, context, context.setting.local)),
})

export const CONSISTENCY = plain(
  'consistency',
  'share of samples of the local model that do not say its most frequent answer',
  {
    applies: (_, rows) => rows.some(({ samples }) => samples !== null),
    need: (_, { samples }) => {
      const drawn = (samples ?? []).slice(0, SAMPLES)
      const best = modeOf(drawn)
      return -drawn.filter((sample) => sample !== null && sample === best).length / SAMPLES
    },
    localRuns: () => SAMPLES,
  },
)
/** Five samples get most of what twenty do. */
const SAMPLES = 5

export const AGREEMENT = plain('agreement', 'how many of the peers say something else; ties by the answer length', {
  applies: (context, rows) => withPeers(context, rows),
  need: (_, row, context) => {
    const agreeing = context.setting.peers.filter((peer) => agrees(row, context, peer)).length
    return -agreeing + TIE_BREAK * Math.log1p(lengthOf(row, context, context.setting.local))
  },
  localRuns: (_, __, { setting }) => 1 + setting.peers.length,
})
const TIE_BREAK = 0.01

export const AGREEMENT_COUNT = plain('agreement count', 'how many of the peers say something else, and nothing more', {
  applies: (context, rows) => withPeers(context, rows),
  need: (_, row, context) => -context.setting.peers.filter((peer) => agrees(row, context, peer)).length,
  localRuns: (_, __, { setting }) => 1 + setting.peers.length,
})

/**
 * The first peer settles what it agrees with; the second is asked only about the rest. An answer with one voice of two
 * against it is doubtful, one with both against it is as good as wrong.
 */
export const GREY_ZONE = plain('agreement, grey zone', 'the first peer is asked; the second only where it disagrees', {
  applies: (context, rows) => withPeers(context, rows) && context.setting.peers.length >= 2,
  need: (_, row, context) => {
    const [first = '', second = ''] = context.setting.peers
    const doubt = agrees(row, context, first) ? 0 : agrees(row, context, second) ? 1 : 2
    const together =
      !agrees(row, context, first) && same(answerOf(row, context, first), answerOf(row, context, second)) ? 0.5 : 0
    return doubt + together + TIE_BREAK * Math.log1p(lengthOf(row, context, context.setting.local))
  },
  localRuns: (_, row, context) => (agrees(row, context, context.setting.peers[0] ?? '') ? 2 : 3),
})

function withPeers(context: LabContext, rows: readonly LabRow[]): boolean {
  return after(context) && context.setting.peers.length > 0 && rows.some(({ answers }) => answers !== null)
}

function agrees(row: LabRow, context: LabContext, peer: string): boolean {
  return same(answerOf(row, context, context.setting.local), answerOf(row, context, peer))
}
