/** A router that can be replaced while it serves: what is under way ends with the one it began with. */
import type { Router } from '../spec/router.ts'

export interface ReplaceableRouter {
  /** Always the newest. */
  readonly router: Router
  /** New requests go to the next router; the one before is closed once its last request has ended. */
  replace(next: Router): void
}

interface Entry {
  readonly router: Router
  users: number
}

/** @param closed hears of every router that was replaced and has ended, with its failure if there was one */
export function replaceableRouter(
  first: Router,
  closed: (failure: unknown) => void = () => undefined,
): ReplaceableRouter {
  let current: Entry = { router: first, users: 0 }
  const closing = new Set<Promise<void>>()
  const end = (entry: Entry): void => {
    const done = entry.router.close().then(
      () => closed(null),
      (failure: unknown) => closed(failure),
    )
    closing.add(done)
    void done.then(() => closing.delete(done))
  }
  const enter = (): Entry => {
    current.users += 1
    return current
  }
  const leave = (entry: Entry): void => {
    entry.users -= 1
    if (entry !== current && entry.users === 0) end(entry)
  }
  const using = async <T>(work: (router: Router) => Promise<T>): Promise<T> => {
    const entry = enter()
    try {
      return await work(entry.router)
    } finally {
      leave(entry)
    }
  }
  return {
    replace(next) {
      const before = current
      current = { router: next, users: 0 }
      if (before.users === 0) end(before)
    },
    router: {
      complete: (request, options) => using((router) => router.complete(request, options)),
      streamTo: (request, take, options) => using((router) => router.streamTo(request, take, options)),
      decide: (question, options) => using((router) => router.decide(question, options)),
      feedback: (requestId, feedback) => using((router) => router.feedback(requestId, feedback)),
      held: {
        list: (query) => current.router.held.list(query),
        find: (id) => current.router.held.find(id),
        wait: (id, options) => using((router) => router.held.wait(id, options)),
        text: (id, reader) => using((router) => router.held.text(id, reader)),
        answer: (id, given) => using((router) => router.held.answer(id, given)),
        release: (id, given) => using((router) => router.held.release(id, given)),
        refuse: (id, given) => using((router) => router.held.refuse(id, given)),
      },
      preload: (options) => using((router) => router.preload(options)),
      route: (request) => current.router.route(request),
      status: () => current.router.status(),
      audit: (query) => current.router.audit(query),
      async *stream(request, options) {
        const entry = enter()
        try {
          yield* entry.router.stream(request, options)
        } finally {
          leave(entry)
        }
      },
      async close() {
        await current.router.close()
        await Promise.all(closing)
      },
    },
  }
}
