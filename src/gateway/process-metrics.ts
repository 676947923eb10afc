/**
 * How this process is, in the text format of Prometheus. Labels are names of the policy and words of closed lists, so the
 * number of series does not grow with traffic.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import { dependenciesOf } from './dependencies.ts'
import type { App } from './exchange.ts'
import { DURATION_BOUNDS, type TrafficFigures } from './traffic.ts'

export async function processText(
  app: Pick<App, 'router' | 'limits' | 'traffic' | 'loopHealth' | 'policyProblem' | 'killSwitch' | 'isStopping'>,
): Promise<string> {
  const registry = new Registry()
  const traffic = app.traffic()
  const put = seriesIn(registry)
  put.gauge('spillway_process_requests_in_flight', 'Requests to the API under way, waiting ones among them.', [
    [{}, traffic.inFlight],
  ])
  put.counter(
    'spillway_process_requests_total',
    'Requests to the API that ended, by how.',
    Object.entries(traffic.answers).map(([result, count]) => [{ result }, count]),
  )
  putProcess(put, app)
  putHealth(put, app)
  putDependencies(put, app)
  return `${await registry.metrics()}${durationText(traffic)}`
}

type Row = readonly [labels: Readonly<Record<string, string>>, value: number]
interface Put {
  gauge(name: string, help: string, rows: readonly Row[]): void
  counter(name: string, help: string, rows: readonly Row[]): void
}

function seriesIn(registry: Registry): Put {
  const settingsOf = (name: string, help: string, rows: readonly Row[]) => ({
    ...{ name, help, registers: [registry] },
    labelNames: Object.keys(rows[0]?.[0] ?? {}),
  })
  return {
    gauge(name, help, rows) {
      const gauge = new Gauge(settingsOf(name, help, rows))
      for (const [labels, value] of rows) gauge.set({ ...labels }, value)
    },
    counter(name, help, rows) {
      const counter = new Counter(settingsOf(name, help, rows))
      for (const [labels, value] of rows) counter.inc({ ...labels }, value)
    },
  }
}

function putProcess(put: Put, { loopHealth }: Pick<App, 'loopHealth'>): void {
  const { blocks, worstMs } = loopHealth()
  const { active, idle } = performance.eventLoopUtilization()
  const { user, system } = process.cpuUsage()
  put.counter('spillway_process_event_loop_blocks_total', 'How often the event loop stood still for a second.', [
    [{}, blocks],
  ])
  put.gauge('spillway_process_event_loop_worst_block_seconds', 'The longest of them since the start.', [
    [{}, worstMs / 1000],
  ])
  put.counter('spillway_process_event_loop_seconds_total', 'Time of the event loop, by what it did.', [
    [{ state: 'active' }, active / 1000],
    [{ state: 'idle' }, idle / 1000],
  ])
  put.counter('spillway_process_cpu_seconds_total', 'CPU time of the process, its threads among it.', [
    [{}, (user + system) / 1_000_000],
  ])
  put.gauge('spillway_process_resident_bytes', 'Memory that the process holds.', [[{}, process.memoryUsage.rss()]])
  put.gauge('spillway_process_start_time_seconds', 'When the process started, in seconds since 1970.', [
    [{}, performance.timeOrigin / 1000],
  ])
}

function putHealth(
  put: Put,
  { router, policyProblem, killSwitch, isStopping }: Parameters<typeof processText>[0],
): void {
  const { ready, models, audit, rollouts, held } = router.status()
  put.gauge('spillway_ready', '1 while a route to an answer exists and the server takes requests.', [
    [{}, flag(ready && !isStopping())],
  ])
  put.gauge(
    'spillway_model_available',
    '1 while the model can be asked, as far as this process knows.',
    models.map(({ name, tier, unavailable }) => [{ model: name, tier }, flag(unavailable === null)]),
  )
  put.gauge('spillway_audit_writable', '1 while what happens is recorded.', [[{}, flag(audit.ok)]])
  put.gauge('spillway_audit_spooled', 'Records in memory because they cannot be written.', [[{}, audit.spooled]])
  put.gauge('spillway_policy_current', '1 while the policy file as it stands is in force.', [
    [{}, flag(policyProblem() === null)],
  ])
  put.gauge('spillway_kill_orders', 'Orders of the kill switch in force.', [[{}, killSwitch.list().length]])
  put.gauge('spillway_tasks_drifting', 'Tasks whose live evidence no longer fits their proof.', [
    [{}, rollouts.watched.filter(({ drift }) => drift.alarm !== null).length],
  ])
  const waiting = held?.waiting ?? null
  put.gauge('spillway_held_waiting', 'Held requests that wait for a person.', waiting === null ? [] : [[{}, waiting]])
}

/** A server that the policy does not name has no series. */
function putDependencies(put: Put, app: Pick<App, 'router' | 'limits'>): void {
  const { postgres, sharedLimits } = dependenciesOf(app)
  put.gauge('spillway_dependency_up', '1 while the server is used; 0 while the gateway goes on without it.', [
    ...(postgres ? [[{ dependency: 'postgres' }, flag(postgres.problem === null)] as const] : []),
    ...(sharedLimits ? [[{ dependency: 'shared_limits' }, flag(sharedLimits.problem === null)] as const] : []),
  ])
  if (!postgres) return
  put.gauge('spillway_postgres_lag_records', 'Records and changes that are not in Postgres yet.', [
    [{}, postgres.lagRows],
  ])
  put.gauge('spillway_postgres_lag_seconds', 'How long it is since all of them were.', [[{}, postgres.lagMs / 1000]])
  put.gauge('spillway_postgres_lost_records', 'Records that retention deleted before they were copied.', [
    [{}, postgres.lostRows],
  ])
  put.gauge('spillway_postgres_refused_records', 'Records that Postgres did not take.', [[{}, postgres.refusedRows]])
  put.gauge('spillway_postgres_alarm', '1 while a person has to look at the copies.', [
    [{}, flag(postgres.alarm !== null)],
  ])
}

const DURATION = 'spillway_process_request_duration_seconds'

/** Written by hand: the library's histogram can only be fed observation by observation, and would have to be loaded for it. */
function durationText({ durations: { counts, sumSeconds } }: TrafficFigures): string {
  let total = 0
  const buckets = counts.map((count, place) => {
    total += count
    return `${DURATION}_bucket{le="${DURATION_BOUNDS[place] ?? '+Inf'}"} ${total}`
  })
  const about = [`# HELP ${DURATION} How long requests to the API took, to the end of streams.`]
  const lines = [...about, `# TYPE ${DURATION} histogram`, ...buckets]
  return `${[...lines, `${DURATION}_sum ${sumSeconds}`, `${DURATION}_count ${total}`].join('\n')}\n`
}

function flag(holds: boolean): 0 | 1 {
  return holds ? 1 : 0
}
