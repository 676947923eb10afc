/** An undici dispatcher without sockets: plays one response from memory, in exactly the pieces the test wants. */
import { Dispatcher } from 'undici'

export interface MemoryResponse {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly pieces: readonly Uint8Array[]
  /** Reported after the pieces instead of a clean end. */
  readonly breaks?: Error
}

/** Answers every request with the same response. */
export function memoryDispatcher(response: MemoryResponse): Dispatcher {
  return dispatcherOf((handler) => {
    const controller = createController(handler)
    handler.onRequestStart?.(controller, null)
    handler.onResponseStart?.(controller, response.status ?? 200, response.headers ?? {}, '')
    for (const piece of response.pieces)
      if (!controller.aborted) handler.onResponseData?.(controller, Buffer.from(piece))
    if (controller.aborted) return
    if (response.breaks) handler.onResponseError?.(controller, response.breaks)
    else handler.onResponseEnd?.(controller, {})
  })
}

/** Fails every request before it is sent, with the code that Node gives. */
export function failingDispatcher(code: string): Dispatcher {
  return dispatcherOf((handler) => {
    handler.onResponseError?.(createController(handler), Object.assign(new Error(`connect ${code}`), { code }))
  })
}

/** Never gets a connection. */
export function blackHoleDispatcher(): Dispatcher {
  return dispatcherOf(() => {})
}

function dispatcherOf(answer: (handler: Dispatcher.DispatchHandler) => void): Dispatcher {
  return new (class extends Dispatcher {
    override dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      queueMicrotask(() => answer(handler))
      return true
    }
  })()
}

function createController(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchController {
  let reason: Error | null = null
  const controller: Dispatcher.DispatchController = {
    get aborted() {
      return reason !== null
    },
    get reason() {
      return reason
    },
    paused: false,
    pause() {},
    resume() {},
    abort(error) {
      if (reason !== null) return
      reason = error
      handler.onResponseError?.(controller, error)
    },
  }
  return controller
}
