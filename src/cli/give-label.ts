/** What the command line learns about an earlier answer goes the way of a caller's feedback. */
import { join } from 'node:path'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { recordFeedback } from '../pipeline/feedback.ts'
import type { Feedback, RecordedLabel } from '../spec/label.ts'
import { openAuditLog } from '../stores/audit-log.ts'
import { openKeptExamples } from '../stores/kept-examples.ts'
import type { CliContext } from './context.ts'

/** @throws RouterError as `recordFeedback`; of the store */
export async function giveLabel(requestId: string, feedback: Feedback, { env }: CliContext): Promise<RecordedLabel> {
  const { stateDir } = resolvePaths(env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  try {
    return await recordFeedback(requestId, feedback, {
      journal: log.journal,
      clock: systemClock,
      examples: openKeptExamples(join(stateDir, 'examples')),
      readAudit: (query) => log.list(query),
    })
  } finally {
    await log.close()
  }
}
