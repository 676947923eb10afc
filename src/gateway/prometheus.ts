/** The report in the text format of Prometheus. Gauges of a window, not counters: labels come later and change the past. */
import { Gauge, Registry } from 'prom-client'
import type { EscalationPart, LocalDefects, MetricsReport, ModelMetrics, TaskMetrics } from '../spec/metrics.ts'

export interface PrometheusText {
  readonly type: string
  readonly text: string
}

export async function prometheusText(report: MetricsReport): Promise<PrometheusText> {
  const registry = new Registry()
  const into = gauges(registry)
  into('spillway_window_seconds', 'Length of the window that all figures are about.').put(
    {},
    (Date.parse(report.until) - Date.parse(report.since)) / 1000,
  )
  // The figures of all tasks have no task label; the others must not be added up to them, since rates cannot be added.
  putTask(into, {}, report.all)
  for (const task of report.tasks) putTask(into, { task: task.name }, task)
  for (const model of report.models) putModel(into, { model: model.name, tier: model.tier }, model)
  return { type: registry.contentType, text: await registry.metrics() }
}

type Labels = Readonly<Record<string, string>>
interface Series {
  /** A figure that is not known has no series: 0 would be a claim. */
  put(labels: Labels, value: number | null): Series
}
type Into = (name: string, help: string) => Series

function gauges(registry: Registry): Into {
  const known = new Map<string, Gauge>()
  return (name, help) => {
    const gauge = known.get(name) ?? new Gauge({ name, help, labelNames: LABEL_NAMES, registers: [registry] })
    known.set(name, gauge)
    const series: Series = {
      put(labels, value) {
        if (value !== null) gauge.set({ ...labels }, value)
        return series
      },
    }
    return series
  }
}

const LABEL_NAMES = ['task', 'model', 'tier', 'when', 'reason', 'quantile', 'bound', 'source']

function putTask(into: Into, labels: Labels, task: TaskMetrics): void {
  const { escalation, fallbackLatency, cost } = task
  into('spillway_requests', 'Settled requests of callers.').put(labels, task.requests)
  into('spillway_local_acceptance_ratio', 'Locally accepted of all requests.').put(labels, task.localAcceptance.rate)
  into('spillway_escalation_ratio', 'Answered by a frontier of all requests.').put(labels, escalation.rate)
  const causes = into('spillway_escalations', 'Requests that a frontier answered, by cause and reason.')
  for (const [when, part] of partsOf(task))
    for (const [reason, count] of Object.entries(part.reasons)) causes.put({ ...labels, when, reason }, count)
  const failures = into('spillway_validation_failures', 'Local answers that a gate rejected, by reason.')
  for (const [reason, count] of Object.entries(task.validationFailures)) failures.put({ ...labels, reason }, count)
  putDefects(into, labels, task.localDefects)
  into('spillway_frontier_fallback_latency_seconds', 'How long callers waited for a frontier after a local model.')
    .put({ ...labels, quantile: '0.5' }, seconds(fallbackLatency.p50Ms))
    .put({ ...labels, quantile: '0.95' }, seconds(fallbackLatency.p95Ms))
  into('spillway_cost_usd', 'US dollars of all calls whose cost is known.').put(labels, cost.totalUsd)
  into('spillway_cost_unknown_calls', 'Calls of unknown cost.').put(labels, cost.unknown)
  into('spillway_cost_per_success_usd', 'US dollars over answers that nobody called wrong.').put(
    labels,
    cost.perSuccessUsd,
  )
}

function partsOf({ escalation }: TaskMetrics): readonly (readonly [string, EscalationPart])[] {
  const { before, after, unavailable, sampled } = escalation
  return [
    ['before_policy', before.policy],
    ['before_hard_stop', before.hardStop],
    ['after_gate', after],
    ['unavailable', unavailable],
    ['sampled', sampled],
  ]
}

function putModel(into: Into, labels: Labels, model: ModelMetrics): void {
  into('spillway_model_calls', 'Calls of a model, whatever they were for.').put(labels, model.calls.of)
  into('spillway_model_answered_ratio', 'Calls that gave an answer.').put(labels, model.calls.rate)
  into('spillway_model_acceptance_ratio', 'Served answers of the requests it was asked to answer.').put(
    labels,
    model.acceptance.rate,
  )
  into('spillway_model_verifier_pass_ratio', 'Answers that every gate accepted, of those checked.').put(
    labels,
    model.verifierPass.rate,
  )
  into('spillway_model_shadow_pass_ratio', 'The same in shadow.').put(labels, model.shadowPass.rate)
  const failures = into('spillway_model_validation_failures', 'Answers that a gate rejected, by reason.')
  for (const [reason, count] of Object.entries(model.validationFailures)) failures.put({ ...labels, reason }, count)
  into('spillway_model_thumbs_up_ratio', 'Thumbs that were up.').put(labels, model.thumbsUp.rate)
  const { rate, interval } = model.localDefects
  into('spillway_model_defect_ratio', 'Labelled wrong of labelled accepts, with a 95 % interval.')
    .put({ ...labels, bound: 'estimate' }, rate)
    .put({ ...labels, bound: 'lower' }, interval?.[0] ?? null)
    .put({ ...labels, bound: 'upper' }, interval?.[1] ?? null)
  into('spillway_model_latency_seconds', 'How long its answers took.')
    .put({ ...labels, quantile: '0.5' }, seconds(model.latency.p50Ms))
    .put({ ...labels, quantile: '0.95' }, seconds(model.latency.p95Ms))
  into('spillway_model_cost_usd', 'US dollars of its calls whose cost is known.').put(labels, model.cost.totalUsd)
  into('spillway_model_cost_per_success_usd', 'US dollars over its answers that nobody called wrong.').put(
    labels,
    model.cost.perSuccessUsd,
  )
}

function putDefects(into: Into, labels: Labels, defects: LocalDefects): void {
  const ratio = into('spillway_local_defect_ratio', 'Labelled wrong of labelled local accepts, with a 95 % interval.')
  const labelled = into('spillway_local_labelled', 'Local accepts that have a label.')
  const all = [['any', defects], ['audit_sample', defects.sampled], ...Object.entries(defects.sources)] as const
  for (const [source, { labelled: count, rate, interval }] of all) {
    const own = { ...labels, source }
    labelled.put(own, count)
    ratio
      .put({ ...own, bound: 'estimate' }, rate)
      .put({ ...own, bound: 'lower' }, interval?.[0] ?? null)
      .put({ ...own, bound: 'upper' }, interval?.[1] ?? null)
  }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}
