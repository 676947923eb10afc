/** Held requests, looked for with the first use: most processes hold nothing, and should not wait for a file. */
import { existsSync } from 'node:fs'
import type { HeldBook } from '../spec/held.ts'
import { type HeldSettings, heldPath, openHeld } from './held.ts'

/** No file is made before something is put into it. @throws RouterError state_unwritable, from every call */
export function openHeldLater(settings: HeldSettings): HeldBook {
  const path = heldPath(settings.stateDir)
  let opened: HeldBook | null = null
  const open = (): HeldBook => {
    opened ??= openHeld(settings)
    return opened
  }
  const found = (): HeldBook | null => (opened || existsSync(path) ? open() : null)
  return {
    put: (row, text) => open().put(row, text),
    find: (id) => found()?.find(id) ?? null,
    list: (query) => found()?.list(query) ?? [],
    waiting: () => found()?.waiting() ?? 0,
    text: (row) => found()?.text(row) ?? null,
    answer: (row) => found()?.answer(row) ?? null,
    change: (id, from, change) => found()?.change(id, from, change) ?? false,
    notices: {
      take: (hideMs) => found()?.notices.take(hideMs) ?? null,
      delivered: (id) => found()?.notices.delivered(id),
      failed: (id, problem, againInMs) => found()?.notices.failed(id, problem, againInMs),
      nextInMs: () => found()?.notices.nextInMs() ?? null,
      counts: () => found()?.notices.counts() ?? { waiting: 0, givenUp: 0, problem: null },
    },
    close: () => opened?.close(),
  }
}
