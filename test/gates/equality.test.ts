import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { difference } from '../../src/gates/claims.ts'
import { comparedText, cosine, type Equality, sameAnswer } from '../../src/gates/equality.ts'
import { quantitiesIn } from '../../src/gates/quantities.ts'

const EXACT: Equality = { equality: 'exact', tolerance: 0, minSimilarity: 0.98 }
const NUMERIC: Equality = { ...EXACT, equality: 'numeric', tolerance: 0.000001 }
const SEMANTIC: Equality = { ...EXACT, equality: 'semantic' }

const NEAR = [1, 0.1]
const SAME = [1, 0.1]
const FAR = [-0.2, 1]

function same(left: string, right: string, rule: Equality): boolean | null {
  return sameAnswer({ text: left, vector: NEAR }, { text: right, vector: SAME }, rule)
}

describe('exact equality', () => {
  it.each([
    ['Paris', ' paris. '],
    ['The answer is "yes"!', 'answer is yes'],
    ['An   apple a day', 'apple day'],
    ['{"a": 1, "b": [true]}', '{ "b": [true], "a": 1 }'],
    ['```json\n{"city": "Rome"}\n```', '{"city": "rome"}'],
    ['1,234.5 km', '1,234.5 km.'],
  ])('holds between %j and %j', (left, right) => {
    expect(same(left, right, EXACT)).toBe(true)
  })

  it.each([
    ['Paris', 'London'],
    ['3.5', '35'],
    ['-5', '5'],
    ['5 %', '5'],
    ['$5', '5'],
    ['{"a": 1}', '{"a": 2}'],
    ['{"a": -1}', '{"a": 1}'],
    ['{"a": 1}', '{"a": 1, "b": 2}'],
    ['[1, 2]', '[2, 1]'],
    ['a < b', 'a > b'],
    ['2*3', '2+3'],
    ['1,000', '1.000'],
  ])('does not hold between %j and %j', (left, right) => {
    expect(same(left, right, EXACT)).toBe(false)
  })

  it('compares the tool calls of answers that have some, arguments in any order of keys', () => {
    const call = (name: string, given: string) =>
      comparedText({ text: '', toolCalls: [{ id: String(given.length), name, arguments: given }] })
    expect(same(call('get', '{"a":1,"b":2}'), call('get', '{ "b": 2, "a": 1 }'), EXACT)).toBe(true)
    expect(same(call('get', '{"a":1}'), call('set', '{"a":1}'), EXACT)).toBe(false)
    expect(same(call('get', '{"a":1}'), call('get', '{"a":2}'), EXACT)).toBe(false)
  })

  it('is symmetric in every kind', () => {
    const texts = fc.constantFrom('Paris', 'It is 5 km.', 'It is not 5 km.', '5000 m', '12%', '{"a":1}', 'No', '')
    fc.assert(
      fc.property(texts, texts, fc.constantFrom(EXACT, NUMERIC, SEMANTIC), (left, right, rule) => {
        expect(same(left, right, rule)).toBe(same(right, left, rule))
      }),
    )
  })
})

describe('numeric equality', () => {
  it.each([
    ['The answer is 1,234.', '1234'],
    ['1.234,5', '1,234.5'],
    ['1 234 567', '1.234.567'],
    ["1'234.50", '1234.5'],
    ['12%', '12 percent'],
    ['12 %', '0.12'],
    ['5 km', '5000 m'],
    ['$5', '5 dollars'],
    ['5 dollars', '500 cents'],
    ['1.2 million', '1200000'],
    ['2 hours', '120 minutes'],
    ['3 + 4 = 7', 'It makes 7.'],
    ['-3', '\u22123'],
    ['1e3', '1000'],
    ['7 apples', '7'],
    ['.5', '0.5'],
  ])('holds between %j and %j', (left, right) => {
    expect(same(left, right, NUMERIC)).toBe(true)
  })

  it.each([
    ['1.234', '1234'],
    ['12%', '12'],
    ['5 km', '5 kg'],
    ['$5', '5 euros'],
    ['-3', '3'],
    ['7', '70'],
    ['seven', 'eight'],
    ['no number', '5'],
  ])('does not hold between %j and %j', (left, right) => {
    expect(same(left, right, NUMERIC)).toBe(false)
  })

  it('takes the tolerance relative to the larger number', () => {
    expect(same('100', '99', { ...NUMERIC, tolerance: 0.01 })).toBe(true)
    expect(same('100', '98.9', { ...NUMERIC, tolerance: 0.01 })).toBe(false)
    expect(same('0', '0.001', { ...NUMERIC, tolerance: 0.01 })).toBe(false)
  })

  it('reads a hyphen between numbers as no sign, and no number out of a name', () => {
    expect(quantitiesIn('pages 3-5 of v2').map(({ value }) => value)).toEqual([3, 5])
  })

  it('reads any text in linear time', () => {
    expect(quantitiesIn(`${'1,'.repeat(50_000)}x`).length).toBeGreaterThan(0)
    expect(quantitiesIn('9'.repeat(50_000)).length).toBeLessThan(3)
  })
})

describe('semantic equality', () => {
  const BUILT = 'The build failed because a module could not be found.'

  it('holds where the embeddings are close and nothing in the words speaks against it', () => {
    expect(same(BUILT, 'Because a module could not be found, the build failed.', SEMANTIC)).toBe(true)
  })

  it('does not hold where the embeddings are further apart than minSimilarity', () => {
    const other = 'Because a module could not be found, the build failed.'
    expect(sameAnswer({ text: BUILT, vector: NEAR }, { text: other, vector: FAR }, SEMANTIC)).toBe(false)
    const loose = { ...SEMANTIC, minSimilarity: -1 }
    expect(sameAnswer({ text: BUILT, vector: NEAR }, { text: other, vector: FAR }, loose)).toBe(true)
  })

  it.each([
    ['numbers', 'The bridge was built in 1921 by the town.', 'The bridge was built in 1931 by the town.'],
    ['negation', 'The upload of the file was finished.', "The upload of the file wasn't finished."],
    ['negation', 'Der Server ist heute erreichbar.', 'Der Server ist heute nicht erreichbar.'],
    ['names', 'The book was written by Anna Lindqvist.', 'The book was written by Anna Svensson.'],
    ['names', 'Paris is the largest city of the country.', 'London is the largest city of the country.'],
    ['names', 'Use python3 for all of these scripts.', 'Use python2 for all of these scripts.'],
    ['opposites', 'The price of the share increased today.', 'The price of the share decreased today.'],
    ['opposites', 'Yes, the device supports the new cable.', 'No, the device supports the new cable.'],
    ['opposites', 'The door is locked before the guests leave.', 'The door is locked after the guests leave.'],
  ])('never holds between texts that differ in %s, however close their embeddings', (kind, left, right) => {
    expect(same(left, right, SEMANTIC)).toBe(false)
    expect(difference(left, right)).not.toBeNull()
    if (kind !== 'names') expect(difference(left, right)).toBe(kind === 'numbers' ? 'numbers' : difference(right, left))
  })

  it('never holds between short answers that differ', () => {
    expect(same('Paris', 'London', SEMANTIC)).toBe(false)
    expect(same('the red one', 'the blue one', SEMANTIC)).toBe(false)
    expect(same('Anna saw Bob', 'Bob saw Anna', SEMANTIC)).toBe(false)
  })

  it('never holds between texts that share few words', () => {
    expect(same('Two dogs fight in the snow at night.', 'Children cook soup with their parents.', SEMANTIC)).toBe(false)
  })

  it('is not known without an embedding, but for texts that words alone make equal or different', () => {
    const reworded = 'Because a module could not be found, the build failed.'
    const bare = (text: string) => ({ text, vector: null })
    expect(sameAnswer(bare(BUILT), bare(reworded), SEMANTIC)).toBeNull()
    expect(sameAnswer(bare(BUILT), bare(BUILT.toUpperCase()), SEMANTIC)).toBe(true)
    expect(sameAnswer(bare(BUILT), bare('The build failed because 2 modules could not be found.'), SEMANTIC)).toBe(
      false,
    )
  })

  it('takes vectors of different length, or without length, for unrelated', () => {
    expect(cosine([1, 0], [1])).toBe(0)
    expect(cosine([0, 0], [0, 0])).toBe(0)
    expect(cosine([3, 4], [6, 8])).toBeCloseTo(1, 12)
  })
})
