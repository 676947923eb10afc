import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Correction, patched } from '../../src/decide/patch.ts'

describe('a patch', () => {
  it('puts other words at the place that was meant, and not at the first that looks like it', () => {
    const text = 'In 1889 nobody knew that 1889 was wrong.'
    expect(patched(text, [{ start: 25, end: 29, was: '1889', text: '1887' }])).toBe(
      'In 1889 nobody knew that 1887 was wrong.',
    )
  })

  it('applies several by the offsets of the text as it was, in any order', () => {
    const corrections = [
      { start: 7, end: 10, was: 'two', text: 'II' },
      { start: 0, end: 3, was: 'one', text: 'the first' },
    ]
    expect(patched('one or two', corrections)).toBe('the first or II')
  })

  it.each([
    ['what stands there is not what was meant', [{ start: 0, end: 3, was: 'two', text: 'x' }]],
    ['the place is outside the text', [{ start: 8, end: 12, was: 'two', text: 'x' }]],
    [
      'two overlap',
      [
        { start: 0, end: 3, was: 'one', text: 'x' },
        { start: 2, end: 6, was: 'e or', text: 'y' },
      ],
    ],
    ['the place is back to front', [{ start: 3, end: 0, was: '', text: 'x' }]],
  ])('is refused when %s', (_, corrections) => {
    expect(patched('one or two', corrections)).toBeNull()
  })

  it('is refused in the middle of a character', () => {
    expect(patched('a😀b', [{ start: 1, end: 2, was: '\uD83D', text: 'x' }])).toBeNull()
  })

  it('changes what it names and nothing else, for any text and any places', () => {
    const anyPlaces = fc.string({ unit: 'grapheme', maxLength: 60 }).chain((text) => {
      const units = [...text]
      const cuts = fc.uniqueArray(fc.nat({ max: units.length }), { maxLength: 8 })
      return fc.tuple(fc.constant(units), cuts, fc.array(fc.string({ maxLength: 5 }), { minLength: 4, maxLength: 4 }))
    })
    fc.assert(
      fc.property(anyPlaces, ([units, cuts, words]) => {
        const sorted = cuts.toSorted((a, b) => a - b)
        const offset = (at: number): number => units.slice(0, at).join('').length
        const text = units.join('')
        const corrections: Correction[] = []
        let expected = ''
        let last = 0
        for (let pair = 0; pair + 1 < sorted.length; pair += 2) {
          const [from = 0, to = 0] = [sorted[pair], sorted[pair + 1]]
          const word = words[pair / 2] ?? ''
          const [start, end] = [offset(from), offset(to)]
          corrections.push({ start, end, was: text.slice(start, end), text: word })
          expected += units.slice(last, from).join('') + word
          last = to
        }
        expected += units.slice(last).join('')
        expect(patched(text, corrections.toReversed())).toBe(expected)
        const same = corrections.map((correction) => ({ ...correction, text: correction.was }))
        expect(patched(text, same)).toBe(text)
      }),
    )
  })
})
