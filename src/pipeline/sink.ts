/** Where an answer goes while it is made: a stream with back-pressure, or nowhere for callers who wait for the whole. */
import type { StreamEvent } from '../spec/response.ts'

export interface Sink {
  /** True when the caller reads as it comes. */
  readonly streaming: boolean
  /** True once a `commit` event was pushed: the caller knows who answers, and that no longer changes. */
  readonly committed: boolean
  /** @returns a promise only when the reader cannot take more yet */
  push(event: StreamEvent): Promise<void> | undefined
}

export const NO_SINK: Sink = { streaming: false, committed: false, push: () => undefined }

/** A sink whose reader takes each event by itself; see `Router.streamTo`. */
export function sinkOf(take: (event: StreamEvent) => Promise<void> | undefined): Sink {
  let committed = false
  return {
    streaming: true,
    get committed() {
      return committed
    },
    push(event) {
      committed ||= event.type === 'commit'
      return take(event)
    },
  }
}

/** Events a slow reader may lag behind before the model is made to wait. */
const HIGH_WATER = 64

export interface Channel extends Sink {
  end(): void
  fail(error: unknown): void
  read(): AsyncGenerator<StreamEvent, void, void>
}

/** One writer, one reader, bounded. */
export function createChannel(): Channel {
  const queue: StreamEvent[] = []
  let ended = false
  let committed = false
  let failure: { readonly error: unknown } | null = null
  let wakeReader = (): void => {}
  let wakeWriter = (): void => {}
  const finish = (): void => {
    ended = true
    wakeReader()
    wakeWriter()
  }
  return {
    streaming: true,
    get committed() {
      return committed
    },
    push(event) {
      committed ||= event.type === 'commit'
      queue.push(event)
      wakeReader()
      if (queue.length < HIGH_WATER || ended) return
      return new Promise<void>((resolve) => {
        wakeWriter = resolve
      })
    },
    end: finish,
    fail(error) {
      failure = { error }
      finish()
    },
    async *read() {
      try {
        while (true) {
          const event = queue.shift()
          if (event) {
            if (queue.length < HIGH_WATER) wakeWriter()
            yield event
          } else if (failure) throw failure.error
          else if (ended) return
          else await new Promise<void>((resolve) => (wakeReader = resolve))
        }
      } finally {
        finish()
      }
    },
  }
}
