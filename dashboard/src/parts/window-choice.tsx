/** Which span of time a page is about; it stands in the address, so that a link shows the same. */
import { linkTo, type Place } from '../place.ts'

const SPANS = ['1h', '24h', '7d', '30d'] as const

export function WindowChoice({ place, usual }: { readonly place: Place; readonly usual: string }) {
  const now = place.query.since ?? usual
  return (
    <nav class="spans" aria-label="Span of time">
      {SPANS.map((span) => (
        <a
          key={span}
          href={linkTo(place.page, place.about, { ...place.query, since: span })}
          aria-current={span === now ? 'true' : undefined}
        >
          {span}
        </a>
      ))}
    </nav>
  )
}
