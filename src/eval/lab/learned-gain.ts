/** Routing by all that is recorded of the local answer. Pure. */
import { fitTrees, predictTrees } from '../../learn/boosted-trees.ts'
import type { Trees } from '../../spec/calibration.ts'
import { answerFigures } from './answer-figures.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { outcomeOf } from './settings.ts'

interface GainState {
  readonly [key: string]: unknown
  readonly tasks: readonly string[]
  readonly local: Trees
  /** Null where the frontier is always right by definition. */
  readonly frontier: Trees | null
}

/**
 * The probability that the frontier is right less that the local answer is, both from all that is recorded of the answer.
 * What the words of the question say adds nothing once answers are known, in cross-validation within train rows.
 */
export const LEARNED_GAIN: LabMethod<GainState> = {
  name: 'learned gain',
  about: 'boosted trees over log-probabilities, peers, lengths, shapes and options',
  applies: ({ setting }) => setting.kind === 'after',
  fit(rows, context) {
    const isOpen = rows.some((row) => outcomeOf(row, context).frontier < 0.5)
    const tasks = context.setting.task === 'given' ? [...new Set(rows.map(({ task }) => task))] : []
    return {
      tasks,
      local: fitSide(rows, context, { side: 'local', tasks }),
      frontier: isOpen ? fitSide(rows, context, { side: 'frontier', tasks }) : null,
    }
  },
  need({ tasks, local, frontier }, row, context) {
    const figures = figuresOf(row, context, tasks)
    return (frontier ? predictTrees(frontier, figures) : 1) - predictTrees(local, figures)
  },
  localRuns: (_, row, { setting }) => (row.answers || row.logprobs ? 1 + setting.peers.length : 1),
}
interface Side {
  readonly side: 'local' | 'frontier'
  readonly tasks: readonly string[]
}

function fitSide(rows: readonly LabRow[], context: LabContext, { side, tasks }: Side): Trees {
  const figures = rows.map((row) => figuresOf(row, context, tasks))
  const targets = rows.map((row) => outcomeOf(row, context)[side] >= 0.5)
  // Small recordings hold small trees only, large ones bear more of them.
  const size = rows.length < 1000 ? SMALL : rows.length < 10_000 ? MIDDLE : LARGE
  return fitTrees({ rows: figures, targets }, size)
}

const SMALL = { leaves: 4, minLeaf: 10, trees: 80 }
const MIDDLE = { leaves: 8, minLeaf: 50, trees: 150 }
const LARGE = { leaves: 12, minLeaf: 20, trees: 200 }

function figuresOf(row: LabRow, context: LabContext, tasks: readonly string[]): readonly (number | null)[] {
  return [...tasks.map((task) => (row.task === task ? 1 : 0)), ...answerFigures(row, context)]
}
