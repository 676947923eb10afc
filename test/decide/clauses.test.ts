import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitClauses } from '../../src/decide/clauses.ts'

function clauses(text: string): readonly string[] {
  return splitClauses(text).map(({ start, end }) => text.slice(start, end))
}

describe('clauses of prose', () => {
  it('end with sentences, with semicolons and before a conjunction after a comma', () => {
    expect(clauses('Paris is the capital; it lies on the Seine, and it is old. Who knew?')).toEqual([
      'Paris is the capital;',
      'it lies on the Seine,',
      'and it is old.',
      'Who knew?',
    ])
  })

  it('count when the text breaks off inside them', () => {
    expect(clauses('It was built in 1874. Its engineer was Anna')).toEqual([
      'It was built in 1874.',
      'Its engineer was Anna',
    ])
    expect(clauses('Answer: France')).toEqual(['Answer: France'])
    expect(clauses('42')).toEqual(['42'])
  })

  it.each([
    ['a decimal', 'It costs 10.50 dollars in all'],
    ['a thousands separator', 'About 1,000,000 people live there'],
    ['a version', 'Node 24.21.0 runs it'],
    ['an abbreviation', 'Dr. Reyes met Mr. J. Smith at approx. noon'],
    ['initials of a country', 'The U.S. Navy built it'],
    ['a list of names', 'Anna, Ben, Carl'],
    ['code', 'Call `a(); b(1, and); c.d` first'],
    ['an address', 'See https://example.com/a;b?c=1,and.html for it'],
  ])('are never cut inside %s', (_, text) => {
    expect(clauses(text)).toEqual([text])
  })

  it('keep a block of code whole, also one that is not closed', () => {
    const block = '```js\na(); b()\n```'
    expect(clauses(`Run this:\n${block}\nThen stop.`)).toEqual(['Run this:', block, 'Then stop.'])
    expect(clauses('Run:\n```js\na(); b(). C')).toEqual(['Run:', '```js\na(); b(). C'])
  })

  it('cover every character but white space, in order, whatever the text', () => {
    const prose = fc.array(
      fc.constantFrom('a ', 'B. ', '; ', ', and ', '10.50', ', ', 'Dr. ', '`x; y` ', '```', '\n', '\n\n', '? ', '😀 '),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(prose, (pieces) => {
        const text = pieces.join('')
        let at = 0
        for (const { start, end } of splitClauses(text)) {
          expect(text.slice(at, start).trim()).toBe('')
          expect(end).toBeGreaterThan(start)
          at = end
        }
        expect(text.slice(at).trim()).toBe('')
      }),
    )
  })

  it('remember nothing of the text before', () => {
    const first = clauses('An unfinished thought, and')
    clauses('Something else. Entirely; different')
    expect(clauses('An unfinished thought, and')).toEqual(first)
  })
})
