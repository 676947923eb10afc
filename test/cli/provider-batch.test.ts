import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BatchProvider, completion, type ProviderCall, startBatchProvider } from '../support/batch-provider.ts'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let provider: BatchProvider

beforeEach(async () => {
  box = sandbox()
  provider = await startBatchProvider()
})
afterEach(async () => {
  await box.close()
  await provider.close()
})

type Line = Readonly<Record<string, unknown>>

const ENV = { CLOUD_KEY: 'simulated' }
const echo = (call: ProviderCall) => completion(`answer to ${call.body.messages.at(-1)?.content}`)

function write(name: string, text: string): void {
  writeFileSync(join(box.folder, name), text)
}

function policy(rest = '', batch = 'batch: { poll: 50ms, priceShare: 0.5 }'): void {
  write(
    'spillway.yaml',
    `
models:
  cloud: { provider: openai, model: sim, tier: frontier, baseUrl: "${provider.baseUrl}", apiKey: "\${env:CLOUD_KEY}", maxOutputTokens: 100, priceUsdPerMillion: { input: 100, output: 100 }, ${batch} }
defaults: { task: direct }
tasks: { direct: { pattern: direct, local: false, frontier: cloud } }
${rest}`,
  )
}

function rows(...all: readonly Line[]): void {
  write('rows.jsonl', all.map((row) => JSON.stringify(row)).join('\n'))
}

function lines(name: string): readonly Line[] {
  const file = join(box.folder, name)
  if (!existsSync(file)) return []
  const text = readFileSync(file, 'utf8')
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
}

const answersById = () => new Map(lines('rows.output.jsonl').map((line) => [line.custom_id ?? line.id, line]))

function batch(...args: readonly string[]): Promise<Finished> {
  return box.run(['batch', 'run', 'rows.jsonl', '--json', '--provider-batch', ...args], { env: ENV })
}

const NAMES = Array.from({ length: 8 }, (_, index) => `row-${index}`)

describe('frontier calls of a batch', () => {
  it('go to the provider together, through masks and ledger, and cost the price of a batch', async () => {
    policy()
    provider.release(echo)
    const secret = ['ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('')
    const body = { model: 'auto', messages: [{ role: 'user', content: 'as it came' }], max_tokens: 50 }
    rows(
      { id: 'a', input: 'first' },
      { id: 'b', input: `the key is ${secret}` },
      { custom_id: 'c', method: 'POST', url: '/v1/chat/completions', body },
    )
    const finished = await batch('--parallel', '1')
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' })
    // 10 tokens in and 10 out at $100 a million are $0.002 a call; three at half the price.
    const report = JSON.parse(finished.stdout) as { readonly costUsd: number }
    expect(report).toMatchObject({ rows: { answered: 3 } })
    expect(report.costUsd).toBeCloseTo(0.003, 9)
    expect(provider.batches).toHaveLength(1)
    expect(provider.single).toEqual([])
    const [calls = []] = provider.batches
    expect(calls.map(({ url, body: { stream = false } }) => [url, stream])).toEqual(
      Array.from({ length: 3 }, () => ['/v1/chat/completions', false]),
    )
    expect(JSON.stringify(calls)).not.toContain(secret)
    const answers = answersById()
    expect(answers.get('a')).toMatchObject({ answer: 'answer to first', route: 'frontier' })
    expect(answers.get('b')).toMatchObject({ answer: `answer to the key is ${secret}` })
    expect(answers.get('c')).toMatchObject({ response: { status_code: 200, body: { object: 'chat.completion' } } })
    const egress = await box.run(['audit', 'egress', '--json'], { env: ENV })
    expect(
      egress.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
    ).toHaveLength(3)
    // What the provider kept of it is deleted, and nothing is left to go on with.
    expect([...provider.files.keys()]).toEqual([])
    expect(existsSync(join(box.folder, 'rows.output.jsonl.provider'))).toBe(false)
  })

  it('reserve the price of a batch: a budget that holds it lets them through', async () => {
    provider.release(echo)
    rows(...NAMES.map((id) => ({ id, input: id })))
    // All wait at the same time, each with the most that it may cost: about 0.014 at the usual price.
    policy('budgets: { day: 0.06 }', 'batch: { poll: 50ms, priceShare: 1 }')
    expect((await batch()).exitCode).toBe(5)
    const { size } = answersById()
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThan(8)
    policy('budgets: { day: 0.07 }')
    expect((await batch()).exitCode).toBe(0)
    expect(answersById().size).toBe(8)
    expect(provider.batches.flat()).toHaveLength(8)
  })

  it('stay here where text may not leave', async () => {
    policy()
    provider.release(echo)
    const body = { model: 'auto', messages: [{ role: 'user', content: 'x' }], metadata: { partition: 'local_only' } }
    rows({ custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body })
    expect((await batch()).exitCode).toBe(5)
    expect([provider.batches, provider.single]).toEqual([[], []])
  })

  it('that the provider refuses or does not make are failures of their rows', async () => {
    policy('', 'batch: { poll: 50ms }')
    provider.release((call) => {
      const words = call.body.messages.at(-1)?.content
      if (words === 'none') return null
      return words === 'bad' ? { status: 400, body: { error: { message: 'no' } } } : echo(call)
    })
    rows({ id: 'a', input: 'good' }, { id: 'b', input: 'bad' }, { id: 'c', input: 'none' })
    expect((await batch()).exitCode).toBe(1)
    expect([...answersById().keys()]).toEqual(['a'])
    const failed = lines('rows.errors.jsonl').map(({ id, error }) => [id, (error as Line).code])
    expect(failed.toSorted()).toEqual([
      ['b', 'model_refused_request'],
      ['c', 'model_failed'],
    ])
    // At the usual price, since nobody says that this provider is cheaper.
    expect(answersById().get('a')).toMatchObject({ costUsd: 0.002 })
  })

  it('need a policy that says so', async () => {
    policy('', 'batch: { poll: 50ms }')
    write('spillway.yaml', readFileSync(join(box.folder, 'spillway.yaml'), 'utf8').replace(/, batch: \{[^}]*\}/, ''))
    rows({ id: 'a', input: 'x' })
    const finished = await batch()
    expect(finished.exitCode).toBe(2)
    expect(finished.stderr).toContain('models.<name>.batch')
  })
})

describe('a run that was killed while the provider had its batch', () => {
  const killed = async (): Promise<void> => {
    const child = box.start(['batch', 'run', 'rows.jsonl', '--provider-batch'], ENV)
    const journal = join(box.folder, 'rows.output.jsonl.provider')
    await expect
      .poll(() => (existsSync(journal) ? readFileSync(journal, 'utf8') : ''), { timeout: 60_000 })
      .toContain('"type":"made"')
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  it('fetches what was made, and pays for nothing twice', async () => {
    policy()
    rows(...NAMES.map((id) => ({ id, input: id })))
    await killed()
    provider.release(echo)
    const finished = await batch()
    expect(finished.exitCode).toBe(0)
    expect([...answersById().keys()].toSorted()).toEqual(NAMES.toSorted())
    expect(answersById().get('row-3')).toMatchObject({ answer: 'answer to row-3' })
    expect(provider.batches).toHaveLength(1)
    expect(provider.single).toEqual([])
    expect(lines('rows.errors.jsonl')).toEqual([])
  })

  it('finds the batch by its mark where its id was not written down', async () => {
    policy()
    rows({ id: 'a', input: 'x' })
    await killed()
    const [intent = ''] = readFileSync(join(box.folder, 'rows.output.jsonl.provider'), 'utf8').split('\n')
    write('rows.output.jsonl.provider', `${intent}\n{"type":"made","inte`)
    provider.release(echo)
    expect((await batch()).exitCode).toBe(0)
    expect(provider.batches).toHaveLength(1)
    expect(answersById().get('a')).toMatchObject({ answer: 'answer to x' })
  })

  it('by Ctrl-C leaves the batch with the provider and tells how to go on', async () => {
    policy()
    rows({ id: 'a', input: 'x' }, { id: 'b', input: 'y' })
    const child = box.start(['batch', 'run', 'rows.jsonl', '--provider-batch', '--json'], ENV)
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    await expect.poll(() => provider.batches.length, { timeout: 60_000 }).toBe(1)
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(JSON.parse(stdout)).toMatchObject({ rows: { answered: 0, left: 2 }, stopped: { reason: 'interrupted' } })
    provider.release(echo)
    expect((await batch()).exitCode).toBe(0)
    expect(answersById().size).toBe(2)
    expect(provider.batches).toHaveLength(1)
  })
})
