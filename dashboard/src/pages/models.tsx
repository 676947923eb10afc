/** What the models of the policy did, what memory they take, and what else would fit. */
import type { ModelLine, ModelsPage as ModelsReport } from '../../../src/cli/console/models.ts'
import type { PageProps } from '../app.tsx'
import { count, dollars, gigabytes, interval, milliseconds, NONE, percent, words } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { Heading } from '../parts/heading.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { WindowChoice } from '../parts/window-choice.tsx'
import { useReport } from '../use-report.ts'

export function ModelsPage({ place }: PageProps) {
  const since = place.query.since ?? '7d'
  const report = useReport<ModelsReport>('/models', { query: { since }, everyMs: 15_000 })
  return (
    <>
      <Heading title="Models">
        <WindowChoice place={place} usual="7d" />
      </Heading>
      <Shown report={report} what={`the models of ${since}`}>
        {(found) =>
          found.models.length === 0 ? (
            <Empty title="The policy names no model" command="spillway init">
              Without one only exact answers are given. A policy from what this machine has:
            </Empty>
          ) : (
            <>
              <section class="panel" aria-labelledby="figures">
                <h2 id="figures">Figures</h2>
                <Figures models={found.models} />
              </section>
              <section class="panel" aria-labelledby="memory">
                <h2 id="memory">Memory</h2>
                <Memory found={found} />
              </section>
              <Catalogue found={found} />
            </>
          )
        }
      </Shown>
    </>
  )
}

function Figures({ models }: { readonly models: readonly ModelLine[] }) {
  return (
    <Table
      label="Figures of the models"
      columns={[
        'Model',
        { figure: 'Calls' },
        { figure: 'Served' },
        { figure: 'Passed gates' },
        'Wrong (95 %)',
        { figure: 'p50 / p95' },
        { figure: 'Tokens / s' },
        { figure: 'A success' },
      ]}
    >
      {models.map(({ name, providerModel, tier, metrics, tokensPerSecond }) => (
        <tr key={name}>
          <th scope="row">
            {name} <span class="hint below">{`${providerModel}, ${words(tier)}`}</span>
          </th>
          <td class="num" data-figure={`calls-${name}`}>
            {count(metrics?.calls.of ?? 0)}
          </td>
          <td class="num">{percent(metrics?.acceptance.rate)}</td>
          <td class="num">{percent(metrics?.verifierPass.rate)}</td>
          <td>
            {metrics?.localDefects.interval ? (
              <>
                {percent(metrics.localDefects.rate)} <span class="hint">{interval(metrics.localDefects.interval)}</span>
              </>
            ) : (
              <span class="hint">no labels</span>
            )}
          </td>
          <td class="num">
            {milliseconds(metrics?.latency.p50Ms)} / {milliseconds(metrics?.latency.p95Ms)}
          </td>
          <td class="num">{tokensPerSecond === null ? NONE : tokensPerSecond.toFixed(1)}</td>
          <td class="num">{dollars(metrics?.cost.perSuccessUsd)}</td>
        </tr>
      ))}
    </Table>
  )
}

function Memory({ found: { models, availableBytes } }: { readonly found: ModelsReport }) {
  const own = models.filter((model) => model.needBytes !== null)
  return (
    <>
      <p>
        <strong>{gigabytes(availableBytes)}</strong> can be taken now without swapping.
      </p>
      {own.length === 0 ? (
        <p class="hint">No model of the policy is loaded by this machine's own engine.</p>
      ) : (
        <ul class="options">
          {own.map(({ name, needBytes }) => (
            <li key={name}>
              <span class="option">{name}</span>
              <meter
                min={0}
                max={1}
                low={0.7}
                high={0.95}
                optimum={0}
                value={Math.min(1, (needBytes ?? 0) / availableBytes)}
              >
                {gigabytes(needBytes ?? 0)}
              </meter>
              <span class="num">{gigabytes(needBytes ?? 0)}</span>
            </li>
          ))}
        </ul>
      )}
      <p class="hint">
        Weights, context and buffers when it is loaded. A model not here yet, by name, file or address:
      </p>
      <pre>
        <code>spillway fits qwen3-4b</code>
      </pre>
    </>
  )
}

const TONES = { fits: 'good', fits_after_unload: 'warn', no: 'bad' } as const

function Catalogue({ found: { catalogue, workloads, replacesMeans } }: { readonly found: ModelsReport }) {
  return (
    <section class="panel" aria-labelledby="catalogue">
      <h2 id="catalogue">What else would fit</h2>
      <p class="hint">{replacesMeans.replace(/^replaces/, '“In place of”')}.</p>
      {workloads.map(({ name, title, replaces }) => {
        const rows = catalogue.filter(({ workload }) => workload === name)
        if (rows.length === 0) return null
        return (
          <details key={name}>
            <summary>
              <strong>{title}</strong>
              {replaces && `, in place of ${replaces}`}: {rows.filter(({ verdict }) => verdict === 'fits').length} of{' '}
              {rows.length} fit
            </summary>
            <Table
              label={`Open models for ${title}`}
              columns={['Model', 'Quantisation', { figure: 'Memory at 8k' }, { figure: 'Largest context' }, 'Now']}
            >
              {rows.map((row) => (
                <tr key={`${row.name} ${row.quantisation}`}>
                  <th scope="row">{row.name}</th>
                  <td>{row.quantisation}</td>
                  <td class="num">{gigabytes(row.needBytes)}</td>
                  <td class="num">{row.largestContextTokens === 0 ? NONE : count(row.largestContextTokens)}</td>
                  <td>
                    <Badge tone={TONES[row.verdict]}>{words(row.verdict)}</Badge>
                  </td>
                </tr>
              ))}
            </Table>
          </details>
        )
      })}
    </section>
  )
}
