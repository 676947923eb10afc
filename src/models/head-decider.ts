import type { Head } from '../learn/softmax-head.ts'
import { fitHead, predictHead } from '../learn/softmax-head.ts'
import type { OptionProbability } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { HeadExampleSet } from '../spec/policy.ts'
import type { CallLimits, DecideCall, DecideResult, ModelPort } from '../spec/ports.ts'
import { decisionSignals } from './decision-signals.ts'
import { headKey, readHead, writeHead } from './head-cache.ts'
import { type View, type Viewer, viewersOf } from './head-views.ts'

export interface HeadSettings {
  /** The examples of every task with a head, by task name. */
  readonly heads: Pick<ReadonlyMap<string, HeadExampleSet>, 'get'>
  /** Folder of fitted heads; made when the first one is written. */
  readonly folder: string
  /** The most telling part of a text, at most `maxChars` long. */
  readonly excerpt: (text: string, maxChars: number) => string
}

/**
 * A model whose decisions come from the task's head, when the task has one and its options are the head's; all others
 * stay with the model. A head is fitted with the first decision that needs it and kept on disk. That decision waits for
 * the fit, as it would for a load; only its signal ends the wait, and the fit goes on for those who come after.
 *
 * Decisions also reject with model_failed when a head cannot be fitted.
 */
export function withHeads(port: ModelPort, settings: HeadSettings): ModelPort {
  if (!port.decide || !port.embed) return port
  const decide = port.decide.bind(port)
  const embed = port.embed.bind(port)
  const ready = new Map<string, Promise<Heads>>()
  return {
    ...port,
    decide: async (call, limits) => {
      const found = examplesFor(call, settings)
      if (!found) return await decide(call, limits)
      const text = settings.excerpt(call.input, lengthOf(found))
      const examples = { ...found, rows: excerpts(found, settings) }
      const viewers = viewersOf({ embed, decide, examples, instruction: call.instruction })
      const views: View[] = []
      for (const viewer of viewers) views.push(await viewer.read(text, limits))
      return decided(await abortable(headsFor(viewers, views, examples), limits.signal), views)
    },
  }

  function headsFor(viewers: readonly Viewer[], [first]: readonly View[], examples: HeadExampleSet): Promise<Heads> {
    const recipes = viewers.map(({ recipe }) => recipe)
    const key = headKey({ identity: first?.identity ?? null, recipes, examples })
    const known = ready.get(key)
    if (known) return known
    const fitting = obtainHeads({ model: port.name, folder: settings.folder, viewers, options: examples.options, key })
    ready.set(key, fitting)
    // The next decision tries again: what failed may have been the engine, which comes back.
    fitting.catch(() => ready.delete(key))
    return fitting
  }
}

/** One head for each way of reading, in the order of `viewersOf`. */
type Heads = readonly Head[]

function examplesFor(call: DecideCall, { heads }: HeadSettings): HeadExampleSet | null {
  const examples = call.head === undefined ? undefined : heads.get(call.head)
  if (!examples || examples.options.length !== call.options.length) return null
  return examples.options.every((option) => call.options.includes(option)) ? examples : null
}

/**
 * Characters of a text that a head reads: those of its longest example, within bounds. An input that is much longer than
 * what the head was fitted on would be unlike all of it, and costs more time.
 */
function lengthOf({ rows }: HeadExampleSet): number {
  const longest = rows.reduce((most, { text }) => Math.max(most, text.length), 0)
  return Math.min(MAX_CHARS, Math.max(MIN_CHARS, longest))
}

/** Below this, an excerpt of a log loses the lines that tell. */
const MIN_CHARS = 400
/** What a decision is given of a long text, whoever decides. */
const MAX_CHARS = 1500

function excerpts(examples: HeadExampleSet, { excerpt }: HeadSettings): HeadExampleSet['rows'] {
  return examples.rows.map(({ text, label }) => ({ text: excerpt(text, lengthOf(examples)), label }))
}

interface Fitting {
  readonly model: string
  readonly folder: string
  readonly viewers: readonly Viewer[]
  readonly options: readonly string[]
  readonly key: string
}

async function obtainHeads({ model, folder, viewers, options, key }: Fitting): Promise<Heads> {
  const known = await readHead<Heads>(folder, key)
  if (known) return known
  const read: (readonly number[])[][] = []
  for (const { rows, read: readOne } of viewers) {
    const vectors: (readonly number[])[] = []
    for (const { text } of rows) vectors.push((await readOne(text, exampleLimits())).vector)
    read.push(vectors)
  }
  try {
    const heads = viewers.map(({ rows }, index) =>
      fitHead({ vectors: read[index] ?? [], labels: rows.map(({ label }) => label), options }),
    )
    await writeHead(folder, key, heads)
    return heads
  } catch (error) {
    const problem = `its head could not be fitted (${error instanceof Error ? error.message : 'no message'})`
    throw new RouterError('model_failed', { model, problem, fix: 'Check the examples of the task.' }, error)
  }
}

/** For one example: a text of 768 tokens takes a second or two on a slow core, a load of a large model a minute. */
const EXAMPLE_MS = 120_000

function exampleLimits(): CallLimits {
  const deadlines = { connectMs: EXAMPLE_MS, firstByteMs: EXAMPLE_MS, idleMs: EXAMPLE_MS, totalMs: EXAMPLE_MS }
  return { signal: new AbortController().signal, deadlines }
}

function decided(heads: Heads, views: readonly View[]): DecideResult {
  const opinions = heads.map((head, view) => predictHead(head, views[view]?.vector ?? []))
  const options = together(opinions)
  const [first] = views
  if (!first) throw new Error('a text was not read')
  const usage = views.reduce((sum, view) => sum + view.usage.inputTokens, 0)
  return {
    options,
    signals: decisionSignals(options),
    usage: { ...first.usage, inputTokens: usage },
    identity: first.identity,
  }
}

type Opinion = ReturnType<typeof predictHead>

/**
 * The product of the opinions, each raised to `TRUST`, normalised: a logarithmic opinion pool. The views read one text,
 * so what they say is not independent; a plain product (1) would be too sure, the geometric mean (1/2) not sure enough.
 *
 * @see Heskes 1998, Selecting Weighting Factors in Logarithmic Opinion Pools
 */
function together(opinions: readonly Opinion[]): readonly OptionProbability[] {
  const scores = (opinions[0] ?? []).map(({ value }) => ({
    value,
    score: opinions.reduce((sum, opinion) => {
      const probability = opinion.find((option) => option.value === value)?.probability ?? 0
      return sum + TRUST * Math.log(Math.max(probability, Number.MIN_VALUE))
    }, 0),
  }))
  const most = Math.max(...scores.map(({ score }) => score))
  const total = scores.reduce((sum, { score }) => sum + Math.exp(score - most), 0)
  return scores
    .map(({ value, score }) => ({
      value,
      probability: Math.exp(score - most) / total,
      logprob: score - most - Math.log(total),
    }))
    .toSorted((a, b) => b.probability - a.probability)
}

/** Chosen by the log-loss of four fits on 100 film reviews each, on 1,600 others. */
const TRUST = 0.75

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
