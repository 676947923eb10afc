/** Every state that a part of a page can be in, other than showing what was asked for. */
import type { ComponentChildren } from 'preact'
import type { ApiError } from '../api.ts'
import { clock } from '../format.ts'
import type { ReportState } from '../use-report.ts'

interface ShownProps<T> {
  readonly report: ReportState<T>
  /** What is read, for example `the figures of 24 h`. */
  readonly what: string
  readonly children: (data: T) => ComponentChildren
}

/** What was read; what went wrong and what to do; or that it is being read. Old figures stay, and say how old they are. */
export function Shown<T>({ report, what, children }: ShownProps<T>) {
  const { data, error, isLoading, readAt, reload } = report
  if (data === null && error) return <Failure error={error} onRetry={reload} />
  if (data === null) return <Loading what={what} />
  return (
    <>
      {error && readAt !== null && (
        <p class="stale" role="status">
          <strong>Not up to date.</strong> Read at {clock(new Date(readAt).toISOString())}; since then: {error.message}{' '}
          {error.hint}
        </p>
      )}
      <div aria-busy={isLoading}>{children(data)}</div>
    </>
  )
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div class="loading" role="status">
      <p>Reading {what}…</p>
      <div class="bones" aria-hidden="true">
        <i />
        <i />
        <i />
      </div>
    </div>
  )
}

export function Failure({ error, onRetry }: { readonly error: ApiError; readonly onRetry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{error.message}</strong>
      </p>
      <p>
        <Marked text={error.hint} />
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

interface EmptyProps {
  readonly title: string
  readonly children?: ComponentChildren
  /** What to type in a shell. */
  readonly command?: string
}

export function Empty({ title, children, command }: EmptyProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
      {command && (
        <pre>
          <code>{command}</code>
        </pre>
      )}
    </div>
  )
}

/** Words between backquotes as code. */
export function Marked({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part))}</>
}
