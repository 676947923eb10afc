import { describe, expect, it } from 'vitest'
import { rejectsEntropy, rejectsWritten } from '../../src/gates/early.ts'
import { gatesFor } from '../../src/gates/gates.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { ScriptedText } from '../../src/testing.ts'
import { gateInput } from '../gates/gate-input.ts'
import { sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
}
const ask = { messages: [{ role: 'user' as const, content: 'Tell me about dams.' }], metadata: { task: 'chat' } }
const SENTENCE = 'A dam holds the water of a river back so that it can be used in the dry months of a year. '
const REFUSAL = 'I am sorry, but I cannot help with that request. '

function router(small: ScriptedText, task: Record<string, unknown> = {}) {
  const chat = { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true }, ...task }
  return sampleRouter({
    policy: { models: MODELS, tasks: { chat: chat as NonNullable<PolicyInput['tasks']>[string] } },
    env: { KEY: 'k' },
    models: { small: { answers: [small] }, big: { answers: ['from the frontier'] } },
  })
}

describe('a held draft', () => {
  it('is stopped at a refusal, and the frontier answers with the reason of the gate', async () => {
    const pieces = [REFUSAL, SENTENCE.repeat(3), SENTENCE.repeat(3)]
    const sample = router({ text: pieces, thenFail: 'internal' })
    const outcome = await sample.router.complete(ask)
    // Read to its end the draft would have failed with `internal`.
    expect(outcome).toMatchObject({ answer: 'from the frontier', decision: { reason: 'refusal' } })
    expect(outcome.verdicts).toEqual([expect.objectContaining({ gate: 'refusal', accepted: false, reason: 'refusal' })])
    expect(sample.record('req-1')).toMatchObject({
      outcome: 'escalated',
      attempts: [{ model: 'small', outcome: 'answered', usage: { source: 'estimated' } }, { model: 'big' }],
    })
  })

  it('is stopped when its entropy can no longer be accepted', async () => {
    const progress = [
      { tokens: 16, entropyLowNats: 0.9, entropyHighNats: 2.6 },
      { tokens: 32, entropyLowNats: 1.3, entropyHighNats: 2.5 },
    ]
    const sample = router({ text: [SENTENCE, SENTENCE, SENTENCE], progress, thenFail: 'internal' })
    const outcome = await sample.router.complete(ask)
    expect(outcome).toMatchObject({ answer: 'from the frontier', decision: { reason: 'entropy_high' } })
    expect(outcome.verdicts[0]?.detail).toBe(
      'Mean token entropy is between 1.300 and 2.500 nats after 32 tokens, limit 0.8.',
    )
  })

  it('is written to its end when nobody else could answer', async () => {
    const sample = router({ text: [REFUSAL, SENTENCE.repeat(6)] }, { frontier: false })
    const outcome = await sample.router.complete(ask)
    expect(outcome.answer).toBe(REFUSAL + SENTENCE.repeat(6))
  })

  it('is written to its end whatever its entropy where a bound is asked for, since a fitted threshold may accept it', async () => {
    const progress = [{ tokens: 32, entropyLowNats: 1.3, entropyHighNats: 2.5 }]
    const task = { accept: { maxErrorRate: 0.1, auditRate: 0 } }
    const sample = router({ text: [SENTENCE, 'It ends here.'], progress }, task)
    const outcome = await sample.router.complete(ask)
    expect(outcome.verdicts.some(({ detail }) => detail.includes('after 32 tokens'))).toBe(false)
    expect(sample.record('req-1')?.draft).not.toBeNull()
  })

  it('is written to its end when no gate objects', async () => {
    const progress = [{ tokens: 40, entropyLowNats: 0.1, entropyHighNats: 0.6 }]
    const sample = router({ text: [SENTENCE, 'It ends here.'], progress })
    const outcome = await sample.router.complete(ask)
    expect(outcome.verdicts.length).toBeGreaterThan(3)
    expect(outcome.verdicts.some(({ detail }) => detail.includes('after 40 tokens'))).toBe(false)
  })
})

describe('what is written so far', () => {
  const input = gateInput({ answer: { text: 'I cannot help' } })
  const gates = gatesFor(input.task, input.request)

  it('counts only as far as its sentences are complete', () => {
    expect(rejectsWritten(gates, input)).toBeNull()
    const ended = gateInput({ answer: { text: 'I cannot help you with that. And' } })
    expect(rejectsWritten(gates, ended)).toMatchObject({ gate: 'refusal', reason: 'refusal' })
  })

  it('is not read by gates that need the end', () => {
    const open = gateInput({ answer: { text: 'Here is a list. It goes on and ' } })
    expect(rejectsWritten(gates, open)).toBeNull()
  })
})

describe('the entropy so far', () => {
  it.each([
    ['a sure beginning', [64, 0.2, 0.9], 100, 0.8, false],
    ['an unsure opening', [16, 0.7, 3], 100, 0.8, false],
    ['an opening that no rest can mend', [16, 2, 3], 32, 0.8, true],
    ['an unsure text', [32, 0.4, 2.41], 1000, 0.8, true],
    ['a text just under the limit', [32, 0.4, 2.39], 1000, 0.8, false],
    ['no reading', [64, null, null], 100, 0.8, false],
    ['no limit', [64, 5, 6], 64, null, false],
  ] as const)('of %s', (_, [tokens, entropyLowNats, entropyHighNats], maxTokens, limit, stops) => {
    const progress = { tokens, entropyLowNats, entropyHighNats, maxTokens }
    expect(rejectsEntropy(progress, limit) !== null).toBe(stops)
  })
})
