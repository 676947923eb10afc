import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinWindows, windowsOf } from '../../src/decide/windows.ts'
import { passageText, readReply, type Subject, spanRequest } from '../../src/patterns/buddy-question.ts'
import { messageText } from '../../src/spec/request.ts'

const DOCUMENT =
  'The tower was built in 1889. Nobody knew that in 1889. It stands in Paris.\n\nThe bridge was opened in 1932. It stands in Sydney.'
const windows = joinWindows(DOCUMENT, windowsOf(DOCUMENT))
const subject: Subject = { question: 'When was it built?', document: DOCUMENT, options: null }

function reply(value: unknown, evidence: unknown = null, at: unknown = null): string {
  return JSON.stringify({ value, evidence, at })
}

describe('a reply about a span', () => {
  it('counts when value and evidence stand in the passage, and tells where in the document', () => {
    const read = readReply(reply('1932', 'opened in 1932', 90), { windows, subject })
    if (read.type !== 'value') throw new Error(read.type)
    expect(read.value).toBe('1932')
    expect(DOCUMENT.slice(read.evidence?.start, read.evidence?.end)).toBe('opened in 1932')
  })

  it('chooses among several places by the offset that was said, counted in the passage as it was sent', () => {
    const passage = passageText(windows)
    const [first, second] = [passage.indexOf('1889'), passage.lastIndexOf('1889')]
    for (const at of [first, second, second + 3]) {
      const read = readReply(reply('1889', '1889', at), { windows, subject })
      if (read.type !== 'value') throw new Error(read.type)
      expect(read.evidence?.start).toBe(at === first ? first : second)
    }
  })

  it.each([
    ['in a fence', '```json\n{"value": "Paris", "evidence": "stands in Paris", "at": 3}\n```'],
    ['after a sentence', 'Here it is: {"value": "Paris", "evidence": "stands in Paris", "at": null}'],
    ['with evidence that does not stand there, as long as the value does', reply('Paris', 'lies in Paris', 1)],
  ])('is read %s', (_, text) => {
    expect(readReply(text, { windows, subject })).toMatchObject({ type: 'value', value: 'Paris' })
  })

  it.each([
    ['words that stand nowhere', reply('1775', 'built in 1775'), 'not_in_passage'],
    ['a part of a number', reply('88', '88'), 'not_in_passage'],
    ['a yes without evidence', reply('yes'), 'not_in_passage'],
    ['a yes with evidence that stands nowhere', reply('yes', 'built of wood'), 'not_in_passage'],
    ['no JSON', 'It was 1889.', 'unreadable'],
    ['JSON of another form', '{"answer": "1889"}', 'unreadable'],
    ['a number where words are wanted', reply(1889), 'unreadable'],
    ['a whole essay', reply('x'.repeat(301)), 'too_long'],
  ])('is unusable with %s', (_, text, why) => {
    expect(readReply(text, { windows, subject })).toEqual({ type: 'unusable', why })
  })

  it('says that the passages do not hold it', () => {
    expect(readReply(reply(null), { windows, subject })).toEqual({ type: 'absent' })
    expect(readReply(reply('  '), { windows, subject })).toEqual({ type: 'absent' })
  })

  it('has to be one of the options of a closed task, in whatever case', () => {
    const closed: Subject = { question: 'Which?', document: null, options: ['build', 'test'] }
    expect(readReply(reply('Test'), { windows: [], subject: closed })).toMatchObject({ type: 'value', value: 'test' })
    const other = readReply(reply('deploy'), { windows: [], subject: closed })
    expect(other).toEqual({ type: 'unusable', why: 'not_an_option' })
  })

  it('never names evidence that does not stand where it says, whatever was replied', () => {
    const words = fc.oneof(
      fc.constantFrom('1889', 'Paris', 'in 1889. Nobody', 'tower', '88', 'yes'),
      fc.string({ maxLength: 12 }),
    )
    fc.assert(
      fc.property(words, fc.option(words), fc.option(fc.integer()), (value, evidence, at) => {
        const read = readReply(reply(value, evidence, at), { windows, subject })
        if (read.type !== 'value') return
        const shown = DOCUMENT.slice(read.evidence?.start, read.evidence?.end)
        expect(shown.length).toBeGreaterThan(0)
        expect(/^(?:yes|no)$/i.test(read.value) || shown.includes(read.value)).toBe(true)
      }),
    )
  })
})

describe('a question about a span', () => {
  const answer = 'The tower was built in 1887 for the fair.'
  const span = { start: 23, end: 27, text: '1887', kind: 'number', entropyNats: 1.2 } as const

  it('carries the question of the caller, the span in its place, and the passages, and nothing else', () => {
    const request = spanRequest({ subject, answer, span, windows: windows.slice(0, 1) }, { task: 'about' })
    const said = request.messages.map(messageText).join('\n')
    expect(said).toContain('Question: When was it built?')
    expect(said).toContain('Draft: The tower was built in [[1887]] for the fair.')
    expect(said).toContain('Passage:\nThe tower was built in 1889.')
    expect(said).not.toContain('Sydney')
    expect(request.metadata).toEqual({ task: 'about' })
  })

  it('carries the neighbourhood of a span in a long answer, cut between words', () => {
    const long = `${'early word '.repeat(60)}${answer}${' later word'.repeat(60)}`
    const at = long.indexOf('1887')
    const request = spanRequest(
      { subject, answer: long, span: { ...span, start: at, end: at + 4 }, windows },
      undefined,
    )
    const draft = /^Draft: (.*)$/m.exec(messageText(request.messages[1] ?? { role: 'user', content: '' }))?.[1] ?? ''
    expect(draft.length).toBeLessThan(440)
    expect(draft).toMatch(/^(?:early|word) .*\[\[1887\]\].* (?:later|word)$/)
  })

  it('asks from knowledge where there is no document', () => {
    const without = { ...subject, document: null }
    const request = spanRequest({ subject: without, answer, span, windows: [] }, undefined)
    const said = request.messages.map(messageText).join('\n')
    expect(said).not.toContain('Passage:')
    expect(said).not.toContain('"evidence"')
    expect(readReply('{"value":"1889"}', { windows: [], subject: without })).toEqual({
      type: 'value',
      value: '1889',
      evidence: null,
    })
  })
})
