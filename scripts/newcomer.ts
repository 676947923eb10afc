/**
 * `npm run test:newcomer -- [--json] [--only nothing,localServer,noHub,agent]`: what a newcomer types, executed from the
 * packed package in a clean home: with nothing, beside a model server, without a model hub, with an agent. Hub, server and
 * agent are simulated on loopback; engine and model are the real ones. Exit code 1 unless all pass.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { CATALOG } from '../src/models/catalog.ts'
import { obtainModel } from '../src/models/fetch/obtain.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { AGENT, SERVER_ANSWER, startDeadHub, startModelServer } from '../test/support/newcomer-servers.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** What a person sees of one transcript. */
interface Transcript {
  /** To the first answer of the kind that the transcript is about, without downloads. */
  readonly seconds: number
  /** Commands that were typed until then. */
  readonly steps: number
  readonly pass: boolean
  /** Of engine and model; 0 where none was needed. */
  readonly downloadSeconds: number
  /** Why it did not pass; absent when it did. */
  readonly reason?: string
  readonly commands: readonly Typed[]
}

interface Typed {
  readonly command: string
  readonly seconds: number
  readonly exitCode: number | null
}

/** From the issue: with a running server, with nothing (beside the download), after a failure. */
const TARGETS = { serverSeconds: 10, nothingSeconds: 60, commandsAfterFailure: 1 }

class Failed extends Error {}

/** A home that nothing was ever done in, and a shell that remembers what was typed. */
class Newcomer {
  readonly home: string
  readonly typed: Typed[] = []
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  constructor(root: string, program: string, env: NodeJS.ProcessEnv = {}) {
    this.home = mkdtempSync(join(root, 'home-'))
    this.#program = program
    this.#env = { ...network(), PATH: process.env.PATH, NO_COLOR: '1', HOME: this.home, ...env }
  }

  /** One command to its end. */
  async type(...words: readonly string[]): Promise<{
    readonly stdout: string
    readonly stderr: string
    readonly exitCode: number | null
    readonly seconds: number
  }> {
    const startedMs = performance.now()
    const child = this.#start(words)
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    const [exitCode] = (await once(child, 'close')) as [number | null]
    const seconds = (performance.now() - startedMs) / 1000
    this.typed.push({ command: `spillway ${words.join(' ')}`.trim(), seconds: rounded(seconds), exitCode })
    return { ...output, exitCode, seconds }
  }

  /** `spillway` alone, until it says what is next. */
  async serve(
    ...words: readonly string[]
  ): Promise<{ readonly lines: readonly string[]; readonly seconds: number; stop(): Promise<number | null> }> {
    const startedMs = performance.now()
    const child = this.#start(words)
    const closed = once(child, 'close')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line.includes('Ctrl-C stops')) break
    }
    const seconds = (performance.now() - startedMs) / 1000
    this.typed.push({ command: `spillway ${words.join(' ')}`.trim(), seconds: rounded(seconds), exitCode: null })
    const stop = async (): Promise<number | null> => {
      child.kill('SIGINT')
      return ((await closed) as [number | null])[0]
    }
    return { lines, seconds, stop }
  }

  /** Ends the engine host that a command may have started; nobody types that. */
  async leave(): Promise<void> {
    const child = this.#start(['engine', 'stop'])
    child.stdout.resume()
    child.stderr.resume()
    await once(child, 'close')
  }

  #start(words: readonly string[]) {
    return spawn(process.execPath, [this.#program, ...words], {
      cwd: this.home,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}

/** How packages are reached is the machine's business, not the newcomer's. */
function network(): NodeJS.ProcessEnv {
  const passed = /^(npm_config_.*|pip_.*|https?_proxy|no_proxy|ssl_cert_.*|node_extra_ca_certs|systemroot|temp|tmp)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => passed.test(name)))
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Failed(otherwise)
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100
}

interface Place {
  readonly root: string
  readonly program: string
}

interface Told {
  readonly seconds: number
  readonly downloadSeconds?: number
}

type Story = (newcomer: Newcomer) => Promise<Told>

async function told(newcomer: Newcomer, story: Story): Promise<Transcript> {
  try {
    const { seconds, downloadSeconds = 0 } = await story(newcomer)
    const figures = {
      seconds: rounded(seconds),
      steps: newcomer.typed.length,
      downloadSeconds: rounded(downloadSeconds),
    }
    return { ...figures, pass: true, commands: newcomer.typed }
  } catch (error) {
    const seconds = newcomer.typed.reduce((sum, typed) => sum + typed.seconds, 0)
    const reason = error instanceof Error ? error.message : String(error)
    const figures = { seconds: rounded(seconds), steps: newcomer.typed.length, downloadSeconds: 0 }
    return { ...figures, pass: false, reason, commands: newcomer.typed }
  } finally {
    await newcomer.leave()
  }
}

const LOG = ' FAIL  src/sum.test.ts > adds: AssertionError: expected 3 to be 4. Tests 1 failed'

/** Nothing installed: exact answers at once, then engine and model by one command, then a local decision. */
const nothing = ({ root, program }: Place): Promise<Transcript> =>
  told(new Newcomer(root, program), async (newcomer) => {
    const started = await newcomer.serve('--port', '0')
    check(
      started.lines.some((line) => line.includes('init --install')),
      'it does not say how to get a local model',
    )
    const sum = await newcomer.type('ask', 'What is 12.5% of 480?')
    check(sum.stdout === '60\n', `the solver gave ${sum.stdout}${sum.stderr}`)
    check((await started.stop()) === 0, 'it did not stop clean')
    const fetched = await newcomer.type('init', '--yes', '--template', 'log-triage')
    check(fetched.exitCode === 0, `init failed: ${fetched.stderr}`)
    const label = await newcomer.type('ask', '--json', '--task', 'classify_log', LOG)
    check(label.exitCode === 0, `the label failed: ${label.stderr}`)
    const { attempts } = JSON.parse(label.stdout) as {
      readonly attempts: readonly { readonly actor: string; readonly outcome: string }[]
    }
    check(
      attempts.some(({ actor, outcome }) => actor === 'local' && outcome === 'answered'),
      'no local model answered',
    )
    // The same command with everything there takes what is not the download.
    const own = await newcomer.type('init', '--yes', '--template', 'log-triage', '--force')
    check(own.exitCode === 0, `init failed the second time: ${own.stderr}`)
    newcomer.typed.pop()
    const seconds = started.seconds + sum.seconds + own.seconds + label.seconds
    check(seconds <= TARGETS.nothingSeconds, `${rounded(seconds)} s are more than ${TARGETS.nothingSeconds}`)
    return { seconds, downloadSeconds: Math.max(0, fetched.seconds - own.seconds) }
  })

/** A model server runs: one command to the first answer, kept by a gate. */
async function localServer({ root, program }: Place): Promise<Transcript> {
  const server = await startModelServer()
  try {
    return await told(new Newcomer(root, program, { OLLAMA_HOST: new URL(server.url).host }), async (newcomer) => {
      const asked = await newcomer.type('ask', '--json', 'Say hello.')
      check(asked.exitCode === 0, `ask failed: ${asked.stderr}`)
      const { answer, decision } = JSON.parse(asked.stdout) as {
        readonly answer: string
        readonly decision: { readonly reason: string }
      }
      check(answer === SERVER_ANSWER, `the answer was ${answer}`)
      check(decision.reason === 'local_accepted', `it was kept for ${decision.reason}`)
      check(
        asked.seconds <= TARGETS.serverSeconds,
        `${rounded(asked.seconds)} s are more than ${TARGETS.serverSeconds}`,
      )
      return { seconds: asked.seconds }
    })
  } finally {
    await server.close()
  }
}

/** No hub and no package index: the failure names the way on, and one command takes it. */
async function noHub(place: Place): Promise<Transcript> {
  const hub = await startDeadHub()
  const cutOff = {
    HF_ENDPOINT: hub.url,
    PIP_INDEX_URL: `${hub.url}/simple`,
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: '',
    PIP_RETRIES: '0',
  }
  try {
    const newcomer = new Newcomer(place.root, place.program, cutOff)
    // Somebody has carried the file here on a stick.
    copyFileSync(await modelFile(), join(newcomer.home, 'model.gguf'))
    return await told(newcomer, async () => {
      const failed = await newcomer.type('init', '--yes')
      check(failed.exitCode === 3, `init without a hub ended with ${failed.exitCode}`)
      check(!/\n\s+at .*:\d+:\d+/.test(failed.stderr), 'the failure is a stack trace')
      for (const way of [
        'models add --scan',
        'HF_ENDPOINT=',
        'models add ./FILE.gguf',
        'bundle install',
        'init --local http',
        'init --local none',
      ])
        check(failed.stderr.includes(way), `the failure does not name ${way}`)
      const before = newcomer.typed.length
      const added = await newcomer.type('models', 'add', './model.gguf')
      check(added.exitCode === 0, `the file was not taken: ${added.stderr}`)
      check(
        newcomer.typed.length - before <= TARGETS.commandsAfterFailure,
        'it takes more than one command after the failure',
      )
      const asked = await newcomer.type('ask', '--json', '--labels', 'fruit,vehicle', 'A ripe banana')
      check(asked.exitCode === 0, `ask failed: ${asked.stderr}`)
      const { attempts } = JSON.parse(asked.stdout) as { readonly attempts: readonly { readonly outcome: string }[] }
      check(
        attempts.some(({ outcome }) => outcome === 'answered'),
        'no local model answered',
      )
      return { seconds: added.seconds + asked.seconds, downloadSeconds: failed.seconds }
    })
  } finally {
    await hub.close()
  }
}

/** An agent that one already has, pointed here for one run: no file of it is changed. */
async function agent({ root, program }: Place): Promise<Transcript> {
  const server = await startModelServer()
  try {
    const newcomer = new Newcomer(root, program, { OLLAMA_HOST: new URL(server.url).host })
    writeFileSync(join(newcomer.home, 'agent.mjs'), AGENT)
    return await told(newcomer, async () => {
      const started = await newcomer.serve('--port', '0')
      try {
        const launched = await newcomer.type('launch', 'node', 'agent.mjs')
        check(
          !launched.stderr.includes("unknown command 'launch'") && !/Unknown command 'launch'/.test(launched.stderr),
          'spillway launch is not there',
        )
        check(launched.exitCode === 0, `the agent failed: ${launched.stderr}`)
        check(launched.stdout.includes(SERVER_ANSWER), `the agent got ${launched.stdout}`)
        const seconds = started.seconds + launched.seconds
        check(seconds <= TARGETS.serverSeconds, `${rounded(seconds)} s are more than ${TARGETS.serverSeconds}`)
        return { seconds }
      } finally {
        await started.stop()
      }
    })
  } finally {
    await server.close()
  }
}

/** The real model, as `models pull` gets it. */
async function modelFile(): Promise<string> {
  const [entry] = CATALOG
  check(entry !== undefined, 'the catalogue is empty')
  const paths = resolvePaths(process.env, process.platform)
  const signal = AbortSignal.timeout(10 * 60_000)
  return (await obtainModel({ name: entry?.name ?? '', env: process.env, paths, signal })).path
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn('npm', [...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32',
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}: ${said}`)
}

/** Packs what was built and installs it as a user does. */
async function installed(root: string): Promise<string> {
  await npm(['pack', '--ignore-scripts', '--pack-destination', root], ROOT)
  const tarball = readdirSync(root).find((name) => name.endsWith('.tgz')) ?? ''
  const app = join(root, 'app')
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }\n')
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', join(root, tarball)], app)
  return join(app, 'node_modules', 'spillway', 'dist', 'cli', 'main.js')
}

const STORIES = { nothing, localServer, noHub, agent } as const

const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' } } })
const wanted = values.only?.split(',') ?? Object.keys(STORIES)
const unknown = wanted.find((name) => !(name in STORIES))
if (unknown !== undefined) throw new Error(`There is no transcript ${unknown}: ${Object.keys(STORIES).join(', ')}.`)
const root = mkdtempSync(join(tmpdir(), 'spillway-newcomer-'))
try {
  const program = await installed(root)
  // What the agent is started with is the Node that runs this.
  process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH}`
  const report: Record<string, Transcript> = {}
  for (const [name, story] of Object.entries(STORIES)) {
    if (wanted.includes(name)) report[name] = await story({ root, program })
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else for (const [name, transcript] of Object.entries(report)) process.stdout.write(lines(name, transcript))
  process.exitCode = Object.values(report).every(({ pass }) => pass) ? 0 : 1
} finally {
  rmSync(root, { recursive: true, force: true })
}

function lines(name: string, { seconds, steps, pass, downloadSeconds, reason, commands }: Transcript): string {
  const download = downloadSeconds > 0 ? ` + ${downloadSeconds} s of downloads` : ''
  const head = `${pass ? 'passed' : 'FAILED'} ${name}: ${steps} commands, ${seconds} s${download}${reason ? `: ${reason}` : ''}`
  return `${[head, ...commands.map((typed) => `    ${typed.command}   ${typed.seconds} s`)].join('\n')}\n`
}
