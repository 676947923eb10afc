/** What the month is played in: a simulated frontier, a router over the real local model, a calendar, and the command line beside it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CliContext } from '../../src/cli/context.ts'
import { POLICY_FILE } from '../../src/cli/policy-lookup.ts'
import { buildProgram } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { createRouter } from '../../src/compose.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { systemClock } from '../../src/pipeline/clock.ts'
import { toRouterError } from '../../src/spec/errors.ts'
import type { Clock } from '../../src/spec/ports.ts'
import type { Outcome } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { json, startScriptedCloud } from '../../test/support/scripted-cloud.ts'
import type { StreamRow } from '../learning/vectors.ts'
import { serveWords } from './in-words.ts'

/** The simulated frontier is right so often, and takes so long. */
export const FRONTIER_ACCURACY = 0.98
const FRONTIER_MS = 20
/** In the calendar, between two requests: 2,200 of them are a month. */
const STEP_MS = 20 * 60_000
const DAY_MS = 86_400_000
const POLL_MS = 5
const START_MS = Date.parse('2026-01-01T00:00:00.000Z')
/** Shadows wait for the model; more of them than this at once would only be dropped in the end. */
const MOST_WAITING = 8

export interface World extends AsyncDisposable {
  readonly router: Router
  /** Days of the calendar that have passed. */
  day(): number
  /** Requests that reached the simulated frontier. */
  cloudCalls(): number
  /** A request of the task, and how long its caller waited, in milliseconds. */
  ask(row: StreamRow, task: string): Promise<{ readonly outcome: Outcome; readonly waitedMs: number }>
  /** Resolves once no shadow and no candidate runs or waits. */
  idle(): Promise<void>
  /** A command line of `spillway`, dated by the calendar. */
  command(...argv: readonly string[]): Promise<Ended>
}

export interface Ended {
  readonly exitCode: number
  /** What `--json` printed; null where the command failed. */
  readonly value: unknown
  /** Of the failure; empty without one. */
  readonly problem: string
}

/** What the policy of the month names. */
export interface Places {
  /** File of the head's examples. */
  readonly examples: string
  readonly frontierUrl: string
  /** Of the local server that is asked in words; its key is in WORDS_KEY. */
  readonly wordsUrl: string
}

export interface WorldSettings {
  /** Rows that may be asked about: the frontier knows their answers. */
  readonly rows: readonly StreamRow[]
  /** Rows that the head is trained on. */
  readonly examples: readonly StreamRow[]
  readonly policy: (places: Places) => object
}

export async function openWorld({ rows, examples, policy }: WorldSettings): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-month-'))
  const cloud = await startScriptedCloud()
  cloud.otherwise(({ body }) => ({
    ...json(completion(answerTo(JSON.stringify(body), rows))),
    held: systemClock.sleep(FRONTIER_MS, NEVER),
  }))
  const [examplesFile, config] = [join(folder, 'examples.jsonl'), join(folder, 'spillway')]
  writeFileSync(examplesFile, examples.map(({ text, label }) => JSON.stringify({ text, label })).join('\n'))
  mkdirSync(config)
  const policyFile = join(config, POLICY_FILE)
  const own = { ...process.env, XDG_STATE_HOME: join(folder, 'state'), XDG_CONFIG_HOME: folder, MONTH_KEY: 'k' }
  const words = await serveWords(own, join(folder, 'words'))
  const env = { ...own, WORDS_KEY: words.key }
  // JSON is YAML.
  writeFileSync(
    policyFile,
    JSON.stringify(policy({ examples: examplesFile, frontierUrl: cloud.openAiBaseUrl, wordsUrl: words.baseUrl })),
  )
  let nowMs = START_MS
  const clock: Clock = { ...systemClock, epochMs: () => nowMs }
  const router = createRouter({ policy: policyFile, env, paths: resolvePaths(env, process.platform), clock })
  /** Shadows and candidates share the local model. */
  const beside = (which: 'running' | 'waiting'): number => {
    const { shadows, candidates } = router.status()
    return shadows[which] + candidates[which]
  }
  const command: World['command'] = (...argv) => run([...argv, '--json'], { env, clock })
  return {
    router,
    command,
    day: () => Math.round((nowMs - START_MS) / DAY_MS),
    cloudCalls: () => cloud.requests.length,
    async ask(row, task) {
      while (beside('waiting') > MOST_WAITING) await systemClock.sleep(POLL_MS, NEVER)
      nowMs += STEP_MS
      const started = performance.now()
      const outcome = await router.complete({ messages: [{ role: 'user', content: row.text }], metadata: { task } })
      return { outcome, waitedMs: performance.now() - started }
    },
    async idle() {
      while (beside('running') + beside('waiting') > 0) await systemClock.sleep(POLL_MS, NEVER)
    },
    async [Symbol.asyncDispose]() {
      await router.close()
      await words[Symbol.asyncDispose]()
      await command('engine', 'stop')
      await cloud.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The command of the package itself, in this process. */
async function run(argv: readonly string[], { env, clock }: Pick<CliContext, 'env' | 'clock'>): Promise<Ended> {
  let value: unknown = null
  const terminal: Terminal = {
    print: () => undefined,
    write: () => undefined,
    json: (told) => {
      value = told
    },
    say: () => undefined,
    paint: (_style, text) => text,
    columns: 160,
  }
  try {
    const program = await buildProgram({ terminal, env, clock, signal: NEVER }, argv)
    await program.parseAsync([...argv], { from: 'user' })
    return { exitCode: 0, value, problem: '' }
  } catch (error) {
    const failure = toRouterError(error)
    return { exitCode: failure.row.exitCode, value: null, problem: failure.message }
  }
}

const NEVER = new AbortController().signal

function completion(content: string): object {
  const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }
  const usage = { prompt_tokens: 60, completion_tokens: 3, total_tokens: 63 }
  return {
    id: 'chatcmpl-simulated',
    object: 'chat.completion',
    created: 0,
    model: 'simulated',
    choices: [choice],
    usage,
  }
}

/** The text of the row stands in the body; about another one it makes a guess. */
function answerTo(body: string, rows: readonly StreamRow[]): string {
  const row = rows.find(({ text }) => body.includes(JSON.stringify(text).slice(1, -1)))
  if (!row) return rows[0]?.options[0] ?? ''
  const random = randomFrom(Number.parseInt(row.id.replace(/\D/g, ''), 10))
  if (random() < FRONTIER_ACCURACY) return row.label
  const others = row.options.filter((option) => option !== row.label)
  return others[Math.floor(random() * others.length)] ?? row.label
}
