/** `openai` and `anthropic` of PyPI, each in a process of its own that is told what to do line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { type Call, type Client, type FailureSeen, jsFailure, type Seen, type Step } from './client.ts'
import type { PythonEnvironment } from './python-environment.ts'
import { pythonPackage } from './versions.ts'

/** What a Python client threw. */
class PythonFailure extends Error {
  readonly failure: FailureSeen

  constructor(failure: FailureSeen) {
    super(failure.message)
    this.failure = failure
  }
}

const CHAT: readonly Step[] = ['chat', 'stream', 'tools', 'streamedTools', 'structured', 'abort', 'models']
const KINDS = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  404: 'NotFoundError',
  429: 'RateLimitError',
} as const

export function pythonClients(environment: PythonEnvironment): readonly Client[] {
  return [
    {
      ...running('openai_client.py', environment, [
        ...CHAT,
        'embed',
        'responses',
        'responsesStream',
        'responsesTools',
        'responsesStructured',
      ]),
      name: 'openai-pypi',
      package: pythonPackage('openai'),
      door: 'openai',
      kinds: { ...KINDS, 503: 'InternalServerError', timeout: 'APITimeoutError' },
    },
    {
      ...running('anthropic_client.py', environment, [...CHAT, 'countTokens']),
      name: 'anthropic-pypi',
      package: pythonPackage('anthropic'),
      door: 'anthropic',
      kinds: { ...KINDS, 503: 'ServiceUnavailableError', timeout: 'APITimeoutError' },
    },
  ]
}

type Running = Pick<Client, 'steps' | 'failureOf' | 'absent' | 'obeysShouldRetry' | 'close'>

function running(file: string, { python, absent }: PythonEnvironment, steps: readonly Step[]): Running {
  let program: Program | null = null
  const tell = (step: Step) => (call: Call) => {
    program ??= startProgram(python ?? '', resolve(import.meta.dirname, 'python', file))
    return program.tell(step, call)
  }
  return {
    steps: Object.fromEntries(steps.map((step) => [step, tell(step)])),
    failureOf: (error) => (error instanceof PythonFailure ? error.failure : jsFailure(error)),
    absent,
    obeysShouldRetry: true,
    close: async () => await program?.close(),
  }
}

interface Program {
  tell(step: Step, call: Call): Promise<Seen>
  close(): Promise<void>
}

function startProgram(python: string, file: string): Program {
  // Its own settings of the environment, keys and proxies are not what is tried here.
  const env = { PATH: process.env.PATH, NO_PROXY: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' }
  const child = spawn(python, [file], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'close')
  return {
    async tell(step, call) {
      child.stdin.write(`${JSON.stringify({ step, call })}\n`)
      const said = JSON.parse(await nextLine(lines, child)) as {
        readonly seen?: Seen
        readonly failure?: FailureSeen
      }
      if (said.failure) throw new PythonFailure(said.failure)
      return said.seen ?? {}
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

function nextLine(lines: Interface, child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    const gone = (): void => fail(new Error(`the Python client ended with ${child.exitCode ?? child.signalCode}`))
    lines.once('line', (line) => {
      lines.off('close', gone)
      done(line)
    })
    lines.once('close', gone)
  })
}
