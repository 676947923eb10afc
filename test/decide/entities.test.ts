import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findEntities } from '../../src/decide/entities.ts'

const names = (text: string): readonly string[] => findEntities(text).map((entity) => entity.text)

describe('names in a text', () => {
  it.each([
    ['inside a sentence', 'We met Anna Berg near Lake Siljan.', ['Anna Berg', 'Lake Siljan']],
    ['at its start, but not ordinary first words', 'During the war Ottosson moved. Malmö grew.', ['Ottosson', 'Malmö']],
    ['joined over small words', 'She left the University of Uppsala.', ['University of Uppsala']],
    ['not joined over "of" after a place', 'They saw the Old Shore of Gotland.', ['Old Shore', 'Gotland']],
    ['with initials and suffixes', 'He worked for J. R. Holm Jr. then.', ['J. R. Holm Jr.']],
    ['without titles', 'They thanked Captain Lindqvist.', ['Lindqvist']],
    ['without the possessive', "They used Lindqvist's boat.", ['Lindqvist']],
    ['not months, days and the first person', 'On Monday I left, and in May I came back.', []],
    ['not common abbreviations', 'It came on CD and on TV.', []],
    ['with digits and inner capitals', 'The iPod and the station 6PR were new.', ['iPod', '6PR']],
    ['in quotation marks, when written like a title', 'Her song "The Sound of Rain" won.', ['The Sound of Rain']],
    ['not speech in quotation marks', 'He said "We will see about that".', []],
    ['of groups with their possessive', "It is in the People's Republic of Poland.", ["People's Republic of Poland"]],
    ['with & between two words', 'They read Norstedt & Lind.', ['Norstedt & Lind']],
  ])('are found %s', (_, text, expected) => {
    expect(names(text)).toEqual(expected)
  })

  it('say what their form tells of their kind', () => {
    const kinds = new Map(
      findEntities('We met K. Holm at Uppsala University by Lake Siljan.').map((e) => [e.text, e.label]),
    )
    expect(kinds).toEqual(
      new Map([
        ['K. Holm', 'PER'],
        ['Uppsala University', 'ORG'],
        ['Lake Siljan', 'LOC'],
      ]),
    )
  })

  it('stand exactly at their offsets, in order and without overlaps, in any text', () => {
    const word = fc.constantFrom(
      'Anna',
      'the',
      'of',
      '"',
      '.',
      ',',
      'Ärla',
      'B.',
      '&',
      "'s",
      'May',
      '12',
      '🚢',
      '\n',
      'IBM',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.constantFrom(' ', ''), (words, glue) => {
        const text = words.join(glue)
        let last = 0
        for (const { text: name, start, end, score } of findEntities(text)) {
          expect(text.slice(start, end)).toBe(name)
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          expect(score).toBeGreaterThan(0)
          last = end
        }
      }),
    )
  })

  it('are found in a long text without delay', () => {
    expect(findEntities(`${'A'.repeat(20_000)} ${'Anna of '.repeat(5000)}`).length).toBeGreaterThan(0)
  })
})
