import { decideOption } from '../../src/models/embedded/decisions.ts'
import type { RunningModel } from '../../src/models/embedded/running-model.ts'
import type { DecideCall } from '../../src/spec/ports.ts'
import { runInProcess, type Spread, sentences, spread, withoutReuse } from './support.ts'

const NEVER = new AbortController().signal

const SHOTS = 4
const CALL = {
  instruction: 'Say what the text is about: people, objects, or time.',
  options: ['people', 'objects', 'time'],
}

export interface PrefixGain {
  /** Requests a second with prefix reuse, divided by those without. */
  readonly speedup: Spread
  readonly shotTokens: number
  readonly tailTokens: number
}

/** 4-shot classification with and without reuse of the fixed prompt, taking turns. */
export async function prefixGain(rounds: number): Promise<PrefixGain> {
  const ratios: number[] = []
  const tokens = { shots: 0, tail: 0 }
  await runInProcess({}, async (running) => {
    const call = (index: number): DecideCall => ({
      ...CALL,
      shots: Array.from({ length: SHOTS }, (_, shot) => ({
        input: sentences(shot, 6),
        output: CALL.options[shot % CALL.options.length] ?? '',
      })),
      input: sentences(100 + index, 4),
    })
    const bare = withoutReuse(running)
    const time = async (copy: RunningModel, from: number): Promise<number> => {
      const started = performance.now()
      for (let index = 0; index < 6; index++) await decideOption(copy, call(from + index), NEVER)
      return performance.now() - started
    }
    tokens.shots = call(0).shots.reduce((sum, { input }) => sum + running.model.tokenize(input).length, 0)
    tokens.tail = running.model.tokenize(call(0).input).length
    await time(running, 0)
    for (let round = 0; round < rounds; round++)
      ratios.push((await time(bare, 10 + round * 20)) / (await time(running, 20 + round * 20)))
  })
  return { speedup: spread(ratios), shotTokens: tokens.shots, tailTokens: tokens.tail }
}

export interface DecisionCost {
  /** Time of a decision, divided by the time to read the same tokens; per distinct input. */
  readonly overReading: Spread
  readonly decisionMs: Spread
  readonly inputTokens: Spread
}

/** A decision on 200 tokens against reading the same tokens, on inputs that share nothing, no reuse. */
export async function decisionCost(inputs: number): Promise<DecisionCost> {
  const rows: { ratio: number; ms: number; tokens: number }[] = []
  await runInProcess({}, async (running) => {
    const bare = withoutReuse(running)
    const call = (index: number): DecideCall => ({ ...CALL, shots: [], input: sentences(index, 20) })
    await decideOption(bare, call(1000), NEVER)
    for (let index = 0; index < inputs; index++) {
      const started = performance.now()
      const { usage } = await decideOption(bare, call(index), NEVER)
      const ms = performance.now() - started
      // As many tokens, of a text of the same kind.
      const tokens = running.model.tokenize(sentences(500 + index, 40)).slice(0, usage.inputTokens)
      rows.push({ ratio: ms / (await readingMs(bare, tokens)), ms, tokens: usage.inputTokens })
    }
  })
  return {
    overReading: spread(rows.map(({ ratio }) => ratio)),
    decisionMs: spread(rows.map(({ ms }) => ms)),
    inputTokens: spread(rows.map(({ tokens }) => tokens)),
  }
}

function readingMs(running: RunningModel, tokens: readonly number[]): Promise<number> {
  return running.pool.use(tokens, NEVER, async (sequence) => {
    const started = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens)
    return performance.now() - started
  })
}
