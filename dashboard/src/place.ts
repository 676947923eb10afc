/** Where in the console somebody is: `#/requests/abc?since=24h`. */
import { useEffect, useState } from 'preact/hooks'

export interface Place {
  /** `overview`, `live`, … */
  readonly page: string
  /** What stands behind it, for example a request id. */
  readonly about: string | null
  readonly query: Readonly<Record<string, string>>
}

export function placeOf(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [page = '', ...rest] = path.split('/')
  const about = rest.length === 0 ? null : decoded(rest.join('/'))
  return { page: page || 'overview', about, query: Object.fromEntries(new URLSearchParams(search)) }
}

export function linkTo(
  page: string,
  about: string | null = null,
  query: Readonly<Record<string, string>> = {},
): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#/${page}${about === null ? '' : `/${encodeURIComponent(about)}`}${search === '' ? '' : `?${search}`}`
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const moved = (): void => setPlace(placeOf(location.hash))
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  return place
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
