/** Decisions as they come, above those that came before. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { RequestsPage } from '../../../src/cli/console/requests.ts'
import type { DecisionRow, Origin } from '../../../src/spec/console.ts'
import { ApiError, get, liveUrl } from '../api.ts'
import type { PageProps } from '../app.tsx'
import { clock, dollars, milliseconds, moment, NONE, plural, words } from '../format.ts'
import { Marks, OriginBadge } from '../parts/badge.tsx'
import { Heading } from '../parts/heading.tsx'
import { Empty, Failure, Loading } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { linkTo } from '../place.ts'

/** More rows than these are a page back, where they do not fill the memory of the browser. */
const MOST_ROWS = 300

interface Filter {
  readonly text: string
  readonly origin: string
}

export function LivePage({ session }: PageProps) {
  const [filter, setFilter] = useState<Filter>({ text: '', origin: '' })
  const [isPaused, setPaused] = useState(false)
  const rows = useDecisions(isPaused, session.isReadOnly)
  const shown = rows.list.filter((row) => matches(row, filter))
  return (
    <>
      <Heading title="Live" about={<Connection state={rows.state} waiting={rows.waiting} isPaused={isPaused} />}>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
      </Heading>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Find</span>
          <input
            type="search"
            placeholder="task, model, reason, id"
            value={filter.text}
            onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
          />
        </label>
        <label>
          <span>From</span>
          <select
            value={filter.origin}
            onChange={(event) => setFilter({ ...filter, origin: event.currentTarget.value })}
          >
            <option value="">anybody</option>
            {ORIGINS_SHOWN.map((origin) => (
              <option key={origin} value={origin}>
                {origin}
              </option>
            ))}
          </select>
        </label>
        <p class="hint" role="status">
          {plural(shown.length, 'decision')} shown
          {rows.leftOut > 0 && `, ${rows.leftOut} left out because they came too fast`}
        </p>
      </form>
      {rows.error && <Failure error={rows.error} />}
      {!rows.isRead && !rows.error && <Loading what="the latest decisions" />}
      {rows.isRead && rows.list.length === 0 && (
        <Empty title="No request yet" command='spillway ask "What is 2 + 2?"'>
          {session.isOperator
            ? 'Decisions show here the moment they are made. Make the first:'
            : 'Requests of your tenants show here.'}
        </Empty>
      )}
      {rows.list.length > 0 && shown.length === 0 && (
        <Empty title="Nothing matches">No decision on this page holds these words.</Empty>
      )}
      {shown.length > 0 && <DecisionTable rows={shown} />}
      {rows.next && (
        <p class="row end">
          <button type="button" onClick={rows.more}>
            Earlier ones
          </button>
        </p>
      )}
    </>
  )
}

/** The page takes types of the program and no code, so the list is written down here, and the types say whether it is whole. */
const ORIGINS_SHOWN = [
  'local',
  'frontier',
  'escalated',
  'solver',
  'cache',
  'held',
  'human',
  'failed',
] as const satisfies readonly Origin[]

export function DecisionTable({ rows }: { readonly rows: readonly DecisionRow[] }) {
  return (
    <Table
      label="Decisions"
      columns={['Time', 'From', 'Task', 'Reason', 'Model', { figure: 'Took' }, { figure: 'Cost' }]}
      kind="decisions"
    >
      {rows.map((row) => (
        <tr key={row.requestId}>
          <td class="time">
            <a href={linkTo('requests', row.requestId)} title={`${moment(row.receivedAt)}, ${row.requestId}`}>
              {clock(row.receivedAt)}
            </a>
          </td>
          <td>
            <OriginBadge origin={row.origin} /> <Marks row={row} />
          </td>
          <td class="wide">{row.task}</td>
          <td class="wide">{words(row.reason)}</td>
          <td class="wide">{row.model ?? NONE}</td>
          <td class="num">{milliseconds(row.latencyMs)}</td>
          <td class="num">{dollars(row.costUsd)}</td>
        </tr>
      ))}
    </Table>
  )
}

type ConnectionState = 'connecting' | 'open' | 'lost' | 'file'

interface ConnectionProps {
  readonly state: ConnectionState
  readonly waiting: number
  readonly isPaused: boolean
}

function Connection({ state, waiting, isPaused }: ConnectionProps) {
  if (isPaused)
    return <span class="connection">Paused{waiting > 0 && `; ${plural(waiting, 'decision')} came since`}</span>
  if (state === 'open') return <span class="connection is-open">Following</span>
  if (state === 'file') return <span class="connection">As the file was when the page was loaded</span>
  if (state === 'connecting') return <span class="connection">Connecting…</span>
  return <span class="connection is-lost">The connection was lost; it is tried again by itself.</span>
}

function matches(row: DecisionRow, { text, origin }: Filter): boolean {
  if (origin !== '' && row.origin !== origin) return false
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return true
  const held = [row.task, row.model, row.reason, words(row.reason), row.requestId, row.tenant]
  return held.some((part) => part?.toLowerCase().includes(wanted))
}

interface Decisions {
  readonly list: readonly DecisionRow[]
  readonly state: ConnectionState
  readonly isRead: boolean
  readonly error: ApiError | null
  /** Came while the page was paused. */
  readonly waiting: number
  readonly leftOut: number
  readonly next: string | null
  readonly more: () => void
}

function useDecisions(isPaused: boolean, isFile: boolean): Decisions {
  const [list, setList] = useState<readonly DecisionRow[]>([])
  const [page, setPage] = useState<{ readonly isRead: boolean; readonly next: string | null }>({
    isRead: false,
    next: null,
  })
  const [error, setError] = useState<ApiError | null>(null)
  const [state, setState] = useState<ConnectionState>('connecting')
  const [leftOut, setLeftOut] = useState(0)
  const [waiting, setWaiting] = useState(0)
  const held = useRef<readonly DecisionRow[]>([])
  const paused = useRef(isPaused)
  const read = async (before?: string): Promise<void> => {
    try {
      const { rows, next } = await get<RequestsPage>('/requests', { limit: '50', before })
      setList((known) => merged(known, rows, before === undefined ? MOST_ROWS : Number.POSITIVE_INFINITY))
      setPage({ isRead: true, next })
      setError(null)
    } catch (failure) {
      if (failure instanceof ApiError) setError(failure)
      else throw failure
    }
  }
  useEffect(() => void read(), [])
  useEffect(() => {
    // Over a file nothing comes by itself: whoever writes it is another process.
    if (isFile) return setState('file')
    const stream = new EventSource(liveUrl(), { withCredentials: true })
    stream.onopen = () => setState('open')
    stream.onerror = () => setState('lost')
    stream.addEventListener('decisions', (event) => {
      const { rows, left_out } = JSON.parse(event.data) as {
        readonly rows: readonly DecisionRow[]
        readonly left_out: number
      }
      setLeftOut((before) => before + left_out)
      if (paused.current) {
        held.current = merged(held.current, rows, MOST_ROWS)
        setWaiting((before) => before + rows.length)
      } else setList((known) => merged(known, rows, MOST_ROWS))
    })
    return () => stream.close()
  }, [isFile])
  useEffect(() => {
    paused.current = isPaused
    if (isPaused) return
    const since = held.current
    held.current = []
    setWaiting(0)
    if (since.length > 0) setList((known) => merged(known, since, MOST_ROWS))
  }, [isPaused])
  const { isRead, next } = page
  return { list, state, isRead, error, waiting, leftOut, next, more: () => void read(next ?? undefined) }
}

/** The latest first; of a request that is told twice the later word counts. */
function merged(known: readonly DecisionRow[], more: readonly DecisionRow[], most: number): readonly DecisionRow[] {
  const byId = new Map(known.map((row) => [row.requestId, row]))
  for (const row of more) byId.set(row.requestId, row)
  const all = [...byId.values()].sort((a, b) =>
    a.receivedAt < b.receivedAt ? 1 : a.receivedAt > b.receivedAt ? -1 : 0,
  )
  return all.slice(0, most)
}
