import { describe, expect, it } from 'vitest'
import { parseJsonAnswer, problemWith, schema } from '../../src/gates/schema.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { gateInput } from './gate-input.ts'

const PERSON = {
  type: 'object',
  properties: { name: { type: 'string' }, tags: { type: 'array', items: { type: 'object', required: ['id'] } } },
  required: ['name'],
  additionalProperties: { type: 'number' },
}

function check(wanted: Readonly<Record<string, unknown>> | 'json', text: string): Verdict {
  return schema(gateInput({ text, request: { responseSchema: wanted } }))
}

function problem(wanted: Readonly<Record<string, unknown>> | 'json', text: string): string {
  const verdict = check(wanted, text)
  expect([verdict.accepted, verdict.reason]).toEqual([false, 'schema_invalid'])
  return verdict.detail
}

describe('the schema gate', () => {
  it('accepts an answer that satisfies the schema, bare or as one fenced block', () => {
    expect(check(PERSON, '{"name":"Ada"}').accepted).toBe(true)
    expect(check(PERSON, '```json\n{"name":"Ada"}\n```').accepted).toBe(true)
    expect(check(PERSON, ' ```\n{"name":"Ada"}\n``` ').accepted).toBe(true)
  })

  it('names the first place that fails', () => {
    expect(problem(PERSON, '{"name":"Ada","tags":[{"id":1},{}]}')).toBe(
      "The answer fails at /tags/1: must have required property 'id'.",
    )
    expect(problem(PERSON, '[]')).toBe('The answer fails at the root: must be object.')
  })

  it('does not repeat a key that the model invented', () => {
    expect(problem(PERSON, '{"name":"Ada","hunter2":"x"}')).toBe('The answer fails at /*: must be number.')
  })

  it('rejects text that is not JSON, and JSON with prose around it', () => {
    expect(problem('json', 'Ada')).toBe('The answer is not valid JSON.')
    expect(problem('json', 'Here it is: {"name":"Ada"}')).toBe('The answer is not valid JSON.')
    expect(check('json', '3').accepted).toBe(true)
  })

  it('holds the answer to both schemas when the task and the request bring one', () => {
    const task = { schema: { required: ['a'] } }
    const verdictFor = (text: string) =>
      schema(gateInput({ text, task, request: { responseSchema: { required: ['b'] } } }))
    expect(verdictFor('{"a":1,"b":2}').accepted).toBe(true)
    expect(verdictFor('{"b":2}').detail).toBe("The answer fails at the root: must have required property 'a'.")
    expect(verdictFor('{"a":1}').detail).toBe("The answer fails at the root: must have required property 'b'.")
  })

  it('reads draft-07 where the schema says so, 2020-12 otherwise, and formats in both', () => {
    const draft07 = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'string' }],
      additionalItems: false,
    }
    expect(problem(draft07, '["a", 2]')).toBe('The answer fails at the root: must NOT have more than 1 items.')
    expect(problem({ prefixItems: [{ format: 'date' }] }, '["tomorrow"]')).toBe(
      'The answer fails at /0: must match format "date".',
    )
    expect(problem({ items: [{ type: 'string' }] }, '[2]')).toBe('The answer fails at /0: must be string.')
  })

  it('follows a recursive schema', () => {
    const tree = { type: 'object', properties: { kids: { type: 'array', items: { $ref: '#' } } }, required: ['kids'] }
    expect(check(tree, '{"kids":[{"kids":[]}]}').accepted).toBe(true)
    expect(problem(tree, '{"kids":[{}]}')).toBe("The answer fails at /kids/0: must have required property 'kids'.")
  })

  it('keeps schemas of one $id apart, also one that claims the id of the meta-schema', () => {
    const named = (type: string) => ({ $id: 'https://example.org/a', type })
    expect(check(named('string'), '"x"').accepted).toBe(true)
    expect(check(named('number'), '3').accepted).toBe(true)
    const hostile = { $id: 'https://json-schema.org/draft/2020-12/schema', type: 'string' }
    expect(problem(hostile, '3')).toBe('The answer fails at the root: must be string.')
    expect(problem({ type: 'strings' }, '3')).toContain('The schema is not usable: schema is invalid')
    expect(problem({ type: 'boolean' }, '3')).toBe('The answer fails at the root: must be boolean.')
  })

  it.each([
    ['is invalid', { type: 'strin' }, 'The schema is not usable: schema is invalid'],
    ['refers to another place', { $ref: 'https://example.org/x' }, "The schema is not usable: can't resolve reference"],
    ['has a broken pattern', { pattern: '(' }, 'The schema is not usable: Invalid regular expression'],
    ['is asynchronous', { $async: true }, 'The schema is asynchronous ($async), which is not supported.'],
    [
      'is asynchronous within',
      { allOf: [{ $async: true, type: 'string' }] },
      'The schema is not usable: async schema in sync schema',
    ],
    [
      'speaks an old dialect',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      'neither JSON Schema 2020-12 nor draft-07',
    ],
    ['is oversize', { description: 'x'.repeat(32_768) }, 'The schema has 32786 characters, the limit is 32768'],
    ['cannot be written as JSON', { big: 1n }, 'The schema is not plain JSON'],
  ])('accepts nothing under a schema that %s, and says so', (_what, wanted, detail) => {
    expect(problem(wanted, '3')).toContain(detail)
  })

  it('gives the same verdict again for a schema it could not use', () => {
    const first = problem({ type: 'strin' }, '3')
    expect(problem({ type: 'strin' }, '3')).toBe(first)
  })

  it('survives an answer nested 100,000 deep', () => {
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    expect(problem({ properties: { a: { $ref: '#' } } }, deep)).toBe(
      'The answer or its schema is nested too deeply to be checked.',
    )
  })

  it('does not read a tool call without text as JSON', () => {
    const toolCalls = [{ id: 'c1', name: 'look', arguments: '{}' }]
    expect(schema(gateInput({ text: '', answer: { toolCalls }, request: { responseSchema: PERSON } })).accepted).toBe(
      true,
    )
  })
})

describe('reading a JSON answer', () => {
  it('gives the bare JSON for callers who cannot parse a fence', () => {
    expect(parseJsonAnswer('```json\n{"a": 1}\n```')).toEqual({ value: { a: 1 }, json: '{"a": 1}' })
  })

  it('reads nothing longer than a million characters', () => {
    expect(parseJsonAnswer(`"${'x'.repeat(999_998)}"`)).not.toBeNull()
    expect(parseJsonAnswer(`"${'x'.repeat(999_999)}"`)).toBeNull()
  })
})

describe('a schema that tries to become code', () => {
  const HOSTILE = [
    '"]};globalThis.ran=1;//',
    "'];globalThis.ran=1;//",
    '`${globalThis.ran=1}`',
    '*/globalThis.ran=1;/*',
    '\u2028globalThis.ran=1',
    '${globalThis.ran=1}',
  ]

  it.each(HOSTILE)('is data in every place that takes text: %s', (text) => {
    const places: readonly Record<string, unknown>[] = [
      { properties: { [text]: { type: 'string' } }, required: [text] },
      { const: text },
      { enum: [text] },
      { $id: text },
      { $defs: { [text]: true }, $ref: `#/$defs/${text}` },
      { title: text, description: text, default: text, [text]: text },
      { format: text },
      { type: text },
      { pattern: text.replaceAll(/[[\]{}*$()/]/g, '\\$&') },
      { patternProperties: { [text.replaceAll(/[[\]{}*$()/]/g, '\\$&')]: false } },
      { dependentRequired: { [text]: [text] } },
      { propertyNames: { const: text } },
    ]
    for (const schema of places) {
      problemWith({ [text]: text }, schema)
      problemWith({ [text]: text }, { $schema: 'http://json-schema.org/draft-07/schema#', ...schema })
    }
    expect('ran' in globalThis).toBe(false)
  })
})
