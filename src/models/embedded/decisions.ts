import type { OptionProbability } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { DecideCall } from '../../spec/ports.ts'
import { decisionSignals } from '../decision-signals.ts'
import { holdPrefix, readPrompt, requireFit, sharedPrefix, type Tail } from './generate.ts'
import type { GenerateNext, LlamaSequence, Token } from './llama-types.ts'
import { neutralInputs } from './neutral-inputs.ts'
import { type OptionTree, optionLogprobs, optionTree } from './option-tree.ts'
import type { DecideHostResult } from './protocol.ts'
import type { RunningModel } from './running-model.ts'
import { readToken } from './signals.ts'

/**
 * Answers a closed question by the probability the model gives each option as the continuation of a few-shot prompt,
 * divided by what it gives the option after neutral inputs (contextual calibration), normalised over the options.
 *
 * @throws RouterError request_invalid (fewer than two or equal options, prompt beyond the context); the signal's reason
 * @see Zhao et al. 2021, Calibrate Before Use; Fei et al. 2023, Mitigating Label Biases for In-context Learning
 */
export async function decideOption(
  running: RunningModel,
  call: DecideCall,
  signal: AbortSignal,
): Promise<DecideHostResult> {
  const options = treeOf(running, call.options)
  const prompt = promptTokens(running, call, call.input)
  const fixed = sharedPrefix(prompt, promptTokens(running, call, ''))
  requireFit(prompt.length + options.depth, running.spec.contextTokens, running.spec.name)
  const priors = await priorsOf(running, call, options, signal)
  const { logprobs, evaluated } = await scoreOptions(running, { prompt, fixed, options }, signal)
  const ranked = rank(call.options, logprobs, priors)
  return {
    options: ranked,
    signals: decisionSignals(ranked),
    usage: { inputTokens: prompt.length, outputTokens: evaluated, source: 'reported' },
    quantisation: running.header.quantisation,
  }
}

/** Instruction, worked examples, then the input; the options follow a space, as they do in running text. */
function promptTokens(running: RunningModel, call: DecideCall, input: string): Token[] {
  const head = call.instruction.trim() === '' ? '' : `${call.instruction.trim()}\n\n`
  const shots = call.shots.map((shot) => `${item(shot.input)} ${shot.output}\n\n`).join('')
  const tokens = running.model.tokenize(`${head}${shots}${item(input)}`)
  const { bos, shouldPrependBosToken } = running.model.tokens
  return shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens
}

function item(input: string): string {
  return `Input: ${input.trim()}\nLabel:`
}

function treeOf(running: RunningModel, options: readonly string[]): OptionTree {
  if (options.length < 2 || new Set(options).size !== options.length) {
    throw new RouterError('request_invalid', {
      path: 'options',
      problem: 'a decision needs at least two different options',
      fix: 'Give the task labels that differ.',
    })
  }
  // The line break ends an option that is the beginning of another one (`test`, `test suite`).
  return optionTree(options.map((option) => running.model.tokenize(` ${option}\n`)))
}

interface Scored {
  /** Per option, nats, <= 0; null when the engine gave no number. */
  readonly logprobs: readonly (number | null)[]
  /** Tokens evaluated after the prompt. */
  readonly evaluated: number
}

interface Scoring {
  readonly prompt: readonly Token[]
  /** The beginning of the prompt that all inputs of the task share. */
  readonly fixed: readonly Token[]
  readonly options: OptionTree
}

async function scoreOptions(
  running: RunningModel,
  { prompt, fixed, options }: Scoring,
  signal: AbortSignal,
): Promise<Scored> {
  return await running.pool.use(prompt, signal, async (sequence) => {
    await holdPrefix(running, sequence, { prefix: fixed, signal })
    const readings: ReadonlyMap<Token, number | null>[] = []
    let evaluated = 1
    for (const branch of options.branches) {
      const path = [...prompt, ...branch.path]
      const tail = await readPrompt(sequence, path, signal)
      readings.push(await readBranch(sequence, tail, branch.next))
      evaluated += branch.path.length
    }
    return { logprobs: optionLogprobs(options, readings), evaluated }
  })
}

async function readBranch(
  sequence: LlamaSequence,
  tail: Tail,
  wanted: readonly Token[],
): Promise<ReadonlyMap<Token, number | null>> {
  const generateNext: GenerateNext = {
    token: true,
    logits: { filter: { tokens: wanted, includeSelected: true } },
    totalLogitWeight: true,
    options: { temperature: 0 },
  }
  const outputs = await sequence.controlledEvaluate([...tail.before, [tail.last, { generateNext }]])
  const next = outputs[tail.before.length]?.next
  const largest = next?.token === undefined || next.token === null ? undefined : next.logits?.get(next.token)
  return new Map(
    wanted.map((token) => [token, readToken(next?.logits?.get(token), largest, next?.totalLogitWeight).logprob]),
  )
}

/** Kept per prompt and options: the neutral inputs cost as much as a few decisions. */
async function priorsOf(
  running: RunningModel,
  call: DecideCall,
  options: OptionTree,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const key = JSON.stringify([call.instruction, call.shots, call.options])
  const known = running.priors.get(key)
  if (known !== undefined) return known
  const rows: (readonly number[])[] = []
  for (const input of neutralInputs(call.shots)) {
    const prompt = promptTokens(running, call, input)
    requireFit(prompt.length + options.depth, running.spec.contextTokens, running.spec.name)
    const fixed = sharedPrefix(prompt, promptTokens(running, call, ''))
    const { logprobs } = await scoreOptions(running, { prompt, fixed, options }, signal)
    rows.push(softmax(requireReadings(logprobs, running.spec.name)))
  }
  const priors = call.options.map((_, index) => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0) / rows.length)
  if (running.priors.size >= MAX_PRIORS) running.priors.clear()
  running.priors.set(key, priors)
  return priors
}

/** Prompts that are remembered per model; each is a few hundred bytes. */
const MAX_PRIORS = 1000

function rank(
  options: readonly string[],
  readings: readonly (number | null)[],
  priors: readonly number[],
): readonly OptionProbability[] {
  const logprobs = requireReadings(readings, 'embedded')
  const calibrated = softmax(
    logprobs.map((logprob, index) => logprob - Math.log(Math.max(priors[index] ?? 0, MIN_PRIOR))),
  )
  return options
    .map((value, index) => ({ value, probability: calibrated[index] ?? 0, logprob: logprobs[index] ?? 0 }))
    .toSorted((a, b) => b.probability - a.probability)
}

/** An option the model never gives after neutral inputs must not win by a division by nearly zero. */
const MIN_PRIOR = 1e-4

function requireReadings(logprobs: readonly (number | null)[], model: string): readonly number[] {
  const known = logprobs.filter((logprob) => logprob !== null)
  if (known.length === logprobs.length) return known
  const problem = 'it gave no probability for an option'
  throw new RouterError('model_failed', { model, problem, fix: 'Retry; if it stays, fetch the model again.' })
}

function softmax(logprobs: readonly number[]): readonly number[] {
  const largest = Math.max(...logprobs)
  const weights = logprobs.map((logprob) => Math.exp(logprob - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
