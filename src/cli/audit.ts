/** `spillway audit tail | show | export | egress | verify | anchor | content | events | import`: what happened to past requests. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Command } from 'commander'
import { type UsageRow, usageRow } from '../eval/usage-rows.ts'
import { resolvePaths } from '../models/paths.ts'
import type { AuditRecord } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { AuditQuery } from '../spec/ports.ts'
import { addAuditContent } from './audit-content.ts'
import { addAuditEgress } from './audit-egress.ts'
import { addAuditImport } from './audit-import.ts'
import { latencyByTier, latencyLine } from './audit-latency.ts'
import { traceLines } from './audit-trace.ts'
import { addAuditVerify } from './audit-verify.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { atLeastOne, sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { dollars, milliseconds } from './outcome-text.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'
import { flushed } from './terminal.ts'

interface AuditFlags {
  readonly since?: string
  readonly task?: string
  readonly reason?: string
  readonly route?: string
  readonly limit?: string
  readonly latency?: true
  readonly policy?: string
  readonly out?: string
  readonly usage?: true
  readonly json?: true
}

const TAIL_RECORDS = 20

export const addAudit: AddCommand = (program, context) => {
  const audit = program.command('audit').description('what happened to past requests; holds no text')
  filters(addCommand(audit, 'tail', 'the latest records, oldest first; --json prints one a line')).action(
    (flags: AuditFlags) => tail(flags, context),
  )
  filters(addCommand(audit, 'show [requestId]', 'one record, or counts by route and reason'))
    .option('--latency', 'p50 and p95 of each tier against latencyTargetMs of the policy')
    .option('--policy <file>', 'the policy that holds the targets')
    .action((requestId: string | undefined, flags: AuditFlags) => show(requestId, flags, context))
  filters(addCommand(audit, 'export', 'every record as JSON lines, oldest first'))
    .option('--usage', 'a flat row of use and money for each settled request, without what decided it')
    .option('--out <file>', 'write to this file instead of stdout')
    .action((flags: AuditFlags) => exportRecords(flags, context))
  addAuditEgress(audit, context)
  addAuditVerify(audit, context)
  addAuditContent(audit, context)
  addAuditImport(audit, context)
}

/** @throws RouterError not_found */
export async function findRecord(requestId: string, context: CliContext): Promise<AuditRecord> {
  const [record] = await records({ requestId, limit: 1 }, context)
  if (record) return record
  const { stateDir } = resolvePaths(context.env, process.platform)
  throw new RouterError('not_found', {
    subject: 'request',
    value: requestId,
    fix: `\`spillway audit tail\` lists the requests recorded in ${stateDir}.`,
  })
}

function filters(command: Command): Command {
  return command
    .option('--since <span>', 'only records since then: 30s, 15m, 1h, 7d or a date')
    .option('--task <name>', 'only records of this task')
    .option('--reason <reason>', 'only records with this reason')
    .option('--route <route>', 'only records with this route')
    .option('--limit <count>', 'the latest so many')
}

function queryOf(flags: AuditFlags): AuditQuery {
  const { task, reason, route, since, limit } = flags
  return {
    ...(task ? { task } : {}),
    ...(reason ? { reason } : {}),
    ...(route ? { route } : {}),
    ...(since ? { sinceMs: sinceMs(since, Date.now()) } : {}),
    ...(limit ? { limit: atLeastOne(limit, '--limit') } : {}),
  }
}

/** The same, oldest first: a page at a time, in constant memory, unless only the latest are asked for. */
async function eachRecord(
  query: AuditQuery,
  context: CliContext,
  use: (found: Iterable<AuditRecord>) => Promise<void> | void,
): Promise<void> {
  const { readAuditLog } = await import('../stores/audit-log.ts')
  const log = readAuditLog({ stateDir: resolvePaths(context.env, process.platform).stateDir })
  try {
    await use(query.limit === undefined ? log.each(query) : log.list({ ...query, newestFirst: true }).toReversed())
  } finally {
    log.close()
  }
}

/** Loads the store only when a command needs it, so that `--help` and `policy check` start at once. */
async function records(query: AuditQuery, context: CliContext): Promise<readonly AuditRecord[]> {
  const { readAuditLog } = await import('../stores/audit-log.ts')
  const log = readAuditLog({ stateDir: resolvePaths(context.env, process.platform).stateDir })
  try {
    return [...log.list(query)]
  } finally {
    log.close()
  }
}

async function tail(flags: AuditFlags, context: CliContext): Promise<void> {
  const found = await records({ limit: TAIL_RECORDS, ...queryOf(flags), newestFirst: true }, context)
  const latest = found.toReversed()
  if (flags.json) return printRecords(latest, context)
  if (latest.length === 0) return context.terminal.say('No records match.')
  const rows = latest.map((record) => [
    record.receivedAt.slice(5, 19).replace('T', ' '),
    record.requestId,
    record.task,
    record.route,
    record.reason,
    record.decision?.model ?? '',
    record.latencyMs === null ? '' : milliseconds(record.latencyMs),
    dollars(record.costUsd),
  ])
  const headings = ['received', 'request', 'task', 'route', 'reason', 'model', 'time', 'cost']
  const lines = renderTable(headings, rows, { columns: context.terminal.columns, whole: ['request', 'reason'] })
  for (const line of lines) context.terminal.print(line)
}

/** One record a line. */
function printRecords(found: readonly AuditRecord[], context: CliContext): void {
  for (const record of found) context.terminal.json(record)
}

async function show(requestId: string | undefined, flags: AuditFlags, context: CliContext): Promise<void> {
  if (requestId === undefined) return flags.latency ? showLatency(flags, context) : showCounts(flags, context)
  if (flags.latency) throw usage(`--latency is about many requests, not about ${requestId}`, 'Leave one of them out.')
  const record = await findRecord(requestId, context)
  if (flags.json) return context.terminal.json(record)
  for (const line of traceLines(record)) context.terminal.print(line)
}

async function showCounts(flags: AuditFlags, context: CliContext): Promise<void> {
  const counts = new Map<string, number>()
  let total = 0
  await eachRecord(queryOf(flags), context, (found) => {
    for (const { route, reason } of found) {
      total += 1
      counts.set(`${route} ${reason}`, (counts.get(`${route} ${reason}`) ?? 0) + 1)
    }
  })
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  const split = sorted.map(([key, count]) => ({
    route: key.split(' ')[0] ?? '',
    reason: key.split(' ')[1] ?? '',
    count,
  }))
  if (flags.json) return context.terminal.json({ total, counts: split })
  const rows = split.map(({ route, reason, count }) => [route, reason, String(count)])
  for (const line of renderTable(['route', 'reason', 'requests'], rows, context.terminal)) context.terminal.print(line)
  context.terminal.print(`total ${total}`)
}

async function showLatency(flags: AuditFlags, context: CliContext): Promise<void> {
  const targets = findPolicy(flags.policy, context).policy.latencyTargetMs
  let tiers: ReturnType<typeof latencyByTier> = []
  await eachRecord(queryOf(flags), context, (found) => {
    tiers = latencyByTier(found, targets)
  })
  if (flags.json) return context.terminal.json({ tiers })
  if (tiers.length === 0) return context.terminal.say('No model has answered a request that matches.')
  for (const tier of tiers) context.terminal.print(latencyLine(tier))
}

async function exportRecords(flags: AuditFlags, context: CliContext): Promise<void> {
  const { out } = flags
  const rowsOf = flags.usage ? usageRows : (found: Iterable<AuditRecord>) => found
  if (out === undefined) return eachRecord(queryOf(flags), context, (found) => toStdout(rowsOf(found), context))
  let records = 0
  await eachRecord(queryOf(flags), context, async (found) => {
    records = await toFile(out, rowsOf(found))
  })
  if (flags.json) context.terminal.json({ file: out, records })
  else context.terminal.say(`wrote ${records} records to ${out}`)
}

function* usageRows(found: Iterable<AuditRecord>): Generator<UsageRow> {
  for (const record of found) {
    const row = usageRow(record)
    if (row) yield row
  }
}

/** What waits for a slow reader is memory. */
async function toStdout(found: Iterable<AuditRecord | UsageRow>, { terminal }: CliContext): Promise<void> {
  let written = 0
  for (const record of found) {
    terminal.json(record)
    written += 1
    if (written % RECORDS_AT_ONCE === 0) await flushed()
  }
}

const RECORDS_AT_ONCE = 200

/** @returns how many records */
async function toFile(path: string, found: Iterable<AuditRecord | UsageRow>): Promise<number> {
  const file = createWriteStream(path, { mode: 0o600 })
  let records = 0
  try {
    await once(file, 'open')
    for (const record of found) {
      if (!file.write(`${JSON.stringify(record)}\n`)) await once(file, 'drain')
      records += 1
    }
    file.end()
    await once(file, 'finish')
    return records
  } catch (error) {
    if (error instanceof RouterError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOSPC') throw new RouterError('disk_full', { path }, error)
    throw usage(`--out ${path} cannot be written (${code})`, 'Choose a folder that exists and that you may write to.')
  }
}
