/** How SQLite would answer what the pages of the console ask of the audit. */
import type { SQLInputValue } from 'node:sqlite'
import type { AuditQuery } from '../../src/spec/ports.ts'
import { auditPaths } from '../../src/stores/audit-log.ts'
import { listQuery } from '../../src/stores/audit-queries.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'

/** By what is asked. */
export const PAGE_QUERIES: Readonly<Record<string, AuditQuery>> = {
  'the latest decisions': { sinceMs: 1, newestFirst: true, limit: 51 },
  'the page after them': { sinceMs: 1, untilMs: 2_000_000_000_000, newestFirst: true, limit: 51 },
  'decisions of a task': { sinceMs: 1, task: 'triage', newestFirst: true, limit: 51 },
  'decisions for a reason': { sinceMs: 1, reason: 'confidence_low', newestFirst: true, limit: 51 },
  'decisions of a route': { sinceMs: 1, route: 'frontier', newestFirst: true, limit: 51 },
  'decisions of a tenant': { sinceMs: 1, tenants: ['acme'], newestFirst: true, limit: 51 },
  'one request': { requestId: 'x', limit: 1 },
  'the window of the figures': { sinceMs: 1, limit: 500 },
}

/** @returns the steps of each plan */
export function queryPlans(stateDir: string): Readonly<Record<string, readonly string[]>> {
  const database = openAuditDatabase(auditPaths(stateDir).databasePath)
  try {
    return Object.fromEntries(
      Object.entries(PAGE_QUERIES).map(([what, query]) => {
        const { sql, parameters } = listQuery(query)
        const steps = database.read((raw) =>
          raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...([...parameters] as SQLInputValue[])),
        ) as unknown as readonly { readonly detail: string }[]
        return [what, steps.map(({ detail }) => detail)]
      }),
    )
  } finally {
    database.close()
  }
}

/** A step that looks at rows in the order of nothing, or sorts what it found: both grow with the store. */
export function growsWithRows(step: string): boolean {
  return /^SCAN audit$/.test(step) || /TEMP B-TREE/.test(step)
}
