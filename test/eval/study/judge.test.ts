import { describe, expect, it } from 'vitest'
import { entitiesNamed, judge, labelNamed, numberNamed } from '../../../src/eval/study/judge.ts'
import { row } from './rows.ts'

const LIKENESS = ['very similar', 'similar', 'dissimilar']

describe('a label', () => {
  it.each([
    ['very similar', 'very similar'],
    ['They are very similar.', 'very similar'],
    ['Dissimilar', 'dissimilar'],
    ['**similar**', 'similar'],
    ['similar, or even very similar', null],
    ['alike', null],
    ['', null],
  ])('of %j is %j', (text, label) => {
    expect(labelNamed(text, LIKENESS)).toBe(label)
  })

  it('is not found inside words', () => {
    expect(labelNamed('a worldly business man', ['World', 'Business'])).toBe('Business')
    expect(labelNamed('unsportsmanlike', ['World', 'Sports'])).toBeNull()
  })
})

describe('a number', () => {
  it.each([
    ['Answer: 10.50', 10.5],
    ['16 - 3 = 13.\nAnswer: 13 eggs, of 16', 13],
    ['**Answer**: $1,200', 1200],
    ['#### -7', -7],
    ['it was 10.50 in all', 10.5],
    ['Answer: none of 3', 3],
    ['no number', null],
  ])('of %j is %j', (text, number) => {
    expect(numberNamed(text)).toBe(number)
  })
})

describe('gsm8k', () => {
  it('wants the number itself', () => {
    const gold = row('gsm8k', { answers: ['1,000'] })
    expect(judge(gold, 'so 10 * 100.\nAnswer: 1000').isCorrect).toBe(true)
    expect(judge(gold, 'Answer: 1001, not 1000').isCorrect).toBe(false)
    expect(judge(gold, null).isCorrect).toBe(false)
  })
})

describe('names', () => {
  const gold = row('wikigold', {
    input: 'Ann of Acme met Bo in Rome',
    meta: {
      entities: [
        { text: 'Ann', label: 'PER' },
        { text: 'Acme', label: 'ORG' },
        { text: 'Rome', label: 'LOC' },
      ],
    },
  })

  it('count in precision and recall: naming every word is not right', () => {
    const echo = JSON.stringify(gold.input.split(' ').map((text) => ({ text, label: 'PER' })))
    expect(judge(gold, echo)).toMatchObject({ isCorrect: false, entities: { gold: 3, found: 7, right: 3, typed: 1 } })
  })

  it('without a type are found all the same', () => {
    const untyped = JSON.stringify((gold.meta.entities ?? []).map(({ text }) => ({ text, label: null })))
    expect(judge(gold, untyped)).toMatchObject({ isCorrect: true, entities: { found: 3, right: 3, typed: 0 } })
  })

  it('are read from JSON and from lines, a repeated one once for each', () => {
    const lines = 'PER: Ann\n- org: Acme\nLOC: Rome'
    expect(judge(gold, lines)).toMatchObject({ isCorrect: true, entities: { found: 3, right: 3 } })
    expect(judge(gold, `${lines}\nPER: Ann\nPER: Ann`)).toMatchObject({
      isCorrect: false,
      entities: { found: 5, right: 3 },
    })
    expect(entitiesNamed('[{"text":"Ann","label":"PER"},{"text":1}]')).toHaveLength(1)
  })

  it('are none where there are none', () => {
    const none = row('wikigold', { meta: { entities: [] } })
    expect(judge(none, '[]').isCorrect).toBe(true)
    expect(judge(none, 'PER: Ann').isCorrect).toBe(false)
  })
})

describe('likeness', () => {
  const gold = row('stsb', { meta: { score: 4.2 } })
  it('is right in the band of the score, said as a number from 0 to 1 or as a label', () => {
    expect(judge(gold, '0.800')).toEqual({ isCorrect: true, said: 4 })
    expect(judge(gold, '0.79').isCorrect).toBe(false)
    expect(judge(gold, 'very similar')).toEqual({ isCorrect: true })
    expect(judge(gold, 'similar').isCorrect).toBe(false)
    // On another scale than the one that was asked for.
    expect(judge(gold, '4.2').isCorrect).toBe(false)
  })
})

describe('words of a passage', () => {
  it('count by F1 over all gold answers, and abstention where there is none', () => {
    const gold = row('squad', { answers: ['the Suez Canal', 'Suez'] })
    expect(judge(gold, 'Suez Canal')).toEqual({ isCorrect: true, f1: 1, em: 1 })
    expect(judge(gold, 'Answer: Suez').f1).toBe(1)
    expect(judge(gold, 'none')).toEqual({ isCorrect: false, f1: 0, em: 0 })
    expect(judge(row('squad'), 'none').isCorrect).toBe(true)
    expect(judge(row('squad'), 'Suez').isCorrect).toBe(false)
  })
})
