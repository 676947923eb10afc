/** Command line, admin page and Prometheus over the same audit: equal figures. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MetricsReport } from '../../src/spec/metrics.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'
import { SMALL, seedAudit, TOO_UNSURE } from '../support/seeded-audit.ts'
import { cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const COSTS = 'costs: { watts: 100, usdPerKwh: 0.36 }'
const SINCE = '2026-01-01'

let box: Sandbox
let server: ServeProcess
beforeAll(async () => {
  box = sandbox()
  await seed()
  // Nothing listens there, and nobody asks.
  server = await serveProcess(box, { policy: cloudPolicy('http://127.0.0.1:9/v1', COSTS) })
})
afterAll(async () => {
  await server.stop()
  await box.close()
})

/** Forty answers of two tasks, one of them wrong and one of them named so that a label of Prometheus must be escaped. */
async function seed(): Promise<void> {
  const records = Array.from({ length: 40 }, (_, at) => {
    const isEscalated = at % 4 === 0
    return auditRecord(`r${at}`, {
      ...{ receivedAt: '2026-02-01T00:00:00.000Z', task: at % 2 ? 'triage' : 'a "quoted" task', localModel: SMALL },
      ...{ outcome: isEscalated ? 'escalated' : 'accepted', route: isEscalated ? 'frontier' : 'local' },
      ...{ reason: isEscalated ? 'confidence_low' : 'local_accepted', latencyMs: 100 + at, costUsd: 0 },
      verdicts: isEscalated ? [TOO_UNSURE] : [],
      attempts: [attempt('small', { latencyMs: 100 }), ...(isEscalated ? [attempt('big', { costUsd: 0.03 })] : [])],
      labels: at === 1 || at === 2 ? [{ source: 'human', isCorrect: at === 1, at: '2026-02-02T00:00:00.000Z' }] : [],
    })
  })
  await seedAudit(box.env, records)
}

async function get(path: string, key = server.key): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${key}` } })
  return { status: response.status, text: await response.text() }
}

/** The value of one series; null when there is none. */
function series(text: string, name: string): number | null {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? null : Number(line.slice(name.length + 1))
}

async function fromCli(...args: readonly string[]): Promise<MetricsReport> {
  const { stdout, exitCode } = await box.run(['metrics', '--since', SINCE, '--json', ...args])
  expect(exitCode).toBe(0)
  return JSON.parse(stdout) as MetricsReport
}

describe('the six figures', () => {
  it('are the same on the command line and on the admin page', async () => {
    const { until: _cli, ...cli } = await fromCli()
    const { until: _api, ...api } = JSON.parse((await get(`/spillway/v1/metrics?since=${SINCE}`)).text) as MetricsReport
    expect(api).toEqual(cli)
    expect(cli.all).toMatchObject({
      requests: 40,
      localAcceptance: { count: 30, of: 40, rate: 0.75 },
      escalation: { count: 10, after: { count: 10, reasons: { confidence_low: 10 } } },
      validationFailures: { confidence_low: 10 },
      localDefects: { labelled: 2, wrong: 1, rate: 0.5 },
      fallbackLatency: { count: 10, p50Ms: 116, p95Ms: 136 },
      cost: { successes: 39 },
    })
    // Ten calls of three cents, and four seconds of a hundred watts.
    expect(cli.all.cost.totalUsd).toBeCloseTo(0.30004, 10)
  })

  it('are the same for Prometheus, which gets no series for what is not known', async () => {
    const { all, tasks, models } = await fromCli()
    const { text } = await get(`/metrics?since=${SINCE}`)
    const [lower, upper] = all.localDefects.interval ?? []
    const expected: Readonly<Record<string, number | null | undefined>> = {
      spillway_requests: 40,
      spillway_local_acceptance_ratio: all.localAcceptance.rate,
      spillway_escalation_ratio: all.escalation.rate,
      'spillway_escalations{when="after_gate",reason="confidence_low"}': 10,
      'spillway_validation_failures{reason="confidence_low"}': 10,
      'spillway_local_defect_ratio{source="any",bound="estimate"}': all.localDefects.rate,
      'spillway_local_defect_ratio{source="any",bound="lower"}': lower,
      'spillway_local_defect_ratio{source="any",bound="upper"}': upper,
      'spillway_local_labelled{source="human"}': 2,
      'spillway_frontier_fallback_latency_seconds{quantile="0.5"}': 0.116,
      'spillway_frontier_fallback_latency_seconds{quantile="0.95"}': 0.136,
      spillway_cost_usd: all.cost.totalUsd,
      spillway_cost_per_success_usd: all.cost.perSuccessUsd,
      'spillway_requests{task="a \\"quoted\\" task"}': 20,
      'spillway_cost_per_success_usd{task="triage"}': tasks.find(({ name }) => name === 'triage')?.cost.perSuccessUsd,
      'spillway_model_verifier_pass_ratio{model="small",tier="local_fast"}': models.find(({ name }) => name === 'small')
        ?.verifierPass.rate,
      'spillway_model_thumbs_up_ratio{model="small",tier="local_fast"}': null,
    }
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, series(text, name)]))).toEqual(expected)
    expect(text).toContain('# TYPE spillway_local_acceptance_ratio gauge')
  })

  it('are those of one task where one is named', async () => {
    const cli = await fromCli('--task', 'triage')
    const api = JSON.parse((await get(`/spillway/v1/metrics?since=${SINCE}&task=triage`)).text) as MetricsReport
    expect(api.all).toEqual(cli.all)
    expect(cli).toMatchObject({ all: { requests: 20, escalation: { count: 0 } }, tasks: [{ name: 'triage' }] })
    expect(series((await get(`/metrics?since=${SINCE}&task=triage`)).text, 'spillway_requests')).toBe(20)
  })

  it('are of the last day unless a span is named, and told in words', async () => {
    const { stderr, exitCode } = await box.run(['metrics'])
    expect([exitCode, stderr]).toEqual([0, 'No settled request matches.\n'])
    expect(JSON.parse((await get('/spillway/v1/metrics')).text)).toMatchObject({ all: { requests: 0 } })
    const { stdout } = await box.run(['metrics', '--since', SINCE])
    expect(stdout).toMatch(/^all +40 +75\.0 % +0\.0 % +25\.0 % +50\.0 % \[1\.3 %, 98\.7 %\] of 2 +116 ms\/136 ms/m)
    expect(stdout).toContain('all, rejected: confidence_low 10')
    expect(stdout).toMatch(/^small +local_fast +40 /m)
  })
})

describe('bad questions', () => {
  it.each([
    ['/spillway/v1/metrics?since=lately', 400, 'neither a span nor a date'],
    ['/metrics?since=lately', 400, 'neither a span nor a date'],
    ['/metrics?sinse=24h', 400, 'there is no such parameter'],
    ['/metrics?task=a&task=b', 400, 'it is given twice'],
  ])('%s is refused with %i', async (path, status, words) => {
    const found = await get(path)
    expect(found.status).toBe(status)
    expect(found.text).toContain(words)
  })

  it('are refused without the key of the operator, who alone sees all tasks', async () => {
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
    const { stdout } = await box.run(['keys', 'create', 'ci', '--json'])
    const { key } = JSON.parse(stdout) as { readonly key: string }
    for (const path of ['/metrics', '/spillway/v1/metrics']) expect((await get(path, key)).status).toBe(404)
  })

  it('name the flag on the command line', async () => {
    const { exitCode, stderr } = await box.run(['metrics', '--since', 'lately'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--since lately is neither a span nor a date')
  })
})
