/** Ctrl-C in every command that can take long: it ends soon, says no stack trace, prints no half of a value, and leaves nothing broken. */
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

const INTERRUPTED = 130

let box: Sandbox
let silent: Server
let url = ''
let requests = 0

/** A server that takes requests and never answers: a model that thinks, a hub that stalls. */
beforeAll(async () => {
  box = sandbox({ data: 'fresh' })
  silent = createServer(() => {
    requests += 1
  }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  writeFileSync(
    join(box.folder, 'spillway.yaml'),
    `models:
  slow: { provider: openai, model: m, tier: local_fast, baseUrl: "${url}/v1" }
tasks:
  talk: { kind: answer, local: slow, stage: accept, accept: { uncalibrated: true }, learn: { keep: text }, prior: {} }
`,
  )
  writeFileSync(join(box.folder, 'rows.jsonl'), '{"input": "Tell me a story", "expected": "x", "task": "talk"}\n')
  const body = { model: 'auto', messages: [{ role: 'user', content: 'Tell me a story' }] }
  writeFileSync(
    join(box.folder, 'batch.jsonl'),
    `${JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body })}\n`,
  )
})
afterAll(async () => {
  silent.closeAllConnections()
  silent.close()
  await box.close()
})

/** What shows that the command is in the middle of its work. */
type Middle = 'asked' | 'reads_stdin' | RegExp

/** The words of the command, when it is interrupted, how often, and its exit code. A server that ends as told has not failed. */
const LONG: readonly (readonly [readonly string[], Middle, number])[] = [
  [['ask', '--task', 'talk', 'Tell me a story'], 'asked', INTERRUPTED],
  [['ask', '--task', 'talk', '--stream', 'Tell me a story'], 'asked', INTERRUPTED],
  [['ask', '-'], 'reads_stdin', INTERRUPTED],
  [['solve', '-'], 'reads_stdin', INTERRUPTED],
  [['audit', 'import', '-', '--format', 'jsonl'], 'reads_stdin', INTERRUPTED],
  [['eval', 'rows.jsonl', '--policy', 'spillway.yaml'], 'asked', INTERRUPTED],
  [['batch', 'run', 'batch.jsonl', '--task', 'talk'], 'asked', INTERRUPTED],
  [['models', 'pull', 'URL/model.gguf', '--name', 'x'], 'asked', INTERRUPTED],
  [['fits', 'URL/model.gguf'], 'asked', INTERRUPTED],
  [['learn', '--every', '1h'], /./, 0],
  [['serve', '--port', '0'], /http:\/\//, 0],
]

interface Interrupted extends Finished {
  readonly signals: number
}

/** Sends Ctrl-C in the middle, and again where the first one lets rows under way end. */
async function interrupted(args: readonly string[], middle: Middle): Promise<Interrupted> {
  const before = requests
  const child = box.start(args.map((word) => word.replace('URL', url)))
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const ended = once(child, 'close')
  if (middle === 'asked') await expect.poll(() => requests).toBeGreaterThan(before)
  // The handlers are there before stdin is read; writing something shows that it is.
  else if (middle === 'reads_stdin') await readsStdin(child.stdin)
  else await expect.poll(() => output.stdout + output.stderr).toMatch(middle)
  let signals = 0
  while (child.exitCode === null) {
    child.kill('SIGINT')
    signals += 1
    await Promise.race([ended, patience()])
  }
  await ended
  return { exitCode: child.exitCode, ...output, signals }
}

/** A pipe takes more than its buffer only when the other side reads. */
async function readsStdin(stdin: NodeJS.WritableStream | null): Promise<void> {
  stdin?.on('error', () => undefined)
  await new Promise<void>((resolve) => stdin?.write(' '.repeat(1_000_000), () => resolve()))
}

/** Long enough that a command which needs one Ctrl-C never gets a second one by chance. */
const patience = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10_000).unref())

describe('Ctrl-C', () => {
  it.each(LONG)('ends %j', async (args, middle, code) => {
    const { exitCode, stdout, stderr, signals } = await interrupted([...args, '--json'], middle)
    expect(exitCode, stderr).toBe(code)
    expect(stderr).not.toMatch(/^\s+at /m)
    for (const line of stdout.split('\n').filter((one) => one !== '')) expect(JSON.parse(line)).toBeTypeOf('object')
    // Rows of a batch that are under way end first; the second Ctrl-C does not wait for them.
    expect(signals).toBeLessThanOrEqual(args[0] === 'batch' ? 2 : 1)
  })

  it('leaves no half of a model behind', () => {
    const models = join(box.env.XDG_DATA_HOME ?? '', 'spillway/models')
    const left = existsSync(models) ? readdirSync(models, { recursive: true, encoding: 'utf8' }) : []
    expect(left.filter((name) => name.endsWith('.gguf'))).toEqual([])
  })

  it('leaves records that hold together, and the next command works', async () => {
    const verified = await box.run(['audit', 'verify', '--json'])
    expect(verified.exitCode, verified.stderr).toBe(0)
    const { stdout } = await box.run(['ask', '--json', 'What is 2 + 2?'])
    expect(JSON.parse(stdout)).toMatchObject({ answer: '4' })
  })
})
