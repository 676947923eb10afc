import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextProperties, openings, type Plan } from '../../src/models/embedded/json-plan.ts'
import { type LeafScan, NumberScan, StringScan } from '../../src/models/embedded/json-scan.ts'
import { planSchema } from '../../src/models/embedded/json-schema.ts'
import { optionLogprobs, optionTree } from '../../src/models/embedded/option-tree.ts'

/** Offers the texts one after the other, as tokens come; what is refused is skipped. */
function written(scan: LeafScan, texts: readonly string[]): { readonly text: string; readonly ended: boolean } {
  let text = ''
  for (const offered of texts) {
    const piece = scan.offer(offered)
    if (piece === null) continue
    text += piece.text
    if (piece.ends) return { text, ended: true }
    scan.take(piece)
  }
  return { text, ended: false }
}

const free = { minLength: 0, maxLength: Number.POSITIVE_INFINITY }

describe('a JSON string that is written token by token', () => {
  it('ends at the first quote that is not escaped, and drops what follows it in the token', () => {
    expect(written(new StringScan(free), ['say ', '\\"', 'hi', '\\', '"', '.", "age'])).toEqual({
      text: 'say \\"hi\\".',
      ended: true,
    })
  })

  it('takes no control character and no escape that JSON does not know', () => {
    for (const text of ['\n', 'a\tb', '\\x', '\\u12g4', '\u0000']) expect(new StringScan(free).offer(text)).toBeNull()
    expect(new StringScan(free).offer('\\u00e9 größe 水 🌊')).toEqual({ text: '\\u00e9 größe 水 🌊', ends: false })
  })

  it('counts code points, an escape as one, and takes nothing beyond the longest length', () => {
    const scan = new StringScan({ minLength: 0, maxLength: 3 })
    expect(written(scan, ['🌊', '\\n', 'too long', 'c', 'd'])).toEqual({ text: '🌊\\nc', ended: false })
    expect(scan.isFull).toBe(true)
    expect(scan.offer('"')).toEqual({ text: '', ends: true })
  })

  it('does not end before the shortest length', () => {
    expect(written(new StringScan({ minLength: 2, maxLength: 9 }), ['a', '"', 'b', '"'])).toEqual({
      text: 'ab',
      ended: true,
    })
  })

  it('is always JSON, whatever is offered', () => {
    const token = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('\\', '"', '\\u', '00e9', '\n', '\\\\'),
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        const { text, ended } = written(new StringScan(free), tokens)
        if (ended) expect(typeof JSON.parse(`"${text}"`)).toBe('string')
      }),
      { numRuns: 500 },
    )
  })
})

describe('a JSON number that is written token by token', () => {
  const any = { integer: false, negative: true }

  it.each([
    ['a negative decimal after a space', any, [' -', '5', '.', '5', ','], ' -5.5'],
    ['an integer that the model would go on as a decimal', { integer: true, negative: true }, ['3', '.', '}'], '3'],
    ['a number without a sign where the schema allows none', { integer: true, negative: false }, ['-', '7', '\n'], '7'],
    ['an exponent', any, ['1', 'e', '-', '3', ']'], '1e-3'],
    ['a token that holds the delimiter', any, ['12, "b"'], '12'],
    ['no leading zero', any, ['0', '1', ','], '0'],
    ['no unfinished fraction', any, ['4', '.', ',', '2', ' '], '4.2'],
  ])('writes %s', (_, kind, tokens, text) => {
    expect(written(new NumberScan(kind), tokens)).toEqual({ text, ended: true })
  })

  it('ends after a bounded number of digits', () => {
    const digits = Array.from({ length: 400 }, () => '9')
    expect(written(new NumberScan({ integer: true, negative: true }), digits).text).toBe('999999999999999')
    expect(written(new NumberScan(any), ['0', '.', ...digits]).text).toHaveLength(18)
  })

  it('takes no line break and no words before the number', () => {
    for (const text of ['\n', '\n-', 'five', ' "', '']) expect(new NumberScan(any).offer(text)).toBeNull()
  })
})

describe('the plan of a schema', () => {
  it('writes what is fixed, chooses from closed sets and generates the rest, in the order of the schema', () => {
    const plan = planSchema({
      type: 'object',
      properties: {
        z: { const: 'v1' },
        kind: { enum: ['a', 'b', 'a'] },
        only: { enum: ['x'] },
        sure: { type: 'boolean' },
        nothing: { type: 'null' },
        count: { type: 'integer', minimum: 0 },
      },
      required: ['count', 'z'],
    })
    expect(plan).toEqual({
      kind: 'object',
      properties: [
        { key: 'z', required: true, plan: { kind: 'written', json: '"v1"' } },
        { key: 'kind', required: false, plan: { kind: 'choice', values: ['"a"', '"b"'] } },
        { key: 'only', required: false, plan: { kind: 'written', json: '"x"' } },
        { key: 'sure', required: false, plan: { kind: 'choice', values: ['true', 'false'] } },
        { key: 'nothing', required: false, plan: { kind: 'written', json: 'null' } },
        { key: 'count', required: true, plan: { kind: 'number', integer: true, negative: false } },
      ],
    })
  })

  it('follows references, also percent-encoded and escaped ones, and may hold itself', () => {
    const plan = planSchema({
      $ref: '#/$defs/a~1b%20c',
      $defs: { 'a/b c': { type: 'object', properties: { next: { $ref: '#/$defs/a~1b%20c' } } } },
    })
    const inner = plan.kind === 'reference' ? plan.target() : plan
    expect(inner).toMatchObject({ kind: 'object', properties: [{ key: 'next', plan: { kind: 'reference' } }] })
  })

  it('joins the parts of allOf, and what stands beside a reference or anyOf', () => {
    const named = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
    const keysOf = (plan: Plan): readonly string[] =>
      plan.kind === 'object' ? plan.properties.map(({ key, required }) => (required ? `${key}!` : key)) : []
    const both = planSchema({
      allOf: [{ $ref: '#/$defs/named' }, { properties: { age: { type: 'integer' } }, required: ['age'] }],
      $defs: { named },
    })
    expect(keysOf(both)).toEqual(['name!', 'age!'])
    const beside = planSchema({ ...named, anyOf: [{ required: ['a'] }, { properties: { b: {} } }] })
    expect(beside.kind === 'union' ? beside.branches.map(keysOf) : []).toEqual([
      ['name!', 'a!'],
      ['name!', 'b'],
    ])
  })

  it.each([
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }, 'invalid at schema: #/$defs/none leads nowhere'],
    ['a reference to another machine', { $ref: 'https://example.com/s.json' }, 'leads nowhere'],
    ['a reference that is only itself', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, 'is only itself'],
    [
      'a required property that nothing satisfies',
      { required: ['a'], properties: { a: false } },
      'at schema/a: no value',
    ],
    ['an empty enum', { enum: [] }, 'its enum is empty'],
    [
      'a huge enum',
      { enum: Array.from({ length: 300 }, (_, at) => at) },
      'its enum has 300 values, at most 256 are read',
    ],
    ['a type of its own', { type: 'wish' }, 'its type "wish" is none of JSON Schema'],
  ])('is refused for %s, with the place', (_, schema, message) => {
    expect(() => planSchema(schema)).toThrow(message)
  })

  it('is refused when it is too deep, too wide, or unfolds into too much', () => {
    let deep: Record<string, unknown> = { type: 'string' }
    for (let level = 0; level < 60; level++) deep = { type: 'array', items: deep }
    expect(() => planSchema(deep)).toThrow('it nests deeper than 32 levels')
    const wide = { properties: Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`p${at}`, {}])) }
    expect(() => planSchema(wide)).toThrow('the schema has more than 1000 properties')
    const self = { $ref: '#/$defs/n', minItems: 1 }
    const bomb = { ...self, $defs: { n: { type: 'array', prefixItems: [self, self, self] } } }
    expect(() => planSchema(bomb)).toThrow(/nests deeper than 32 levels|more than 5000 parts/)
  })

  it("keeps a property with the name of an object's own machinery", () => {
    const hostile = JSON.parse(
      '{"allOf": [{"properties": {"__proto__": {"type": "null"}, "constructor": {"type": "null"}}}]}',
    )
    const plan = planSchema(hostile)
    const keys = plan.kind === 'object' ? plan.properties.map(({ key }) => key) : []
    expect(keys).toEqual(['__proto__', 'constructor'])
    expect(() => planSchema({ $ref: '#/constructor' })).toThrow('#/constructor leads nowhere')
  })

  it('may begin with what tells its branches apart', () => {
    const shape = (name: string) => ({ type: 'object', properties: { type: { const: name } }, required: ['type'] })
    const plan = planSchema({
      oneOf: [shape('circle'), shape('square'), { type: 'null' }, { type: 'integer', minimum: 0 }],
    })
    expect(openings(plan).slice(0, 4)).toEqual(['{"type": "circle"', '{"type": "square"', 'null', '0'])
  })

  it('lets optional properties come up to the next required one', () => {
    const plan = planSchema({ properties: { a: {}, b: {}, c: {} }, required: ['b'] })
    const properties = plan.kind === 'object' ? plan.properties : []
    const at = (from: number) => {
      const { candidates, mayEnd } = nextProperties(properties, from)
      return [candidates.map(({ key }) => key).join(''), mayEnd]
    }
    expect([at(0), at(1), at(2), at(3)]).toEqual([
      ['ab', false],
      ['b', false],
      ['c', true],
      ['', true],
    ])
  })
})

describe('a tree of options', () => {
  it('reads an option where it parts from others and no further', () => {
    const tree = optionTree([
      [1, 2, 9],
      [1, 3, 4, 9],
      [1, 3, 5, 9],
    ])
    expect(tree.branches).toEqual([
      { path: [1], next: [2, 3] },
      { path: [1, 3], next: [4, 5] },
    ])
    const readings = [
      new Map([
        [2, -1],
        [3, -2],
      ]),
      new Map([
        [4, -0.5],
        [5, -3],
      ]),
    ]
    expect(optionLogprobs(tree, readings)).toEqual([-1, -2.5, -5])
  })

  it('gives an option that is the beginning of another one what the other leaves', () => {
    const tree = optionTree([[1], [1, 0]])
    const [short, long] = optionLogprobs(tree, [new Map([[0, Math.log(0.25)]])])
    expect(Math.exp(short ?? 0)).toBeCloseTo(0.75, 9)
    expect(Math.exp(long ?? 0)).toBeCloseTo(0.25, 9)
  })

  it('has no number for an option whose reading is missing', () => {
    expect(
      optionLogprobs(optionTree([[1], [2]]), [
        new Map([
          [1, null],
          [2, -1],
        ]),
      ]),
    ).toEqual([null, -1])
  })
})
