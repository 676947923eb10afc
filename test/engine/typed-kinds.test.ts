/** Every kind of typed decision through the router, with the real model and no frontier. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { Router } from '../../src/spec/router.ts'
import { loadPolicyFile } from '../../src/stores/policy-file.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'

const DOCUMENT =
  'The dam at Näs was built in 1921 by the engineer Anna Lindqvist. It is 34 metres high. The lake behind it freezes in winter. In 1977 the spillway was widened after a flood that destroyed two mills.'
const PAIRS = Array.from({ length: 24 }, (_, index) => {
  const things = ['dam', 'boat', 'river', 'bridge', 'mill', 'tower'] as const
  const thing = things[index % 6]
  const other = index % 2 === 0 ? thing : things[(index + 2) % 6]
  return {
    left: `A man looks at a ${thing}.`,
    right: `Somebody is looking at the ${other}.`,
    score: index % 2 === 0 ? 5 : 1,
  }
})

let home: EngineHome
let router: Router
beforeAll(() => {
  home = engineHome()
  writeFileSync(join(home.folder, 'pairs.jsonl'), PAIRS.map((pair) => JSON.stringify(pair)).join('\n'))
  writeFileSync(
    join(home.folder, 'policy.yaml'),
    `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast, contextTokens: 1024 }
tasks:
  find: { kind: extract, local: small, minConfidence: 0.5, accept: { uncalibrated: true } }
  names: { kind: entities, local: small, minConfidence: 0.5, accept: { uncalibrated: true } }
  order: { kind: rank, local: small, rank: { keep: 1 }, minConfidence: 0.1, accept: { uncalibrated: true } }
  alike: { kind: similarity, local: small, head: { examples: pairs.jsonl }, minConfidence: 0.1, accept: { uncalibrated: true } }
  call: { kind: tool, local: small, minConfidence: 0.5, accept: { uncalibrated: true } }
  fields:
    local: small
    complexity: simple
    accept: { uncalibrated: true }
    schema: { type: object, properties: { city: { type: string }, cheerful: { type: boolean } }, required: [city, cheerful] }
    gates: { entropyNats: null }
`,
  )
  const policy = loadPolicyFile(join(home.folder, 'policy.yaml'), process.env)
  router = createRouter({ policy, paths: home.paths })
})
afterAll(async () => {
  await router.close()
  await home.close()
})

describe('a typed decision of the real model', () => {
  it('finds the words of a document and their place', async () => {
    const found = await router.decide({ task: 'find', input: 'Who built the dam?', document: DOCUMENT })
    expect(found).toMatchObject({
      value: 'Anna Lindqvist',
      answer: 'Anna Lindqvist',
      decision: { reason: 'local_accepted' },
    })
    const { reading } = found
    if (reading?.kind !== 'span' || !reading.span) throw new Error('no span')
    expect(DOCUMENT.slice(reading.span.start, reading.span.end)).toBe('Anna Lindqvist')
  })

  it('says that a document holds no answer', async () => {
    const none = await router.decide({ task: 'find', input: 'What is the capital of Peru?', document: DOCUMENT })
    expect(none).toMatchObject({
      value: null,
      answer: 'No answer in the document.',
      reading: { kind: 'span', span: null },
    })
  })

  it('takes the last paragraph of a message as the question', async () => {
    const messages = [{ role: 'user' as const, content: `${DOCUMENT}\n\nWhen was the spillway widened?` }]
    expect((await router.complete({ messages, metadata: { task: 'find' } })).answer).toBe('1977')
  })

  it('lists names', async () => {
    const names = await router.decide({ task: 'names', input: 'They met Anna Lindqvist at Uppsala University.' })
    expect(JSON.parse(names.answer ?? '')).toEqual([
      { text: 'Anna Lindqvist', label: null },
      { text: 'Uppsala University', label: 'ORG' },
    ])
  })

  it('orders items', async () => {
    const items = ['The harbour freezes.', 'The dam was built in 1921.', 'Tickets cost three krona.']
    const order = await router.decide({ task: 'order', input: 'When was the dam built?', items })
    expect(order.value).toBe(JSON.stringify([items[1]]))
    expect(order.reading).toMatchObject({ kind: 'ranking', kept: [1], missing: [] })
  })

  it('compares texts on the scale of its examples, and keeps the head', async () => {
    const input = 'Somebody is looking at the bridge.'
    const same = await router.decide({ task: 'alike', input, compareTo: 'A man looks at a bridge.' })
    const other = await router.decide({ task: 'alike', input, compareTo: 'A man looks at a mill.' })
    expect(Number(same.value)).toBeGreaterThan(Number(other.value))
    expect(Number(same.value)).toBeLessThanOrEqual(5)
    expect(same.reading).toMatchObject({ kind: 'similarity' })
    // One text needs no model to be compared with itself: without examples words decide, and nothing is claimed.
    const bare = await router.decide({ input: 'A mill', compareTo: 'A mill' })
    expect(bare).toMatchObject({ value: '1.000', decision: { reason: 'signal_unavailable', degraded: true } })
  })

  it('chooses a tool and fills its arguments', async () => {
    const weather = {
      name: 'get_weather',
      description: 'The weather of a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    }
    const flight = {
      name: 'book_flight',
      description: 'Books a flight',
      parameters: { type: 'object', properties: {} },
    }
    const call = await router.decide({ task: 'call', input: 'What is the weather in Oslo?', tools: [flight, weather] })
    expect(call).toMatchObject({
      value: 'get_weather',
      finishReason: 'tool_calls',
      toolCalls: [{ name: 'get_weather' }],
    })
    expect(JSON.parse(call.toolCalls[0]?.arguments ?? '')).toEqual({ city: 'Oslo' })
  })

  it('writes JSON of a schema', async () => {
    const messages = [{ role: 'user' as const, content: 'It was a lovely day in Oslo.' }]
    const outcome = await router.complete({ messages, metadata: { task: 'fields' } })
    expect(outcome.decision).toMatchObject({ route: 'local', reason: 'local_accepted' })
    expect(JSON.parse(outcome.answer ?? '')).toEqual({ city: 'Oslo', cheerful: expect.any(Boolean) })
    expect(outcome.signals?.tokens).toBeGreaterThan(0)
  })

  it.each([
    ['two kinds at once', { input: 'x', document: 'y', items: ['z'] }, 'items'],
    ['an answer without a document', { input: 'x', kind: 'answer' as const }, 'kind'],
    ['no items', { input: 'x', items: [] }, 'items'],
    ['no tools', { input: 'x', tools: [] }, 'tools'],
  ])('refuses %s', async (_, question, path) => {
    await expect(router.decide(question)).rejects.toMatchObject({ code: 'request_invalid', values: { path } })
  })
})
