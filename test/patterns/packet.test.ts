import { describe, expect, it } from 'vitest'
import { escalationPacket } from '../../src/patterns/packet.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { messageText } from '../../src/spec/request.ts'

const DESCRIPTION = 'Which team owns the ticket?'
const OPTIONS = ['build', 'test']
const usage = { inputTokens: 0, outputTokens: 0, source: 'estimated' } as const
const answer = { text: 'build', toolCalls: [], finishReason: 'stop', usage, signals: null, raw: null } as const
const asked = { answer, actor: 'local', model: 'small', tier: 'local_fast', option: null, delivered: false } as const

function packet(rejected: Partial<Verdict>, kind: 'choice' | 'text' = 'choice'): string {
  const labels = kind === 'choice' ? { labels: OPTIONS } : {}
  const policy = policySchema.parse({ tasks: { triage: { kind, description: DESCRIPTION, ...labels } } }).tasks.triage
  if (!policy) throw new Error('the task is not in its own policy')
  const verdict = {
    gate: 'schema',
    accepted: false,
    reason: null,
    score: null,
    threshold: null,
    detail: '/a is missing.',
  }
  const request = { messages: [{ role: 'user' as const, content: 'npm ERR!' }] }
  const task = { name: 'triage', policy, options: kind === 'choice' ? OPTIONS : null }
  const made = escalationPacket(request, task, { asked, rejected: { ...verdict, ...rejected } })
  return made.messages[0] ? messageText(made.messages[0]) : ''
}

describe('the escalation packet', () => {
  it('says what the task is once', () => {
    expect(packet({}).split(DESCRIPTION)).toHaveLength(2)
    expect(packet({}, 'text')).toContain(`Task: triage - ${DESCRIPTION}`)
  })

  it('says of a threshold that it was missed, and of a check what it found', () => {
    const detail = 'No error bound stands behind task triage. Set tasks.triage.accept.uncalibrated: true.'
    const weighed = packet({ gate: 'calibrated', reason: 'uncalibrated', detail })
    expect(weighed).toContain('Failed check: calibrated (uncalibrated)\n')
    expect(weighed).not.toContain('Set tasks')
    expect(packet({})).toContain('Failed check: schema (/a is missing.)')
  })
})
