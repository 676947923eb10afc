/** `spillway store copy`, and what `store status` and `doctor` say of the copies in Postgres. */
import { resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { CopyHealth } from '../spec/router.ts'
import { auditPaths } from '../stores/audit-log.ts'
import { copySettings } from '../stores/connections.ts'
import { copyNow } from '../stores/copier.ts'
import { anyCopyState, storedCopyHealth } from '../stores/copy-state.ts'
import { moveAll } from '../stores/journal-mover.ts'
import { openAuditDatabase } from '../stores/sqlite.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { printResult } from './terminal.ts'

/** @returns null without `audit.postgres` */
export function copyStatus(stateDir: string, loaded: LoadedPolicy): CopyHealth | null {
  const settings = copySettings(loaded)
  return settings && storedCopyHealth(auditPaths(stateDir).databasePath, settings, Date.now())
}

/** How many rows, deletions among them, were not in Postgres when somebody last looked; null where nothing was ever copied. */
export function waitingRows(stateDir: string): number | null {
  const { databasePath } = auditPaths(stateDir)
  const saved = anyCopyState(databasePath)
  if (!saved) return null
  const nowhere = { variable: '', url: null, holdForMs: 0, alarmAfterMs: 0 }
  return storedCopyHealth(databasePath, { ...nowhere, place: saved.place, machine: saved.machine }, Date.now()).lagRows
}

/** For the end of a machine: what is in its journals is moved and copied before it goes. */
export async function copyStore(
  flags: { readonly policy?: string; readonly json?: true },
  context: CliContext,
): Promise<void> {
  const settings = copySettings(findPolicy(flags.policy, context))
  if (!settings)
    throw usage('The policy has no audit.postgres', 'Write audit: { postgres: { url: "${env:DATABASE_URL}" } }.')
  const { directory, databasePath } = auditPaths(resolvePaths(context.env, process.platform).stateDir)
  const database = openAuditDatabase(databasePath)
  try {
    moveAll(directory, database)
    const { rows } = await copyNow({ ...settings, databasePath }, database)
    const { place, machine } = settings
    const value = { place, machine, rows }
    const lines = [`all records of ${machine} are in ${place}; ${rows} rows were missing`]
    printResult({ json: flags.json, value, lines }, context.terminal)
  } finally {
    database.close()
  }
}
