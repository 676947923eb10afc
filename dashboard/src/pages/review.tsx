/** What waits for a person: one key a verdict. */
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { ReviewPage as ReviewReport } from '../../../src/cli/console/review.ts'
import type { ReviewVerdict } from '../../../src/spec/label.ts'
import { ApiError, post } from '../api.ts'
import type { PageProps } from '../app.tsx'
import { moment, NONE, percent, plural, words } from '../format.ts'
import { Heading } from '../parts/heading.tsx'
import { HeldPanel } from '../parts/held.tsx'
import { KeptText } from '../parts/kept-text.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { Empty, Failure, Shown } from '../parts/state.tsx'
import { WindowChoice } from '../parts/window-choice.tsx'
import { linkTo } from '../place.ts'
import { useReport } from '../use-report.ts'

const VERDICTS: readonly { readonly verdict: ReviewVerdict; readonly key: string; readonly says: string }[] = [
  { verdict: 'accept', key: 'a', says: 'it may stand' },
  { verdict: 'escalate', key: 'e', says: 'the frontier should have answered' },
  { verdict: 'wrong', key: 'w', says: 'it is wrong' },
]

const STRATA: Readonly<Record<string, string>> = {
  disputed: 'Two reviewers disagree.',
  suspected: 'A gate, or somebody later, said that it was wrong.',
  held: 'Nobody may answer it.',
  disagreement: 'The gates would have accepted the shadow, and the frontier says something else.',
  low_margin: 'Accepted just above its threshold.',
  accepted: 'Drawn from all answers of local models.',
}

type Item = ReviewReport['items'][number]

export function ReviewPage({ place, session }: PageProps) {
  const since = place.query.since ?? '7d'
  const report = useReport<ReviewReport>('/review', { query: { since, by: session.name } })
  return (
    <>
      <Heading title="Review" about="What people find here becomes the labels that bounds are proven with.">
        <WindowChoice place={place} usual="7d" />
      </Heading>
      {!session.isReadOnly && <HeldPanel />}
      <Shown report={report} what={`the queue of ${since}`}>
        {(found) => (
          <>
            <Progress found={found} />
            <Queue items={found.items} since={since} isReadOnly={session.isReadOnly} />
          </>
        )}
      </Shown>
    </>
  )
}

function Progress({ found: { days, agreement } }: { readonly found: ReviewReport }) {
  const total = days.reduce((sum, { labels }) => sum + labels, 0)
  return (
    <section class="lead slim" aria-label="Progress">
      <div>
        <p class="label">Labels this week</p>
        <p class="big" data-figure="labels">
          {total}
        </p>
      </div>
      <div>
        <p class="label">By day, to {days.at(-1)?.day}</p>
        <Sparkline values={days.map(({ labels }) => labels)} label="Labels by day" />
      </div>
      <div>
        <p class="label">Reviewers agree</p>
        <p class="big">{percent(agreement.share, 0)}</p>
        <p class="hint">
          {agreement.pairs === 0
            ? 'no request was looked at by two people'
            : `${agreement.agreed} of ${plural(agreement.pairs, 'request')}${agreement.kappa === null ? '' : `, Cohen's kappa ${agreement.kappa.toFixed(2)}`}`}
        </p>
      </div>
    </section>
  )
}

interface QueueProps {
  readonly items: readonly Item[]
  readonly since: string
  readonly isReadOnly: boolean
}

function Queue({ items, since, isReadOnly }: QueueProps) {
  const [done, setDone] = useState<ReadonlyMap<string, ReviewVerdict>>(new Map())
  const [error, setError] = useState<ApiError | null>(null)
  const left = items.filter(({ requestId }) => !done.has(requestId))
  const current = left[0]
  const say = useCallback(
    async (verdict: ReviewVerdict): Promise<void> => {
      if (!current || isReadOnly) return
      const { requestId } = current
      try {
        await post(`/requests/${encodeURIComponent(requestId)}/label`, { verdict })
        setError(null)
        setDone((before) => new Map(before).set(requestId, verdict))
      } catch (failure) {
        if (failure instanceof ApiError) setError(failure)
        else throw failure
      }
    },
    [current, isReadOnly],
  )
  useVerdictKeys(say)
  if (!current)
    return (
      <Empty
        title={done.size > 0 ? `All ${plural(done.size, 'decision')} reviewed` : 'Nothing waits for a review'}
        command="spillway review queue"
      >
        {done.size > 0
          ? 'The bounds learn from them at the next calibration.'
          : `No decision since ${since} wants a person's eye. The same list in a shell:`}
      </Empty>
    )
  return (
    <>
      <p class="hint" role="status">
        {plural(left.length, 'decision')} left{done.size > 0 && `, ${done.size} done`}
      </p>
      <article class="panel review-card" key={current.requestId}>
        <h2>
          {current.task} <span class="badge plain">{words(current.stratum)}</span>
        </h2>
        <p class="sentence">{STRATA[current.stratum]}</p>
        <dl class="facts">
          <div>
            <dt>Model</dt>
            <dd>{current.model ?? NONE}</dd>
          </div>
          <div>
            <dt>Received</dt>
            <dd>{moment(current.receivedAt)}</dd>
          </div>
          <div>
            <dt>Margin</dt>
            <dd>{current.margin === null ? NONE : current.margin.toFixed(2)}</dd>
          </div>
          <div>
            <dt>Reason</dt>
            <dd>{words(current.reason)}</dd>
          </div>
        </dl>
        <p class="hint">{current.reasonText}</p>
        {current.reviews.length > 0 && (
          <p>Said before: {current.reviews.map(({ by, verdict }) => `${by}: ${verdict}`).join(', ')}</p>
        )}
        <KeptText requestId={current.requestId} content={isReadOnly ? 'not_yours' : 'kept'} preview={current.preview} />
        <div class="row verdicts">
          {(isReadOnly ? [] : VERDICTS).map(({ verdict, key, says }) => (
            <button key={verdict} type="button" class="outline" onClick={() => say(verdict)} aria-keyshortcuts={key}>
              <kbd>{key}</kbd> {verdict} <span class="hint">{says}</span>
            </button>
          ))}
          <a href={linkTo('requests', current.requestId)}>All of it</a>
        </div>
        {error && <Failure error={error} />}
      </article>
    </>
  )
}

/** Keys count only where nobody types a text. */
function useVerdictKeys(say: (verdict: ReviewVerdict) => Promise<void>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const typing = event.target instanceof Element && event.target.closest('input, textarea, select, dialog')
      if (typing || event.metaKey || event.ctrlKey || event.altKey) return
      const found = VERDICTS.find(({ key }) => key === event.key)
      if (found) void say(found.verdict)
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [say])
}
