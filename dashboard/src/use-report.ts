/** A report of the server with every state that it can be in. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, get } from './api.ts'

export interface ReportState<T> {
  /** The last that was read; stays while the next one is read, and when that fails. */
  readonly data: T | null
  readonly error: ApiError | null
  readonly isLoading: boolean
  /** Epoch milliseconds of `data`. */
  readonly readAt: number | null
  readonly reload: () => void
}

export interface ReportChoice {
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Asked for again after so many milliseconds, while the page is in view. */
  readonly everyMs?: number
}

/** @param path null: nothing is asked for */
export function useReport<T>(path: string | null, { query = {}, everyMs }: ReportChoice = {}): ReportState<T> {
  const key = JSON.stringify([path, query])
  const [state, setState] = useState<Omit<ReportState<T>, 'reload'> & { readonly key: string }>(empty(key))
  const latest = useRef(0)
  const load = useCallback(async () => {
    const [wanted, asked] = JSON.parse(key) as [string | null, Record<string, string>]
    if (wanted === null) return
    latest.current += 1
    const turn = latest.current
    setState((before) => (before.key === key ? { ...before, isLoading: true } : empty<T>(key)))
    try {
      const data = await get<T>(wanted, asked)
      if (turn === latest.current) setState({ key, data, error: null, isLoading: false, readAt: Date.now() })
    } catch (error) {
      if (turn !== latest.current) return
      const failure = error instanceof ApiError ? error : unexpected(error)
      setState((before) => ({ ...before, key, error: failure, isLoading: false }))
    }
  }, [key])
  useEffect(() => {
    void load()
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) void load()
    }, everyMs)
    return () => clearInterval(timer)
  }, [load, everyMs])
  const shown = state.key === key ? state : empty<T>(key)
  return { ...shown, reload: () => void load() }
}

function empty<T>(key: string): Omit<ReportState<T>, 'reload'> & { readonly key: string } {
  return { key, data: null, error: null, isLoading: true, readAt: null }
}

function unexpected(error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error)
  return new ApiError(0, { code: 'unexpected', message, hint: 'Load the page again.' })
}
