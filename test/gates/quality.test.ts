import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assessQuality, critiqueDecides, type QualityFacts, quality, qualityFacts } from '../../src/gates/quality.ts'
import { type Changes, gateInput } from './gate-input.ts'

const WEIGHTS = { format: 0.3, completeness: 0.2, coherence: 0.3, selfCritique: 0.2 }
const POLICY = { threshold: 0.7, weights: WEIGHTS, refusalPenalty: 0.4 }
const FINE: QualityFacts = { formatValid: true, complete: true, refuses: false, coherence: 1 }
const assess = (facts: Partial<QualityFacts>, policy = POLICY) => assessQuality({ ...FINE, ...facts }, policy)

describe('the weighted quality check', () => {
  it.each([
    [{}, 1, true],
    [{ complete: false }, 0.8, true],
    [{ refuses: true }, 0.6, false],
    [{ refuses: true, coherence: 0 }, 0.6, false],
    [{ coherence: 0 }, 0.7, true],
    [{ coherence: 0.5 }, 0.85, true],
    [{ coherence: 0, critique: 0.1 }, 0.5, false],
    [{ critique: 0.1 }, 0.8, true],
    [{ critique: 0.5 }, 1, true],
    [{ critique: null }, 0.8, true],
    [{ complete: false, critique: 0.1 }, 0.6, false],
    [{ complete: false, refuses: true }, 0.4, false],
    [{ formatValid: false, complete: false, refuses: true, critique: 0 }, 0, false],
  ] as const)('of %j gives %d', (facts, confidence, passed) => {
    expect(assess(facts)).toMatchObject({ confidence, passed })
  })

  it('never passes a wrong format, though that alone leaves exactly the threshold', () => {
    expect(assess({ formatValid: false })).toMatchObject({ confidence: 0.7, passed: false })
  })

  it('names every issue, and says how the confidence came about', () => {
    const result = assess({ complete: false, critique: 0 })
    expect(result.issues).toEqual(['it is incomplete', 'a model does not hold it for valid'])
    expect(result.reasoning).toBe(
      'Quality 0.60, threshold 0.7: it is incomplete (-0.20), a model does not hold it for valid (-0.20).',
    )
    expect(assess({}).reasoning).toBe('Quality 1.00, threshold 0.7: no fault was found.')
  })

  it('takes weights, penalty and threshold from the policy', () => {
    expect(assess({ complete: false }, { ...POLICY, weights: { ...WEIGHTS, completeness: 0.35 } }).confidence).toBe(
      0.65,
    )
    expect(assess({ coherence: 0 }, { ...POLICY, weights: { ...WEIGHTS, coherence: 0.1 } }).confidence).toBe(0.9)
    expect(assess({ formatValid: false }, { ...POLICY, weights: { ...WEIGHTS, format: 0.5 } }).confidence).toBe(0.5)
    expect(assess({ critique: 0 }, { ...POLICY, weights: { ...WEIGHTS, selfCritique: 0.4 } }).confidence).toBe(0.6)
    expect(assess({ refuses: true }, { ...POLICY, refusalPenalty: 0.1 }).confidence).toBe(0.9)
    expect(assess({ complete: false }, { ...POLICY, threshold: 0.9 }).passed).toBe(false)
  })

  it('stays within 0 and 1, and never rises with another fault', () => {
    const facts = fc.record({
      formatValid: fc.boolean(),
      complete: fc.boolean(),
      refuses: fc.boolean(),
      coherence: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(facts, (found) => {
        const { confidence } = assess(found)
        expect(confidence).toBeGreaterThanOrEqual(0)
        expect(confidence).toBeLessThanOrEqual(1)
        for (const worse of [{ formatValid: false }, { complete: false }, { coherence: 0 }, { critique: 0 }])
          expect(assess({ ...found, ...worse }).confidence).toBeLessThanOrEqual(confidence)
      }),
    )
  })

  it('wants a self-critique only where a no would turn the verdict', () => {
    expect(critiqueDecides({ ...FINE, complete: false }, POLICY)).toBe(true)
    expect(critiqueDecides({ ...FINE, coherence: 0 }, POLICY)).toBe(true)
    expect(critiqueDecides(FINE, POLICY)).toBe(false)
    expect(critiqueDecides({ ...FINE, coherence: 2 / 3 }, POLICY)).toBe(false)
    expect(critiqueDecides({ ...FINE, refuses: true }, POLICY)).toBe(false)
    expect(critiqueDecides({ ...FINE, formatValid: false }, POLICY)).toBe(false)
    expect(critiqueDecides({ ...FINE, complete: false }, { ...POLICY, weights: { ...WEIGHTS, selfCritique: 0 } })).toBe(
      false,
    )
  })
})

const DOCUMENT = 'The dam was built in 1921 by Anna Lindqvist. It is 34 metres high.'

function factsOf(changes: Changes, settings: Record<string, unknown> = {}): QualityFacts {
  const { task, ...rest } = changes
  return qualityFacts(gateInput({ ...rest, task: { ...task, quality: settings } }))
}

describe('what an answer shows by itself', () => {
  it('has a wrong format when it breaks the schema, or is none of the labels', () => {
    const schema = { type: 'object', required: ['a'] }
    expect(factsOf({ text: '{}', task: { schema } }).formatValid).toBe(false)
    expect(factsOf({ text: '{"a":1}', task: { schema } }).formatValid).toBe(true)
    const task = { kind: 'choice', labels: ['x', 'y'], escalateLabels: ['x'] } as const
    expect(factsOf({ text: 'z', task: { ...task, labels: [...task.labels], escalateLabels: ['x'] } }).formatValid).toBe(
      false,
    )
    expect(factsOf({ text: 'x', task: { ...task, labels: [...task.labels], escalateLabels: ['x'] } }).formatValid).toBe(
      true,
    )
  })

  it('is incomplete when it is shorter than minChars', () => {
    expect(factsOf({ text: 'Short.' }, { minChars: 10 }).complete).toBe(false)
    expect(factsOf({ text: 'Short.' }, { minChars: 6 }).complete).toBe(true)
  })

  it('is incomplete without a required field, in JSON by its path and in text by its name', () => {
    const fields = (text: string, ...requiredFields: string[]) => factsOf({ text }, { requiredFields }).complete
    expect(fields('{"a": {"b": 1}}', 'a.b')).toBe(true)
    expect(fields('{"a": {"b": ""}}', 'a.b')).toBe(false)
    expect(fields('{"a": null}', 'a')).toBe(false)
    expect(fields('{"a": 1}', 'toString')).toBe(false)
    expect(fields('Cause: a module is missing. Fix: install it.', 'cause', 'fix')).toBe(true)
    expect(fields('Cause: a module is missing.', 'fix')).toBe(false)
    expect(fields('The prefixes are wrong.', 'fix')).toBe(false)
  })

  it('refuses when the refusal gate says so, also where that gate is off', () => {
    const changes = { text: 'I am sorry, but I cannot help with that.', task: { gates: { refusal: false } } }
    expect(factsOf(changes).refuses).toBe(true)
  })

  it.each([
    ['The server was reachable on Monday. The server was not reachable on Monday.', 0],
    ['The tank holds 40 litres of water. The tank holds 60 litres of water.', 0],
    ['The price of the stock rises today. The price of the stock falls today.', 0],
    ['Alice counted 40 birds. Bob counted 60 birds.', 1],
    ['The server was reachable on Monday. The client was not reachable on Monday.', 1],
    ['Yes. No problem was found in the log file.', 1],
  ])('contradicts itself or not: %j', (text, coherence) => {
    expect(factsOf({ text }).coherence).toBe(coherence)
  })

  it('loses coherence by the share of numbers and names that the text it is about does not hold', () => {
    const request = { messages: [{ role: 'user' as const, content: `${DOCUMENT}\n\nWhen was it built?` }] }
    const coherence = (text: string, settings = {}) => factsOf({ text, request }, settings).coherence
    expect(coherence('It was built in 1921 by Anna Lindqvist.')).toBe(1)
    expect(coherence('It was built in 1931.')).toBe(0)
    expect(coherence('It was built in 1921 by Karl.')).toBe(0.5)
    expect(coherence('It was built long ago.')).toBe(1)
    expect(coherence('It was built in 1931.', { support: 'none' })).toBe(1)
  })

  it('needs no support where the request brings no text to support it', () => {
    expect(factsOf({ text: 'It was built in 1931.' }).coherence).toBe(1)
  })
})

describe('the gate quality', () => {
  const verdict = (changes: Changes, settings: Record<string, unknown> = {}, critique?: number | null) =>
    quality(
      gateInput({
        ...changes,
        task: { ...changes.task, quality: settings },
        opinions: {
          score: 0.5,
          ...(critique !== undefined && { critique: { model: 'small', probability: critique } }),
        },
      }),
    )
  const doubtful = { minChars: 200 }

  it('accepts an answer without fault, unasked', () => {
    expect(verdict({})).toMatchObject({ accepted: true, score: 1, threshold: 0.7 })
  })

  it('lets the critique decide where it can, and accepts nothing without it', () => {
    expect(verdict({}, doubtful, 0.9)).toMatchObject({ accepted: true, score: 0.8 })
    expect(verdict({}, doubtful, 0.2)).toMatchObject({ accepted: false, reason: 'judge_rejected', score: 0.6 })
    expect(verdict({}, doubtful, null)).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdict({}, doubtful)).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
  })

  it('rejects JSON that breaks its schema as such', () => {
    const changes = { text: '{}', task: { schema: { type: 'object', required: ['a'] } } }
    expect(verdict(changes)).toMatchObject({ accepted: false, reason: 'schema_invalid', score: 0.7 })
  })

  it('is silent where the task has none', () => {
    expect(quality(gateInput())).toMatchObject({ accepted: true, score: null })
  })
})
