import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord, EgressRow } from '../../src/spec/audit.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const NOW = new Date().toISOString()
const ROW: EgressRow = {
  at: NOW,
  model: 'big',
  destination: 'api.example.com',
  purpose: 'answer',
  partition: 'internal',
  bytes: 321,
  redactions: { secret: 2 },
  hash: 'sha256:1',
}

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  await write('sent', 'internal', ROW)
  await write('kept', 'local_only', null)
})
afterAll(() => box.close())

async function write(requestId: string, partition: string, row: EgressRow | null): Promise<void> {
  const { stateDir } = resolvePaths(box.env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  const record = auditRecord(requestId, { receivedAt: NOW, ...(requestId === 'gone' && { user: 'who goes' }) })
  const own: AuditRecord = { ...record, features: { ...record.features, partition } }
  log.journal.append({ type: 'intent', requestId, record: own })
  if (row) log.journal.append({ type: 'egress', requestId, row })
  log.journal.append({ type: 'settle', requestId, record: { ...own, outcome: 'accepted' } })
  await log.journal.flushed()
  await log.close()
}

describe('spillway audit egress', () => {
  it('lists every call that left, where to, how much, and what was masked', async () => {
    const { stdout } = await box.run(['audit', 'egress', '--json'])
    expect(JSON.parse(stdout)).toEqual({ requestId: 'sent', task: 'chat', ...ROW })
    const text = await box.run(['audit', 'egress', '--since', '1h'])
    expect(text.stdout).toMatch(/sent +chat +big +api\.example\.com +unknown +internal +321 +2 secret/)
  })

  it('proves that nothing of a partition left, and says what it looked at', async () => {
    const { exitCode, stdout } = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ holds: true, requests: 1, left: [], undeclared: [], ledgerRows: 1 })
    const broken = await box.run(['audit', 'egress', '--prove', 'internal'])
    expect(broken.exitCode).toBe(1)
    expect(broken.stdout).toContain('broken: 1 requests of internal left')
  })

  it('names what left anonymised apart', async () => {
    await write('masked', 'local_only', { ...ROW, partition: 'local_only', residency: 'eu', anonymised: true })
    const { exitCode, stdout } = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ holds: true, requests: 2, left: [], anonymised: ['masked'] })
    const { stdout: said } = await box.run(['audit', 'egress', '--prove', 'local_only'])
    expect(said).toContain('2 requests of local_only since 30d, 1 of them left anonymised')
    const { stdout: ledger } = await box.run(['audit', 'egress'])
    expect(ledger).toMatch(/masked .* eu +local_only, anonymised/)
  })

  it('is broken by a local_only request that left', async () => {
    await write('leaked', 'local_only', { ...ROW, partition: 'local_only' })
    const { exitCode, stdout } = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ holds: false, left: ['leaked'] })
  })

  it('says how many records of the time were purged', async () => {
    await write('gone', 'local_only', null)
    const { stateDir } = resolvePaths(box.env, process.platform)
    const before = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect(JSON.parse(before.stdout)).toMatchObject({ purged: 0 })
    await purgeStore({
      stateDir,
      filter: { subject: 'who goes' },
      dryRun: false,
      monotonicMs: () => performance.now(),
      sleep: delay,
    })
    const { stdout } = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ purged: 1 })
    const { stdout: said } = await box.run(['audit', 'egress', '--prove', 'local_only'])
    expect(said).toContain('1 records of the time were purged')
  })

  it('says what is wrong with a partition', async () => {
    const { exitCode, stderr } = await box.run(['audit', 'egress', '--prove', 'secret'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--prove secret is no partition')
  })
})
