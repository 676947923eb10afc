/** The dashboards as lists of panels; `scripts/deploy/files.ts` makes JSON of them. */

export interface Panel {
  readonly title: string
  /** What one sees in it, for who hovers. */
  readonly about: string
  readonly kind: 'timeseries' | 'stat'
  /** Of Grafana, for example `percentunit`. */
  readonly unit: string
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
}

function line(title: string, unit: string, about: string, ...queries: readonly (readonly [string, string])[]): Panel {
  return { kind: 'timeseries', title, unit, about, queries: queries.map(([expr, legend]) => ({ expr, legend })) }
}

function figure(title: string, unit: string, about: string, expr: string): Panel {
  return { kind: 'stat', title, unit, about, queries: [{ expr, legend: '' }] }
}

const SERVICE: Dashboard = {
  uid: 'spillway-service',
  title: 'Spillway: service',
  panels: [
    figure('Gateways that answer', 'short', 'Those with a route to an answer.', 'sum(spillway_ready)'),
    figure('Requests', 'reqps', 'Without those whose client left.', 'spillway:requests:rate5m'),
    figure('Failed, 1 h', 'percentunit', 'The objective is 0.1 %.', 'spillway:failed:ratio_rate1h'),
    figure('Slower than 10 s, 1 h', 'percentunit', 'The objective is 5 %.', 'spillway:slow:ratio_rate1h'),
    line('Requests by result', 'reqps', 'How requests to the API ended.', [
      'sum by (result) (rate(spillway_process_requests_total[5m]))',
      '{{result}}',
    ]),
    line(
      'How long requests took',
      's',
      'To the end of streams.',
      ...(['0.5', '0.95', '0.99'] as const).map(
        (quantile) =>
          [
            `histogram_quantile(${quantile}, sum by (le) (rate(spillway_process_request_duration_seconds_bucket[5m])))`,
            `p${Number(quantile) * 100}`,
          ] as const,
      ),
    ),
    line('Requests under way', 'short', 'Waiting ones among them: what the autoscaler reads.', [
      'spillway_process_requests_in_flight',
      '{{instance}}',
    ]),
    line('Event loop', 'percentunit', 'The part of the time in which a process worked.', [
      'spillway:event_loop:utilisation5m',
      '{{instance}}',
    ]),
    line('CPU', 'percentunit', 'Cores.', ['rate(spillway_process_cpu_seconds_total[5m])', '{{instance}}']),
    line('Memory', 'bytes', 'Held by the gateway; the engine has a process of its own.', [
      'spillway_process_resident_bytes',
      '{{instance}}',
    ]),
    line('Models', 'short', '1 while it can be asked.', ['min by (model) (spillway_model_available)', '{{model}}']),
    line('Servers beside', 'short', '1 while it is used.', [
      'min by (dependency) (spillway_dependency_up)',
      '{{dependency}}',
    ]),
    line('Records that wait for Postgres', 'short', 'On each gateway.', [
      'spillway_postgres_lag_records',
      '{{instance}}',
    ]),
    line(
      'What a person has to look at',
      'short',
      'Held requests, orders of the kill switch, tasks that drift.',
      ['sum(spillway_held_waiting)', 'held'],
      ['max(spillway_kill_orders)', 'kill orders'],
      ['max(spillway_tasks_drifting)', 'drifting tasks'],
    ),
  ],
}

/** Ratios of several gateways are not averaged: each has its own line. */
const ROUTING: Dashboard = {
  uid: 'spillway-routing',
  title: 'Spillway: routing and money, last 24 hours',
  panels: [
    figure('Requests', 'short', 'Settled in the window.', 'sum(spillway_requests{task=""})'),
    figure('Cost', 'currencyUSD', 'Of calls whose cost is known.', 'sum(spillway_cost_usd{task=""})'),
    figure('Calls of unknown cost', 'short', 'No budget counts them.', 'sum(spillway_cost_unknown_calls{task=""})'),
    figure(
      'Cost of a success',
      'currencyUSD',
      'The dearest of the gateways.',
      'max(spillway_cost_per_success_usd{task=""})',
    ),
    line('Locally accepted', 'percentunit', 'Of all requests.', [
      'spillway_local_acceptance_ratio{task=""}',
      '{{instance}}',
    ]),
    line('Escalated', 'percentunit', 'Answered by a frontier.', ['spillway_escalation_ratio{task=""}', '{{instance}}']),
    line('Locally accepted by task', 'percentunit', 'Of its requests.', [
      'spillway_local_acceptance_ratio{task!=""}',
      '{{task}} {{instance}}',
    ]),
    line('Why a frontier answered', 'short', 'Requests in the window.', [
      'sum by (when, reason) (spillway_escalations{task=""})',
      '{{when}} {{reason}}',
    ]),
    line('Why gates rejected', 'short', 'Local answers in the window.', [
      'sum by (reason) (spillway_validation_failures{task=""})',
      '{{reason}}',
    ]),
    line('Wrong local answers', 'percentunit', 'Of the fair sample, with its 95 % interval.', [
      'spillway_local_defect_ratio{source="audit_sample",task=""}',
      '{{bound}} {{instance}}',
    ]),
    line('Labelled answers', 'short', 'What the figures of defects rest on.', [
      'sum by (source) (spillway_local_labelled{task=""})',
      '{{source}}',
    ]),
    line('Waiting for a frontier after a local model', 's', 'From end to end.', [
      'spillway_frontier_fallback_latency_seconds{task=""}',
      'p{{quantile}} {{instance}}',
    ]),
    line('Calls by model', 'short', 'In the window.', ['sum by (model) (spillway_model_calls)', '{{model}}']),
    line('Answered, by model', 'percentunit', 'Calls that gave an answer.', [
      'spillway_model_answered_ratio',
      '{{model}} {{instance}}',
    ]),
    line('Latency by model', 's', '95th percentile of its answers.', [
      'spillway_model_latency_seconds{quantile="0.95"}',
      '{{model}} {{instance}}',
    ]),
    line('Cost by model', 'currencyUSD', 'In the window.', ['sum by (model) (spillway_model_cost_usd)', '{{model}}']),
  ],
}

export const DASHBOARDS: readonly Dashboard[] = [SERVICE, ROUTING]

const COLUMNS = 24
const SIZES = { stat: { w: 6, h: 4 }, timeseries: { w: 12, h: 8 } } as const
const DATASOURCE = { type: 'prometheus', uid: 'prometheus' }

/** @returns the model of a dashboard as Grafana 12 reads it from a file */
export function dashboardModel({ uid, title, panels }: Dashboard): Readonly<Record<string, unknown>> {
  let x = 0
  let y = 0
  const placed = panels.map((panel, index) => {
    const { w, h } = SIZES[panel.kind]
    if (x + w > COLUMNS) {
      x = 0
      y += SIZES[panels[index - 1]?.kind ?? panel.kind].h
    }
    const gridPos = { x, y, w, h }
    x += w
    return panelModel(panel, { id: index + 1, gridPos })
  })
  return {
    ...{ uid, title, tags: ['spillway'], schemaVersion: 41, editable: false, refresh: '30s', version: 1 },
    ...{ time: { from: 'now-6h', to: 'now' }, timezone: 'browser', templating: { list: [] }, panels: placed },
  }
}

function panelModel(
  { kind, title, unit, about, queries }: Panel,
  place: { readonly id: number; readonly gridPos: Readonly<Record<string, number>> },
): Readonly<Record<string, unknown>> {
  return {
    ...place,
    ...{ type: kind, title, description: about, datasource: DATASOURCE },
    fieldConfig: { defaults: { unit, ...(kind === 'timeseries' && { min: 0 }) }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode(65 + index), datasource: DATASOURCE, expr },
      legendFormat: legend || '__auto',
    })),
  }
}
