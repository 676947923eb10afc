import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  embeddingRetriever,
  hybridRetriever,
  joinWindows,
  lexicalRetriever,
  orderWindows,
  windowsOf,
} from '../../src/decide/windows.ts'

const SEVEN = 'One is here. Two is here. Three is here. Four is here. Five is here. Six is here. Seven is here.'

describe('windows of a document', () => {
  it('hold four sentences and start two apart', () => {
    expect(windowsOf(SEVEN).map(({ text }) => text)).toEqual([
      'One is here. Two is here. Three is here. Four is here.',
      'Three is here. Four is here. Five is here. Six is here.',
      'Five is here. Six is here. Seven is here.',
    ])
  })

  it('are one for a short text, none for a blank one, and end at an empty line', () => {
    expect(windowsOf('Only this.')).toHaveLength(1)
    expect(windowsOf(' \n ')).toEqual([])
    expect(windowsOf('About owls. They fly.\n\nAbout tin. It melts.').map(({ text }) => text)).toEqual([
      'About owls. They fly.',
      'About tin. It melts.',
    ])
  })

  it('are pieces of the document that together hold every sentence, whatever it is', () => {
    const documents = fc
      .array(fc.constantFrom('A b. ', 'C? ', 'd e f ', '\n\n', '10.5 g. ', '😀 h! '), { maxLength: 30 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(documents, (document) => {
        const windows = windowsOf(document)
        for (const { start, end, text } of windows) expect(document.slice(start, end)).toBe(text)
        const joined = joinWindows(document, windows)
        let at = 0
        for (const { start, end } of joined) {
          expect(document.slice(at, start).trim()).toBe('')
          at = end
        }
        expect(document.slice(at).trim()).toBe('')
      }),
    )
  })

  it('are sent once where they overlap', () => {
    const [first, second, third] = windowsOf(SEVEN)
    if (!first || !second || !third) throw new Error('three windows are expected')
    expect(joinWindows(SEVEN, [second, first]).map(({ text }) => text)).toEqual([SEVEN.slice(0, second.end)])
    expect(joinWindows(SEVEN, [third, first]).map(({ text }) => text)).toEqual([SEVEN])
    const apart = 'About owls. They fly.\n\nAbout tin. It melts.'
    expect(joinWindows(apart, windowsOf(apart))).toHaveLength(2)
  })
})

const DOCUMENT = [
  'The lighthouse at Cape Morrow was built in 1874. Its builder was Anna Reyes.',
  'Basalt forms when lava cools quickly. Granite cools slowly.',
  'Anna Reyes was born in Porto. She studied in Lisbon.',
].join('\n\n')

describe('the order of windows', () => {
  it('puts the words of the question first, and then what the passage found so far names', async () => {
    const question = 'Where was the builder of the lighthouse born?'
    const ordered = (await orderWindows(question, windowsOf(DOCUMENT), lexicalRetriever))(3)
    expect(ordered.map(({ text }) => text.slice(0, 10))).toEqual(['The lighth', 'Anna Reyes', 'Basalt for'])
  })

  it('holds every window once, whatever is asked, and no more than wanted', async () => {
    const ordered = (await orderWindows('zebra', windowsOf(DOCUMENT), lexicalRetriever))(9)
    expect(ordered.toSorted((a, b) => a.start - b.start)).toEqual(windowsOf(DOCUMENT))
    const two = (await orderWindows('zebra', windowsOf(DOCUMENT), lexicalRetriever))(2)
    expect(two).toHaveLength(2)
  })

  it('follows vectors where words say nothing, alone and beside words', async () => {
    const embed = async (texts: readonly string[]) =>
      texts.map((text) => (/lava|magma/.test(text) ? [1, 0.1] : [0.1, 1]))
    for (const retrieve of [embeddingRetriever(embed), hybridRetriever(embed)]) {
      const [first] = (await orderWindows('magma', windowsOf(DOCUMENT), retrieve))(1)
      expect(first?.text).toContain('Basalt')
    }
    const scores = await hybridRetriever(embed)('lava', ['lava', 'owls'], () => [1, 0])
    expect(scores[0]).toBe(1)
    expect(await embeddingRetriever(async (texts) => texts.map(() => [0, 0]))('a', ['b'], () => [0])).toEqual([1])
  })
})
