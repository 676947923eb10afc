import { describe, expect, it } from 'vitest'
import { bootstrap, squadEm, squadF1, squadWords, wilson } from '../../bench/tasks/metrics.ts'

describe('the scorer of spans', () => {
  it('compares words without case, ASCII punctuation and articles', () => {
    expect(squadWords('The “Old” St. John’s, a U.S. mill–house!')).toEqual([
      '“old”',
      'st',
      'john’s',
      'us',
      'mill–house',
    ])
    expect(squadEm('the Cat.', ['cat'])).toBe(1)
    expect(squadEm('black cat', ['cat'])).toBe(0)
  })

  it('takes the nearest right answer and counts repeated words as often as both have them', () => {
    expect(squadF1('New York City', ['Boston', 'New York'])).toBeCloseTo(0.8, 12)
    expect(squadF1('to to to', ['to be to'])).toBeCloseTo(2 / 3, 12)
    expect(squadF1('red', ['blue'])).toBe(0)
    expect(squadF1('the', ['a'])).toBe(1)
    expect(squadF1('the', ['cat'])).toBe(0)
  })

  it('counts an abstention as right exactly when there is no answer', () => {
    expect([squadF1(null, []), squadEm('', []), squadF1('cat', []), squadF1(null, ['cat'])]).toEqual([1, 1, 0, 0])
    expect(squadEm(' ', ['cat'])).toBe(0)
  })
})

describe('intervals', () => {
  it('are those of Wilson for a share', () => {
    const [low, high] = wilson(81, 263) ?? [0, 0]
    expect(low).toBeCloseTo(0.2553, 4)
    expect(high).toBeCloseTo(0.3662, 4)
    expect(wilson(0, 10)?.[0]).toBe(0)
    expect(wilson(0, 0)).toBeNull()
  })

  it('of a mean are the same every time and about two standard errors wide on each side', () => {
    const values = Array.from({ length: 400 }, (_, index) => index % 2)
    const [low, high] = bootstrap(values) ?? [0, 0]
    expect(low).toBeGreaterThan(0.44)
    expect(low).toBeLessThan(0.46)
    expect(high).toBeGreaterThan(0.54)
    expect(high).toBeLessThan(0.56)
    expect(bootstrap(values)).toEqual([low, high])
    expect(bootstrap([])).toBeNull()
  })
})
