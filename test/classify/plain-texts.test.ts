import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalise } from '../../src/classify/normalise.ts'
import { readings } from '../../src/classify/readings.ts'
import { splitWords } from '../../src/classify/terms.ts'

/** Texts that take the short way, of letters that matter on it. */
const PLAIN = fc.string({
  unit: fc.constantFrom(
    'a',
    'Z',
    '4',
    '2',
    '$',
    '@',
    '_',
    '.',
    '/',
    '\\',
    ' ',
    '  ',
    '\n',
    '\t',
    '\r\n',
    ':',
    'w.x.y.z',
  ),
})
const RUNS = { numRuns: 3000 }

describe('a plain text', () => {
  it('is folded as it is beside a letter that is not plain', () => {
    fc.assert(
      fc.property(PLAIN, (text) => {
        expect(normalise(`é|${text}|é`)).toBe(`e${normalise(`|${text}|`)}e`)
      }),
      RUNS,
    )
  })

  it('is cut into the words it has beside a letter that is not plain', () => {
    fc.assert(
      fc.property(PLAIN, (text) => {
        const folded = normalise(text)
        expect(splitWords(`${folded} é`).words.slice(0, -1)).toEqual(splitWords(folded).words)
      }),
      RUNS,
    )
  })

  it('is read with letters for digits wherever a longer text is', () => {
    fc.assert(
      fc.property(PLAIN, (text) => {
        const [, read = `${text} x1`] = readings(`${text} x1`)
        expect(readings(text).at(1) ?? text).toBe(read.slice(0, -3))
      }),
      RUNS,
    )
  })

  it.each([23, 24, 47, 48, 71])('shows base64 that begins at character %i', (start) => {
    const hidden = Buffer.from('access denied for us').toString('base64')
    expect(readings(`${'. '.repeat(start).slice(0, start)}${hidden}`)).toContain('access denied for us')
  })
})
