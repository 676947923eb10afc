import { describe, expect, it } from 'vitest'
import { asksForMaths } from '../../src/classify/maths.ts'

describe('asksForMaths', () => {
  it.each([
    'Solve 2x + 3 = 7 for x.',
    'What is the derivative of f(x) = x^3?',
    'Compute the integral of sin(x)/x from 0 to infinity: integral of f(x)',
    'Factorise x² - 5x + 6.',
    'Simplify (a+b)^2 - (a-b)^2 where a = 3b.',
    'Evaluate \\int_0^1 x^2 dx',
    'Find all x with ∑ 1/n^2',
    'Prove that the square root of 2 is irrational.',
    'Find the eigenvalues of the matrix [[2, 1], [1, 2]].',
    'x^2 - 4x + 4 = 0',
    'Löse 3x + 5 = 11 nach x auf.',
  ])('says yes to %j', (text) => {
    expect(asksForMaths(text)).toBe(true)
  })

  it.each([
    'What is 17 * 23?',
    'A train travels 60 km in 45 minutes. How fast is it in km/h?',
    'Solve the conflict in this merge request.',
    'Expand the abbreviation NATO.',
    'Integrate the payment provider into our shop.',
    'Simplify this sentence: The cat, which was black, sat.',
    'Please derive the title from the first paragraph.',
    'Set MAX_RETRIES=5 and a=1 in the config.',
    'export const x = 5',
    'Why does a[i] = b fail?\n```c\nint x = y + 2 = 3;\n```',
    'Show that you understand the customer.',
    'What is the root of the problem?',
    'The limit of the credit card is 500 EUR.',
    'version=2 build=17 status=0',
    'git commit -m "x"',
  ])('says no to %j', (text) => {
    expect(asksForMaths(text)).toBe(false)
  })

  it('reads the ends of a long text in linear time', () => {
    expect(asksForMaths(`${'2x + '.repeat(200_000)}\nSummarise it.`)).toBe(false)
    expect(asksForMaths(`${'Some log line. '.repeat(5000)}\nNow solve 2x + 3 = 7.`)).toBe(true)
  })
})
