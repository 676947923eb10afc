/** `spillway audit egress`: what left this machine, and whether anything of a class did. */
import { resolvePaths } from '../models/paths.ts'
import type { AuditRecord, EgressRow } from '../spec/audit.ts'
import { PARTITIONS, type Partition } from '../spec/decision.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { ExitCode, usage } from './failure.ts'
import { renderTable } from './table.ts'

interface EgressFlags {
  readonly since: string
  readonly task?: string
  readonly prove?: string
  readonly json?: true
}

export const addAuditEgress: AddCommand = (audit, context) => {
  addCommand(audit, 'egress', 'the egress ledger: every call that left this machine, without its text')
    .option('--since <span>', 'a span such as 24h or 30d, or a date', '30d')
    .option('--task <name>', 'only requests of this task')
    .option('--prove <partition>', 'say whether anything of this partition left: public, internal or local_only')
    .action((flags: EgressFlags) => egress(flags, context))
}

async function egress(flags: EgressFlags, context: CliContext): Promise<void> {
  const partition = partitionOf(flags.prove)
  const { readAuditLog } = await import('../stores/audit-log.ts')
  const log = readAuditLog({ stateDir: resolvePaths(context.env, process.platform).stateDir })
  try {
    const query = { sinceMs: sinceMs(flags.since, Date.now()), ...(flags.task !== undefined && { task: flags.task }) }
    const records = log.list(query)
    if (partition === null) tell(records, flags, context)
    else prove(partition, records, { flags, context, purged: log.purgedSince(query.sinceMs) })
  } finally {
    log.close()
  }
}

function partitionOf(text: string | undefined): Partition | null {
  if (text === undefined) return null
  const found = PARTITIONS.find((partition) => partition === text)
  if (!found) throw usage(`--prove ${text} is no partition`, `Use one of ${PARTITIONS.join(', ')}.`)
  return found
}

type Line = EgressRow & { readonly requestId: string; readonly task: string }

function linesOf(records: readonly AuditRecord[]): readonly Line[] {
  return records.flatMap(({ requestId, task, egress: rows = [] }) => rows.map((row) => ({ requestId, task, ...row })))
}

function tell(records: readonly AuditRecord[], flags: EgressFlags, { terminal }: CliContext): void {
  const lines = linesOf(records)
  if (flags.json) {
    for (const line of lines) terminal.json(line)
    return
  }
  if (lines.length === 0) {
    terminal.say('Nothing left this machine.')
    return
  }
  const rows = lines.map(({ at, requestId, task, model, destination, residency, partition, ...row }) => [
    at.slice(5, 19).replace('T', ' '),
    requestId,
    task,
    model,
    destination,
    residency ?? 'unknown',
    row.anonymised ? `${partition}, anonymised` : partition,
    String(row.bytes),
    Object.entries(row.redactions)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', '),
  ])
  const headings = ['at', 'request', 'task', 'model', 'destination', 'residency', 'partition', 'bytes', 'masked']
  const table = renderTable(headings, rows, { columns: terminal.columns, whole: ['request', 'destination'] })
  for (const line of table) terminal.print(line)
}

interface Proof {
  /** Records of the span that were deleted: nothing is known of them. */
  readonly purged: number
  readonly flags: EgressFlags
  readonly context: CliContext
}

/**
 * Text of the class has left when the ledger says so, and also when a frontier was called for it without a line in the
 * ledger: such a call would have gone past the only door. What left with everything private taken out of it is no text of
 * the class any more; it is counted and named apart.
 */
function prove(partition: Partition, records: readonly AuditRecord[], { flags, context, purged }: Proof): void {
  const own = records.filter(({ features }) => features.partition === partition)
  const left = own.filter(hasLeft)
  const undeclared = records.filter(
    ({ egress: rows = [], attempts }) =>
      rows.length === 0 && attempts.some((one) => one.actor === 'frontier' && one.outcome === 'answered'),
  )
  const holds = left.length === 0 && undeclared.length === 0
  const told = {
    partition,
    since: flags.since,
    holds,
    requests: own.length,
    left: left.map(({ requestId }) => requestId),
    /** Requests of which only what masking left was sent. */
    anonymised: own.filter(({ egress: rows = [] }) => rows.some(isAnonymised)).map(({ requestId }) => requestId),
    /** Answers of frontiers that no line of the ledger speaks of. */
    undeclared: undeclared.map(({ requestId }) => requestId),
    ledgerRows: linesOf(records).length,
    /** Of every partition and task. */
    purged,
  }
  if (flags.json) context.terminal.json(told)
  else context.terminal.print(sentence(told))
  if (!holds) throw new ExitCode(1)
}

function hasLeft({ egress: rows = [], calls, attempts }: AuditRecord): boolean {
  if (rows.some((row) => !isAnonymised(row))) return true
  const frontier = attempts.filter(({ actor }) => actor === 'frontier')
  const failedWith = (codes: ReadonlySet<string>): number =>
    frontier.filter(({ error }) => error !== null && codes.has(error)).length
  // A call is written down before the door looks at it, and the door may say no.
  const called = calls.filter(({ actor }) => actor === 'frontier').length - failedWith(REFUSED_AT_DOOR)
  const tried = frontier.length - failedWith(REFUSED_AT_DOOR) - failedWith(UNPAID)
  return Math.max(called, tried) > rows.length
}

const REFUSED_AT_DOOR: ReadonlySet<string> = new Set(['privacy_local_only', 'held_for_human'])
/** Nothing was called. */
const UNPAID: ReadonlySet<string> = new Set(['budget_exhausted', 'cost_unbounded', 'budget_unwritable'])

function isAnonymised({ anonymised }: EgressRow): boolean {
  return anonymised === true
}

interface Told {
  readonly partition: string
  readonly since: string
  readonly holds: boolean
  readonly requests: number
  readonly left: readonly string[]
  readonly anonymised: readonly string[]
  readonly undeclared: readonly string[]
  readonly ledgerRows: number
  readonly purged: number
}

function sentence({
  partition,
  since,
  holds,
  requests,
  left,
  anonymised,
  undeclared,
  ledgerRows,
  purged,
}: Told): string {
  const apart = anonymised.length > 0 ? `, ${anonymised.length} of them left anonymised` : ''
  const gone = purged > 0 ? `; ${purged} records of the time were purged, and nothing is known of them` : ''
  const looked = `${requests} requests of ${partition} since ${since}${apart}, ${ledgerRows} lines in the ledger${gone}`
  if (holds) return `holds: nothing of ${partition} left this machine by what the audit here records (${looked})`
  const ids = [...left, ...undeclared].slice(0, 10).join(', ')
  return `broken: ${left.length} requests of ${partition} left, ${undeclared.length} answers are not in the ledger: ${ids} (${looked})`
}
