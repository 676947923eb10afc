/** Every query of `deploy/` against the page of a gateway that ran requests. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'
import { openAiError, openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { SMALL, seedAudit, TOO_UNSURE } from '../support/seeded-audit.ts'
import { cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'
import { dashboardQueries, rules, selectorsIn, textOf } from './deploy-files.ts'

/** Nobody listens on the discard port of this machine. */
const NOBODY = { DATABASE_URL: 'postgres://a@127.0.0.1:9/b', VALKEY_URL: 'redis://127.0.0.1:9' }
const STORES = `
audit: { postgres: { url: "\${env:DATABASE_URL}" } }
gateway: { limits: { shared: { url: "\${env:VALKEY_URL}" } } }
`
/** Added by Prometheus, and not by the gateway. */
const OF_THE_SCRAPE = ['job', 'instance']

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess
let page: Page
beforeAll(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  await seed()
  server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl, STORES), env: NOBODY })
  cloud.enqueue(openAiText('one'), openAiText('two'), openAiError(400, 'no'))
  for (const content of ['a', 'b', 'c'])
    await server.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content }] }).catch(() => 0)
  // The first tries of both clients have to fail, and the thread of the records has to write.
  await vi.waitFor(async () => {
    const now = await pageNow()
    expect(now.figure('spillway_dependency_up{dependency="postgres"}')).toBe(0)
    expect(now.figure('spillway_dependency_up{dependency="shared_limits"}')).toBe(0)
    expect(now.figure('spillway_requests')).toBeGreaterThan(3)
    page = now
  }, 30_000)
})
afterAll(async () => {
  await server.stop()
  await cloud.close()
  await box.close()
})

/** Local answers with everything that a figure can be about: rejections, escalations, samples, labels, unknown cost. */
async function seed(): Promise<void> {
  const receivedAt = new Date().toISOString()
  const label = { source: 'human', isCorrect: true, at: receivedAt } as const
  const both = [attempt('small'), attempt('big', { costUsd: 0.03 })]
  const rows = [
    { outcome: 'accepted', route: 'local', reason: 'local_accepted', attempts: [attempt('small')], labels: [label] },
    { outcome: 'escalated', route: 'frontier', reason: 'confidence_low', attempts: both, verdicts: [TOO_UNSURE] },
    {
      ...{ outcome: 'escalated', route: 'frontier', reason: 'audit_sample', attempts: both, labels: [label] },
      draft: { isSampled: true },
    },
  ]
  const records = rows.map((row, at) =>
    auditRecord(`seed${at}`, { receivedAt, localModel: SMALL, latencyMs: 900, ...row } as never),
  )
  await seedAudit(box.env, records)
}

interface Page {
  readonly text: string
  /** Labels of each series, by the name of its metric. */
  readonly series: ReadonlyMap<string, readonly Readonly<Record<string, string>>[]>
  /** Null when there is no such series. */
  figure(series: string): number | null
}

async function pageNow(): Promise<Page> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.key}` } })
  const text = await response.text()
  const series = new Map<string, Readonly<Record<string, string>>[]>()
  for (const [, name = '', inside = ''] of text.matchAll(/^([a-z_:]+)(?:\{(.*)\})? \S+$/gm)) {
    const labels = Object.fromEntries([...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]))
    series.set(name, [...(series.get(name) ?? []), labels])
  }
  const figure = (wanted: string): number | null => {
    const line = text.split('\n').find((one) => one.startsWith(`${wanted} `))
    return line === undefined ? null : Number(line.slice(wanted.length + 1))
  }
  return { text, series, figure }
}

describe('the page of a gateway that ran requests', () => {
  it('has every series that rules and dashboards read', () => {
    const read = [...rules().map(({ expr }) => expr), ...dashboardQueries()].flatMap(selectorsIn)
    const missing = read
      .filter(({ name }) => name !== 'up' && !name.includes(':'))
      .filter(({ name, matchers }) => {
        const own = matchers.filter(({ label }) => !OF_THE_SCRAPE.includes(label))
        const fits = (labels: Readonly<Record<string, string>>): boolean =>
          own.every(({ label, operator, value }) => (operator === '=') === ((labels[label] ?? '') === value))
        return !(page.series.get(name) ?? []).some(fits)
      })
    expect(missing).toEqual([])
  })

  it('has what the autoscaler and its adapter read', () => {
    for (const path of ['helm/spillway/templates/hpa.yaml', 'prometheus/adapter-rules.yaml'])
      for (const [name] of textOf(path).matchAll(/spillway_[a-z_]+/g)) expect([...page.series.keys()]).toContain(name)
  })

  it('counts how requests ended, and is itself none of them', () => {
    expect(page.figure('spillway_process_requests_total{result="answered"}')).toBe(2)
    expect(page.figure('spillway_process_requests_total{result="refused"}')).toBe(1)
    expect(page.figure('spillway_process_requests_total{result="failed"}')).toBe(0)
    expect(page.figure('spillway_process_requests_in_flight')).toBe(0)
    expect(page.figure('spillway_process_request_duration_seconds_count')).toBe(3)
    expect(page.figure('spillway_process_request_duration_seconds_bucket{le="+Inf"}')).toBe(3)
  })

  it('counts what is under way', async () => {
    cloud.enqueue('hang')
    const gone = new AbortController()
    const asked = cloud.request(3)
    const request = { model: 'auto', messages: [{ role: 'user' as const, content: 'd' }] }
    const answer = server.client.chat.completions.create(request, { signal: gone.signal }).catch(() => 0)
    await asked
    expect((await pageNow()).figure('spillway_process_requests_in_flight')).toBe(1)
    gone.abort()
    await answer
    await expect.poll(async () => (await pageNow()).figure('spillway_process_requests_in_flight')).toBe(0)
    await expect.poll(async () => (await pageNow()).figure('spillway_process_requests_total{result="gone"}')).toBe(1)
  })

  it('says how the servers beside it are, and stays ready without them', () => {
    expect(page.figure('spillway_dependency_up{dependency="postgres"}')).toBe(0)
    expect(page.figure('spillway_dependency_up{dependency="shared_limits"}')).toBe(0)
    expect(page.figure('spillway_postgres_lag_records')).toBeGreaterThan(0)
    expect(page.figure('spillway_ready')).toBe(1)
    expect(page.figure('spillway_policy_current')).toBe(1)
  })

  it('declares each metric once', () => {
    const declared = [...page.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(declared).size).toBe(declared.length)
  })
})
