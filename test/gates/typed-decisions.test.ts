import { describe, expect, it } from 'vitest'
import { calibrated } from '../../src/gates/calibrated.ts'
import { confidence } from '../../src/gates/confidence.ts'
import { labels, taskOptions } from '../../src/gates/labels.ts'
import { type Changes, gateInput, taskPolicy } from './gate-input.ts'

const ISSUE: Changes['task'] = {
  kind: 'choice',
  labels: ['build', 'test', 'access'],
  escalateLabels: ['access'],
  minConfidence: 0.72,
}

describe('the labels gate', () => {
  it('accepts exactly an option', () => {
    expect(labels(gateInput({ task: ISSUE, text: ' build\n' }))).toMatchObject({ accepted: true, reason: null })
  })

  it.each(['Build', 'build.', 'build test', '', 'the label is build'])('rejects %j as schema_invalid', (text) => {
    expect(labels(gateInput({ task: ISSUE, text }))).toMatchObject({
      accepted: false,
      reason: 'schema_invalid',
      detail: 'The answer is none of the 3 options of task triage.',
    })
  })

  it('reads the chosen option, not its rendering', () => {
    const option = { value: 'test', probability: 0.9 }
    expect(labels(gateInput({ task: ISSUE, text: '{"label":"test"}', option })).accepted).toBe(true)
  })

  it('escalates an escalating label however sure the model is', () => {
    const input = gateInput({ task: ISSUE, text: 'access', option: { value: 'access', probability: 1 } })
    expect(labels(input)).toMatchObject({
      accepted: false,
      reason: 'label_escalates',
      detail: 'Label "access" stands in escalateLabels of task triage.',
    })
    expect(confidence(input).accepted).toBe(true)
  })

  it('uses the options of the request where they replace those of the task', () => {
    expect(labels(gateInput({ task: ISSUE, text: 'build', options: ['left', 'right'] })).accepted).toBe(false)
    expect(labels(gateInput({ task: ISSUE, text: 'left', options: ['left', 'right'] })).accepted).toBe(true)
  })

  it('accepts nothing for a task that does not say its options, and says which key is missing', () => {
    expect(labels(gateInput({ task: { kind: 'choice' }, text: 'build' })).detail).toBe(
      'Task triage has kind choice and no usable labels; set tasks.triage.labels in the policy.',
    )
    expect(labels(gateInput({ task: { kind: 'score' }, text: '3' })).detail).toBe(
      'Task triage has kind score and no usable range; set tasks.triage.range in the policy.',
    )
  })

  it('knows yes and no, and the integers of a range', () => {
    expect(taskOptions(taskPolicy({ kind: 'boolean' }))).toEqual(['yes', 'no'])
    expect(taskOptions(taskPolicy({ kind: 'score', range: { min: -1, max: 2 } }))).toEqual(['-1', '0', '1', '2'])
    expect(taskOptions(taskPolicy({ kind: 'score', range: { min: 3, max: 2 } }))).toBeNull()
    expect(taskOptions(taskPolicy({ kind: 'score', range: { min: 0, max: 1e9 } }))).toBeNull()
    expect(taskOptions(taskPolicy({ kind: 'text' }))).toBeNull()
  })
})

describe('the confidence gate', () => {
  it.each([
    [0.72, true, null],
    [0.7199, false, 'confidence_low'],
    [0, false, 'confidence_low'],
    [1, true, null],
  ])('with probability %d against 0.72 says accepted %s', (probability, accepted, reason) => {
    const verdict = confidence(gateInput({ task: ISSUE, option: { value: 'build', probability } }))
    expect(verdict).toMatchObject({ accepted, reason, score: probability, threshold: 0.72 })
  })

  it.each([null, Number.NaN, 1.5, -0.1])('never accepts with probability %s', (probability) => {
    const verdict = confidence(
      gateInput({ task: { ...ISSUE, minConfidence: 0 }, option: { value: 'build', probability } }),
    )
    expect(verdict).toMatchObject({ accepted: false, reason: 'signal_unavailable', score: null, threshold: 0 })
  })

  it('never accepts a label that the model wrote instead of deciding', () => {
    expect(confidence(gateInput({ task: ISSUE, text: 'build (99 % sure)' })).reason).toBe('signal_unavailable')
  })

  it('does not compare a probability from a cut distribution', () => {
    const verdict = confidence(
      gateInput({ task: ISSUE, option: { value: 'build', probability: 0.99 }, signals: { fullDistribution: false } }),
    )
    expect(verdict.reason).toBe('signal_unavailable')
  })
})

describe('the confidence gate beside a proven threshold', () => {
  const option = { value: 'build', probability: 0.8 }
  const proven = { option, calibration: { fit: {} as never } }

  it('is not asked', () => {
    expect(confidence({ ...gateInput({ task: ISSUE, option }), ...proven }).accepted).toBe(true)
  })

  it('is asked where an operator set what it asks for', () => {
    const { task, ...input } = { ...gateInput({ task: ISSUE, option }), ...proven }
    const least = (minConfidence: number) =>
      confidence({ ...input, task: { ...task, minConfidence, isConfidenceSet: true } }).accepted
    expect([least(0.79), least(0.81)]).toEqual([true, false])
  })
})

describe('the calibrated gate', () => {
  it('rejects while no bound is fitted, and says what to set', () => {
    expect(calibrated(gateInput())).toMatchObject({
      accepted: false,
      reason: 'uncalibrated',
      detail:
        'No error bound stands behind task triage: the task asks for none (accept.maxErrorRate). Set tasks.triage.accept.uncalibrated: true to accept on plain thresholds, marked proven: false.',
    })
  })

  it('lets plain thresholds decide where the task says so, and claims no proof', () => {
    expect(calibrated(gateInput({ task: { accept: { uncalibrated: true } } }))).toMatchObject({
      accepted: true,
      detail: 'Not proven, plain thresholds decided: the task asks for none (accept.maxErrorRate).',
    })
  })
})
