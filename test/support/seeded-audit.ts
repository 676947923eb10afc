/** Records of earlier requests, as if a process had answered them. */
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'

/** The local model that was asked, in a record. */
export const SMALL = {
  name: 'small',
  identity: { digest: null, quantisation: null, servedBy: 'small' },
  prompt: null,
} as const

/** What a gate says that rejected its answer. */
export const TOO_UNSURE: Verdict = {
  gate: 'confidence',
  accepted: false,
  reason: 'confidence_low',
  score: 0.4,
  threshold: 0.7,
  detail: '',
}

/** Each is written as it is settled; those that have labels get them with it. */
export async function seedAudit(env: NodeJS.ProcessEnv, records: readonly AuditRecord[]): Promise<void> {
  const { stateDir } = resolvePaths(env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  for (const record of records) {
    const { requestId } = record
    log.journal.append({ type: 'intent', requestId, record: { ...record, labels: [], outcome: 'open' } })
    log.journal.append({ type: 'settle', requestId, record })
  }
  await log.journal.flushed()
  await log.close()
}
