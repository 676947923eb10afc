import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extractAnswer } from '../../src/decide/extract.ts'
import { copyRuns } from '../../src/models/embedded/copy-runs.ts'
import type { LlamaModel } from '../../src/models/embedded/llama-types.ts'
import type { ExtractCall, ExtractResult } from '../../src/spec/ports.ts'
import { limits, type TestHost, testHost } from './support.ts'

const shots = [
  { passage: 'The mill was built in 1874 by Anna Reyes.', question: 'Who built the mill?', answer: 'Anna Reyes' },
  { passage: 'Granite cools slowly underground.', question: 'How heavy is granite?', answer: null },
]
const call: ExtractCall = {
  instruction: 'Answer with words of the passage.',
  shots,
  question: 'Who painted the old bridge?',
  passage: 'In 1931 Tomas Brand painted the old bridge.',
}

let host: TestHost

beforeAll(async () => {
  host = await testHost()
})
afterAll(async () => {
  await host.end()
})

async function extract(changes: Partial<ExtractCall> = {}, signal?: AbortSignal): Promise<ExtractResult> {
  const result = await host.model.extract?.({ ...call, ...changes }, limits(signal))
  if (!result) throw new Error('the model cannot extract')
  return result
}

describe('a span of the passage', () => {
  it('is found with its probability over the whole vocabulary and that of no answer', async () => {
    const { spans, noAnswerLogprob, signals, usage, identity } = await extract()
    expect(spans[0]).toMatchObject({ text: 'Tomas Brand', start: 8, end: 19 })
    expect(spans.map(({ logprob }) => logprob)).toEqual(spans.map(({ logprob }) => logprob).toSorted((a, b) => b - a))
    // Different texts are different answers, so together they cannot be more than certain.
    const texts = new Map(spans.map(({ text, logprob }) => [text, logprob]))
    const total = [...texts.values(), noAnswerLogprob ?? 0].reduce((sum, logprob) => sum + Math.exp(logprob), 0)
    expect(total).toBeGreaterThan(0.05)
    expect(total).toBeLessThanOrEqual(1)
    expect(noAnswerLogprob).toBeLessThan(0)
    const [best] = spans
    expect((signals.meanLogprob ?? 0) * signals.tokens).toBeCloseTo(best?.logprob ?? 0, 9)
    expect(signals).toMatchObject({ pass: 'batch', level: 1, fullDistribution: true, tokens: 4 })
    expect(usage).toMatchObject({ source: 'reported' })
    expect(identity.digest).toMatch(/^sha256:b179c9523d/)
  })

  it('stands in the passage where its offsets say, in every script', async () => {
    const passage = 'Zoë 👩‍🚀 und Ólafur reisten nach 東京市 und Krakow\u0301w. Они жили в Москве – 3½ года, für 20 €.'
    const { spans } = await extract({ passage, question: 'Wohin reisten sie?' })
    expect(spans.length).toBeGreaterThan(3)
    for (const { start, end, text } of spans) expect(passage.slice(start, end)).toBe(text)
  })

  it('does not depend on what was asked before or is asked at the same time', async () => {
    const alone = await extract()
    const passages = ['The code word is amber.', 'The code word is basalt.', 'The code word is cedar.']
    const many = await Promise.all([
      ...passages.map((passage) => extract({ passage, question: 'What is the code word?' })),
      extract(),
    ])
    for (const [index, passage] of passages.entries()) {
      for (const { text } of many[index]?.spans ?? []) expect(passage).toContain(text)
    }
    expect(many[3]?.spans.map(({ text }) => text)).toEqual(alone.spans.map(({ text }) => text))
    for (const [index, span] of (many[3]?.spans ?? []).entries()) {
      expect(span.logprob).toBeCloseTo(alone.spans[index]?.logprob ?? 0, 1)
    }
  })

  it('is missing when the passage has no words', async () => {
    const { spans, noAnswerLogprob, signals } = await extract({ passage: ' … ' })
    expect(spans).toEqual([])
    expect(noAnswerLogprob).toBeLessThan(0)
    expect(signals).toMatchObject({ tokens: 0, meanLogprob: null })
  })

  it('is not looked for in a passage beyond the context', async () => {
    await expect(extract({ passage: 'river '.repeat(1100) })).rejects.toMatchObject({
      code: 'request_invalid',
      message: expect.stringMatching(/^The request is invalid at messages: the prompt has 12\d\d tokens/),
    })
  })

  it('is given up at once for a caller who cancels, and the next request is served', async () => {
    await expect(extract({}, AbortSignal.abort(new Error('gone')))).rejects.toThrow()
    const late = new AbortController()
    const asked = extract({ passage: `${call.passage} `.repeat(8) }, late.signal)
    late.abort(new Error('gone'))
    await expect(asked).rejects.toThrow()
    expect((await extract()).spans[0]?.text).toBe('Tomas Brand')
  })
})

describe('an answer from a document', () => {
  const document = [
    'The old bridge was painted green in 1931.',
    'Maria Lopes designed the two towers of the bridge.',
    'Every spring the river floods the lower town.',
  ].join('\n\n')

  it('is found by the real model, or given up when the document speaks of something else', async () => {
    const found = await extractAnswer(
      { question: 'Who designed the towers of the bridge?', document },
      host.model,
      limits(),
    )
    expect(found.answer).toBe('Maria Lopes')
    expect(document.slice(found.span?.start, found.span?.end)).toBe('Maria Lopes')
    const none = await extractAnswer({ question: 'Which volcano erupted in Iceland?', document }, host.model, limits())
    expect(none).toMatchObject({ answer: null, span: null })
    expect(none.score).toBeGreaterThan(0.9)
  })
})

/** Tokens are bytes, so characters are split over tokens all the time. */
const bytes = {
  tokenize: (text: string) => [...new TextEncoder().encode(text)],
  detokenize: (tokens: readonly number[]) => new TextDecoder().decode(Uint8Array.from(tokens)),
} as unknown as LlamaModel

function copies(passage: string, maxTokens = 40): readonly string[] {
  return copyRuns(bytes, passage, maxTokens).flatMap(({ start, ends }) =>
    ends.flatMap((end) => (end === null ? [] : passage.slice(start, end))),
  )
}

describe('the runs of a passage', () => {
  it('begin and end at words, never inside a number, an open bracket or a line', () => {
    expect(copies('He paid 1,500')).toEqual(['He', 'He paid', 'He paid 1,500', 'paid', 'paid 1,500', '1,500'])
    expect(copies("Ana's cat")).toEqual(['Ana', "Ana's", "Ana's cat", 'cat'])
    expect(copies('f (x)')).toEqual(['f', 'f (x)', 'x'])
    expect(copies('one\ntwo')).toEqual(['one', 'two'])
  })

  it('are cut at the number of tokens that is asked for', () => {
    expect(copies('one two three', 8)).toEqual(['one', 'one two', 'two', 'three'])
  })

  it('have ends that are whole characters of the passage, whatever the passage', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (passage) => {
        for (const { start, tokens, ends } of copyRuns(bytes, passage, 24)) {
          expect(ends).toHaveLength(tokens.length)
          for (const [index, end] of ends.entries()) {
            if (end === null) continue
            expect(` ${passage.slice(start, end)}`).toBe(bytes.detokenize(tokens.slice(0, index + 1)))
          }
        }
      }),
    )
  })
})
