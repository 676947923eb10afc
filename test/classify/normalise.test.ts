import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalise, stripAnsi } from '../../src/classify/normalise.ts'

const TRICKY = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      'О',
      'с',
      'ρ',
      'İ',
      'ß',
      'ﷺ',
      '\u001b',
      '[',
      '3',
      'm',
      '\u200b',
      '\u0301',
      ' ',
      '\n',
      '\u00ad',
      'Σ',
    ),
  }),
)

describe('normalise', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(TRICKY, (text) => {
        expect(normalise(normalise(text))).toBe(normalise(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('is never longer than eighteen times the text', () => {
    fc.assert(
      fc.property(TRICKY, (text) => {
        expect(normalise(text).length).toBeLessThanOrEqual(18 * text.length)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['Ｅｒｒｏｒ ４０１', 'error 401'],
    ['T\u200bO\u200dK\u2060E\u00adN', 'token'],
    ['\u202etoken\u202c', 'token'],
    ['\u001b[1;31mdenied\u001b[0m', 'denied'],
    ['a \t b\r\n\r\n  c', 'a b\nc'],
    ['tоkеn', 'token'],
    ['ѕсоре is missing', 'scope is missing'],
    ['Größe', 'grosse'],
    ['\u{e0074}\u{e006f}x', 'x'],
  ])('folds %j to %j', (text, folded) => {
    expect(normalise(text)).toBe(folded)
  })

  it('leaves a Russian sentence Russian', () => {
    expect(normalise('Сор из избы')).toBe('сор из избы')
  })
})

describe('stripAnsi', () => {
  it('removes colours and hyperlinks and nothing else', () => {
    expect(stripAnsi('\u001b[32m✓\u001b[39m [3] \u001b]8;;https://example.com\u0007link\u001b]8;;\u0007')).toBe(
      '✓ [3] link',
    )
  })
})
