/** What is well and what is not: models, upstreams, stores. */
import type { RouterStatus } from '../../../src/spec/router.ts'
import { useReport } from '../use-report.ts'
import { Badge } from './badge.tsx'
import { Shown } from './state.tsx'

interface Healthz {
  readonly status: 'ok' | 'degraded'
  readonly policyProblem: string | null
  readonly eventLoop: { readonly blocks: number; readonly worstMs: number }
}

export function HealthPanel() {
  const status = useReport<RouterStatus>('/status', { everyMs: 5000 })
  const health = useReport<Healthz>('/healthz', { everyMs: 5000 })
  return (
    <section class="panel" aria-labelledby="health">
      <h2 id="health">Health</h2>
      <Shown report={status} what="the state of models and stores">
        {(found) => (
          <ul class="health">
            {linesOf(found, health.data).map(({ name, isWell, about }) => (
              <li key={name}>
                <Badge tone={isWell ? 'good' : 'bad'}>{isWell ? 'ok' : 'look'}</Badge>
                <strong>{name}</strong>
                <span class="hint">{about}</span>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </section>
  )
}

interface Line {
  readonly name: string
  readonly isWell: boolean
  readonly about: string
}

function linesOf(
  { models, audit, shadows, held, rollouts, overrides }: RouterStatus,
  health: Healthz | null,
): readonly Line[] {
  const copy = audit.copy
  return [
    {
      name: 'policy',
      isWell: !health?.policyProblem,
      about: health?.policyProblem ?? 'the file is in force',
    },
    ...models.map(({ name, tier, unavailable, isWarm }) => ({
      name,
      isWell: unavailable === null,
      about: unavailable ? unavailable.why : `${tier.replace('_', ' ')}${isWarm ? ', answered a moment ago' : ''}`,
    })),
    {
      name: 'audit',
      isWell: audit.ok,
      about: audit.problem ?? (audit.spooled > 0 ? `${audit.spooled} entries wait in memory` : 'is written'),
    },
    ...(copy
      ? [
          {
            name: 'copies',
            isWell: copy.alarm === null && copy.problem === null,
            about: copy.alarm ?? `${copy.lagRows} rows behind`,
          },
        ]
      : []),
    {
      name: 'shadows',
      isWell: shadows.dropped === 0,
      about: `${shadows.running} running, ${shadows.waiting} waiting, ${shadows.dropped} dropped`,
    },
    {
      name: 'stages',
      isWell: rollouts.problem === null,
      about: rollouts.problem ?? `${rollouts.inForce.length} moved`,
    },
    {
      name: 'overrides',
      isWell: overrides.problem === null,
      about: overrides.problem ?? `${overrides.inForce} in force`,
    },
    ...(held
      ? [
          {
            name: 'held',
            isWell: held.problem === null,
            about: held.problem ?? `${held.waiting ?? 0} wait for a person`,
          },
        ]
      : []),
  ]
}
