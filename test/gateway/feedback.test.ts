import { afterEach, describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { auditRecord } from '../support/audit-record.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

const DRAFT: AuditRecord['draft'] = {
  answerHash: 'sha256:0',
  isSampled: false,
  agrees: null,
  figures: [],
  setup: 's',
  calibration: null,
}

async function send(body: unknown) {
  const known = [auditRecord('r1', { draft: DRAFT }), auditRecord('r2')]
  const readAudit = ({ requestId }: { readonly requestId?: string }) =>
    known.filter((one) => one.requestId === requestId)
  const sample = sampleRouter({ policy: {}, models: {} }, { readAudit })
  const gateway = await testGateway(sample.router)
  const response = await fetch(`${gateway.url}/v1/feedback`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { response, body: (await response.json()) as Record<string, unknown>, journal: sample.journal }
}

describe('POST /v1/feedback', () => {
  it('writes a label beside the record', async () => {
    const { response, body, journal } = await send({ request_id: 'r1', correct: true })
    expect(response.status).toBe(200)
    expect(body).toMatchObject({ object: 'feedback', request_id: 'r1', source: 'human', correct: true })
    expect(journal).toMatchObject([{ type: 'label', requestId: 'r1', label: { source: 'human', isCorrect: true } }])
  })

  it('compares a right answer with the local one', async () => {
    const { body } = await send({ request_id: 'r1', source: 'gold', value: 'something else' })
    expect(body).toMatchObject({ source: 'gold', correct: false })
  })

  it.each([
    ['nobody', { request_id: 'nobody', correct: true }, 404],
    ['a request that no local model answered', { request_id: 'r2', correct: true }, 400],
    ['neither truth nor answer', { request_id: 'r1' }, 400],
    ['an unknown source', { request_id: 'r1', correct: true, source: 'me' }, 400],
    ['an unknown field', { request_id: 'r1', correct: true, url: 'x' }, 400],
  ])('refuses %s, and writes nothing', async (_, body, status) => {
    const sent = await send(body)
    expect(sent.response.status).toBe(status)
    expect(sent.body).toHaveProperty('error.message')
    expect(sent.journal).toEqual([])
  })
})
