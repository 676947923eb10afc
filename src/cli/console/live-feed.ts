/** Decisions of this process as they settle, and of the others of this machine out of their journals. */
import { createLiveFeed, type LiveFeed } from '../../spec/console.ts'
import { auditPaths } from '../../stores/audit-log.ts'
import { type FollowedJournals, followJournals } from '../../stores/followed-journals.ts'
import { processStart } from '../../stores/journal-files.ts'

/** As often as the page is told. */
const EVERY_MS = 250

export interface MachineFeedSettings {
  readonly stateDir: string
  /** Whose journals are left out, because their decisions are published; this process when absent. */
  readonly own?: { readonly pid: number; readonly start: string }
}

/** Others are read while somebody listens, and not at all otherwise. */
export function machineFeed({ stateDir, own }: MachineFeedSettings): LiveFeed {
  const feed = createLiveFeed()
  const { pid, start } = own ?? { pid: process.pid, start: processStart(process.pid) }
  let listeners = 0
  let followed: { readonly journals: FollowedJournals; readonly timer: NodeJS.Timeout } | null = null
  const begin = (): void => {
    const { directory } = auditPaths(stateDir)
    const journals = followJournals(directory, (journal) => journal.pid !== pid || journal.start !== start)
    const tell = (): void => {
      for (const entry of journals.read()) if (entry.type === 'settle') feed.publish(entry.record)
    }
    followed = { journals, timer: setInterval(tell, EVERY_MS).unref() }
  }
  const end = (): void => {
    clearInterval(followed?.timer)
    followed?.journals.close()
    followed = null
  }
  return {
    publish: feed.publish,
    listen(listener) {
      if (listeners === 0) begin()
      listeners += 1
      const stop = feed.listen(listener)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        stop()
        listeners -= 1
        if (listeners === 0) end()
      }
    },
  }
}
