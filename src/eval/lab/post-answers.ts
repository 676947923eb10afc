/** Routing by the local answer: its text, its probabilities, and what other local models say. Pure. */
import { fitTrees, predictTrees } from '../../learn/boosted-trees.ts'
import type { Trees } from '../../spec/calibration.ts'
import { shapeOf, workingOf } from './answer-shape.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { LEARNED_TEXT } from './pre-text.ts'
import { modeOf } from './recording.ts'
import { bestOf, outcomeOf } from './settings.ts'

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

function ownLogprobs(row: LabRow, { setting, models }: LabContext): readonly number[] {
  return (row.logprobs?.[models.indexOf(setting.local)] ?? []).toSorted((a, b) => b - a)
}

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
  need: (_, row, context) => Math.log1p(lengthOf(row, context)),
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
    return -agreeing + TIE_BREAK * Math.log1p(lengthOf(row, context))
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
    return doubt + together + TIE_BREAK * Math.log1p(lengthOf(row, context))
  },
  localRuns: (_, row, context) => (agrees(row, context, context.setting.peers[0] ?? '') ? 2 : 3),
})

interface TreeState {
  readonly [key: string]: unknown
  readonly trees: Trees
  readonly tasks: readonly string[]
}

interface GainState {
  readonly [key: string]: unknown
  readonly local: TreeState
  /** Null where the frontier is always right by definition. */
  readonly frontier: TreeState | null
  /** Null without questions. */
  readonly text: Parameters<typeof LEARNED_TEXT.need>[0] | null
}

/** Probability of being right from all that is recorded of the answer, less what the question says of the gain. */
export const LEARNED_GAIN: LabMethod<GainState> = {
  name: 'learned gain',
  about: 'boosted trees over log-probabilities, peers, lengths and shapes, with the learned pre-router beside',
  applies: after,
  fit(rows, context, seed) {
    const hasText = rows.some(({ question }) => question !== '')
    const isOpen = rows.some((row) => outcomeOf(row, context).frontier < 0.5)
    return {
      local: fitSide(rows, context, 'local'),
      frontier: isOpen ? fitSide(rows, context, 'frontier') : null,
      text: hasText ? LEARNED_TEXT.fit(rows, context, seed) : null,
    }
  },
  need({ local, frontier, text }, row, context) {
    const figures = figuresOf(row, context, local.tasks)
    const gain = (frontier ? predictTrees(frontier.trees, figures) : 1) - predictTrees(local.trees, figures)
    return gain + (text ? TEXT_WEIGHT * LEARNED_TEXT.need(text, row, context) : 0)
  },
  localRuns: (_, row, { setting }) => (row.answers || row.logprobs ? 1 + setting.peers.length : 1),
}
/** The question says little more about the gain once the answers are known. */
const TEXT_WEIGHT = 0.3

function fitSide(rows: readonly LabRow[], context: LabContext, side: 'local' | 'frontier'): TreeState {
  const tasks = context.setting.task === 'given' ? [...new Set(rows.map(({ task }) => task))] : []
  const figures = rows.map((row) => figuresOf(row, context, tasks))
  const targets = rows.map((row) => outcomeOf(row, context)[side] >= 0.5)
  // Small recordings hold small trees only.
  const leaves = rows.length < 1000 ? 4 : 12
  const minLeaf = rows.length < 1000 ? 10 : 20
  return {
    trees: fitTrees({ rows: figures, targets }, { leaves, minLeaf, trees: rows.length < 1000 ? 80 : 200 }),
    tasks,
  }
}

function figuresOf(row: LabRow, context: LabContext, tasks: readonly string[]): readonly (number | null)[] {
  const { setting } = context
  return [
    ...tasks.map((task) => (row.task === task ? 1 : 0)),
    ...logprobFigures(row, context),
    ...(row.answers ? answerFigures(row, context) : []),
    ...(row.verifications ? [row.verifications[context.models.indexOf(setting.local)] ?? null] : []),
    ...(row.response !== null && row.responseOf === setting.local
      ? [...shapeOf(row.response), ...workingOf(row.response, row.question)]
      : []),
    ...(row.question === '' ? [] : shapeOf(row.question)),
  ]
}

function logprobFigures(row: LabRow, context: LabContext): readonly number[] {
  if (!row.logprobs) return []
  const { setting, models } = context
  const own = row.logprobs[models.indexOf(setting.local)] ?? []
  const best = bestOf(own)
  const peers = setting.peers.flatMap((peer) => {
    const other = row.logprobs?.[models.indexOf(peer)] ?? []
    return [...other.toSorted((a, b) => b - a), bestOf(other) === best ? 1 : 0, other[best] ?? 0]
  })
  return [...ownLogprobs(row, context), ...own, ...own.map((_, option) => (option === best ? 1 : 0)), ...peers]
}

function answerFigures(row: LabRow, context: LabContext): readonly (number | null)[] {
  const { setting } = context
  const own = answerOf(row, context, setting.local)
  const others = setting.peers.map((peer) => answerOf(row, context, peer))
  const voices = others.filter((other) => same(own, other)).length
  return [
    own === null ? 1 : 0,
    Math.log1p(lengthOf(row, context)),
    ...others.map((other) => (same(own, other) ? 1 : 0)),
    voices,
    new Set([own, ...others]).size,
    ...setting.peers.map((peer) => Math.log1p(row.lengths?.[context.models.indexOf(peer)] ?? 0)),
  ]
}

function withPeers(context: LabContext, rows: readonly LabRow[]): boolean {
  return after(context) && context.setting.peers.length > 0 && rows.some(({ answers }) => answers !== null)
}

function answerOf(row: LabRow, { models }: LabContext, model: string): string | null {
  return row.answers?.[models.indexOf(model)] ?? null
}

function same(one: string | null, other: string | null): boolean {
  return one !== null && one === other
}

function agrees(row: LabRow, context: LabContext, peer: string): boolean {
  return same(answerOf(row, context, context.setting.local), answerOf(row, context, peer))
}

function lengthOf(row: LabRow, { setting, models }: LabContext): number {
  return row.lengths?.[models.indexOf(setting.local)] ?? 0
}
