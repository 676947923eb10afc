/**
 * `node bench/engine.ts`: what reading the distribution costs, as JSON. A 64-token greedy answer is written with no
 * signals, with level 1 on every token, and as the engine host does it (level 2 on the first 16 tokens); the three take
 * turns in one process, so the ratios hold when the machine's speed drifts.
 */
import { engineDirectory, engineModuleUrl } from '../src/models/embedded/install.ts'
import type { GenerateNext, LlamaLibrary, LlamaSequence, Token } from '../src/models/embedded/llama-types.ts'
import { TOP_TOKENS } from '../src/models/embedded/signals.ts'
import { locateModel } from '../src/models/fetch/locate.ts'
import { resolvePaths } from '../src/models/paths.ts'

const ROUNDS = 7
const TOKENS = 64
const LEVEL_2_TOKENS = 16

type Mode = 'off' | 'level1' | 'mixed'

function reading(mode: Mode, index: number): GenerateNext {
  const options = { temperature: 0 }
  if (mode === 'off') return { token: true, options } as unknown as GenerateNext
  const wide = mode === 'mixed' && index < LEVEL_2_TOKENS
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

function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => Number((sorted[index] ?? 0).toFixed(3))
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) }
}

const paths = resolvePaths(process.env, process.platform)
const library = (await import(engineModuleUrl(engineDirectory(paths)))) as LlamaLibrary
const quiet = {
  gpu: false,
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  logLevel: 'error',
  maxThreads: 0,
} as const
const llama = await library.getLlama(quiet)
const { path } = locateModel({ name: 'smollm2-135m-instruct', path: null, env: process.env, paths })
const model = await llama.loadModel({ modelPath: path, gpuLayers: 0, ignoreMemorySafetyChecks: true })
const settings = {
  contextSize: 512,
  sequences: 1,
  threads: 1,
  ignoreMemorySafetyChecks: true,
  failedCreationRemedy: false,
} as const
const context = await model.createContext(settings)
const sequence = context.getSequence()
const prompt = model.tokenize('Once upon a time there was a river that ran through a quiet valley, and every morning')

await tokensPerSecond(sequence, prompt, 'off')
const rounds: Record<Mode, number>[] = []
for (let round = 0; round < ROUNDS; round++) {
  const off = await tokensPerSecond(sequence, prompt, 'off')
  const level1 = await tokensPerSecond(sequence, prompt, 'level1')
  const mixed = await tokensPerSecond(sequence, prompt, 'mixed')
  rounds.push({ off, level1, mixed })
}
await context.dispose()
await model.dispose()
await llama.dispose()
const report = {
  rounds: ROUNDS,
  tokens: TOKENS,
  tokensPerSecondOff: spread(rounds.map((round) => round.off)),
  level1OverOff: spread(rounds.map((round) => round.level1 / round.off)),
  firstTokensLevel2OverOff: spread(rounds.map((round) => round.mixed / round.off)),
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
