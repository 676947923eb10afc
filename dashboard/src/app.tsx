/** The frame of the console: who is signed in, where to go, and the page. */
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { get, remove, type SessionState, type SignedIn, useSession } from './api.ts'
import { CostPage } from './pages/cost.tsx'
import { DetailPage } from './pages/detail.tsx'
import { LivePage } from './pages/live.tsx'
import { ModelsPage } from './pages/models.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PolicyPage } from './pages/policy.tsx'
import { ReviewPage } from './pages/review.tsx'
import { SignInPage } from './pages/sign-in.tsx'
import { TasksPage } from './pages/tasks.tsx'
import { Icon, type IconName } from './parts/icon.tsx'
import { linkTo, type Place, usePlace } from './place.ts'
import { THEMES, useTheme } from './theme.ts'

export interface PageProps {
  readonly place: Place
  readonly session: SignedIn
}

interface Page {
  readonly name: string
  readonly title: string
  readonly icon: IconName
  readonly forAll?: true
  readonly show: ComponentType<PageProps>
}

const PAGES: readonly Page[] = [
  { name: 'overview', title: 'Overview', icon: 'overview', forAll: true, show: OverviewPage },
  { name: 'live', title: 'Live', icon: 'live', forAll: true, show: LivePage },
  { name: 'review', title: 'Review', icon: 'review', show: ReviewPage },
  { name: 'tasks', title: 'Tasks', icon: 'tasks', show: TasksPage },
  { name: 'models', title: 'Models', icon: 'models', show: ModelsPage },
  { name: 'cost', title: 'Cost', icon: 'cost', show: CostPage },
  { name: 'policy', title: 'Policy', icon: 'policy', show: PolicyPage },
]

const DETAIL: Page = { name: 'requests', title: 'Request', icon: 'live', forAll: true, show: DetailPage }

export function App() {
  const place = usePlace()
  const [session, setSession] = useState<SessionState | null>(null)
  useSession(session ?? { signedIn: false }, () => setSession({ signedIn: false }))
  useEffect(() => {
    get<SessionState>('/session').then(setSession, () => setSession({ signedIn: false }))
  }, [])
  if (session === null) return <p class="boot">Loading the console…</p>
  if (!session.signedIn) return <SignInPage onSignedIn={setSession} />
  return <Frame place={place} session={session} onSignedOut={() => setSession({ signedIn: false })} />
}

interface FrameProps extends PageProps {
  readonly onSignedOut: () => void
}

function Frame({ place, session, onSignedOut }: FrameProps) {
  const mine = PAGES.filter(({ forAll }) => forAll || session.isOperator)
  const page = [...mine, DETAIL].find(({ name }) => name === place.page) ?? mine[0]
  const Show = page?.show ?? OverviewPage
  const shown = page?.name === 'requests' ? 'live' : page?.name
  useEffect(() => {
    document.title = `${page?.title ?? 'Console'} · Spillway`
  }, [page])
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <header class="side">
        <a class="brand" href={linkTo('overview')}>
          <Icon name="brand" />
          <span>Spillway</span>
        </a>
        <nav aria-label="Pages">
          {mine.map(({ name, title, icon }) => (
            <a key={name} href={linkTo(name)} aria-current={name === shown ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{title}</span>
            </a>
          ))}
        </nav>
        <Account session={session} onSignedOut={onSignedOut} />
      </header>
      <main id="main" tabIndex={-1}>
        <Show key={`${place.page}/${place.about ?? ''}`} place={place} session={session} />
      </main>
    </div>
  )
}

function Account({ session, onSignedOut }: Pick<FrameProps, 'session' | 'onSignedOut'>) {
  const [theme, setTheme] = useTheme()
  const signOut = async (): Promise<void> => {
    await remove('/session').catch(() => undefined)
    onSignedOut()
  }
  return (
    <div class="account">
      <label class="theme">
        <span>Theme</span>
        <select
          aria-label="Theme"
          value={theme}
          onChange={(event) => {
            const next = THEMES.find((one) => one === event.currentTarget.value)
            if (next) setTheme(next)
          }}
        >
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <p class="who">
        <strong>{session.name}</strong>
        <span>
          {session.isReadOnly
            ? 'to look at only'
            : session.tenants
              ? `tenants ${session.tenants.join(', ')}`
              : 'all rows'}
        </span>
      </p>
      <button type="button" class="quiet" onClick={signOut}>
        Sign out
      </button>
    </div>
  )
}
