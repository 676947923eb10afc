import { describe, expect, it } from 'vitest'
import { decideJson } from '../../src/decide/json.ts'
import { fillArguments } from '../../src/decide/json-arguments.ts'
import { plainSchema, schemaLines } from '../../src/decide/json-schema-text.ts'
import type { CallLimits, ModelPort, WriteJsonCall, WriteJsonResult } from '../../src/spec/ports.ts'

const limits: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 },
}

/** A model that writes the given texts in turn, and remembers what it was asked. */
function scripted(texts: readonly (string | Partial<WriteJsonResult>)[]): {
  readonly port: ModelPort
  readonly calls: WriteJsonCall[]
} {
  const calls: WriteJsonCall[] = []
  const port: ModelPort = {
    name: 'small',
    generate: () => {
      throw new Error('not asked to generate')
    },
    writeJson: async (call) => {
      const answer = texts[calls.length] ?? ''
      calls.push(call)
      return { ...WRITTEN, ...(typeof answer === 'string' ? { text: answer } : answer) }
    },
    close: async () => {},
  }
  return { port, calls }
}

const WRITTEN: WriteJsonResult = {
  text: '',
  finishReason: 'stop',
  leaves: [{ pointer: '/age', by: 'generated', logprob: -0.5, margin: null }],
  signals: {
    pass: 'decode',
    level: 2,
    fullDistribution: true,
    tokens: 1,
    meanLogprob: -0.5,
    minLogprob: -0.5,
    entropyLowNats: 0.1,
    entropyHighNats: 0.2,
    maxTokenEntropyNats: 0.1,
    options: null,
    margin: null,
  },
  usage: { inputTokens: 10, outputTokens: 4, source: 'reported' },
  identity: { digest: null, quantisation: null, servedBy: 'small' },
}

const schema = { type: 'object', properties: { age: { type: 'integer', description: 'In years.' } }, required: ['age'] }
const atLeast18 = (value: unknown): string | null =>
  (value as { age: number }).age >= 18 ? null : 'The answer fails at /age: must be >= 18.'
const question = { messages: [{ role: 'user' as const, content: 'Bob is 20.' }], schema, maxOutputTokens: 64 }

describe('a JSON decision', () => {
  it('returns the value, its leaves and signals, and says which fields are wanted', async () => {
    const { port, calls } = scripted(['{"age": 20}'])
    const answer = await decideJson({ ...question, validate: atLeast18 }, port, limits)
    expect(answer).toMatchObject({
      value: { age: 20 },
      valid: true,
      problem: null,
      repaired: false,
      leaves: WRITTEN.leaves,
    })
    expect(calls.map(({ messages }) => messages)).toEqual([
      [
        {
          role: 'user',
          content: 'Bob is 20.\n\nAnswer with a JSON object with these fields:\n- age (integer): In years.',
        },
      ],
    ])
  })

  it('is repaired once: the second attempt sees the first and its problem, and usage is that of both', async () => {
    const { port, calls } = scripted(['{"age": 2}', '{"age": 20}'])
    const answer = await decideJson({ ...question, validate: atLeast18 }, port, limits)
    expect(answer).toMatchObject({ value: { age: 20 }, valid: true, repaired: true })
    expect(answer.usage).toEqual({ inputTokens: 20, outputTokens: 8, source: 'reported' })
    expect(calls[1]?.messages.slice(1)).toEqual([
      { role: 'assistant', content: '{"age": 2}' },
      {
        role: 'user',
        content: 'The answer fails at /age: must be >= 18. Write the whole JSON again with this corrected.',
      },
    ])
  })

  it('comes back as not valid, with the problem, when the repair is wrong too', async () => {
    const { port, calls } = scripted(['{"age": 2}', '{"age": 3}', '{"age": 20}'])
    const answer = await decideJson({ ...question, validate: atLeast18 }, port, limits)
    expect(answer).toMatchObject({
      text: '{"age": 3}',
      valid: false,
      problem: 'The answer fails at /age: must be >= 18.',
    })
    expect(calls).toHaveLength(2)
  })

  it('is not tried again when the cap cut it off', async () => {
    const { port, calls } = scripted([{ text: '{"age": 2', finishReason: 'length' }])
    const answer = await decideJson({ ...question, validate: () => null }, port, limits)
    expect(answer).toMatchObject({
      valid: false,
      problem: 'The answer was cut off at the token cap.',
      value: undefined,
    })
    expect(calls).toHaveLength(1)
  })

  it('needs a model that can be held to a schema', async () => {
    const { writeJson: _, ...port } = scripted([]).port
    await expect(decideJson({ ...question, validate: () => null }, port, limits)).rejects.toThrow(
      'Model small failed: it cannot be held to a schema.',
    )
  })
})

describe('tool arguments', () => {
  it('are asked for with worked examples, and checked by the plain schema of the tool', async () => {
    const { port, calls } = scripted(['{"age": 20}'])
    const tool = {
      name: 'set_age',
      description: 'Set an age.',
      parameters: { type: 'dict', properties: { age: { type: 'int' } }, required: ['age'] },
    }
    const seen: unknown[] = []
    const validatorOf = (plain: unknown) => {
      seen.push(plain)
      return () => null
    }
    const answer = await fillArguments(
      { request: 'Set it to 20.', tool, maxOutputTokens: 64, validatorOf },
      port,
      limits,
    )
    expect(answer.value).toEqual({ age: 20 })
    expect(seen).toEqual([{ type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }])
    expect(calls[0]?.messages.map(({ role }) => role[0]).join('')).toBe('uauauauau')
    expect(calls[0]?.messages.at(-1)?.content).toBe(
      'Function set_age: Set an age.\nParameters:\n- age (integer)\n\nRequest: Set it to 20.\n\nWrite the arguments of the function as JSON. Copy values from the request.',
    )
  })
})

describe('a schema in the dialect of Python tool lists', () => {
  it('becomes plain JSON Schema at every depth, and a property may be called type', () => {
    expect(
      plainSchema({
        type: 'dict',
        properties: {
          type: { type: 'str' },
          points: { type: 'list', items: { type: 'tuple', items: [{ type: 'float' }, { type: 'any' }] } },
          flag: { anyOf: [{ type: 'bool' }, { type: ['int', 'null'] }] },
        },
        required: ['type'],
      }),
    ).toEqual({
      type: 'object',
      properties: {
        type: { type: 'string' },
        points: { type: 'array', items: { type: 'array', items: [{ type: 'number' }, {}] } },
        flag: { anyOf: [{ type: 'boolean' }, { type: ['integer', 'null'] }] },
      },
      required: ['type'],
    })
  })

  it('reads as lines with types, values and what is optional', () => {
    const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const lines = schemaLines({
      properties: {
        unit: { enum: ['C', 'F'], description: 'Scale.' },
        stops: { type: 'array', items: city },
        note: { type: ['string', 'null'] },
      },
      required: ['unit'],
    })
    expect(lines).toBe(
      [
        '- unit (one of ["C","F"]): Scale.',
        '- stops (list of object, optional)',
        '  - city (string)',
        '- note (string or null, optional)',
      ].join('\n'),
    )
  })
})
