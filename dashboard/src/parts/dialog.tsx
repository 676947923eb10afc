/** A change that somebody has to mean: what will happen, and why, before it does. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../api.ts'
import { Failure } from './state.tsx'

interface ReasonDialogProps {
  readonly title: string
  readonly children?: ComponentChildren
  /** The word on the button that does it. */
  readonly confirm: string
  readonly isDangerous?: boolean
  readonly onConfirm: (why: string) => Promise<unknown>
  readonly onClose: () => void
}

export function ReasonDialog({ title, children, confirm, isDangerous, onConfirm, onClose }: ReasonDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [why, setWhy] = useState('')
  const [error, setError] = useState<ApiError | null>(null)
  const [isBusy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      await onConfirm(why.trim())
      onClose()
    } catch (failure) {
      setError(
        failure instanceof ApiError
          ? failure
          : new ApiError(0, { code: 'unexpected', message: String(failure), hint: 'Try again.' }),
      )
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        <label>
          <span>Reason (kept in the audit)</span>
          <textarea
            required
            rows={2}
            maxLength={1000}
            value={why}
            onInput={(event) => setWhy(event.currentTarget.value)}
          />
        </label>
        {error && <Failure error={error} />}
        <div class="row end">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isBusy || why.trim() === ''}>
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  )
}
