import { describe, expect, it } from 'vitest'
import { answerHardStop } from '../../src/gates/answer-hard-stop.ts'
import { patch } from '../../src/gates/patch.ts'
import { safetyClass } from '../../src/gates/safety-class.ts'
import type { HardStopHit } from '../../src/spec/decision.ts'
import { gateInput } from './gate-input.ts'

const hit = (kind: HardStopHit['kind'], term: string): HardStopHit => ({ kind, term, field: 'answer' })

describe('the hard-stop gate on answers', () => {
  it('accepts an answer without a hard-stop term', () => {
    expect(answerHardStop(gateInput()).accepted).toBe(true)
  })

  it.each(['access', 'security', 'production', 'irreversible'] as const)('rejects with hard_stop_%s', (kind) => {
    const verdict = answerHardStop(gateInput({ findHardStops: () => [hit(kind, 'term')] }))
    expect(verdict).toMatchObject({ accepted: false, reason: `hard_stop_${kind}` })
  })

  it('gives one reason for several kinds, whatever their order in the text', () => {
    const hits = [hit('irreversible', 'delete'), hit('access', 'token'), hit('access', '401'), hit('access', 'token')]
    const verdict = answerHardStop(gateInput({ findHardStops: () => hits }))
    expect(verdict).toMatchObject({
      reason: 'hard_stop_access',
      detail: 'The answer holds the access terms "token", "401", which only a frontier or a human may settle.',
    })
  })

  it('reads the tool calls of an answer too', () => {
    const findHardStops = (text: string) => (text.includes('delete') ? [hit('irreversible', 'delete')] : [])
    const toolCalls = [{ id: 'c', name: 'shell', arguments: '{"run":"delete all"}' }]
    expect(answerHardStop(gateInput({ text: 'On it.', answer: { toolCalls }, findHardStops })).reason).toBe(
      'hard_stop_irreversible',
    )
  })
})

describe('the safety-class gate', () => {
  const task = { gates: { safetyClass: ['weapon', 'self-harm', 'Nerve  Agent'] } }
  const reasonFor = (text: string) => safetyClass(gateInput({ text, task })).reason

  it.each([
    'A Weapon was found.',
    'It speaks of self-harm',
    'a nerve\nagent',
    'a we\u200bapon',
    '(weapon)',
    'ＷＥＡＰＯＮ',
  ])('rejects %j like a hard stop, so that it is never served degraded', (text) => {
    expect(reasonFor(text)).toBe('hard_stop_security')
  })

  it.each(['weaponry', 'no weapons', 'self harm', 'agent nerve', 'bioweapon', 'weapon_id'])(
    'accepts %j: not the whole term',
    (text) => {
      expect(reasonFor(text)).toBeNull()
    },
  )

  it('takes signs in a term as they are', () => {
    const signs = { gates: { safetyClass: ['c++ (old)', '  '] } }
    expect(safetyClass(gateInput({ task: signs, text: 'written in C++ (old) style' })).reason).toBe(
      'hard_stop_security',
    )
    expect(safetyClass(gateInput({ task: signs, text: 'written in ccc' })).accepted).toBe(true)
  })
})

describe('the patch gate', () => {
  it.each([
    ['a git diff', 'diff --git a/x.ts b/x.ts\nindex 1..2'],
    ['a diff hunk', 'Change it so:\n@@ -1,2 +1,3 @@\n-old\n+new'],
    ['a diff header', '--- a/x.ts\n+++ b/x.ts\n'],
    ['a diff block', 'Apply this:\n```diff\n-old\n+new\n```'],
    ['a patch envelope', '*** Begin Patch\n*** Update File: x.ts'],
    ['a search-and-replace edit', '<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE'],
    ['a diff header', '{"patch": "--- a/x.ts\\n+++ b/x.ts\\n@@ -1 +1 @@"}'],
  ])('rejects %s where the kind is not code', (form, text) => {
    expect(patch(gateInput({ text }))).toMatchObject({ accepted: false, reason: 'policy_requires_frontier' })
    expect(patch(gateInput({ text })).detail).toMatch(
      /^The answer holds a .*, and task triage has kind text, not code\.$/,
    )
    expect(patch(gateInput({ text, task: { kind: 'code' } })).accepted, form).toBe(true)
  })

  it('reads hundreds of thousands of broken marks in bounded time', () => {
    expect(patch(gateInput({ text: '<<<<<<< HEAD\n'.repeat(20_000) })).accepted).toBe(true)
    expect(patch(gateInput({ text: '--- a\n'.repeat(50_000) })).accepted).toBe(true)
  })

  it('finds a patch in the arguments of a tool call', () => {
    const toolCalls = [{ id: 'c', name: 'apply', arguments: '{"input":"*** Begin Patch\\n*** Add File: x"}' }]
    expect(patch(gateInput({ text: '', answer: { toolCalls } })).reason).toBe('policy_requires_frontier')
  })

  it.each(['```sh\nnpm ci\n```', 'Title\n---\nText\n+++', '- one\n+ two', 'Use diff --git to compare.', 'a ======= b'])(
    'accepts %j, which edits nothing',
    (text) => {
      expect(patch(gateInput({ text })).accepted).toBe(true)
    },
  )
})
