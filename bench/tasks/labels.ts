import { withHeads } from '../../src/models/head-decider.ts'
import type { HeadExampleSet } from '../../src/spec/policy.ts'
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'
import { percent, percents, wilson } from './metrics.ts'

export interface LabelRow {
  readonly input: string
  readonly answers: readonly string[]
  readonly labels: readonly string[]
}

/** Shares are percentages; the interval is 95 %. */
export interface LabelScore {
  readonly n: number
  readonly accuracy: number
  readonly interval: readonly [number, number] | null
  readonly labelsUsed: number
  readonly secondsPerItem: number
  /** Among the answers that are at least 0.8 sure, and their share. */
  readonly accuracyWhenSure: number | null
  readonly sure: number
}

export interface LabelTask {
  readonly port: ModelPort
  readonly limits: CallLimits
  /** Folder for the fitted head; of this run only, so that the fit is part of it. */
  readonly folder: string
  readonly instruction: string
}

/** Labels by a head that is fitted on the held rows. */
export async function labels(
  rows: readonly LabelRow[],
  held: readonly LabelRow[],
  { port, limits, folder, instruction }: LabelTask,
): Promise<LabelScore> {
  const options = held[0]?.labels ?? []
  const examples: HeadExampleSet = {
    options,
    rows: held.map(({ input, answers }) => ({ text: input, label: answers[0] ?? '' })),
    digest: 'sha256:held',
  }
  const excerpt = (text: string): string => text
  const decider = withHeads(port, { heads: new Map([['task', examples]]), folder, excerpt })
  const decide = async (input: string) => {
    const result = await decider.decide?.({ instruction, shots: [], input, options, head: 'task' }, limits)
    const best = result?.options[0]
    if (!best) throw new Error('the model decided nothing')
    return best
  }
  await decide(held[0]?.input ?? '')
  const started = performance.now()
  const judged: { readonly right: boolean; readonly probability: number }[] = []
  for (const { input, answers } of rows) {
    const { value, probability } = await decide(input)
    judged.push({ right: answers.includes(value), probability })
  }
  const right = judged.filter((one) => one.right).length
  const sure = judged.filter(({ probability }) => probability >= SURE)
  return {
    n: rows.length,
    accuracy: percent(right / rows.length),
    interval: percents(wilson(right, rows.length)),
    labelsUsed: held.length,
    secondsPerItem: (performance.now() - started) / 1000 / rows.length,
    accuracyWhenSure: sure.length === 0 ? null : percent(sure.filter((one) => one.right).length / sure.length),
    sure: percent(sure.length / rows.length),
  }
}

const SURE = 0.8
