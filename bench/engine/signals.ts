import type { GenerateNext, LlamaSequence, Token } from '../../src/models/embedded/llama-types.ts'
import { TOP_TOKENS } from '../../src/models/embedded/signals.ts'
import { runInProcess, type Spread, spread } from './support.ts'

const TOKENS = 64
/** As many tokens as the host reads at level 2 at the start of an answer. */
const LEVEL_2_TOKENS = 12
const PROMPT = 'Once upon a time there was a river that ran through a quiet valley, and every morning'

export interface SignalCost {
  readonly tokensPerSecondOff: Spread
  /** Tokens a second with level 1 on every token, divided by those with no signals. */
  readonly level1OverOff: Spread
  /** The same with level 2 on the first 12 of 64 tokens, as the host reads a text. */
  readonly level2OverOff: Spread
}

/** What reading the distribution costs: a 64-token greedy answer, the three ways taking turns in one process. */
export async function signalCost(rounds: number): Promise<SignalCost> {
  const measured: { off: number; level1: number; level2: number }[] = []
  await runInProcess({ contextTokens: 512 }, async (running) => {
    const prompt = running.model.tokenize(PROMPT)
    const signal = new AbortController().signal
    await running.pool.use(prompt, signal, async (sequence) => {
      await tokensPerSecond(sequence, prompt, 'off')
      for (let round = 0; round < rounds; round++) {
        const off = await tokensPerSecond(sequence, prompt, 'off')
        const level1 = await tokensPerSecond(sequence, prompt, 'level1')
        const level2 = await tokensPerSecond(sequence, prompt, 'level2')
        measured.push({ off, level1, level2 })
      }
    })
  })
  return {
    tokensPerSecondOff: spread(measured.map(({ off }) => off)),
    level1OverOff: spread(measured.map(({ off, level1 }) => level1 / off)),
    level2OverOff: spread(measured.map(({ off, level2 }) => level2 / off)),
  }
}

type Mode = 'off' | 'level1' | 'level2'

function reading(mode: Mode, index: number): GenerateNext {
  const options = { temperature: 0 }
  if (mode === 'off') return { token: true, options } as unknown as GenerateNext
  const wide = mode === 'level2' && index < LEVEL_2_TOKENS
  const filter = { tokens: [], includeSelected: true as const, ...(wide && { includeTop: TOP_TOKENS }) }
  return { token: true, logits: { filter }, totalLogitWeight: true, options }
}

async function tokensPerSecond(sequence: LlamaSequence, prompt: readonly Token[], mode: Mode): Promise<number> {
  await sequence.clearHistory()
  await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1))
  let last = prompt.at(-1) ?? 0
  const started = performance.now()
  for (let index = 0; index < TOKENS; index++) {
    const [output] = await sequence.controlledEvaluate([[last, { generateNext: reading(mode, index) }]])
    last = output?.next.token ?? last
  }
  return TOKENS / ((performance.now() - started) / 1000)
}
