import { describe, expect, it } from 'vitest'
import type { UncertainSpan } from '../../src/decide/uncertain-span.ts'
import { type DocumentWindow, type TakeWindows, windowsOf } from '../../src/decide/windows.ts'
import { askAboutSpan, type SpanCase } from '../../src/patterns/buddy-span.ts'
import type { Asked, PatternTools } from '../../src/patterns/pattern.ts'
import { buddySchema } from '../../src/spec/policy-buddy.ts'
import { messageText } from '../../src/spec/request.ts'

const DOCUMENT = ['One is here.', 'Two is here.', 'Three is here.', 'Four is here.', 'Five is here.'].join('\n\n')

/** A frontier that gives these replies, and what it was asked. */
function replying(...replies: readonly string[]): { readonly tools: PatternTools; readonly asked: string[] } {
  const asked: string[] = []
  const consult: PatternTools['consult'] = async ({ request }) => {
    const text = replies[asked.length] ?? '{"value":null}'
    asked.push(request.messages.map(messageText).join('\n'))
    return { answer: { text } } as Asked
  }
  return { tools: { consult } as PatternTools, asked }
}

function about(answer: string, span: string, own: Partial<SpanCase> = {}): SpanCase {
  const start = answer.indexOf(span)
  const found: UncertainSpan = { start, end: start + span.length, text: span, kind: 'number', entropyNats: 1 }
  return {
    subject: { question: 'What is here?', document: DOCUMENT, options: null },
    answer,
    span: found,
    take: taking(windowsOf(DOCUMENT)),
    windows: windowsOf(DOCUMENT).length,
    options: buddySchema.parse({ windows: 2, rounds: 2 }),
    metadata: undefined,
    ...own,
  }
}

function taking(windows: readonly DocumentWindow[]): TakeWindows {
  const left = [...windows]
  return (count) => left.splice(0, count)
}

function passages(prompt: string): readonly string[] {
  return prompt.match(/\w+(?= is here\.)/g) ?? []
}

describe('a span in doubt', () => {
  it('is asked about with the next passages as often as the task allows, and stays open when none holds it', async () => {
    const { tools, asked } = replying()
    const outcome = await askAboutSpan(tools, about('There are 7 of them here today.', '7'))
    expect(outcome).toMatchObject({ type: 'unresolved', questions: 2, correction: null, failure: null })
    expect(asked.map(passages)).toEqual([
      ['One', 'Two'],
      ['Three', 'Four'],
    ])
  })

  it('is asked about no more once a passage holds it', async () => {
    const { tools, asked } = replying('{"value":"Two","evidence":"Two is here","at":0}')
    const outcome = await askAboutSpan(tools, about('There are 7 of them here today.', '7'))
    expect(asked).toHaveLength(1)
    expect(outcome).toMatchObject({ type: 'corrected', correction: { start: 10, end: 11, was: '7', text: 'Two' } })
  })

  it.each([
    ['7', 'x', 'corrected'],
    ['Two', 'two', 'confirmed'],
    ['Two', 'the Two.', 'confirmed'],
  ])('of %s is %s -> %s', async (span, value, type) => {
    const closed = { question: 'Which?', document: null, options: null }
    const { tools } = replying(JSON.stringify({ value }))
    const outcome = await askAboutSpan(
      tools,
      about(`It is ${span} here.`, span, { subject: closed, take: () => [], windows: 0 }),
    )
    expect(outcome.type).toBe(type)
  })

  it('that says there is no answer is confirmed by who read every passage and found none', async () => {
    const answer = 'No answer in the document.'
    const all = () =>
      about(answer, 'No answer in the document', { options: buddySchema.parse({ windows: 2, rounds: 3 }) })
    expect(await askAboutSpan(replying().tools, all())).toMatchObject({ type: 'confirmed', questions: 3 })
    const some = { ...all(), options: buddySchema.parse({ windows: 2, rounds: 2 }) }
    expect(await askAboutSpan(replying().tools, some)).toMatchObject({ type: 'unresolved' })
    const unreadable = replying('well', 'well', 'well')
    expect(await askAboutSpan(unreadable.tools, all())).toMatchObject({ type: 'unresolved' })
  })

  it.each([
    ['it comes to 12 * 17 = 214 in all.', '214', '204'],
    ['it costs $1,200 + $34 = $1,235.', '1,235', null],
    ['so (2 + 3) * 4 = 24, and that is all', '24', '20'],
    ['half of it is 10.50 / 2 = 5.20', '5.20', '5.25'],
  ])('in "%s" is worked out by an exact tool, where it reads the whole equation', async (answer, span, right) => {
    const { tools, asked } = replying()
    const outcome = await askAboutSpan(tools, about(answer, span))
    if (right === null) return expect(asked.length).toBeGreaterThan(0)
    expect(asked).toEqual([])
    expect(outcome).toMatchObject({ type: 'corrected', questions: 0, correction: { text: right } })
  })

  it('in the middle of an equation is not taken for its result', async () => {
    const { tools, asked } = replying()
    await askAboutSpan(tools, about('it is 3 * 4 = 13 + 2 or so', '13'))
    expect(asked.length).toBeGreaterThan(0)
  })

  it('is worked out as a whole where the question is one that an exact tool reads', async () => {
    const { tools, asked } = replying()
    const span: UncertainSpan = { start: 0, end: 2, text: '83', kind: 'answer', entropyNats: null }
    const subject = { question: 'What is 12 * 7?', document: DOCUMENT, options: null }
    const outcome = await askAboutSpan(tools, { ...about('83', '83'), span, subject })
    expect(asked).toEqual([])
    expect(outcome).toMatchObject({ type: 'corrected', correction: { text: '84' } })
  })
})
