import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extractAnswer } from '../../src/decide/extract.ts'
import { passageOf, toDocument } from '../../src/decide/passage.ts'
import { chooseSpan } from '../../src/decide/span-choice.ts'
import type { Signals } from '../../src/spec/decision.ts'
import type { CallLimits, ExtractCall, ModelPort, Span } from '../../src/spec/ports.ts'

const limits: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1, firstByteMs: 1, idleMs: 1, totalMs: 1 },
}

const signals: Signals = {
  pass: 'batch',
  level: 1,
  fullDistribution: true,
  tokens: 3,
  meanLogprob: -0.5,
  minLogprob: -1,
  entropyLowNats: 0.2,
  entropyHighNats: 2,
  maxTokenEntropyNats: 0.4,
  options: null,
  margin: null,
}

interface Script {
  readonly port: ModelPort
  readonly calls: ExtractCall[]
}

/** A model that would copy the given texts, with the given log-probabilities, from wherever they first stand. */
function copier(texts: Readonly<Record<string, number>>): Script {
  const calls: ExtractCall[] = []
  const extract: ModelPort['extract'] = async (call) => {
    calls.push(call)
    const spans = Object.entries(texts).map(([text, logprob]) => spanAt(call.passage, text, logprob))
    const usage = { inputTokens: 90, outputTokens: 12, source: 'reported' } as const
    const identity = { servedBy: 'small', digest: 'sha256:1', quantisation: 'Q4_1' }
    return { spans, noAnswerLogprob: -4, signals, usage, identity }
  }
  return { calls, port: { name: 'small', generate: () => fail(), extract, close: async () => undefined } }
}

function fail(): never {
  throw new Error('not asked')
}

function spanAt(passage: string, text: string, logprob: number): Span {
  const start = passage.indexOf(text)
  if (start < 0) throw new Error(`${text} is not in the passage`)
  return { start, end: start + text.length, text, logprob }
}

const BRIDGE = [
  'The old bridge was painted green in 1931.',
  'Maria Lopes designed the two towers of the bridge in Porto.',
  'Every spring the river floods the lower town.',
].join(' ')

describe('answering from a document', () => {
  it('gives the words of the document with their place in it and every figure of the choice', async () => {
    const { port, calls } = copier({ 'Maria Lopes': -2, Porto: -2.5 })
    const question = 'Who designed the towers of the bridge?'
    const answer = await extractAnswer({ question, document: BRIDGE }, port, limits)
    expect(answer).toMatchObject({ answer: 'Maria Lopes', span: { start: 42, end: 53 }, noAnswerLogprob: -4 })
    expect(answer.answerable).toBeGreaterThan(0.9)
    expect(answer.score).toBeGreaterThan(0.5)
    expect(answer.candidates.map(({ text }) => text)).toEqual(['Maria Lopes', 'Porto'])
    expect(answer.candidates.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12)
    expect(answer.usage).toEqual({ inputTokens: 90, outputTokens: 12, source: 'reported' })
    expect(calls[0]).toMatchObject({ question, passage: BRIDGE })
    expect(calls[0]?.shots.map((shot) => shot.answer)).toEqual(['Anna Reyes', null, 'soft feathers'])
  })

  it('abstains when the document does not speak of what is asked, and says how sure it is', async () => {
    const { port } = copier({ 'Maria Lopes': -6, Porto: -7 })
    const question = 'Which volcano erupted during the Roman invasion?'
    const answer = await extractAnswer({ question, document: BRIDGE }, port, limits)
    expect(answer).toMatchObject({ answer: null, span: null })
    expect(answer.score).toBeGreaterThan(0.9)
    expect(answer.score + answer.answerable).toBeCloseTo(1, 12)
    expect(answer.candidates).toHaveLength(2)
  })

  it('abstains more or less readily as the caller asks', async () => {
    const { port } = copier({ 'Maria Lopes': -3 })
    const question = 'Who designed the towers of the bridge?'
    const strict = await extractAnswer({ question, document: BRIDGE, minAnswerable: 1 }, port, limits)
    expect(strict.answer).toBeNull()
    const other = 'Which volcano erupted during the Roman invasion?'
    const lenient = await extractAnswer({ question: other, document: BRIDGE, minAnswerable: 0 }, port, limits)
    expect(lenient.answer).toBe('Maria Lopes')
  })

  it('abstains when the model would copy nothing', async () => {
    const answer = await extractAnswer({ question: 'Who designed the towers?', document: ' ' }, copier({}).port, limits)
    expect(answer).toMatchObject({ answer: null, span: null, score: 1, answerable: 0, candidates: [], retrieval: [] })
    expect(answer.signals.margin).toBeNull()
  })

  it('shows the model the matching sentences of a long document only, and finds the place in the whole of it', async () => {
    const filler = 'Nothing of note happened on that day. '.repeat(40)
    const document = `${filler}\n\n${BRIDGE}\n\n${filler}`
    const { port, calls } = copier({ 'Maria Lopes': -2 })
    const question = 'Who designed the towers of the bridge?'
    const answer = await extractAnswer({ question, document, maxSentences: 2 }, port, limits)
    expect(calls[0]?.passage).toBe(
      'The old bridge was painted green in 1931. Maria Lopes designed the two towers of the bridge in Porto.',
    )
    expect(document.slice(answer.span?.start, answer.span?.end)).toBe('Maria Lopes')
    expect(answer.span?.start).toBe(filler.length + 2 + 42)
    expect(answer.retrieval).toEqual([{ start: filler.length + 2, end: filler.length + 2 + 101 }])
  })

  it('passes on the caller’s own instruction and examples', async () => {
    const { port, calls } = copier({})
    const shots = [{ question: 'q', passage: 'p', answer: 'p' }]
    await extractAnswer({ question: 'Who?', document: BRIDGE, instruction: 'Copy.', shots }, port, limits)
    expect(calls[0]).toMatchObject({ instruction: 'Copy.', shots })
  })

  it('refuses a model that cannot be held to a passage', async () => {
    const port: ModelPort = { name: 'cloud', generate: () => fail(), close: async () => undefined }
    await expect(extractAnswer({ question: 'Who?', document: BRIDGE }, port, limits)).rejects.toMatchObject({
      code: 'model_failed',
      message: 'Model cloud failed: it cannot be held to the words of a passage.',
    })
  })

  it('keeps the readings of the model for its own best span and calls those of another one missing', async () => {
    const question = 'Who designed the towers of the bridge?'
    const own = await extractAnswer(
      { question, document: BRIDGE },
      copier({ 'Maria Lopes': -2, Porto: -9 }).port,
      limits,
    )
    expect(own.signals).toMatchObject({ meanLogprob: -0.5, tokens: 3 })
    expect(own.signals.options?.map(({ value }) => value)).toEqual(['Maria Lopes', 'Porto'])
    const other = await extractAnswer(
      { question, document: BRIDGE },
      copier({ green: -2, 'Maria Lopes': -2.1 }).port,
      limits,
    )
    expect(other.answer).toBe('Maria Lopes')
    expect(other.signals).toMatchObject({ meanLogprob: null, minLogprob: null, entropyLowNats: null, tokens: 0 })
    expect(other.signals.margin).toBeGreaterThan(0)
  })
})

describe('choosing among spans', () => {
  function first(question: string, passage: string, texts: readonly string[]): string | undefined {
    const spans = texts.map((text) => spanAt(passage, text, -3))
    return chooseSpan(question, passage, { spans }).ranked[0]?.text
  }

  it('prefers a number where one is asked for, and a name where one is asked for', () => {
    const passage = 'The museum by Ida Holm opened in 1904 with great success.'
    expect(first('When did the museum open?', passage, ['Ida Holm', '1904'])).toBe('1904')
    expect(first('Who opened the museum?', passage, ['great success', 'Ida Holm'])).toBe('Ida Holm')
  })

  it('prefers the sentence that has the words of the question', () => {
    const passage = 'A silver coin lay there. The copper coin was found in a dry well.'
    expect(first('Where was the copper coin found?', passage, ['silver', 'dry'])).toBe('dry')
  })

  it('prefers words that the question does not have yet, even if the model does not', () => {
    const passage = 'In a dry well the copper coin was found.'
    const spans = [spanAt(passage, 'copper coin', -1), spanAt(passage, 'dry well', -3)]
    expect(chooseSpan('Where was the copper coin found?', passage, { spans }).ranked[0]?.text).toBe('dry well')
  })

  it('follows the model when nothing else tells two spans apart', () => {
    const passage = 'red, blue'
    const spans = [spanAt(passage, 'red', -4), spanAt(passage, 'blue', -1)]
    const { ranked } = chooseSpan('Which?', passage, { spans })
    expect(ranked.map(({ text }) => text)).toEqual(['blue', 'red'])
    expect(ranked[0]?.probability).toBeCloseTo(0.7521, 4)
  })
})

describe('a passage', () => {
  const words = fc.constantFrom(
    'Ana',
    'saw',
    'the 🙂',
    'river.',
    'É.',
    'Why?',
    '\n',
    '\n\n',
    '(see',
    'it)',
    'U.S.',
    '12',
  )
  const documents = fc.array(words, { maxLength: 60 }).map((parts) => parts.join(' '))

  it('holds the characters of the document, in its order, at the places it says', () => {
    fc.assert(
      fc.property(documents, fc.integer({ min: 1, max: 5 }), (document, maxSentences) => {
        const passage = passageOf('Did Ana see the river?', document, maxSentences)
        let last = -1
        for (let at = 0; at < passage.text.length; at++) {
          if (passage.text[at] === '\n') continue
          const place = toDocument(passage, at, at + 1)
          expect(place?.start).toBeGreaterThan(last)
          expect(document.slice(place?.start, place?.end).replace('\n', ' ')).toBe(passage.text[at])
          last = place?.start ?? -1
        }
      }),
    )
  })

  it('gives no place to a span over two pieces', () => {
    const passage = passageOf('Where is it?', 'One here.\n\nTwo there.', 8)
    expect(passage.text).toBe('One here.\nTwo there.')
    expect(toDocument(passage, 0, 9)).toEqual({ start: 0, end: 9 })
    expect(toDocument(passage, 10, 13)).toEqual({ start: 11, end: 14 })
    expect(toDocument(passage, 4, 13)).toBeNull()
  })

  it('gives room that is left to the neighbours of the sentence that matches', () => {
    const document = 'One a. Two b. They met Zoe. Three c. Four d. Five e.'
    const { pieces } = passageOf('Who met Zoe?', document, 3)
    expect(pieces.map(({ start, end }) => document.slice(start, end))).toEqual(['Two b. They met Zoe. Three c.'])
  })
})
