import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstRejection, gatesFor, runGates } from '../../src/gates/gates.ts'
import { gateInput, taskPolicy } from './gate-input.ts'

function namesFor(...given: Parameters<typeof taskPolicy>): readonly string[] {
  return gatesFor(taskPolicy(...given), { messages: [] }).map(({ name }) => name)
}

describe('the table of gates', () => {
  it('checks a free text for hard stops, wholeness, refusal, loops, patches, entropy and a proven bound', () => {
    expect(namesFor({ kind: 'text' })).toEqual([
      'answer_hard_stop',
      'complete',
      'refusal',
      'repetition',
      'patch',
      'equations',
      'entropy',
      'calibrated',
    ])
  })

  it('checks a typed decision for its label and its confidence, not for entropy', () => {
    expect(namesFor({ kind: 'choice', labels: ['build', 'test'] })).toEqual([
      'answer_hard_stop',
      'complete',
      'labels',
      'confidence',
      'calibrated',
    ])
  })

  it('lets code hold patches', () => {
    expect(namesFor({ kind: 'code' })).not.toContain('patch')
    expect(namesFor({ kind: 'code' })).not.toContain('equations')
  })

  it('adds and drops gates as the task says', () => {
    const gates = { refusal: false, equations: false, entropyNats: null, safetyClass: ['weapon'] }
    expect(namesFor({ kind: 'text', schema: { type: 'object' }, gates })).toEqual([
      'answer_hard_stop',
      'safety_class',
      'complete',
      'repetition',
      'patch',
      'schema',
      'calibrated',
    ])
  })

  it('checks a schema that only the request brings', () => {
    const names = gatesFor(taskPolicy({}), { messages: [], responseSchema: 'json' }).map(({ name }) => name)
    expect(names).toContain('schema')
  })
})

describe('running gates', () => {
  it('accepts a good answer by every gate', () => {
    const input = gateInput({ task: { accept: { uncalibrated: true } } })
    const verdicts = runGates(gatesFor(input.task, input.request), input)
    expect(verdicts.map((verdict) => verdict.accepted)).toEqual([true, true, true, true, true, true, true, true])
    expect(firstRejection(verdicts)).toBeNull()
  })

  it('keeps every opinion after a rejection, and the first in order names the reason', () => {
    const input = gateInput({ text: '', signals: null, answer: { finishReason: 'length' } })
    const verdicts = runGates(gatesFor(input.task, input.request), input)
    expect(verdicts.map(({ gate, reason }) => [gate, reason])).toEqual([
      ['answer_hard_stop', null],
      ['complete', 'incomplete'],
      ['refusal', null],
      ['repetition', null],
      ['patch', null],
      ['equations', null],
      ['entropy', 'signal_unavailable'],
      ['calibrated', 'uncalibrated'],
    ])
    expect(firstRejection(verdicts)?.reason).toBe('incomplete')
  })

  it('never lets another reason cover a hard stop', () => {
    const findHardStops = () => [{ kind: 'access', term: 'token', field: 'answer' }] as const
    const input = gateInput({ text: '', answer: { finishReason: 'length' }, findHardStops })
    const verdicts = runGates(gatesFor(input.task, input.request), input)
    expect(firstRejection(verdicts)?.reason).toBe('hard_stop_access')
  })

  it('turns a gate that throws into a rejection, and runs the others [F42]', () => {
    const input = gateInput({
      task: { accept: { uncalibrated: true } },
      findHardStops: () => {
        throw new TypeError('the answer said: my password is hunter2')
      },
    })
    const verdicts = runGates(gatesFor(input.task, input.request), input)
    expect(verdicts[0]).toEqual({
      gate: 'answer_hard_stop',
      accepted: false,
      reason: 'gate_error',
      score: null,
      threshold: null,
      detail: 'Gate answer_hard_stop failed (TypeError); its answer is not accepted.',
    })
    expect(verdicts.slice(1).every((verdict) => verdict.accepted)).toBe(true)
  })

  it('gives verdicts that survive JSON, name their gate and carry a reason exactly when they reject, on any text', () => {
    const kinds = fc.constantFrom('text', 'answer', 'extract', 'code', 'choice', 'boolean', 'score')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), kinds, (text, kind) => {
        const input = gateInput({ text, task: { kind, labels: ['a', 'b'] }, request: { responseSchema: 'json' } })
        const gates = gatesFor(input.task, input.request)
        const verdicts = runGates(gates, input)
        expect(JSON.parse(JSON.stringify(verdicts))).toEqual(verdicts)
        expect(verdicts.map(({ gate }) => gate)).toEqual(gates.map(({ name }) => name))
        return verdicts.every(({ accepted, reason }) => accepted === (reason === null) && reason !== 'gate_error')
      }),
      { numRuns: 500, seed: 5 },
    )
  })
})
