/** Where held requests wait: the book, who outside is told of it, and what is counted of it. */
import type { HeldBook, HeldPlace } from '../spec/held.ts'
import type { Clock } from '../spec/ports.ts'
import { createNoticeSender, type PostNotice } from './notices.ts'

export interface HeldPlaceParts {
  readonly book: HeldBook
  readonly clock: Clock
  /** Undefined where nobody outside is told; null where it cannot be signed. */
  readonly post: PostNotice | null | undefined
}

export interface OpenHeldPlace {
  readonly place: HeldPlace
  close(): Promise<void>
}

/** What `/v1/models` and others look at on the way of a request is not counted anew each time. */
const COUNTED_FOR_MS = 1000
/** As often as retention is looked after: what is over goes, texts first. */
const LOOK_MS = 600_000

export function openHeldPlace({ book, clock, post }: HeldPlaceParts): OpenHeldPlace {
  const sender = post === undefined ? null : createNoticeSender({ queue: book.notices, post })
  const looking = setInterval(() => quietly(book.waiting), LOOK_MS).unref()
  return {
    place: {
      book,
      changed: () => sender?.wake(),
      waiting: countedFor(COUNTED_FOR_MS, clock, book.waiting),
      webhook: countedFor(COUNTED_FOR_MS, clock, () => sender?.health() ?? null),
      problem: null,
    },
    async close() {
      clearInterval(looking)
      await sender?.close()
      book.close()
    },
  }
}

/** The status tells the same failure. */
function quietly(work: () => unknown): void {
  try {
    work()
  } catch {
    // The next look tries again.
  }
}

function countedFor<T>(ms: number, { monotonicMs }: Clock, count: () => T): () => T {
  let last: { readonly value: T; readonly atMs: number } | null = null
  return () => {
    if (!last || monotonicMs() - last.atMs >= ms) last = { value: count(), atMs: monotonicMs() }
    return last.value
  }
}
