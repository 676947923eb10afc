import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { solve } from '../../src/solvers/solvers.ts'

function answerTo(question: string): string | null {
  return solve(question)?.answer ?? null
}

describe('the arithmetic solver', () => {
  it('names itself beside the answer', () => {
    expect(solve('17*23+4')).toEqual({
      solver: 'arithmetic',
      answer: '395',
      steps: ['17 * 23 = 391', '391 + 4 = 395'],
    })
  })

  it.each([
    ['What is 12.5% of 480?', '60'],
    ['(3/4 + 1/8) * 2', '1.75'],
    ['2^10', '1024'],
    ['2**3', '8'],
    ["what's 15 plus 27 minus 3?", '39'],
    ['1,234 * 2', '2468'],
    ['12 divided by 5', '2.4'],
    ['12 ÷ 5 × 2', '4.8'],
    ['10 − 4', '6'],
    ['How much is 7 times 8?', '56'],
    ['Can you tell me what is 3+4?', '7'],
    ['What does 3 + 4 equal?', '7'],
    ['Please calculate: 3+4', '7'],
    ['Evaluate the following expression: 3+4', '7'],
    ['((4 + 5 * -9 * -8) - (-9 + -7 - -6 - -9)) =', '365'],
    ['3+4 = ?', '7'],
    ['3 x 4', '12'],
    ['2.5 million divided by 5', '500000'],
    ['0.1+0.2', '0.3'],
    ['-7 * 3', '-21'],
    ['0 * -5', '0'],
  ])('answers %j with %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['Was ist 3 mal 4?', '12'],
    ['Was ist 1,5 mal 2?', '3'],
    ['Berechne 2 hoch 10', '1024'],
    ['Wie viel ist 20 Prozent von 50?', '10'],
    ['Was ist 10 geteilt durch 4?', '2.5'],
  ])('answers the German %j with %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['twenty-five plus seventeen', '42'],
    ['three hundred and five thousand two hundred minus one', '305199'],
    ['ninety-nine hundred times two', '19800'],
    ['a hundred plus one', '101'],
    ['two million minus a thousand', '1999000'],
    ['negative five plus 3', '-2'],
    ['five squared', '25'],
    ['2 to the power of 10', '1024'],
    ['two thirds of 90', '60'],
    ['half of 30', '15'],
    ['the sum of 2, 3 and 4', '9'],
    ['product of six and seven', '42'],
    ['divide 84 by 4', '21'],
    ['subtract 3 from 10', '7'],
  ])('reads words: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['3 + 4 * 2 / (1 - 5)^2', '3.5'],
    ['2^3^2', '512'],
    ['-2^2', '-4'],
    ['2^-3', '0.125'],
    ['8 / 4 / 2', '1'],
    ['7 - -4', '11'],
    ['20% of 30% of 50', '3'],
    ['3 + 20% of 50', '13'],
    ['100 * 10%', '10'],
    ['sqrt(16) * 2', '8'],
    ['the square root of (16 + 9)', '5'],
  ])('binds as in mathematics: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['compute 3/7', '3/7 ≈ 0.4285714286'],
    ['-2 / 3', '-2/3 ≈ -0.6666666667'],
    ['1000000 / 3', '1000000/3 ≈ 333333.3333'],
    ['2/3000', '1/1500 ≈ 0.0006666666667'],
    ['10^12 / 7', '1000000000000/7 ≈ 1.428571429e11'],
    ['29999999999 / 30000000001', '29999999999/30000000001 ≈ 0.9999999999'],
    ['299999999999 / 300000000001', '299999999999/300000000001 ≈ 1.000000000'],
    ['1/2^29', '0.00000000186264514923095703125'],
    ['1/2^31', '1/2147483648 ≈ 4.656612873e-10'],
    ['2^100', '1267650600228229401496703205376'],
  ])('writes %j as %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['two readings of a percentage', '50 + 10%'],
    ['a percentage of nothing', '20%'],
    ['two percentages', '10% * 50%'],
    ['an unclear reach of "of"', '20% of 50 + 10'],
    ['an unclear reach of a root', 'square root of 16 plus 9'],
    ['an unclear reach of "squared"', '3 plus 5 squared'],
    ['operands with an operator inside', 'divide 10 by 2 plus 3'],
    ['a German or English thousand', 'Was ist 1.234 mal 2?'],
    ['a comma that is no thousand', '1,5 * 2'],
    ['a leading zero', '03 + 4'],
    ['implicit multiplication', '2(3+4)'],
    ['algebra', '2x + 3'],
    ['a modulo or a percentage', '5 % 3'],
    ['a number alone', 'What is 42?'],
    ['a signed number alone', 'What is -5?'],
    ['an article for a number', 'a + 3'],
    ['a sign in the wrong place', '5 negative 3'],
    ['a year in words', 'nineteen eighty-four plus 1'],
    ['a list of lines', '17 + 4\n- 3'],
    ['a list mark', '- 5 + 3'],
    ['a statement', '3+4=7'],
    ['two questions', 'What is 2+2? What is 3+3?'],
    ['units that only one operand has', '5 km + 3'],
    ['currency', '$5 + $3'],
    ['a factorial or an exclamation', '3 + 4!'],
    ['superscripts without a base', '²'],
    ['an object key', 'constructor + 1'],
  ])('declines %s: %j', (_why, question) => {
    expect(answerTo(question)).toBeNull()
  })

  it.each([
    'What is 9/11?',
    '24/7',
    '2024-11-05',
    '5/11/2024',
    '555-1234',
    '1990-2000',
    '2024-25',
    '10–20',
    '1920x1080',
    '347-677-452',
    '960121-1234567',
    '400/401/403',
  ])('declines the name %j, which only looks like arithmetic', (question) => {
    expect(answerTo(question)).toBeNull()
  })

  it('computes what looks like a name when the question asks for it', () => {
    expect(answerTo('Calculate 24/8')).toBe('3')
    expect(answerTo('What is 347-67-52?')).toBe('228')
    expect(answerTo('9/11 =')).toBe('9/11 ≈ 0.8181818182')
  })

  it.each(['1/0', '5 / (3 - 3)', '0^0', '0^-1', '2^0.5', 'sqrt(2)', 'sqrt(-4)'])(
    'declines %j, which has no exact value',
    (question) => {
      expect(answerTo(question)).toBeNull()
    },
  )

  it.each([
    ['a tower of powers', '9^9^9^9'],
    ['a tower of 900 powers', `${'9^'.repeat(900)}9`],
    ['an exponent above the limit', '1^2001'],
    ['a result of more than 400 digits', '10^401'],
    ['a negative power of more than 400 digits', '10^-401'],
    ['a product of more than 400 digits', '10^300 * 10^300'],
    ['201 brackets', `${'('.repeat(201)}1+1${')'.repeat(201)}`],
    ['2,000 brackets', '('.repeat(2000)],
    ['2,000 signs', '-'.repeat(2000)],
    ['2,001 characters', `${' '.repeat(1998)}1+1`],
    ['a figure of more than 200 digits', `${'9'.repeat(201)} + 1`],
  ])('stops at %s', (_what, question) => {
    expect(answerTo(question)).toBeNull()
  })

  it('answers right up to its limits', () => {
    expect(answerTo(`${'('.repeat(200)}1+1${')'.repeat(200)}`)).toBe('2')
    expect(answerTo(`${' '.repeat(1997)}1+1`)).toBe('2')
    expect(answerTo('1^2000')).toBe('1')
    expect(answerTo('10^399')).toBe(`1${'0'.repeat(399)}`)
    expect(answerTo('1+'.repeat(999).concat('1'))).toBe('1000')
  })
})

type Ratio = readonly [numerator: bigint, denominator: bigint]
interface Sample {
  readonly text: string
  readonly value: Ratio | null
}

/** Random expressions with their value, computed beside the text by plain BigInt ratios. */
const expressions = fc.letrec<{ whole: Sample; leaf: Sample; node: Sample }>((tie) => ({
  whole: fc.oneof({ maxDepth: 5, withCrossShrink: true }, tie('leaf'), tie('node')),
  leaf: fc
    .integer({ min: -999, max: 999 })
    .map((n) => ({ text: n < 0 ? `(${n})` : `${n}`, value: [BigInt(n), 1n] as const })),
  node: fc.tuple(tie('whole'), fc.constantFrom('+', '-', '*', '/'), tie('whole')).map(([left, sign, right]) => ({
    text: `(${left.text} ${sign} ${right.text})`,
    value: combined(left.value, sign, right.value),
  })),
})).node

function combined(left: Ratio | null, sign: string, right: Ratio | null): Ratio | null {
  if (left === null || right === null) return null
  const [a, b] = left
  const [c, d] = right
  if (sign === '+') return [a * d + c * b, b * d]
  if (sign === '-') return [a * d - c * b, b * d]
  if (sign === '*') return [a * c, b * d]
  return c === 0n ? null : [a * d, b * c]
}

/** The exact part of an answer: an integer, a decimal, or what stands before the sign of approximation. */
function exactValue(answer: string): Ratio {
  const exact = answer.split(' ≈ ')[0] ?? ''
  const [top = '0', bottom] = exact.split('/')
  if (bottom !== undefined) return [BigInt(top), BigInt(bottom)]
  const places = top.split('.')[1]?.length ?? 0
  return [BigInt(top.replace('.', '')), 10n ** BigInt(places)]
}

describe('the arithmetic solver, on anything', () => {
  it('agrees with plain ratios on random expressions, and declines exactly the divisions by zero', () => {
    fc.assert(
      fc.property(expressions, ({ text, value }) => {
        const answer = answerTo(text)
        if (value === null) return answer === null
        if (answer === null) return false
        const [n, d] = exactValue(answer)
        return n * value[1] === d * value[0]
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  it('gives the same answer inside a question as alone', () => {
    fc.assert(
      fc.property(expressions, ({ text }) => answerTo(`What is ${text}?`) === answerTo(text)),
      { numRuns: 300, seed: 2 },
    )
  })

  it('declines every expression with a word behind it that it does not know', () => {
    const words = fc.constantFrom(
      'apples',
      'km',
      'today',
      'in binary',
      'rounded',
      'or 5',
      'and 3',
      'usd',
      'mod 7',
      '≈ 4',
      '!',
    )
    fc.assert(
      fc.property(expressions, words, ({ text }, word) => answerTo(`${text} ${word}`) === null),
      { numRuns: 300, seed: 3 },
    )
  })

  it('never throws on any text', () => {
    const pieces = fc.constantFrom(
      ...'0123456789+-*/^%()., x=?!'.split(''),
      'of ',
      'plus ',
      'squared ',
      'sqrt',
      'hundred ',
      'twenty',
      '√',
      '²',
    )
    const soup = fc.array(pieces, { maxLength: 200 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 2100 }), soup), (text) => {
        const answer = answerTo(text)
        return answer === null || /^-?\d/.test(answer)
      }),
      { numRuns: 3000, seed: 4 },
    )
  })
})
