/** `spillway review`: people look at decisions, and what they find becomes labels. */
import { userInfo } from 'node:os'
import { type QueueItem, reviewQueue } from '../eval/review/queue.ts'
import { agreement } from '../eval/review/reviews.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { AuditRecord } from '../spec/audit.ts'
import { REVIEW_VERDICTS } from '../spec/label.ts'
import { meant } from '../spec/suggest.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { atLeastOne, sinceMs } from './duration.ts'
import { usage } from './failure.ts'
import { giveLabel } from './give-label.ts'
import { addReviewHeld } from './review-held.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

interface ReviewFlags {
  readonly since: string
  readonly task?: string
  readonly limit: string
  readonly reviewers: string
  readonly by?: string
  readonly value?: string
  readonly json?: true
}

export const addReview: AddCommand = (program, context) => {
  const group = program.command('review').description('decisions that people should look at, and what they found')
  addCommand(group, 'queue', 'what waits for a review, the most telling first')
    .option('--since <span>', 'a span such as 7d, or a date', '7d')
    .option('--task <name>', 'only requests of this task')
    .option('--limit <count>', 'at most so many of each task and kind', '20')
    .option('--reviewers <count>', 'how many people shall look at each', '1')
    .option('--by <name>', 'leave out what this reviewer has looked at')
    .action((flags: ReviewFlags) => queue(flags, context))
  addCommand(group, 'label <requestId> <verdict>', `what you found: ${REVIEW_VERDICTS.join(', ')}`)
    .option('--by <name>', 'who says so; default: the user of this machine')
    .option('--value <answer>', 'the right answer, for heads and priors to learn from')
    .action((requestId: string, verdict: string, flags: ReviewFlags) => label(requestId, verdict, flags, context))
  addCommand(group, 'agreement', 'how far reviewers agree, and what they still disagree on')
    .option('--since <span>', 'a span such as 30d, or a date', '30d')
    .option('--task <name>', 'only requests of this task')
    .action((flags: ReviewFlags) => showAgreement(flags, context))
  addReviewHeld(group, context)
}

function queue(flags: ReviewFlags, context: CliContext): void {
  const perStratum = atLeastOne(flags.limit, '--limit')
  const reviewers = atLeastOne(flags.reviewers, '--reviewers')
  const items = withRecords(flags, context, (records) =>
    reviewQueue(records, { perStratum, reviewers, by: flags.by ?? null }),
  )
  if (items.length === 0 && !flags.json) context.terminal.say(`Nothing since ${flags.since} waits for a review.`)
  const lines = items.length === 0 ? [] : tableOf(items, context)
  printResult({ json: flags.json, value: { items }, lines }, context.terminal)
}

function tableOf(items: readonly QueueItem[], { terminal }: CliContext): readonly string[] {
  const rows = items.map(({ requestId, task, stratum, reason, model, margin, reviews, preview }) => [
    requestId,
    task,
    stratum,
    reason,
    model ?? '',
    margin === null ? '' : margin.toFixed(2),
    reviews.map(({ by, verdict }) => `${by}: ${verdict}`).join(', '),
    preview ?? '',
  ])
  const headings = ['request', 'task', 'why', 'reason', 'model', 'margin', 'reviews', 'preview']
  return renderTable(headings, rows, { columns: terminal.columns, whole: ['request', 'why'] })
}

async function label(requestId: string, text: string, flags: ReviewFlags, context: CliContext): Promise<void> {
  const verdict = REVIEW_VERDICTS.find((known) => known === text)
  if (!verdict)
    throw usage(`there is no verdict ${text}`, meant(text, REVIEW_VERDICTS, `Use ${REVIEW_VERDICTS.join(', ')}.`))
  const by = (flags.by ?? userInfo().username).trim()
  if (by === '') throw usage('--by names nobody', 'Name the reviewer.')
  const { value } = flags
  const said = value === undefined ? { isCorrect: verdict === 'accept' } : { value }
  const given = await giveLabel(requestId, { source: 'human', ...said, review: { by, verdict } }, context)
  if (flags.json) context.terminal.json({ requestId, ...given })
  else context.terminal.print(`${requestId}: ${verdict} by ${by}`)
}

function showAgreement(flags: ReviewFlags, context: CliContext): void {
  const found = withRecords(flags, context, agreement)
  const { pairs, agreed, share, kappa, open } = found
  const lines =
    share === null
      ? ['No request was looked at by two people.']
      : [
          `${agreed} of ${pairs} requests: the first two reviewers say the same (${(100 * share).toFixed(1)} %${kappa === null ? '' : `, Cohen's kappa ${kappa.toFixed(2)}`}).`,
          ...open.map((requestId) => `open: ${requestId}`),
        ]
  printResult({ json: flags.json, value: found, lines }, context.terminal)
}

function withRecords<T>(flags: ReviewFlags, context: CliContext, use: (records: Iterable<AuditRecord>) => T): T {
  const since = sinceMs(flags.since, systemClock.epochMs())
  const log = readAuditLog({ stateDir: resolvePaths(context.env, process.platform).stateDir })
  try {
    return use(log.each({ sinceMs: since, ...(flags.task !== undefined && { task: flags.task }) }))
  } finally {
    log.close()
  }
}
