import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { JournalEntry, ShadowResult } from '../../src/spec/audit.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'

/** A folder of the running test, removed when it ends. */
export function stateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-audit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const SETTINGS = { durability: 'process', onFailure: 'refuse' } as const

export function intent(id: string): JournalEntry {
  return { type: 'intent', requestId: id, record: auditRecord(id) }
}

export function call(id: string, model = 'big'): JournalEntry {
  return { type: 'call', requestId: id, model, actor: 'frontier', at: '2026-01-01T00:00:00.500Z' }
}

export function settle(id: string): JournalEntry {
  const record = auditRecord(id, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' })
  return { type: 'settle', requestId: id, record }
}

export const SHADOW: ShadowResult = {
  model: 'small',
  identity: null,
  verdicts: [],
  signals: null,
  wouldAccept: true,
  answerHash: null,
  agrees: true,
  draft: null,
  attempt: attempt('small', { purpose: 'shadow', latencyMs: 5, priceSource: 'local' }),
}

export function shadow(id: string): JournalEntry {
  return { type: 'shadow', requestId: id, shadow: SHADOW }
}
