/** Routing by all that is recorded of the local answer. Pure. */
import { fitTrees, predictTrees } from '../../learn/boosted-trees.ts'
import type { Trees } from '../../spec/calibration.ts'
import { answerFigures, answerOf, same } from './answer-figures.ts'
import { type AnswerLine, answerLineGain, fitAnswerLine } from './answer-line.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { outcomeOf } from './settings.ts'

interface GainState {
  readonly [key: string]: unknown
  readonly tasks: readonly string[]
  readonly local: Trees
  /** Null where the frontier is always right by definition. */
  readonly frontier: Trees | null
  /** Null where trees have rows enough. */
  readonly line: AnswerLine | null
}

/**
 * The probability that the frontier is right less that the local answer is, both from all that is recorded of the answer.
 * The words of the question add nothing once answers are known: MMLU-Pro, cross-validation within the train rows.
 */
export const LEARNED_GAIN: LabMethod<GainState> = {
  name: 'learned gain',
  about: 'boosted trees over log-probabilities, peers, lengths, shapes and options; with few rows a line beside them',
  applies: ({ setting }) => setting.kind === 'after',
  fit(rows, context, seed) {
    const isOpen = rows.some((row) => outcomeOf(row, context).frontier < 0.5)
    const tasks = context.setting.task === 'given' ? [...new Set(rows.map(({ task }) => task))] : []
    return {
      tasks,
      local: fitSide(rows, context, { side: 'local', tasks }),
      frontier: isOpen ? fitSide(rows, context, { side: 'frontier', tasks }) : null,
      line: isOpen && rows.length < FEW ? fitAnswerLine(rows, context, seed) : null,
    }
  },
  need({ tasks, local, frontier, line }, row, context) {
    const own = answerFigures(row, context)
    const figures = [...taskFigures(row, tasks), ...own]
    const gain = (frontier ? predictTrees(frontier, figures) : 1) - predictTrees(local, figures)
    if (!line) return gain
    return gain + LINE_WEIGHT * answerLineGain(line, { row, figures: own }, context) + dissent(row, context)
  },
  localRuns: (_, row, { setting }) => (row.answers || row.logprobs ? 1 + setting.peers.length : 1),
}

/** A line wavers less than trees on few rows; 1 to 3 differ by less than .005 APGR in cross-validation. */
const LINE_WEIGHT = 2

/** Share of the peers that say something else: what is known of agreement before any row is fitted. */
function dissent(row: LabRow, context: LabContext): number {
  const { local, peers } = context.setting
  const own = answerOf(row, context, local)
  return peers.filter((peer) => !same(own, answerOf(row, context, peer))).length / Math.max(1, peers.length)
}

interface Side {
  readonly side: 'local' | 'frontier'
  readonly tasks: readonly string[]
}

function fitSide(rows: readonly LabRow[], context: LabContext, { side, tasks }: Side): Trees {
  const figures = rows.map((row) => [...taskFigures(row, tasks), ...answerFigures(row, context)])
  const targets = rows.map((row) => outcomeOf(row, context)[side] >= 0.5)
  const size = rows.length < FEW ? SMALL : rows.length < 10_000 ? MIDDLE : LARGE
  return fitTrees({ rows: figures, targets }, size)
}

/** Small recordings hold small trees only, and a line and the bare agreement steady them; large ones bear more trees. */
const FEW = 1000
const SMALL = { leaves: 4, minLeaf: 10, trees: 80 }
const MIDDLE = { leaves: 8, minLeaf: 50, trees: 150 }
const LARGE = { leaves: 12, minLeaf: 20, trees: 200 }

function taskFigures({ task }: LabRow, tasks: readonly string[]): readonly number[] {
  return tasks.map((one) => (task === one ? 1 : 0))
}
