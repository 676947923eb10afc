/** `spillway store status | copy | backup | restore | purge`: the records of this machine as files. */
import { setTimeout as delay } from 'node:timers/promises'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { CopyHealth } from '../spec/router.ts'
import type { PurgeReport } from '../stores/purge.ts'
import type { StoreStatus } from '../stores/store-status.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { runningServer } from './running-server.ts'
import { sizeText } from './size-text.ts'
import { printResult } from './terminal.ts'

interface StoreFlags {
  readonly policy?: string
  readonly json?: true
}

interface PurgeFlags {
  readonly olderThan?: string
  readonly tenant?: string
  readonly subject?: string
  readonly dryRun?: true
  readonly json?: true
}

export const addStore: AddCommand = (program, context) => {
  const store = program.command('store').description('records of this machine: sizes, backups, deletion')
  addCommand(store, 'status', 'what is recorded, how much of it, and for how long it is kept')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: StoreFlags) => status(flags, context))
  addCommand(store, 'copy', 'copy to audit.postgres what is not there yet, and wait for it')
    .option('--policy <file>', 'the policy file to use')
    .action(async (flags: StoreFlags) => {
      const { copyStore } = await import('./store-copy.ts')
      await copyStore(flags, context)
    })
  addCommand(store, 'backup <file>', 'copy the audit database while it is in use; its key is left out').action(
    (file: string, flags: StoreFlags) => backup(file, flags, context),
  )
  addCommand(store, 'restore <file>', 'put a backup in place; what was there is set aside').action(
    (file: string, flags: StoreFlags) => restore(file, flags, context),
  )
  addCommand(store, 'purge', 'delete what was recorded and kept of requests; digests stay, so that verify holds')
    .option('--older-than <span>', 'only of requests before then: 30d, 12h or a date')
    .option('--tenant <name>', 'only of this tenant')
    .option('--subject <user>', 'only of this user (metadata.user)')
    .option('--dry-run', 'count what would be deleted, and delete nothing')
    .action((flags: PurgeFlags) => purge(flags, context))
}

function stateDirOf({ env }: CliContext): string {
  return resolvePaths(env, process.platform).stateDir
}

async function status(flags: StoreFlags, context: CliContext): Promise<void> {
  const { storeStatus } = await import('../stores/store-status.ts')
  const loaded = findPolicy(flags.policy, context)
  const { policy, file } = loaded
  const found = storeStatus(stateDirOf(context))
  const { copyStatus } = await import('./store-copy.ts')
  const { content, retention, replay } = policy.audit
  const told = {
    ...found,
    retention: {
      policy: file,
      content,
      localOnly: replay.localOnly,
      recordsMs: retention.records,
      contentMs: retention.content,
    },
    /** Null without `audit.postgres`. */
    postgres: copyStatus(stateDirOf(context), loaded),
  }
  printResult({ json: flags.json, value: told, lines: statusLines(told) }, context.terminal)
}

const DAY_MS = 86_400_000

function statusLines({
  path,
  database,
  journals,
  examples,
  damaged,
  replaced,
  abandoned,
  retention,
  postgres,
}: StoreStatus & {
  readonly retention: { readonly recordsMs: number | null; readonly contentMs: number }
  readonly postgres: CopyHealth | null
}) {
  const rows = database?.rows
  const kept = retention.recordsMs === null ? 'for ever' : `${retention.recordsMs / DAY_MS} days`
  return [
    database === null
      ? `nothing is recorded in ${path}`
      : `${path}: ${sizeText(database.sizeBytes)}, log ${sizeText(database.logBytes)}, schema ${database.schema} of ${database.knownSchema}`,
    ...(rows
      ? [
          `${rows.records} records (${rows.open} open), ${rows.contents} kept texts, ${rows.links} links, ${rows.events} events`,
        ]
      : []),
    ...(database?.oldestRecord ? [`from ${database.oldestRecord} to ${database.newestRecord}`] : []),
    `journals: ${journals.files} files, ${sizeText(journals.sizeBytes)}, writers ${journals.writers.join(', ') || 'none'}`,
    `examples: ${examples.tasks} tasks, ${sizeText(examples.sizeBytes)}`,
    `kept: records ${kept}, texts ${retention.contentMs / DAY_MS} days`,
    ...(postgres ? copyLines(postgres) : []),
    ...damaged.map((file) => `damaged: ${file}`),
    ...replaced.map((file) => `set aside: ${file}`),
    ...abandoned.map((file) => `half-made: ${file}`),
  ]
}

function copyLines({ place, machine, lagRows, lagMs, problem, alarm }: CopyHealth): readonly string[] {
  const lag = lagRows === 0 ? 'all rows are there' : `${lagRows} rows wait, for ${Math.round(lagMs / 1000)} s`
  return [
    `postgres: ${place ?? '(no address)'} as ${machine}, ${lag}`,
    ...(problem === null ? [] : [`postgres is not reached: ${problem}`]),
    ...(alarm === null ? [] : [`alarm: ${alarm}`]),
  ]
}

async function backup(file: string, flags: StoreFlags, context: CliContext): Promise<void> {
  const { backupStore } = await import('../stores/backup.ts')
  const value = backupStore(stateDirOf(context), file)
  const lines = [`${value.records} records are in ${value.file} (${sizeText(value.sizeBytes)}, schema ${value.schema})`]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

async function restore(file: string, flags: StoreFlags, context: CliContext): Promise<void> {
  const stateDir = stateDirOf(context)
  const server = await runningServer(stateDir)
  if (server)
    throw new RouterError('in_use', { path: stateDir, problem: `${server.url} serves`, fix: 'Stop `spillway serve`.' })
  const { restoreStore } = await import('../stores/backup.ts')
  const value = restoreStore(stateDir, file)
  const { records, replaced, chain } = value
  const verified =
    chain === null
      ? 'There is no chain.key beside it: put it back before the next start, or nothing can be verified.'
      : `The chain ${chain.problems.length === 0 ? 'holds' : `is broken: ${chain.problems.length} problems (spillway audit verify)`}.`
  const lines = [
    `${records} records of ${value.file} are in place. ${verified}`,
    ...(replaced === null ? [] : [`What was there is ${replaced}.`]),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

async function purge(flags: PurgeFlags, context: CliContext): Promise<void> {
  const { olderThan, tenant, subject } = flags
  if (olderThan === undefined && tenant === undefined && subject === undefined)
    throw usage(
      'purge needs to know what',
      'Give --older-than, --tenant or --subject; `spillway uninstall` removes everything.',
    )
  for (const [flag, value] of Object.entries({ '--tenant': tenant, '--subject': subject }))
    if (value === '') throw usage(`${flag} is empty`, 'Write the name as requests gave it.')
  const { purgeStore } = await import('../stores/purge.ts')
  const filter = {
    ...(olderThan !== undefined && { beforeMs: sinceMs(olderThan, systemClock.epochMs(), '--older-than') }),
    ...(tenant !== undefined && { tenant }),
    ...(subject !== undefined && { subject }),
  }
  const report = await purgeStore({
    stateDir: stateDirOf(context),
    filter,
    dryRun: flags.dryRun === true,
    monotonicMs: systemClock.monotonicMs,
    sleep: (ms) => delay(ms),
  })
  const { waitingRows } = await import('./store-copy.ts')
  const waiting = waitingRows(stateDirOf(context))
  const value = { dryRun: flags.dryRun === true, ...report, waitingForPostgres: waiting }
  const lines = [
    ...purgeLines(report, value.dryRun),
    ...(waiting
      ? [`${waiting} rows, deletions among them, wait to reach Postgres; \`spillway store copy\` tries now`]
      : []),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

function purgeLines(report: PurgeReport, dryRun: boolean): readonly string[] {
  const { records, contents, early, examples, learnedRows, responses, held, batches, conversations } = report
  const { budgetSums, budgetSumsLater, ownerlessExamples, underWay, journalsLeft } = report
  return [
    `${dryRun ? 'would delete' : 'deleted'}: ${records} records, ${contents} kept texts, ${early} stray entries, ${examples} kept examples, ${learnedRows} rows of learned heads, ${responses} kept responses, ${held} held requests, ${batches} files and batches, ${conversations} private conversations, ${budgetSums} sums of budgets`,
    ...(budgetSumsLater > 0
      ? [`${budgetSumsLater} sums of budgets go when their day or month ends; until then they hold the ceiling`]
      : []),
    ...(underWay > 0 ? [`${underWay} requests are under way and stay until they are settled; purge again then`] : []),
    ...(ownerlessExamples > 0
      ? [`${ownerlessExamples} older examples say of nobody whose they are; --older-than deletes them`]
      : []),
    ...journalsLeft.map((file) => `not ended yet, may hold deleted entries: ${file}`),
    ...report.unreadable.map((file) => `cannot be searched, delete it by hand: ${file}`),
  ]
}
