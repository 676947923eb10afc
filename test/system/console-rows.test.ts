/** The console over a hundred thousand rows: what its pages ask is answered by an index, a page at a time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAuditLog } from '../../src/stores/audit-log.ts'
import { writeHistory } from '../support/console-history.ts'
import { growsWithRows, PAGE_QUERIES, queryPlans } from '../support/query-plans.ts'

const ROWS = 100_000
let stateDir: string

beforeAll(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'spillway-rows-'))
  writeHistory({
    stateDir,
    rows: ROWS,
    spanMs: 30 * 86_400_000,
    untilMs: Date.UTC(2026, 0, 31),
    named: { tenants: ['acme', 'other'] },
  })
}, 240_000)
afterAll(() => rmSync(stateDir, { recursive: true, force: true }))

describe('the queries of the console', () => {
  it('each go along an index, and sort nothing', () => {
    const plans = queryPlans(stateDir)
    expect(Object.keys(plans)).toEqual(Object.keys(PAGE_QUERIES))
    expect(Object.entries(plans).filter(([, steps]) => steps.some(growsWithRows))).toEqual([])
  })

  it('are told from those that do not by a check that can fail', () => {
    expect(growsWithRows('SCAN audit')).toBe(true)
    expect(growsWithRows('USE TEMP B-TREE FOR ORDER BY')).toBe(true)
    expect(growsWithRows('SEARCH audit USING INDEX audit_received (received_ms>?)')).toBe(false)
  })

  it('read a page, whatever lies behind it', () => {
    const log = readAuditLog({ stateDir })
    try {
      const page = log.list({ sinceMs: 1, tenants: ['acme'], newestFirst: true, limit: 51 })
      expect(page).toHaveLength(51)
      expect(new Set(page.map(({ tenant }) => tenant))).toEqual(new Set(['acme']))
      const [first] = page
      expect(log.list({ sinceMs: 1, newestFirst: true, limit: 2 }).map(({ requestId }) => requestId)).toContain(
        first?.requestId,
      )
    } finally {
      log.close()
    }
  })
})
