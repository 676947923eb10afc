/** The traffic of this machine whose full texts were kept, as calls. */
import type { LoggedCall } from '../eval/import/logged-call.ts'
import type { AuditRecord } from '../spec/audit.ts'
import { usage } from './failure.ts'

export interface KeptTraffic {
  readonly stateDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Epoch milliseconds. */
  readonly sinceMs: number
}

/**
 * Requests that came under no task, oldest first.
 *
 * @throws RouterError usage: nothing was kept; content_key_unusable, content_unreadable
 */
export async function* readKeptCalls({ stateDir, env, sinceMs }: KeptTraffic): AsyncGenerator<LoggedCall> {
  const [{ readAuditLog }, { eachContent }, { contentSealer }] = await Promise.all([
    import('../stores/audit-log.ts'),
    import('../stores/kept-content.ts'),
    import('../stores/sealed-content.ts'),
  ])
  const log = readAuditLog({ stateDir })
  try {
    let kept = 0
    for (const content of eachContent(stateDir, sinceMs, contentSealer(env))) {
      kept += 1
      const [record] = log.list({ requestId: content.requestId, limit: 1 })
      if (record?.features.taskSource !== 'default') continue
      yield {
        id: content.requestId,
        request: content.request,
        model: servedBy(record),
        answer: content.answer && {
          text: content.answer.text,
          tools: content.answer.toolCalls.map(({ name }) => name),
        },
        usage: record.usage,
        costUsd: record.costUsd,
        at: record.receivedAt,
      }
    }
    if (kept === 0)
      throw usage(
        'No request since then has kept its text',
        'Set audit.content: replay in the policy and let traffic pass, or give a file with --from.',
      )
  } finally {
    log.close()
  }
}

function servedBy({ decision }: AuditRecord): string | null {
  return decision?.model ?? null
}
