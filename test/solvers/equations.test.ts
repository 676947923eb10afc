import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEquations } from '../../src/solvers/equations.ts'

const TRUE = { checked: 1, wrong: 0 }
const FALSE = { checked: 1, wrong: 1 }
const UNREAD = { checked: 0, wrong: 0 }

function check(text: string): { readonly checked: number; readonly wrong: number } {
  return checkEquations(text, '')
}

describe('the check of equations', () => {
  it.each([
    'So 17 * 23 = 391.',
    '10/3 = 3.33',
    '2/3 = 0.66',
    '1000000/7 = 142857',
    '100/7 ≈ 14.3',
    '0.1 + 0.2 = 0.30000000000000004',
    '1/5 = 20%',
    '$5 * 3 = $15',
    '3 + 4 * 2 = 3 + 8 = 11',
    '7 = 3 + 4',
    '12 x 12 = 144',
    '- 3 + 4 = 7',
    '- 3 + 4 = 1',
    '\\(3 \\times 4 = 12\\)',
  ])('finds %j true', (text) => {
    expect(check(text)).toEqual(TRUE)
  })

  it.each([
    '17 * 23 = 401',
    'Thus, 3 + 4 * 2 = 14.',
    '1. 3 + 4 = 8',
    '**3 + 4 = 8**',
    '- 17 * 23 = 401',
    '10 / 3 = 3',
    '2/3 = 0.76',
    '3 + 4 = 7 = 8',
    '1,000 * 3 = 3,001',
    '50% of 30 = 16',
    '100/7 ≈ 15.3',
    'The sum is small, 3 + 4 = 8, and that is all.',
  ])('finds %j false', (text) => {
    expect(check(text)).toEqual(FALSE)
  })

  it.each([
    ['a variable', 'x + 3 = 5'],
    ['words before it', 'half the 4 = 2'],
    ['a unit', '5 km + 3 = 9'],
    ['words behind it', '3 + 4 = 8 apples'],
    ['another base', '7 + 1 = 10 in base 8'],
    ['a clock', "9 + 5 = 2. It is 2 o'clock."],
    ['a falsehood that is named', 'It is wrong that 2 + 2 = 5.'],
    ['a supposition', 'If 2 + 2 = 5, then I am the pope.'],
    ['inline code', 'Write `1 + 1 = 3` there.'],
    ['a block of code', '```\n1 + 1 = 3\n```'],
    ['a comparison', '1 + 1 == 3'],
    ['an inequality', '1 + 1 <= 3'],
    ['nothing to compute', '3 = 4'],
    ['no equation', 'The answer is 42.'],
  ])('says nothing of %s: %j', (_what, text) => {
    expect(check(text)).toEqual(UNREAD)
  })

  it('says nothing of an equation that the question states', () => {
    expect(checkEquations('2 + 2 = 5', 'Is 2+2=5 right?')).toEqual(UNREAD)
    expect(checkEquations('7 + 1 = 10', 'Add 7 and 1 in base 8.')).toEqual(UNREAD)
  })

  it('counts all of a text', () => {
    expect(check('First, 2 * 3 = 6. Then 6 + 1 = 8.\n- 8 / 2 = 4')).toEqual({ checked: 3, wrong: 1 })
  })

  it('agrees with whole-number arithmetic on random equations', () => {
    const figure = fc.integer({ min: 0, max: 999 })
    fc.assert(
      fc.property(figure, figure, figure, fc.integer({ min: -2, max: 2 }), (a, b, c, off) => {
        const result = BigInt(a) * BigInt(b) + BigInt(c) + BigInt(off)
        fc.pre(result >= 0n)
        expect(check(`Hence ${a} * ${b} + ${c} = ${result}.`)).toEqual(off === 0 ? TRUE : FALSE)
      }),
    )
  })

  it('finds no fault in quotients that are rounded to any place', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9999 }),
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: 1, max: 6 }),
        (a, b, places) => {
          expect(check(`${a} / ${b} = ${(a / b).toFixed(places)}`).wrong).toBe(0)
        },
      ),
    )
  })

  it('reads long texts of signs in little time', () => {
    expect(check(`${'1 + '.repeat(4000)}1 = 3`)).toEqual(UNREAD)
    expect(check('= '.repeat(9000))).toEqual(UNREAD)
  })
})
