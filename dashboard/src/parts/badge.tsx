/** Small marks: where an answer came from, and how much it may be trusted. */
import type { DecisionRow, Origin } from '../../../src/spec/console.ts'

const WORDS: Readonly<Record<Origin, string>> = {
  local: 'local',
  frontier: 'frontier',
  escalated: 'escalated',
  solver: 'solver',
  cache: 'cache',
  held: 'held',
  human: 'human',
  failed: 'failed',
}

/** In one sentence. */
const ORIGIN_TEXTS: Readonly<Record<Origin, string>> = {
  local: 'A local model answered and its gates accepted.',
  frontier: 'A frontier answered: by policy, or because no local model could.',
  escalated: 'A gate rejected the local answer, so a frontier answered.',
  solver: 'An exact tool answered.',
  cache: 'The same question was answered before.',
  held: 'It waits for a person.',
  human: 'A person answered.',
  failed: 'Nobody answered.',
}

export function OriginBadge({ origin }: { readonly origin: Origin }) {
  return (
    <span class={`badge origin-${origin}`} title={ORIGIN_TEXTS[origin]}>
      {WORDS[origin]}
    </span>
  )
}

export function Marks({ row }: { readonly row: Pick<DecisionRow, 'degraded'> }) {
  return row.degraded ? (
    <span class="badge warn" title="Availability, not policy, forced this path.">
      degraded
    </span>
  ) : null
}

export function Badge({
  tone,
  children,
}: {
  readonly tone: 'good' | 'warn' | 'bad' | 'plain'
  readonly children: string
}) {
  return <span class={`badge ${tone}`}>{children}</span>
}
