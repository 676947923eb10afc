import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WriteJsonResult } from '../../src/spec/ports.ts'
import { limits, type TestHost, testHost } from './support.ts'

let host: TestHost
beforeAll(async () => {
  host = await testHost()
})
afterAll(async () => {
  await host.end()
})

type Schema = Readonly<Record<string, unknown>>

async function write(text: string, schema: Schema, maxOutputTokens = 300): Promise<WriteJsonResult> {
  const writeJson = host.model.writeJson
  if (writeJson === undefined) throw new Error('cannot write JSON')
  return await writeJson({ messages: [{ role: 'user', content: text }], schema, maxOutputTokens }, limits())
}

/** An object whose properties are all required. */
function record(properties: Schema): Schema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

/** The pointers of all values that hold no other value. */
function pointersOf(value: unknown, pointer = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [pointer]
  const entries = Object.entries(value)
  if (entries.length === 0) return [pointer]
  return entries.flatMap(([key, inner]) =>
    pointersOf(inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
}

const text = { type: 'string', maxLength: 40 }
const node = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    next: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] },
  },
  required: ['name', 'next'],
}

const SCHEMAS: readonly (readonly [string, Schema])[] = [
  ['strings and an integer', record({ name: text, age: { type: 'integer' } })],
  ['a constant, one value and null', record({ v: { const: 2 }, kind: { enum: ['person'] }, gone: { type: 'null' } })],
  ['an enum of mixed types', record({ level: { enum: ['low', 'lower', 1, 10, null, true] } })],
  ['booleans', record({ alive: { type: 'boolean' }, rich: { type: 'boolean' } })],
  ['numbers with a sign', record({ change: { type: 'number' }, count: { type: 'integer', minimum: 0 } })],
  ['nested objects', record({ person: record({ name: text, home: record({ city: text }) }) })],
  ['a list of strings', record({ tags: { type: 'array', items: text, minItems: 1, maxItems: 4 } })],
  ['a list of objects', { type: 'array', items: record({ name: text, age: { type: 'integer' } }), maxItems: 3 }],
  [
    'a list of different enum values',
    record({ days: { type: 'array', items: { enum: ['Mo', 'Tu', 'We'] }, uniqueItems: true, minItems: 3 } }),
  ],
  ['an empty list only', record({ none: { type: 'array', maxItems: 0 } })],
  ['a tuple', { type: 'array', prefixItems: [text, { type: 'integer' }], items: false, minItems: 2 }],
  [
    'optional properties',
    { type: 'object', properties: { a: text, b: { type: 'integer' }, c: text }, additionalProperties: false },
  ],
  [
    'a required property after optional ones',
    { type: 'object', properties: { nick: text, name: text }, required: ['name'] },
  ],
  ['names with marks', record({ 'größe/"höhe"~': { type: 'integer' }, 水: text })],
  ['a value or null', record({ email: { type: ['string', 'null'], maxLength: 20 } })],
  [
    'branches told apart by a constant',
    {
      oneOf: [
        record({ type: { const: 'cat' }, lives: { type: 'integer' } }),
        record({ type: { const: 'dog' }, name: text }),
      ],
    },
  ],
  [
    'a shared definition',
    {
      ...record({ from: { $ref: '#/$defs/place' }, to: { $ref: '#/$defs/place' } }),
      $defs: { place: record({ city: text }) },
    },
  ],
  ['a schema that holds itself', { $ref: '#/$defs/node', $defs: { node } }],
  [
    'a map of numbers',
    { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 3 },
  ],
  ['joined parts', { allOf: [record({ name: text }), { required: ['name'] }] }],
  ['a bare string', { type: 'string', minLength: 3, maxLength: 10 }],
  ['any value', { maxProperties: 3 }],
]

describe('JSON of a schema', () => {
  it.each(SCHEMAS)('is valid and has a leaf for every value: %s', async (_, schema) => {
    const question = 'Anna Berg, 31, and Bob Stone, 47, live in Oslo. Bob has a dog, Rex. Write this as JSON.'
    const answer = await write(question, schema, 700)
    const value: unknown = JSON.parse(answer.text)
    const ajv = new Ajv2020({ strict: false })
    expect({ finishReason: answer.finishReason, valid: ajv.validate(schema, value), errors: ajv.errors }).toEqual({
      finishReason: 'stop',
      valid: true,
      errors: null,
    })
    expect(answer.leaves.map(({ pointer }) => pointer)).toEqual(pointersOf(value))
  })

  it('decides an enum and a branch rightly on easy cases, with the margin', async () => {
    const sentiment = record({ sentiment: { enum: ['negative', 'positive'] } })
    const good = await write('Review: "I loved this wonderful film!" What is the sentiment of the review?', sentiment)
    const bad = await write(
      'Review: "A terrible, boring waste of time." What is the sentiment of the review?',
      sentiment,
    )
    expect([good.text, bad.text]).toEqual(['{"sentiment": "positive"}', '{"sentiment": "negative"}'])
    const [leaf] = good.leaves
    expect(leaf).toMatchObject({ pointer: '/sentiment', by: 'decided' })
    expect(leaf?.margin).toBeGreaterThan(0.5)
    expect(leaf?.logprob).toBeLessThan(0)
    const square = record({ type: { const: 'square' }, side: { type: 'integer' } })
    const round = record({ type: { const: 'circle' }, radius: { type: 'integer' } })
    const circle = await write('A circle of radius 3.', record({ shape: { oneOf: [square, round] } }))
    expect(circle.text).toBe('{"shape": {"type": "circle", "radius": 3}}')
    expect(circle.leaves.map(({ by }) => by)).toEqual(['decided', 'generated'])
  })

  it('reads signals over the tokens of the leaves only: one decided leaf counts one token, however long the skeleton', async () => {
    const one = { enum: ['yes', 'no'] }
    const bare = await write('Is Oslo in Norway?', one)
    expect(bare.signals).toMatchObject({ pass: 'decode', level: 2, fullDistribution: true, tokens: 1 })
    const fixed = { const: 'a long constant text that no model had a word in' }
    const wrapped = await write('Is Oslo in Norway?', record({ note: fixed, answer: one }))
    expect(wrapped.signals.tokens).toBe(1)
    expect(wrapped.usage.outputTokens).toBeGreaterThan(15)
    expect(wrapped.signals.meanLogprob).toBe(wrapped.leaves[1]?.logprob)
    expect(wrapped.leaves[0]).toEqual({ pointer: '/note', by: 'written', logprob: null, margin: null })
    const none = await write('Is Oslo in Norway?', record({ note: fixed }))
    expect(none.signals).toMatchObject({ tokens: 0, meanLogprob: null, entropyLowNats: null })
  })

  it('leaves out an optional property that nothing speaks for, and writes one that is spoken of', async () => {
    const schema = { type: 'object', properties: { name: text, phone: text, email: text }, required: ['name'] }
    const answer = await write('Bob, phone 555-1234. Write the contact as JSON.', schema)
    expect(JSON.parse(answer.text)).toEqual({ name: 'Bob', phone: '555-1234' })
  })

  it('ends with length at the token cap, with what is there', async () => {
    const answer = await write('Write a long story about a dam.', record({ story: { type: 'string' } }), 8)
    expect(answer.finishReason).toBe('length')
    expect(answer.usage.outputTokens).toBe(8)
    expect(answer.text).toMatch(/^\{"story": "\w/)
    expect(() => JSON.parse(answer.text)).toThrow()
    expect(answer.leaves).toEqual([])
  })

  it('refuses a schema that must hold itself without end, and a prompt beyond the context', async () => {
    const endless = { $ref: '#/$defs/a', $defs: { a: record({ a: { $ref: '#/$defs/a' } }) } }
    await expect(write('Go on.', endless, 900)).rejects.toMatchObject({
      code: 'request_invalid',
      message: 'The request is invalid at schema: its values cannot end: they nest deeper than 64 levels.',
    })
    await expect(write('river '.repeat(3000), text)).rejects.toMatchObject({
      code: 'request_invalid',
      values: { path: 'messages' },
    })
  })

  it('writes the same beside others as alone', async () => {
    const schema = record({ city: text, number: { type: 'integer' } })
    const questions = ['Oslo, 7.', 'Rome, 12.', 'Paris, 305.', 'Cairo, 44.'].map((fact) => `${fact} Write it as JSON.`)
    const beside = await Promise.all(questions.map((question) => write(question, schema)))
    const alone: string[] = []
    for (const question of questions) alone.push((await write(question, schema)).text)
    expect(beside.map((answer) => answer.text)).toEqual(alone)
  })

  it('frees its slot at once when it is cancelled', async () => {
    const abort = new AbortController()
    const call = {
      messages: [{ role: 'user' as const, content: 'Count for ever.' }],
      schema: { type: 'array', items: { type: 'integer' }, minItems: 5000 },
      maxOutputTokens: 900,
    }
    const writing = host.model.writeJson?.(call, limits(abort.signal))
    await expect.poll(async () => (await host.client.call('ps', null)).models[0]?.active).toBe(1)
    abort.abort()
    await expect(writing).rejects.toMatchObject({ code: 'cancelled' })
    await expect.poll(async () => (await host.client.call('ps', null)).models[0]?.active).toBe(0)
    expect((await write('Oslo. As JSON.', { const: 1 })).text).toBe('1')
  })
})
