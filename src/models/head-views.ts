/** The ways in which a head reads a text; each gives one vector. */
import type { ModelIdentity, Usage } from '../spec/decision.ts'
import type { HeadExampleSet } from '../spec/policy.ts'
import type { CallLimits, EmbedFrame, ModelPort, Shot } from '../spec/ports.ts'

/** What was read of one text. */
export interface View {
  readonly vector: readonly number[]
  readonly usage: Usage
  readonly identity: ModelIdentity
}

/** One way of reading. */
export interface Viewer {
  /** Changes whenever the same text would give another vector from the same weights. */
  readonly recipe: string
  /** The examples that its head is fitted on. */
  readonly rows: HeadExampleSet['rows']
  read(text: string, limits: CallLimits): Promise<View>
}

export interface Reading {
  readonly embed: NonNullable<ModelPort['embed']>
  readonly decide: NonNullable<ModelPort['decide']>
  readonly instruction: string
  /** The examples, cut to the length that is read. */
  readonly examples: HeadExampleSet
}

/**
 * The model's state after the text and a question for its gist; the same with the options in view; and the
 * probabilities of the options after a few of the examples. They err on different texts. Heads fitted on 100 rows, four
 * times, and tried on 400 others: film reviews 78.5, 77.8 and 73.1 % right, all three together 82.8 %; news 82.3, 75.6 and
 * 70.2 %, together 84.4 %.
 */
export function viewersOf(reading: Reading): readonly Viewer[] {
  const scores = labelScores(reading)
  return [
    framed(GIST_FRAME, reading),
    framed(optionsFrame(reading.examples.options), reading),
    ...(scores ? [scores] : []),
  ]
}

/** @see Jiang et al. 2023, Scaling Sentence Embeddings with Large Language Models (PromptEOL) */
export const GIST_FRAME: EmbedFrame = { before: 'This text: "', after: '" means in one word: "' }

/** The model is about to name an option, so its state says which. */
export function optionsFrame(options: readonly string[]): EmbedFrame {
  const [last, ...others] = options.toReversed()
  return { before: 'Text: ', after: `\n\nOf ${others.toReversed().join(', ')} and ${last}, this text is` }
}

function framed(frame: EmbedFrame, { embed, examples }: Reading): Viewer {
  return {
    recipe: `embedding ${frame.before}…${frame.after}`,
    rows: examples.rows,
    read: (text, limits) => embed(text, limits, frame),
  }
}

/** All together; about 200 to 400 tokens, which are kept and not read again. */
const MAX_SHOTS = 8
/** What a head needs of each option besides the shots. */
const MIN_ROWS = 3

/** Null where the options are too many for a prompt, or the examples too few to spare some. */
function labelScores({ decide, instruction, examples }: Reading): Viewer | null {
  const { options, rows } = examples
  const each = Math.floor(MAX_SHOTS / options.length)
  if (each === 0) return null
  const chosen = options.map((option) => shortest(rows, option, each))
  const shots: readonly Shot[] = Array.from({ length: each }, (_, turn) => turn).flatMap((turn) =>
    chosen.flatMap((own) => own[turn] ?? []).map(({ text, label }) => ({ input: text, output: label })),
  )
  // A shot stands in the prompt with its label, so it cannot teach how far the scores are to be trusted.
  const others = rows.filter((row) => !chosen.flat().includes(row))
  const enough = options.every((option) => others.filter(({ label }) => label === option).length >= MIN_ROWS)
  if (!enough || shots.some(({ input }) => input.length > MAX_SHOT_CHARS)) return null
  return {
    recipe: `label scores ${JSON.stringify([instruction, shots])}`,
    rows: others,
    read: async (text, limits) => {
      const result = await decide({ instruction, shots, input: text, options }, limits)
      const vector = options.map((option) => {
        const probability = result.options.find(({ value }) => value === option)?.probability ?? 0
        return Math.log(Math.max(probability, LEAST))
      })
      return { vector, usage: result.usage, identity: result.identity }
    },
  }
}

/** Longer shots would fill the window of a small model. */
const MAX_SHOT_CHARS = 400
const LEAST = 1e-6

function shortest(rows: HeadExampleSet['rows'], label: string, count: number): HeadExampleSet['rows'] {
  return rows
    .filter((row) => row.label === label)
    .toSorted((a, b) => a.text.length - b.text.length)
    .slice(0, count)
}
