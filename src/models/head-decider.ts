import type { Head } from '../learn/softmax-head.ts'
import { fitHead, predictHead } from '../learn/softmax-head.ts'
import type { OptionProbability } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { HeadExampleSet } from '../spec/policy.ts'
import type { CallLimits, DecideCall, DecideResult, EmbedResult, ModelPort } from '../spec/ports.ts'
import { decisionSignals } from './decision-signals.ts'
import { headKey, readHead, writeHead } from './head-cache.ts'

export interface HeadSettings {
  /** The examples of every task with a head, by task name. */
  readonly heads: ReadonlyMap<string, HeadExampleSet>
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
  if (!port.decide || !port.embed || settings.heads.size === 0) return port
  const decide = port.decide.bind(port)
  const embed = port.embed.bind(port)
  const ready = new Map<string, Promise<Head>>()
  return {
    ...port,
    decide: async (call, limits) => {
      const examples = examplesFor(call, settings)
      if (!examples) return await decide(call, limits)
      const embedded = await embed(settings.excerpt(call.input, lengthOf(examples)), limits)
      const head = await abortable(headFor(embedded, examples), limits.signal)
      return decided(head, embedded)
    },
    close: () => port.close(),
  }

  function headFor(embedded: EmbedResult, examples: HeadExampleSet): Promise<Head> {
    const key = headKey(embedded, examples, excerpts(examples, settings))
    const known = ready.get(key)
    if (known) return known
    const fitting = obtainHead({ port, embed, settings, examples, key })
    ready.set(key, fitting)
    // The next decision tries again: what failed may have been the engine, which comes back.
    fitting.catch(() => ready.delete(key))
    return fitting
  }
}

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

function excerpts(examples: HeadExampleSet, { excerpt }: HeadSettings): readonly string[] {
  return examples.rows.map(({ text }) => excerpt(text, lengthOf(examples)))
}

interface Fitting {
  readonly port: ModelPort
  readonly embed: NonNullable<ModelPort['embed']>
  readonly settings: HeadSettings
  readonly examples: HeadExampleSet
  readonly key: string
}

async function obtainHead({ port, embed, settings, examples, key }: Fitting): Promise<Head> {
  const known = await readHead<Head>(settings.folder, key)
  if (known) return known
  const vectors: (readonly number[])[] = []
  for (const text of excerpts(examples, settings)) vectors.push((await embed(text, exampleLimits())).vector)
  try {
    const head = fitHead({ vectors, labels: examples.rows.map(({ label }) => label), options: examples.options })
    await writeHead(settings.folder, key, head)
    return head
  } catch (error) {
    const problem = `its head could not be fitted (${error instanceof Error ? error.message : 'no message'})`
    throw new RouterError('model_failed', { model: port.name, problem, fix: 'Check the examples of the task.' }, error)
  }
}

/** For one example: a text of 768 tokens takes a second or two on a slow core, a load of a large model a minute. */
const EXAMPLE_MS = 120_000

function exampleLimits(): CallLimits {
  const deadlines = { connectMs: EXAMPLE_MS, firstByteMs: EXAMPLE_MS, idleMs: EXAMPLE_MS, totalMs: EXAMPLE_MS }
  return { signal: new AbortController().signal, deadlines }
}

function decided(head: Head, { vector, usage, identity }: EmbedResult): DecideResult {
  const options: readonly OptionProbability[] = predictHead(head, vector).map(({ value, probability }) => ({
    value,
    probability,
    // The logarithm of 0 would not survive JSON.
    logprob: Math.log(Math.max(probability, Number.MIN_VALUE)),
  }))
  return { options, signals: decisionSignals(options), usage, identity }
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
