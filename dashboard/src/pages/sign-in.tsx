/** A key once, for a session. */
import { useState } from 'preact/hooks'
import { ApiError, post, type SessionState } from '../api.ts'
import { Icon } from '../parts/icon.tsx'
import { Failure } from '../parts/state.tsx'

export function SignInPage({ onSignedIn }: { readonly onSignedIn: (session: SessionState) => void }) {
  const [error, setError] = useState<ApiError | null>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const [key, name] = [String(form.get('key') ?? '').trim(), String(form.get('name') ?? '').trim()]
    setBusy(true)
    try {
      onSignedIn(await post<SessionState>('/session', { key, ...(name !== '' && { name }) }))
    } catch (failure) {
      setBusy(false)
      if (failure instanceof ApiError) setError(failure)
      else throw failure
    }
  }
  return (
    <main class="sign-in" id="main">
      <p class="brand">
        <Icon name="brand" />
        <span>Spillway</span>
      </p>
      <h1>Sign in to the console</h1>
      <form onSubmit={submit}>
        <label>
          <span>API key</span>
          <input name="key" type="password" autocomplete="current-password" required spellcheck={false} />
        </label>
        <label>
          <span>
            Your name <small>optional; stands beside what you change</small>
          </span>
          <input name="name" autocomplete="name" maxLength={80} />
        </label>
        {error && <Failure error={error} />}
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
      </form>
      <p class="note">
        The operator key sees everything and may change it. <code>spillway serve</code> prints the file it is in. A key
        issued for tenants (<code>spillway keys create --tenants</code>) sees their rows.
      </p>
    </main>
  )
}
