import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitSentences } from '../../src/decide/sentences.ts'

function texts(text: string): readonly string[] {
  return splitSentences(text).map(({ start, end }) => text.slice(start, end))
}

describe('splitting a text into sentences', () => {
  it('gives each sentence without the white space around it', () => {
    expect(texts('  It rains. Does it?  Yes! ')).toEqual(['It rains.', 'Does it?', 'Yes!'])
    expect(splitSentences('  It rains. Yes! ')).toEqual([
      { start: 2, end: 11 },
      { start: 12, end: 16 },
    ])
  })

  it('does not cut after titles, initials, abbreviations, in numbers or in brackets', () => {
    expect(texts('Dr. Smith met J. R. Hall at 3.5 km. They left.')).toEqual([
      'Dr. Smith met J. R. Hall at 3.5 km.',
      'They left.',
    ])
    expect(texts('The U.S. Army moved (see Fig. 2. It shows it) north. It won.')).toEqual([
      'The U.S. Army moved (see Fig. 2. It shows it) north.',
      'It won.',
    ])
  })

  it('keeps a wrapped line together and ends at an empty line or a list item', () => {
    expect(texts('One line goes\non here.\nNext one.')).toEqual(['One line goes\non here.', 'Next one.'])
    expect(texts('A title\n\nThe text')).toEqual(['A title', 'The text'])
    expect(texts('Needed\n- milk\n- salt')).toEqual(['Needed', '- milk', '- salt'])
  })

  it('counts offsets in UTF-16 and knows marks of other scripts', () => {
    expect(splitSentences('🙂 Fine. Ok.')).toEqual([
      { start: 0, end: 8 },
      { start: 9, end: 12 },
    ])
    expect(texts('今日は雨。明日は晴れ。')).toEqual(['今日は雨。', '明日は晴れ。'])
  })

  it('does not let one open bracket swallow a long text', () => {
    expect(splitSentences(`Open ( here. ${'It goes on and on. '.repeat(100)}`).length).toBeGreaterThan(50)
  })

  it('cuts what is longer than any sentence between words, and never inside a character', () => {
    const words = splitSentences('word '.repeat(600))
    expect(words.map(({ start, end }) => end - start)).toEqual([1199, 1199, 599])
    const faces = splitSentences(`a${'🙂'.repeat(1000)}`)
    expect(faces.map(({ start, end }) => end - start)).toEqual([1199, 802])
  })

  it('never loses or repeats a character that is not white space', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }).map((text) => text.replaceAll('x', '. ').replaceAll('q', '\n')),
        (text) => {
          expect(texts(text).join('').replace(/\s/gu, '')).toBe(text.replace(/\s/gu, ''))
          const sentences = splitSentences(text)
          for (const [index, { start, end }] of sentences.entries()) {
            expect(end).toBeGreaterThan(start)
            expect(start).toBeGreaterThanOrEqual(sentences[index - 1]?.end ?? 0)
          }
        },
      ),
    )
  })
})
