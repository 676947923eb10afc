/** The admin API as the console asks it. */

/** What the server says when something does not work. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** What to do. */
  readonly hint: string

  constructor(status: number, told: { readonly message: string; readonly code: string; readonly hint: string }) {
    super(told.message)
    this.status = status
    this.code = told.code
    this.hint = told.hint
  }
}

export interface SignedIn {
  readonly signedIn: true
  readonly name: string
  readonly isOperator: boolean
  /** Over an audit file: nothing can be changed. */
  readonly isReadOnly: boolean
  readonly tenants: readonly string[] | null
  readonly csrf: string
  readonly expiresAt: string
}

export type SessionState = SignedIn | { readonly signedIn: false }

const ROOT = '/spillway/v1'

let csrf = ''
let onSignedOut = (): void => undefined

/** @param told is called when the session has ended */
export function useSession(state: SessionState, told: () => void): void {
  csrf = state.signedIn ? state.csrf : ''
  onSignedOut = told
}

export function get<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const search = new URLSearchParams(given).toString()
  return ask<T>('GET', `${path}${search === '' ? '' : `?${search}`}`)
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return ask<T>('POST', path, body)
}

export function remove<T>(path: string): Promise<T> {
  return ask<T>('DELETE', path)
}

export function liveUrl(): string {
  return `${ROOT}/live`
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const url = path.startsWith('/') && !path.startsWith('//') ? `${path === '/healthz' ? '' : ROOT}${path}` : path
  let response: Response
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      headers: {
        ...(method !== 'GET' && { 'x-spillway-csrf': csrf }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  } catch {
    throw new ApiError(0, {
      code: 'unreachable',
      message: 'The server does not answer.',
      hint: 'Start it again with `spillway serve`; the page goes on by itself.',
    })
  }
  const told: unknown = await response.json().catch(() => null)
  if (response.ok) return told as T
  const error = (told as { readonly error?: ConstructorParameters<typeof ApiError>[1] } | null)?.error
  if (response.status === 401 && path !== '/session') onSignedOut()
  throw new ApiError(
    response.status,
    error ?? { code: 'unknown', message: `The server answered ${response.status}.`, hint: 'See its log.' },
  )
}
