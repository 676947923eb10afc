import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withHeads } from '../../src/models/head-decider.ts'
import type { HeadExampleSet } from '../../src/spec/policy.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { limits, type TestHost, testHost } from './support.ts'

const FOOD = [
  'We baked bread with garlic and butter.',
  'The soup needs more salt and pepper.',
  'She ordered pasta with tomato sauce.',
  'Fry the onions until they are golden.',
  'The cake was sweet and full of cream.',
  'He grilled fish with lemon and herbs.',
  'Rice and beans make a cheap dinner.',
  'The chef roasted a chicken for lunch.',
  'I like my coffee with milk and sugar.',
  'Peel the potatoes and boil them.',
  'The salad has olives and cheese.',
  'They ate pancakes with maple syrup.',
]
const SPORT = [
  'The striker scored in the last minute.',
  'Our team won the final by two goals.',
  'She ran the marathon in three hours.',
  'The goalkeeper saved the penalty.',
  'He broke the record in the long jump.',
  'The coach changed the line-up at half-time.',
  'They lost the tennis match in five sets.',
  'The cyclist won the mountain stage.',
  'The swimmer took gold in the relay.',
  'The referee gave him a red card.',
  'The boxer was knocked out in round two.',
  'Fans cheered as the batter hit a home run.',
]
const HELD_BACK = [
  { text: 'Stir the cheese into the warm sauce.', label: 'food' },
  { text: 'Add two eggs and a cup of flour.', label: 'food' },
  { text: 'The midfielder passed the ball to the winger.', label: 'sport' },
  { text: 'She won the race by half a second.', label: 'sport' },
]

const examples: HeadExampleSet = {
  options: ['food', 'sport'],
  rows: [...FOOD.map((text) => ({ text, label: 'food' })), ...SPORT.map((text) => ({ text, label: 'sport' }))],
  digest: 'sha256:test',
}
const call = { instruction: 'Name the topic.', shots: [], options: ['sport', 'food'], head: 'topic' }

let host: TestHost
let folder: string

beforeAll(async () => {
  host = await testHost()
  folder = await mkdtemp(join(tmpdir(), 'spillway-heads-'))
})
afterAll(async () => {
  await host.end()
  await rm(folder, { recursive: true, force: true })
})

/** The real model with its embeddings counted, behind heads that are kept in the test's folder. */
function counted(set: HeadExampleSet = examples): { readonly port: ModelPort; readonly embeds: () => number } {
  let embeds = 0
  const embed: ModelPort['embed'] = async (text, callLimits, frame) => {
    embeds++
    const result = await host.model.embed?.(text, callLimits, frame)
    if (!result) throw new Error('the model cannot embed')
    return result
  }
  const heads = new Map([['topic', set]])
  const port = withHeads(
    { ...host.model, embed },
    { heads, folder, excerpt: (text, maxChars) => text.slice(0, maxChars) },
  )
  return { port, embeds: () => embeds }
}

describe('an embedding', () => {
  it('has the size of the model, is the same for the same text and another for another', async () => {
    const [first, second, other] = await Promise.all(
      ['a red door', 'a red door', 'a long war'].map((text) => host.model.embed?.(text, limits())),
    )
    expect(first?.vector).toHaveLength(576)
    expect(second?.vector).toEqual(first?.vector)
    expect(other?.vector).not.toEqual(first?.vector)
    expect(first?.usage).toMatchObject({ outputTokens: 0, source: 'reported' })
    expect(first?.identity.digest).toMatch(/^sha256:b179c9523d/)
  })

  it('cuts a long text at 768 tokens instead of refusing it', async () => {
    const long = await host.model.embed?.('river '.repeat(2000), limits())
    expect(long?.usage.inputTokens).toBeGreaterThan(768)
    expect(long?.usage.inputTokens).toBeLessThan(800)
  })

  it('ends at once for a caller who cancels', async () => {
    const reason = new Error('gone')
    await expect(host.model.embed?.('a text', limits(AbortSignal.abort(reason)))).rejects.toThrow()
  })
})

describe('a head on the real model', () => {
  it('fitted on 24 sentences of two kinds tells held-back ones apart', async () => {
    const { port } = counted()
    for (const { text, label } of HELD_BACK) {
      const result = await port.decide?.({ ...call, input: text }, limits())
      expect(result?.options[0]).toMatchObject({ value: label })
      expect(result?.options[0]?.probability).toBeGreaterThan(0.6)
      expect(result?.signals).toMatchObject({ pass: 'batch', level: 2, fullDistribution: true, tokens: 1 })
      const [first, second] = result?.options ?? []
      expect(first?.logprob).toBeCloseTo(Math.log(first?.probability ?? 0), 12)
      expect(result?.signals.margin).toBeCloseTo((first?.probability ?? 0) - (second?.probability ?? 0), 12)
    }
  })

  it('is read from disk the second time, and fitted again when the file is damaged', async () => {
    const first = counted()
    const before = await first.port.decide?.({ ...call, input: 'A bowl of hot soup.' }, limits())
    expect(first.embeds()).toBe(2)
    const file = join(folder, (await readdir(folder))[0] ?? '')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"n":24', '"n":25'))
    const second = counted()
    const after = await second.port.decide?.({ ...call, input: 'A bowl of hot soup.' }, limits())
    expect(second.embeds()).toBe(2 * 25)
    expect(after?.options).toEqual(before?.options)
    const third = counted()
    await third.port.decide?.({ ...call, input: 'A bowl of hot soup.' }, limits())
    expect(third.embeds()).toBe(2)
  })

  it('leaves decisions with other options, or of a task without a head, to the model', async () => {
    const { port, embeds } = counted()
    const other = await port.decide?.({ ...call, input: 'x', options: ['food', 'music'] }, limits())
    expect(other?.options.map(({ value }) => value).toSorted()).toEqual(['food', 'music'])
    await port.decide?.({ ...call, input: 'x', head: 'another' }, limits())
    expect(embeds()).toBe(0)
  })

  it('that cannot be fitted is a failure of the model', async () => {
    const set = { ...examples, rows: examples.rows.slice(0, 14), digest: 'sha256:few' }
    await expect(counted(set).port.decide?.({ ...call, input: 'x' }, limits())).rejects.toMatchObject({
      code: 'model_failed',
      message: 'Model small failed: its head could not be fitted (sport has fewer than 3 examples).',
    })
  })
})
