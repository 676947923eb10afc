/** The commands as people and scripts use them, with the real engine and the real model. */
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const TOUR = resolve(import.meta.dirname, '../../templates/tour.yaml')
const LOGS = resolve(import.meta.dirname, '../../examples/logs')

let box: Sandbox

beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

async function json(args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await box.run(args)
  expect(stdout.trim().split('\n')).toHaveLength(1)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function firstLine(stream: Readable | null): Promise<string> {
  if (!stream) throw new Error('the process has no stdout')
  for await (const line of createInterface({ input: stream })) return line
  throw new Error('the process ended without a line')
}

interface Moment {
  readonly came: Promise<void>
  readonly come: () => void
}

/** Something that a test waits for and another callback makes happen. */
function moment(): Moment {
  let come = (): void => undefined
  const came = new Promise<void>((resolve) => {
    come = resolve
  })
  return { came, come: () => come() }
}

describe('ask', () => {
  it('prints exactly one object with the keys that scripts rely on', async () => {
    const answer = await json(['ask', '--json', 'What is 15% of 80?'])
    expect(answer).toMatchObject({
      answer: '12',
      decision: { route: 'solver', reason: 'solver_answered', model: null, tier: null, degraded: false, proven: false },
      verdicts: [],
      attempts: [],
      costUsd: 0,
      wouldEscalateTo: null,
      approvalRequired: false,
    })
    expect(Object.keys(answer)).toEqual(expect.arrayContaining(['requestId', 'usage', 'latencyMs']))
  })

  it('prints the answer alone on stdout and everything else on stderr', async () => {
    const { stdout, stderr, exitCode } = await box.run(['ask', '2 + 3 * 4'])
    expect({ stdout, exitCode }).toEqual({ stdout: '14\n', exitCode: 0 })
    expect(stderr).toContain('solver solver_answered')
  })

  it('reads the prompt from a pipe, from - and from a file', async () => {
    writeFileSync(join(box.folder, 'sum.txt'), '40 + 2')
    const answers = await Promise.all([
      box.run(['ask'], { input: '40 + 2' }),
      box.run(['ask', '-'], { input: '40 + 2' }),
      box.run(['ask', '--file', 'sum.txt']),
      box.run(['ask', '--prompt', '40 + 2']),
    ])
    expect(answers.map(({ stdout }) => stdout)).toEqual(['42\n', '42\n', '42\n', '42\n'])
  })

  it('holds a log of a refused login, whatever its label, and ends with the code for policy', async () => {
    const file = join(LOGS, 'npm-401.log')
    const { stdout, exitCode } = await box.run(['ask', '--json', '--task', 'classify_issue', '--file', file])
    expect(exitCode).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({
      answer: null,
      decision: { route: 'held', reason: 'hard_stop_access' },
      attempts: [],
    })
  })

  it('decides between labels that are given with the question', async () => {
    const labels = ['--task', 'classify_issue', '--labels', 'fruit,vehicle']
    const args = ['ask', '--json', '--quality-check', ...labels, '--policy', TOUR, 'A ripe banana']
    const answer = await json(args)
    expect(['fruit', 'vehicle']).toContain(answer.value)
    expect(answer).toMatchObject({ signals: { options: [{}, {}] }, quality: { confidence: expect.any(Number) } })
  })

  it('shows confidence, issues, tier and cost of each attempt with --quality-check', async () => {
    const { stderr } = await box.run([
      'ask',
      '--quality-check',
      '--policy',
      TOUR,
      '--prompt',
      'Name a colour.',
      '--action',
      'question',
    ])
    expect(stderr).toMatch(/^confidence [01]\.\d\d$/m)
    expect(stderr).toMatch(/^issues? /m)
    expect(stderr).toMatch(/^attempt small \(local_fast\) answered in \d/m)
    expect(stderr).toMatch(/^cost \$0$/m)
  })

  it('keeps a document from a private folder on this machine', async () => {
    mkdirSync(join(box.folder, 'clients'), { recursive: true })
    writeFileSync(join(box.folder, 'clients', 'acme.txt'), 'Say hello.')
    const explanation = await json(['route', '--json', '--file', 'clients/acme.txt'])
    expect(explanation).toMatchObject({ features: { partition: 'local_only' }, decision: { frontier: [] } })
  })

  it('stops at Ctrl-C, cancels the model and ends with the code for interrupted', async () => {
    const asked = moment()
    const gone = moment()
    const model = createServer((_, response) => {
      response.once('close', () => gone.come())
      asked.come()
    }).listen(0, '127.0.0.1')
    await once(model, 'listening')
    const { port } = model.address() as AddressInfo
    const policy = join(box.folder, 'slow.yaml')
    writeFileSync(
      policy,
      `models:\n  slow: { provider: openai, model: m, tier: local_fast, baseUrl: "http://127.0.0.1:${port}/v1" }\n` +
        'tasks:\n  talk: { kind: answer, local: slow, stage: accept, accept: { uncalibrated: true } }\n',
    )
    try {
      const child = box.start(['ask', '--policy', policy, '--task', 'talk', 'Tell me a story'])
      child.stdin?.end()
      await asked.came
      child.kill('SIGINT')
      const [exitCode] = await once(child, 'close')
      await gone.came
      expect(exitCode).toBe(130)
    } finally {
      model.closeAllConnections()
      model.close()
    }
  })
})

describe('route', () => {
  it.each([
    ['classify_memory', 'Extract topic from: Implemented async caching', 'local_fast', 'simple'],
    ['edit_file', 'Generate a Python function to parse JSON', 'local_quality', 'moderate'],
    ['spawn_daemon', 'Start the indexer', 'frontier', 'complex'],
  ])('explains %s without calling a model', async (action, prompt, tier, complexity) => {
    const explanation = await json(['route', '--json', '--action', action, '--prompt', prompt])
    expect(explanation).toMatchObject({ decision: { tier, complexity } })
  })
})

describe('why and audit', () => {
  it('show the trace of a request, the same as data, and never its text', async () => {
    const { requestId } = await json(['ask', '--json', '6 * 7'])
    const trace = await box.run(['why', String(requestId)])
    expect(trace.stdout).toContain('route      solver, solver_answered')
    const record = await json(['why', '--json', String(requestId)])
    expect(record).toMatchObject({
      requestId,
      reason: 'solver_answered',
      route: 'solver',
      settledAt: expect.any(String),
    })
    expect(JSON.stringify(record)).not.toContain('6 * 7')
  })

  it('tail prints one record a line, newest last, and filters', async () => {
    const { requestId } = await json(['ask', '--json', '7 * 8'])
    const { stdout } = await box.run([
      'audit',
      'tail',
      '--json',
      '--since',
      '1h',
      '--reason',
      'solver_answered',
      '--limit',
      '2',
    ])
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(records.map((record) => record.reason)).toEqual(['solver_answered', 'solver_answered'])
    expect(records.at(-1)).toMatchObject({ requestId })
  })

  it('export writes every record to a private file', async () => {
    await box.run(['ask', '1 + 1'])
    const { exitCode } = await box.run(['audit', 'export', '--out', 'audit.jsonl'])
    const file = join(box.folder, 'audit.jsonl')
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(exitCode).toBe(0)
    expect(lines.map((line) => Object.keys(JSON.parse(line))[0])).not.toContain(undefined)
    expect(statSync(file).mode & 0o077).toBe(0)
  })

  it('show --latency compares each tier with its target', async () => {
    await box.run(['ask', '--policy', TOUR, 'Name a colour.'])
    const { stdout } = await box.run(['audit', 'show', '--latency'])
    expect(stdout).toMatch(/^local_fast +\d+ answers {2}p50 \d+ ms {2}p95 \d+ ms {2}target 200 ms {2}(met|missed)$/m)
  })
})

describe('init', () => {
  it('writes a policy that is valid, found by the next command, and not overwritten', async () => {
    const own = sandbox()
    try {
      expect((await own.run(['init', '--template', 'developer'])).exitCode).toBe(0)
      const checked = await own.run(['policy', 'check', '--json'])
      expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, file: 'spillway.yaml' })
      expect((await own.run(['init'])).exitCode).toBe(2)
      expect((await own.run(['init', '--force'])).exitCode).toBe(0)
    } finally {
      await own.close()
    }
  })
})

describe('policy', () => {
  it('schema prints a JSON Schema that closes every object', async () => {
    const { stdout } = await box.run(['policy', 'schema'])
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', additionalProperties: false })
  })

  it('show fills in defaults and shows a key only by the name of its variable', async () => {
    const { stdout } = await box.run(['policy', 'show', TOUR, '--json'], { env: { OPENAI_API_KEY: 'not-for-anyone' } })
    expect(JSON.parse(stdout)).toMatchObject({ models: { luna: { apiKey: ['${env:OPENAI_API_KEY}'] } } })
    expect(stdout).not.toContain('not-for-anyone')
  })
})

describe('doctor', () => {
  it('is ok on a machine with engine and model, and names what is missing without failing', async () => {
    const report = await json(['doctor', '--json'])
    expect(report.ok).toBe(true)
    const checks = report.checks as readonly { name: string; state: string; why: string; fix: string | null }[]
    const states = Object.fromEntries(checks.map((check) => [check.name, check.state]))
    expect(states).toMatchObject({
      node: 'ok',
      engine: 'ok',
      'model small': 'ok',
      policy: 'ok',
      'key luna': 'warn',
      answers: 'ok',
    })
    expect(checks.every((check) => check.why !== '' && (check.state === 'ok') === (check.fix === null))).toBe(true)
  })

  it('says that there is nothing to run on where neither engine nor key is there', async () => {
    const fresh = sandbox({ data: 'fresh' })
    try {
      const { stdout, exitCode } = await fresh.run(['doctor', '--json'])
      const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: readonly { name: string; state: string }[] }
      expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 3 })
      expect(checks.find((check) => check.name === 'answers')).toMatchObject({ state: 'fail' })
    } finally {
      await fresh.close()
    }
  })

  it('never prints a key', async () => {
    const { stdout, stderr } = await box.run(['doctor'], { env: { OPENAI_API_KEY: 'not-for-anyone' } })
    expect(stdout).toContain('The key of gpt-6-luna is set.')
    expect(stdout + stderr).not.toContain('not-for-anyone')
  })
})

describe('serve', () => {
  it('prints one line when ready, answers `ask` of the same policy, and ends cleanly when told to', async () => {
    const own = sandbox()
    try {
      const server = own.start(['serve', '--json', '--port', '0', '--policy', TOUR])
      const exited = once(server, 'close')
      const ready = JSON.parse(await firstLine(server.stdout as Readable)) as { url: string; keyFile: string }
      expect(ready).toEqual({
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        dashboardUrl: `${ready.url}/ui`,
        keyFile: expect.any(String),
      })
      expect(statSync(ready.keyFile).mode & 0o077).toBe(0)

      const same = await own.run(['ask', '--policy', TOUR, '2 + 2'])
      expect(same.stdout).toBe('4\n')
      expect(same.stderr).toContain(`Using the server at ${ready.url}`)

      const other = await own.run(['ask', '2 + 2'])
      expect(other.stdout).toBe('4\n')
      expect(other.stderr).toContain('has another policy; answering in this process.')

      const wrong = await own.run(['ask', '--policy', TOUR, '--task', 'qestion', 'x'])
      expect(wrong.exitCode).toBe(2)
      expect(wrong.stderr).toContain('Task qestion is not in the policy.')

      server.kill('SIGTERM')
      expect(await exited).toEqual([0, null])
    } finally {
      await own.close()
    }
  })
})

describe('keys', () => {
  it('are shown once, listed without the key, and refused after they are revoked', async () => {
    const created = await json(['keys', 'create', 'alice', '--json'])
    const listed = await box.run(['keys', 'list'])
    expect(listed.stdout).toContain('alice')
    expect(listed.stdout).not.toContain(String(created.key))
    expect(await json(['keys', 'revoke', String(created.id), '--json'])).toEqual({ id: created.id, revoked: true })
    expect((await box.run(['keys', 'revoke', String(created.id)])).exitCode).toBe(1)
  })
})

describe('models and engine', () => {
  it('load a model before the first request, list it, unload it, and stop the host', async () => {
    const own = sandbox()
    try {
      expect(await own.run(['models', 'load', 'small'])).toMatchObject({ exitCode: 0 })
      const loaded = JSON.parse((await own.run(['models', 'ps', '--json'])).stdout)
      expect(loaded).toMatchObject({ host: { models: [{ name: 'small', state: 'ready' }] } })
      expect(JSON.parse((await own.run(['models', 'unload', 'small', '--json'])).stdout)).toEqual({
        name: 'small',
        unloaded: 1,
      })
      expect(JSON.parse((await own.run(['engine', 'stop', '--json'])).stdout)).toMatchObject({ stopped: true })
      expect(JSON.parse((await own.run(['engine', 'status', '--json'])).stdout)).toMatchObject({
        installed: true,
        host: null,
      })
    } finally {
      await own.close()
    }
  })
})
