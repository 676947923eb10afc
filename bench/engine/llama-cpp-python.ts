import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { benchSpec, runInProcess, type Spread, spread, temporaryPaths } from './support.ts'

const TOKENS = 64
const PROMPT = 'Once upon a time there was a river that ran through a quiet valley, and every morning'

/** Writes 64 greedy tokens after the prompt, once to warm up and then `rounds` times, and prints tokens a second. */
const PROGRAM = `
import sys, time, json
from llama_cpp import Llama
model = Llama(model_path=sys.argv[1], n_ctx=512, n_threads=1, n_threads_batch=1, n_batch=512, seed=0, verbose=False)
prompt = model.tokenize(sys.argv[2].encode(), add_bos=False)
for line in sys.stdin:
    model.reset()
    model.eval(prompt[:-1])
    token = prompt[-1]
    started = time.perf_counter()
    for _ in range(${TOKENS}):
        model.eval([token])
        token = model.sample(temp=0.0)
    print(json.dumps(${TOKENS} / (time.perf_counter() - started)), flush=True)
`

export interface LlamaCppComparison {
  /** Our tokens a second with level-1 signals, divided by those of llama-cpp-python without any. */
  readonly ratio: Spread | null
  /** Why there is no ratio. */
  readonly reason: string | null
}

/** The same file, threads, batch and greedy decoding in llama-cpp-python; the two take turns. */
export async function llamaCppRatio(rounds: number): Promise<LlamaCppComparison> {
  const python = pythonWithLlamaCpp()
  if (python === null)
    return {
      ratio: null,
      reason: 'llama-cpp-python is not installed; name a Python that has it in SPILLWAY_BENCH_PYTHON',
    }
  const temporary = temporaryPaths()
  const { path } = await benchSpec(temporary)
  temporary.remove()
  const peer = new Peer(python, path)
  const ratios: number[] = []
  await runInProcess({ contextTokens: 512 }, async (running) => {
    const prompt = running.model.tokenize(PROMPT)
    await running.pool.use(prompt, new AbortController().signal, async (sequence) => {
      const ours = async (): Promise<number> => {
        await sequence.clearHistory()
        await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1))
        let last = prompt.at(-1) ?? 0
        const started = performance.now()
        for (let index = 0; index < TOKENS; index++) {
          const logits = { filter: { tokens: [], includeSelected: true as const } }
          const generateNext = { token: true, logits, totalLogitWeight: true, options: { temperature: 0 } } as const
          const [output] = await sequence.controlledEvaluate([[last, { generateNext }]])
          last = output?.next.token ?? last
        }
        return TOKENS / ((performance.now() - started) / 1000)
      }
      await ours()
      await peer.round()
      for (let round = 0; round < rounds; round++) ratios.push((await ours()) / (await peer.round()))
    })
  })
  peer.end()
  return { ratio: spread(ratios), reason: null }
}

/** The other engine in a process of its own; one line in, one figure out. */
class Peer {
  readonly #child: ChildProcess
  readonly #lines: Interface

  constructor(python: string, model: string) {
    this.#child = spawn(python, ['-c', PROGRAM, model, PROMPT], { stdio: ['pipe', 'pipe', 'ignore'] })
    if (this.#child.stdout === null) throw new Error('the other engine has no output')
    this.#lines = createInterface({ input: this.#child.stdout })
  }

  /** Tokens a second of one round. */
  async round(): Promise<number> {
    const line = new Promise<string>((resolve, reject) => {
      this.#lines.once('line', resolve)
      this.#child.once('exit', (code) => reject(new Error(`the other engine ended with ${code}`)))
    })
    this.#child.stdin?.write('go\n')
    return Number(await line)
  }

  end(): void {
    this.#child.stdin?.end()
  }
}

/** Null when neither the named Python nor the cached environment of the long tests has the package. */
function pythonWithLlamaCpp(): string | null {
  const cached = join(homedir(), '.cache', 'spillway-test', 'llama-cpp-python', 'bin', 'python')
  const candidates = [process.env.SPILLWAY_BENCH_PYTHON, cached, 'python3'].filter((name) => name !== undefined)
  return candidates.find(canImport) ?? null
}

function canImport(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import llama_cpp'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
