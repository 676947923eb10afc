import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { plainQuestion, questionLikeness } from '../../src/classify/same-question.ts'
import { differentQuestions, type QuestionPair, sameQuestions } from '../support/near-questions.ts'

const THRESHOLD = 0.9

function asksTheSame({ left, right }: QuestionPair, threshold = THRESHOLD): boolean {
  const [a, b] = [plainQuestion(left), plainQuestion(right)]
  return a !== null && b !== null && a.words === b.words && questionLikeness(a, b) >= threshold
}

describe('two questions', () => {
  const different = differentQuestions()

  it('are many, and no two of a pair are written the same', () => {
    expect(different.length).toBeGreaterThanOrEqual(2000)
    expect(different.filter(({ left, right }) => left === right)).toEqual([])
    expect(new Set(different.map(({ left, right }) => `${left}\n${right}`)).size).toBe(different.length)
  })

  it.each([...new Set(different.map(({ kind }) => kind))])('of another %s never ask the same', (kind) => {
    expect(different.filter((pair) => pair.kind === kind && asksTheSame(pair))).toEqual([])
  })

  it.each(sameQuestions())('$left | $right', (pair) => {
    expect(asksTheSame(pair)).toBe(true)
  })

  it('need more than the same words where little else is said', () => {
    const pair = { kind: 'article', left: 'What is the matter?', right: 'What is matter?' }
    expect([asksTheSame(pair), asksTheSame(pair, 0.8)]).toEqual([false, true])
    const long = { kind: 'article', left: 'What is the capital of France?', right: 'What is capital of France?' }
    expect([asksTheSame(long), asksTheSame(long, 0.99)]).toEqual([true, false])
  })

  it.each([
    'Hello!',
    '',
    '?',
    'What is this?\nAnd this?',
    'What does `let x` do?',
    'What stands at https://example.org?',
    'if (a < b) return',
    `What is ${'very '.repeat(100)}long?`,
  ])('%j is no plain question', (text) => {
    expect(plainQuestion(text)).toBe(null)
  })

  it('keeps what is no greeting', () => {
    expect(plainQuestion('Thanks')?.words).toBe('thanks')
    expect(plainQuestion('Where is it? Thanks!')?.words).toBe('where is it')
    expect(plainQuestion('Who invented hi-fi, please?')?.words).toBe('who invented hi-fi')
    expect(plainQuestion('Tell me what time it is.')?.words).toBe('what time it is')
    expect(plainQuestion('Can you swim?')?.words).toBe('can you swim')
  })

  it('in other languages are the same only word for word', () => {
    const [left, right] = ['Was ist die Hauptstadt von Peru?', 'Was ist nicht die Hauptstadt von Peru?']
    expect(asksTheSame({ kind: 'language', left, right })).toBe(false)
    expect(asksTheSame({ kind: 'language', left, right: 'was ist die Hauptstadt von Peru ?' })).toBe(true)
    expect(asksTheSame({ kind: 'language', left: 'Où est la gare ?', right: 'Où est la gare de Lyon ?' })).toBe(false)
  })
})

interface SentencePair {
  readonly sentence1: string
  readonly sentence2: string
  /** Of people, 0 to 5: says the same. */
  readonly score: number
}

const PAIRS = join(import.meta.dirname, '../../../shared/data/tasks/stsb.jsonl')

describe.skipIf(!hasFile(PAIRS))('the sentence pairs of STS-B', () => {
  it('share an answer only where people call them the same', () => {
    const rows = readFileSync(PAIRS, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly meta: SentencePair }).meta)
    const hits = rows.filter(({ sentence1: left, sentence2: right }) => asksTheSame({ kind: '', left, right }))

    expect(hits.filter(({ score }) => score < 4.5)).toEqual([])
  })
})

function hasFile(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}
