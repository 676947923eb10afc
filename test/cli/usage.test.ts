/** `audit export --usage`: flat rows for programs that count use and money. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const HOUR_MS = 3_600_000
const served = { pattern: 'cascade', task: 'chat', degraded: false, proven: false, stage: 'accept' } as const

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  const { stateDir } = resolvePaths(box.env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  const add = (id: string, hoursAgo: number, change: Partial<AuditRecord>) => {
    const receivedAt = new Date(Date.now() - hoursAgo * HOUR_MS).toISOString()
    log.journal.append({ type: 'intent', requestId: id, record: auditRecord(id, { receivedAt }) })
    log.journal.append({ type: 'settle', requestId: id, record: auditRecord(id, { receivedAt, ...change }) })
  }
  const score = (gate: string, value: number) => ({
    gate,
    accepted: true,
    reason: null,
    score: value,
    threshold: 0.5,
    detail: '',
  })
  add('old', 30, { outcome: 'accepted', route: 'solver', reason: 'solver_answered' })
  add('local', 3, {
    ...{ outcome: 'accepted', task: 'triage', action: 'orch_status', costUsd: 0, latencyMs: 80 },
    decision: { ...served, route: 'local', reason: 'local_accepted', model: 'small', tier: 'local_fast' },
    verdicts: [score('schema', 1), score('confidence', 0.81), score('calibrated', 0.93)],
  })
  add('frontier', 2, {
    ...{ outcome: 'escalated', route: 'frontier', reason: 'confidence_low', costUsd: null, latencyMs: 900 },
    decision: { ...served, route: 'frontier', reason: 'confidence_low', model: 'big', tier: 'frontier' },
    verdicts: [score('confidence', 0.4)],
  })
  await log.journal.flushed()
  await log.close()
})
afterAll(() => box.close())

async function rows(...args: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout, exitCode } = await box.run(['audit', 'export', '--usage', ...args])
  expect(exitCode).toBe(0)
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

describe('the export of use', () => {
  it('is one row for each settled request, with the keys of the contract', async () => {
    const found = await rows('--since', '24h', '--limit', '100')
    expect(found).toEqual([
      {
        ...{ ts: expect.stringMatching(/Z$/), action: 'orch_status', tier: 'local_fast', model: 'small', cost: 0 },
        ...{ latencyMs: 80, quality: 0.93, route: 'local', reason: 'local_accepted' },
      },
      {
        ...{ ts: expect.stringMatching(/Z$/), action: 'chat', tier: 'frontier', model: 'big', cost: null },
        ...{ latencyMs: 900, quality: null, route: 'frontier', reason: 'confidence_low' },
      },
    ])
    expect(Object.keys(found[0] ?? {})).toEqual('ts action tier model cost latencyMs quality route reason'.split(' '))
  })

  it('takes the latest so many records, and those of a task', async () => {
    expect((await rows('--limit', '1')).map(({ model }) => model)).toEqual(['big'])
    expect((await rows('--task', 'triage')).map(({ model }) => model)).toEqual(['small'])
    expect((await rows()).map(({ route, tier }) => [route, tier])).toEqual([
      ['solver', null],
      ['local', 'local_fast'],
      ['frontier', 'frontier'],
    ])
  })

  it('goes to a file', async () => {
    const file = join(box.folder, 'usage.jsonl')
    const { stdout } = await box.run(['audit', 'export', '--usage', '--out', file, '--json'])
    expect(JSON.parse(stdout)).toEqual({ file, records: 3 })
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4)
  })

  it.skipIf(spawnSync('jq', ['--version']).error !== undefined)('is what jq selects by tier', async () => {
    const { stdout } = await box.run(['audit', 'export', '--usage'])
    const selected = spawnSync('jq', ['-r', 'select(.tier=="frontier") | .model'], { input: stdout, encoding: 'utf8' })
    expect(selected.stdout).toBe('big\n')
  })
})
