/** Tells a webhook of held requests: at least once, over restarts, with longer and longer waits between tries. */
import type { HeldNotice, HeldRow, NoticeCounts, NoticeQueue } from '../spec/held.ts'

/** One try. @returns null when it was taken, else why not */
export type PostNotice = (notice: HeldNotice, signal: AbortSignal) => Promise<string | null>

export interface NoticeSettings {
  readonly queue: NoticeQueue
  /** Null while the secret is not set: nothing goes out unsigned. */
  readonly post: PostNotice | null
}

export interface NoticeSender {
  /** Something may be due. */
  wake(): void
  health(): NoticeCounts
  /** Waits a moment for what is under way. */
  close(): Promise<void>
}

/** Waits after a failed try, in milliseconds: 24 hours in all, then it is given up. */
const WAITS_MS = [1000, 5000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 46_800_000]
const ANSWER_MS = 10_000
/** Longer than a try takes; after it another process may take what a killed one had. */
const HIDE_MS = 30_000
/** How often one looks for what another process wrote. */
const LOOK_MS = 5000
const LAST_MS = 2000

export function createNoticeSender({ queue, post }: NoticeSettings): NoticeSender {
  const over = new AbortController()
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let broken: string | null = null
  const wake = (): void => {
    if (over.signal.aborted || !post) return
    clearTimeout(timer)
    running ??= sendDue(queue, post, over.signal)
      .then(
        () => {
          broken = null
        },
        (error: unknown) => {
          broken = error instanceof Error ? error.message : String(error)
        },
      )
      .finally(() => {
        running = null
        if (!over.signal.aborted) timer = setTimeout(wake, nextLook(queue)).unref()
      })
  }
  wake()
  return {
    wake,
    health() {
      const counts = queue.counts()
      const unsigned = post === null ? 'the secret of its signatures is not set' : null
      return { ...counts, problem: unsigned ?? broken ?? counts.problem }
    },
    async close() {
      clearTimeout(timer)
      const under = running
      const last = setTimeout(() => over.abort(), LAST_MS)
      await under
      clearTimeout(last)
      over.abort()
      clearTimeout(timer)
    },
  }
}

async function sendDue(queue: NoticeQueue, post: PostNotice, over: AbortSignal): Promise<void> {
  for (let notice = queue.take(HIDE_MS); notice; notice = over.aborted ? null : queue.take(HIDE_MS)) {
    const problem = await post(notice, AbortSignal.any([over, AbortSignal.timeout(ANSWER_MS)]))
    if (problem === null) queue.delivered(notice.id)
    // Broken off by ourselves: whoever starts next takes it at once.
    else if (over.aborted) queue.failed(notice.id, problem, 0)
    else queue.failed(notice.id, problem, WAITS_MS[notice.tries] ?? null)
  }
}

function nextLook(queue: NoticeQueue): number {
  try {
    return Math.min(queue.nextInMs() ?? LOOK_MS, LOOK_MS)
  } catch {
    // Told by `health`; the next look tries again.
    return LOOK_MS
  }
}

/** What a webhook hears of a held request: never its text, nor who decided. */
export function noticeBody(
  { id, state, task, taskId, tenant, reason, receivedAt, expiresAt }: HeldRow,
  at: string,
): string {
  const status = state === 'waiting' ? 'held' : state
  const data = { id, status, task, taskId, tenant, reason, receivedAt, expiresAt, path: heldUrl(id) }
  return JSON.stringify({ type: `request.${status}`, timestamp: at, data })
}

/** Where a held request is asked for at a gateway. */
export function heldUrl(id: string): string {
  return `/spillway/v1/held/${encodeURIComponent(id)}`
}
