/** What was spent, and what routing would cost at another volume. */
import type { CostsPage } from '../../../src/cli/console/report.ts'
import type { PageProps } from '../app.tsx'
import { count, dollars, milliseconds, percent, plural, signedDollars } from '../format.ts'
import { Heading } from '../parts/heading.tsx'
import { Planner } from '../parts/planner.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { WindowChoice } from '../parts/window-choice.tsx'
import { useReport } from '../use-report.ts'

export function CostPage({ place }: PageProps) {
  const since = place.query.since ?? '30d'
  const report = useReport<CostsPage>('/costs', { query: { since } })
  return (
    <>
      <Heading title="Cost">
        <WindowChoice place={place} usual="30d" />
      </Heading>
      <Shown report={report} what={`the spend of ${since}`}>
        {(costs) =>
          costs.all.requests === 0 ? (
            <Empty title={`Nothing was spent in the last ${since}`} command='spillway ask "What is 2 + 2?"'>
              The bill begins with the first request:
            </Empty>
          ) : (
            <>
              <Bill costs={costs} />
              <div class="columns two">
                <ByTask costs={costs} />
                <ByModel costs={costs} />
              </div>
            </>
          )
        }
      </Shown>
      <Planner />
    </>
  )
}

function Bill({ costs }: { readonly costs: CostsPage }) {
  const { energyUsd, hardwareUsd, maintenanceUsd, all, cache } = costs
  return (
    <section class="lead" aria-label="The bill">
      <div>
        <p class="label">Spent</p>
        <p class="big" data-figure="totalUsd">
          {dollars(costs.totalUsd)}
        </p>
        <p class="hint">
          providers {dollars(all.paidUsd)}, energy {dollars(energyUsd)}, hardware {dollars(hardwareUsd)}, upkeep{' '}
          {dollars(maintenanceUsd)}
        </p>
      </div>
      <div>
        <p class="label">Saved</p>
        <p class={`big ${(costs.savedUsd ?? 0) < 0 ? 'is-bad' : ''}`} data-figure="savedUsd">
          {signedDollars(costs.savedUsd)}
        </p>
        <p class="hint">
          {costs.baseline} alone: {dollars(costs.baselineUsd)}
          {costs.savingsPct !== null && costs.savingsPct > -100 && ` (${costs.savingsPct.toFixed(1)} % saved)`}
        </p>
      </div>
      <div>
        <p class="label">Cost of a success</p>
        <p class="big" data-figure="perSuccess">
          {dollars(costs.perSuccessUsd)}
        </p>
        <p class="hint">
          {plural(all.successes, 'success', 'successes')} of {plural(all.requests, 'request')}
          {cache.hitRate !== null && cache.exact + cache.semantic > 0 && `; ${percent(cache.hitRate)} from the cache`}
        </p>
      </div>
    </section>
  )
}

function ByTask({ costs: { tasks } }: { readonly costs: CostsPage }) {
  return (
    <section class="panel" aria-labelledby="by-task">
      <h2 id="by-task">By task</h2>
      <Table
        label="Spend by task"
        columns={['Task', { figure: 'Requests' }, { figure: 'Local' }, { figure: 'Paid' }, { figure: 'A success' }]}
      >
        {tasks.map(({ name, requests, local, paidUsd, successes, unknown }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="num">{count(requests)}</td>
            <td class="num">{count(local)}</td>
            <td class="num">
              {dollars(paidUsd)}
              {unknown > 0 && <span class="hint below"> + {count(unknown)} unknown</span>}
            </td>
            <td class="num">{dollars(successes === 0 ? null : paidUsd / successes)}</td>
          </tr>
        ))}
      </Table>
    </section>
  )
}

function ByModel({ costs: { models, tiers } }: { readonly costs: CostsPage }) {
  return (
    <section class="panel" aria-labelledby="by-model">
      <h2 id="by-model">By model</h2>
      <Table label="Spend by model" columns={['Model', { figure: 'Calls' }, { figure: 'Paid' }]}>
        {models.map(({ name, calls, paidUsd, unknown }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="num">{count(calls)}</td>
            <td class="num">
              {dollars(paidUsd)}
              {unknown > 0 && <span class="hint below"> + {count(unknown)} unknown</span>}
            </td>
          </tr>
        ))}
      </Table>
      <p class="hint">
        {Object.entries(tiers)
          .map(
            ([tier, { calls, latencyMsP50 }]) =>
              `${tier.replace('_', ' ')}: ${plural(calls, 'call')}, p50 ${milliseconds(latencyMsP50)}`,
          )
          .join(' · ')}
      </p>
    </section>
  )
}
