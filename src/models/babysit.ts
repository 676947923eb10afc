/** The watch over free memory: pure decisions over a clock, a reading of memory and a host that are given to it. */

/** One loaded model, as the host describes it. */
export interface WatchedModel {
  readonly name: string
  readonly digest: string
  readonly needBytes: number
  /** No request uses it or waits for it. */
  readonly isIdle: boolean
  /** Larger is later. */
  readonly lastUsedMs: number
}

export interface Watch {
  readonly targetFreeBytes: number
  readonly intervalMs: number
  /** Checks once, unloads what that takes, and ends. */
  readonly runs: 'once' | 'until stopped'
  readonly freeBytes: () => number
  /** Null when no host is running. */
  readonly models: () => Promise<readonly WatchedModel[] | null>
  /** Unloads the idle copies of a file. @returns how many */
  readonly unload: (digest: string) => Promise<number>
  /** @returns early, without throwing, when the watch is stopped */
  readonly wait: (ms: number) => Promise<void>
  readonly isStopped: () => boolean
  readonly report: (line: WatchLine) => void
}

export type WatchEnding = 'target_kept' | 'stopped' | 'target_not_reached' | 'nothing_to_watch'

export type WatchLine =
  | { readonly event: 'start'; readonly targetFreeBytes: number; readonly freeBytes: number; readonly models: number }
  | {
      readonly event: 'unload'
      readonly model: string
      readonly digest: string
      readonly copies: number
      readonly expectedBytes: number
      readonly freeBeforeBytes: number
      readonly freeBytes: number
    }
  | { readonly event: 'short'; readonly freeBytes: number; readonly missingBytes: number; readonly busyModels: number }
  | { readonly event: 'end'; readonly ending: WatchEnding; readonly freeBytes: number; readonly unloaded: number }

/**
 * Keeps so many bytes free by asking for idle models to be unloaded, least recently used first, one after the other and
 * no more than are needed. Busy models are waited for. Ends when it is stopped; at once when nothing is loaded at the
 * start; and when memory is short while no model of ours holds any: then nothing it may do can help.
 */
export async function babysit(watch: Watch): Promise<WatchEnding> {
  const first = (await watch.models()) ?? []
  const start = { targetFreeBytes: watch.targetFreeBytes, freeBytes: watch.freeBytes(), models: first.length }
  watch.report({ event: 'start', ...start })
  if (first.length === 0) return end(watch, 'nothing_to_watch', 0)
  let unloaded = 0
  let wasShort = false
  for (let models: readonly WatchedModel[] = first; ; models = (await watch.models()) ?? []) {
    unloaded += await giveBack(watch, models)
    const missingBytes = watch.targetFreeBytes - watch.freeBytes()
    const left = missingBytes > 0 ? ((await watch.models()) ?? []) : models
    if (missingBytes > 0 && !wasShort) reportShort(watch, missingBytes, left)
    wasShort = missingBytes > 0
    if (watch.isStopped()) return end(watch, 'stopped', unloaded)
    if (wasShort && (left.length === 0 || watch.runs === 'once')) return end(watch, 'target_not_reached', unloaded)
    if (watch.runs === 'once') return end(watch, 'target_kept', unloaded)
    await watch.wait(watch.intervalMs)
    if (watch.isStopped()) return end(watch, 'stopped', unloaded)
  }
}

/** @returns how many copies were unloaded */
async function giveBack(watch: Watch, models: readonly WatchedModel[]): Promise<number> {
  let unloaded = 0
  const idle = models.filter(({ isIdle }) => isIdle).toSorted((a, b) => a.lastUsedMs - b.lastUsedMs)
  const digests = new Set(idle.map(({ digest }) => digest))
  for (const digest of digests) {
    const freeBeforeBytes = watch.freeBytes()
    if (freeBeforeBytes >= watch.targetFreeBytes || watch.isStopped()) break
    const copies = await watch.unload(digest)
    // It may have become busy since it was looked at; then nothing happened.
    if (copies === 0) continue
    unloaded += copies
    const same = idle.filter((model) => model.digest === digest)
    const expectedBytes = same.reduce((sum, { needBytes }) => sum + needBytes, 0)
    const model = same[0]?.name ?? ''
    watch.report({
      event: 'unload',
      model,
      digest,
      copies,
      expectedBytes,
      freeBeforeBytes,
      freeBytes: watch.freeBytes(),
    })
  }
  return unloaded
}

function reportShort(watch: Watch, missingBytes: number, models: readonly WatchedModel[]): void {
  const busyModels = models.filter(({ isIdle }) => !isIdle).length
  watch.report({ event: 'short', freeBytes: watch.freeBytes(), missingBytes, busyModels })
}

function end(watch: Watch, ending: WatchEnding, unloaded: number): WatchEnding {
  watch.report({ event: 'end', ending, freeBytes: watch.freeBytes(), unloaded })
  return ending
}
