import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MessageBatches, type MessageCall, startMessageBatches, succeeded } from '../support/anthropic-batches.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let provider: MessageBatches

beforeEach(async () => {
  box = sandbox()
  provider = await startMessageBatches()
  write(
    'spillway.yaml',
    `
models:
  cloud: { provider: anthropic, model: sim, tier: frontier, baseUrl: "${provider.baseUrl}", apiKey: "\${env:CLOUD_KEY}", maxOutputTokens: 100, priceUsdPerMillion: { input: 100, output: 100 }, batch: { poll: 50ms, priceShare: 0.5 } }
defaults: { task: direct }
tasks: { direct: { pattern: direct, local: false, frontier: cloud } }
`,
  )
})
afterEach(async () => {
  await box.close()
  await provider.close()
})

type Line = Readonly<Record<string, unknown>>

const ENV = { CLOUD_KEY: 'simulated' }
const textOf = ({ params }: MessageCall): string => JSON.stringify(params.messages)
const echo = (call: MessageCall) => succeeded(`answer to ${textOf(call).replace(/.*(row-\d+).*/, '$1')}`)

function write(name: string, text: string): void {
  writeFileSync(join(box.folder, name), text)
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
const batch = () => box.run(['batch', 'run', 'rows.jsonl', '--json', '--provider-batch'], { env: ENV })

describe('calls of an Anthropic frontier in a batch', () => {
  it('are one Message Batch at half the price, each answer to its own row, and nothing of it is kept', async () => {
    provider.release(echo)
    rows(...[1, 2, 3].map((at) => ({ id: `${at}`, input: `row-${at}` })))
    const finished = await batch()
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' })
    // 10 tokens in and 10 out at $100 a million are $0.002 a call; three at half the price.
    expect((JSON.parse(finished.stdout) as { readonly costUsd: number }).costUsd).toBeCloseTo(0.003, 9)
    expect(provider.batches.map((calls) => calls.length)).toEqual([3])
    const [calls = []] = provider.batches
    expect(calls.every(({ custom_id: id }) => /^[\w-]{1,64}$/.test(id))).toBe(true)
    expect(calls.map(({ params: { stream = false, max_tokens: cap } }) => [stream, cap])).toEqual(
      Array.from({ length: 3 }, () => [false, 100]),
    )
    for (const at of [1, 2, 3])
      expect(answersById().get(`${at}`)).toMatchObject({ answer: `answer to row-${at}`, route: 'frontier' })
    expect([provider.odd, provider.kept()]).toEqual([[], []])
  })

  it('that it refuses or does not make are failures of their rows', async () => {
    const refused = {
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } },
    }
    provider.release((call) => {
      if (textOf(call).includes('row-2')) return refused
      return textOf(call).includes('row-3') ? { type: 'expired' } : echo(call)
    })
    rows(...[1, 2, 3].map((at) => ({ id: `${at}`, input: `row-${at}` })))
    expect((await batch()).exitCode).toBe(1)
    expect([...answersById().keys()]).toEqual(['1'])
    const failed = lines('rows.errors.jsonl').map(({ id, error }) => [id, (error as Line).code])
    expect(failed.toSorted()).toEqual([
      ['2', 'model_refused_request'],
      ['3', 'model_failed'],
    ])
  })

  it.each(['with its id', 'without its id'])('are found again by a later run after a kill, %s', async (how) => {
    rows(...[1, 2].map((at) => ({ id: `${at}`, input: `row-${at}` })))
    const child = box.start(['batch', 'run', 'rows.jsonl', '--provider-batch'], ENV)
    const journal = join(box.folder, 'rows.output.jsonl.provider')
    await expect
      .poll(() => (existsSync(journal) ? readFileSync(journal, 'utf8') : ''), { timeout: 60_000 })
      .toContain('"type":"made"')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const [intent = ''] = readFileSync(journal, 'utf8').split('\n')
    if (how === 'without its id') write('rows.output.jsonl.provider', `${intent}\n{"type":"made","inte`)
    provider.release(echo)
    expect((await batch()).exitCode).toBe(0)
    expect(answersById().get('2')).toMatchObject({ answer: 'answer to row-2' })
    expect(provider.batches).toHaveLength(1)
  })
})
