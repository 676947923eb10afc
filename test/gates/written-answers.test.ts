import { describe, expect, it } from 'vitest'
import { complete } from '../../src/gates/complete.ts'
import { entropy } from '../../src/gates/entropy.ts'
import { repetition } from '../../src/gates/repetition.ts'
import { gateInput } from './gate-input.ts'

describe('the entropy gate', () => {
  it.each([
    ['the whole bracket is below the threshold', 0.2, 0.8, true, null, 0.8],
    ['the threshold lies inside the bracket', 0.2, 0.81, false, 'entropy_high', 0.81],
    ['the whole bracket is above it', 0.9, 2, false, 'entropy_high', 0.9],
    ['only a lower end above it is known', 0.9, null, false, 'entropy_high', 0.9],
    ['only a lower end below it is known', 0.2, null, false, 'signal_unavailable', null],
    ['only an upper end below it is known', null, 0.5, true, null, 0.5],
    ['nothing is known', null, null, false, 'signal_unavailable', null],
    ['the reading is not a number', Number.NaN, Number.NaN, false, 'signal_unavailable', null],
    ['the reading is negative', -1, -1, false, 'signal_unavailable', null],
  ])('when %s: [%s, %s] nats is accepted %s', (_when, entropyLowNats, entropyHighNats, accepted, reason, score) => {
    const verdict = entropy(gateInput({ signals: { entropyLowNats, entropyHighNats } }))
    expect(verdict).toMatchObject({ accepted, reason, score, threshold: 0.8 })
  })

  it('follows the threshold of the task', () => {
    const signals = { entropyLowNats: 0.2, entropyHighNats: 1 }
    expect(entropy(gateInput({ signals, task: { gates: { entropyNats: 1 } } })).accepted).toBe(true)
    expect(entropy(gateInput({ signals, task: { gates: { entropyNats: 0.99 } } })).accepted).toBe(false)
  })

  it('never accepts without signals, nor on a cut distribution', () => {
    expect(entropy(gateInput({ signals: null })).reason).toBe('signal_unavailable')
    expect(entropy(gateInput({ signals: { fullDistribution: false } })).reason).toBe('signal_unavailable')
  })
})

describe('the complete gate', () => {
  const detailOf = (changes: Parameters<typeof gateInput>[0]) => {
    const verdict = complete(gateInput(changes))
    expect(verdict.reason).toBe(verdict.accepted ? null : 'incomplete')
    return verdict.accepted ? null : verdict.detail
  }

  it('accepts answers that ended by themselves', () => {
    for (const text of [
      'Paris',
      '42',
      'Use `npm ci`.',
      'Steps:\n\n```sh\nnpm ci\n```',
      '[1] See the log.',
      '{"a": "}"}',
      '~~~\n```\n~~~',
    ]) {
      expect([text, detailOf({ text })]).toEqual([text, null])
    }
  })

  it.each([
    ['is empty', { text: ' \n' }, 'The answer is empty.'],
    ['met the output limit', { answer: { finishReason: 'length' } }, 'The answer was cut off at the output limit.'],
    [
      'met a content filter',
      { answer: { finishReason: 'content_filter' } },
      'The answer was cut off by a content filter.',
    ],
    ['leaves a code block open', { text: 'Run this:\n```sh\nnpm ci' }, 'A code block is not closed.'],
    ['leaves JSON open', { text: '{"a": [1, 2, {"b": "}]"}' }, 'A JSON value is not closed.'],
    ['leaves a JSON string open', { text: '["one", "two' }, 'A JSON value is not closed.'],
    [
      'ends in an article',
      { text: 'The build failed because the resolver could not find the' },
      'The last sentence breaks off.',
    ],
    [
      'announces and stops',
      { text: 'There are three reasons why the build has failed today:' },
      'The last sentence breaks off.',
    ],
  ] as const)('rejects an answer that %s', (_what, changes, detail) => {
    expect(detailOf(changes)).toBe(detail)
  })

  it('takes a tool call with whole arguments for an answer, and one cut off for none', () => {
    const call = (text: string) => ({ text: '', answer: { toolCalls: [{ id: 'c', name: 'look', arguments: text }] } })
    expect(detailOf(call('{"q":1}'))).toBeNull()
    expect(detailOf(call(''))).toBeNull()
    expect(detailOf(call('{"q":'))).toBe('A tool call has arguments that are not whole JSON.')
  })

  it('keeps answers inside gates.length, counted in characters as people see them', () => {
    const task = { gates: { length: { minChars: 3, maxChars: 5 } } }
    expect(detailOf({ task, text: 'ab' })).toBe('The answer has 2 characters, gates.length.minChars is 3.')
    expect(detailOf({ task, text: 'abc' })).toBeNull()
    expect(detailOf({ task, text: ' 🙂🙂🙂🙂🙂 ' })).toBeNull()
    expect(detailOf({ task, text: 'abcdef' })).toBe('The answer has 6 characters, gates.length.maxChars is 5.')
  })
})

describe('the repetition gate', () => {
  const reasonFor = (text: string, kind: 'text' | 'code' | 'extract' = 'text') =>
    repetition(gateInput({ text, task: { kind } })).reason

  it.each([
    ['a phrase to the end', `The fix is simple. ${'I think so. '.repeat(12)}`],
    ['a word to the end', `It is ${'very '.repeat(30)}`],
    ['digits without an end', `The answer is 0.${'142857'.repeat(20)}`],
    ['a loop cut in its middle', `Run it. ${'Then check the log file and '.repeat(6)}Then check`],
    [
      'one sentence between others',
      ['one', 'two', 'three', 'four'].map((n) => `Look at file ${n}. Please check the configuration.`).join(' '),
    ],
    [
      'a list that counts up and says the same',
      [1, 2, 3, 4, 5].map((n) => `${n}. Check the network settings`).join('\n'),
    ],
    [
      'a few phrases in turn',
      Array.from(
        { length: 24 },
        (_, n) => ['we must go on then', 'because of the wind', 'and over the hills'][(n * n) % 3],
      ).join(' '),
    ],
  ])('rejects %s', (_what, text) => {
    expect(reasonFor(text)).toBe('repetition')
  })

  it.each([
    ['short laughter', 'ha ha ha ha, that is a good one'],
    ['a ruled line', `Title\n${'-'.repeat(120)}\nText below the line.`],
    ['a ruled line at the end', `A note.\n${'= '.repeat(80)}`],
    ['a refrain of three', 'Keep the lights on. It is late. Keep the lights on. It is dark. Keep the lights on.'],
    ['closing brackets', `Nested:\n${'}\n'.repeat(20)}`],
    ['yes, often', 'Yes.\nYes.\nYes.\nYes.\nYes.\nNo.'],
  ])('accepts %s', (_what, text) => {
    expect(reasonFor(text)).toBeNull()
  })

  it('lets code and extracted tables repeat lines, but not loop for ever', () => {
    const rows = Array.from({ length: 12 }, (_, n) => `{ "id": ${n * 7}, "state": "waiting for review" },`).join('\n')
    expect(reasonFor(rows, 'extract')).toBeNull()
    expect(reasonFor(`const zeros = [${'0x00, '.repeat(30)}]`, 'code')).toBeNull()
    expect(reasonFor(`const zeros = [${'0x00, '.repeat(200)}`, 'code')).toBe('repetition')
  })

  it('reads a million characters in bounded time', () => {
    expect(reasonFor('ab'.repeat(500_000))).toBe('repetition')
    expect(reasonFor(`${'a'.repeat(2500)}b`.repeat(8))).toBe('repetition')
  })
})
