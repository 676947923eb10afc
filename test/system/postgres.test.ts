/** The audit of several stores in one real Postgres: what comes when, and what happens while it is away. */
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { CopyHealth } from '../../src/spec/router.ts'
import { applyRetention, isRetentionDue } from '../../src/stores/apply-retention.ts'
import { auditPaths, openAuditLog } from '../../src/stores/audit-log.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { noPostgres, type RealServer, startPostgres, unless } from '../support/servers.ts'
import { type SlowProxy, startSlowProxy } from '../support/slow-proxy.ts'

let server: RealServer
let proxy: SlowProxy
beforeAll(async () => {
  if (noPostgres) return
  server = await startPostgres()
  proxy = await startSlowProxy(server.port)
})
afterEach(async () => {
  if (noPostgres) return
  proxy.delayMs = 0
  await closeAll()
})
afterAll(async () => {
  await proxy?.close()
  await server?.remove()
})

interface Wanted {
  readonly url?: string
  readonly machine?: string
  readonly postgres?: Partial<NonNullable<NonNullable<PolicyInput['audit']>['postgres']>>
}

type Opened = GatewayOnCloud & { readonly machine: string }

let machines = 0

async function open({ url = server.url, machine = `box-${++machines}`, postgres }: Wanted = {}): Promise<Opened> {
  const policy = { audit: { postgres: { url: '${env:DATABASE_URL}', machine, ...postgres } } }
  const opened = await gatewayOnCloud({ policy, router: { env: { KEY: 'provider-key', DATABASE_URL: url } } })
  opened.cloud.otherwise(openAiText('simulated answer'))
  return { ...opened, machine }
}

async function ask({ gateway }: GatewayOnCloud, times = 1): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'hi' }]
  for (let turn = 0; turn < times; turn++) await gateway.client.chat.completions.create({ model: 'auto', messages })
}

function copyOf({ router }: GatewayOnCloud): CopyHealth {
  const { copy } = router.status().audit
  if (!copy) throw new Error('nothing is copied')
  return copy
}

async function page({ gateway }: GatewayOnCloud, path: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(gateway.url + path)
  return { httpStatus: response.status, ...((await response.json()) as object) }
}

async function query<Row>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    return (await client.query(sql, [...values])).rows as readonly Row[]
  } finally {
    await client.end()
  }
}

const COLUMNS =
  'request_id, received_ms, settled_ms, task, route, reason, outcome, tenant, writer, cost_usd, latency_ms'
const LINKS = 'SELECT id, writer, n, request_id, digest, mac, received_ms FROM'

/** All settled rows as text, byte by byte. */
async function rowsThere({ machine }: Opened): Promise<readonly string[]> {
  const sql = `SELECT ${COLUMNS}, record::text AS record FROM spillway.audit WHERE machine = $1 ORDER BY request_id`
  return (await query<Record<string, unknown>>(sql, [machine])).map(rowText)
}

async function linksThere({ machine }: Opened): Promise<readonly string[]> {
  const sql = `${LINKS} spillway.chain WHERE machine = $1 ORDER BY id`
  return (await query<Record<string, unknown>>(sql, [machine])).map(rowText)
}

function rowsHere(opened: Opened): readonly string[] {
  return here(opened, `SELECT ${COLUMNS}, record FROM audit WHERE outcome <> 'open' ORDER BY request_id`)
}

function linksHere(opened: Opened): readonly string[] {
  return here(opened, `${LINKS} chain ORDER BY id`)
}

function here({ folder }: Opened, sql: string): readonly string[] {
  const database = new DatabaseSync(auditPaths(folder).databasePath, { readOnly: true })
  try {
    return database.prepare(sql).all().map(rowText)
  } finally {
    database.close()
  }
}

/** The driver gives 64-bit numbers as text. */
function rowText(row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.values(row).map((value) => (value === null ? null : String(value))))
}

/** Waits until `records` are there, and compares all that is there with all that is here. */
async function expectSame(opened: Opened, records: number): Promise<void> {
  await expect.poll(() => rowsHere(opened)).toHaveLength(records)
  await expect.poll(() => linksThere(opened)).toEqual(linksHere(opened))
  expect(await rowsThere(opened)).toEqual(rowsHere(opened))
  expect(await rowsThere(opened)).toHaveLength(records)
  await expect.poll(() => copyOf(opened)).toMatchObject({ state: 'copying', problem: null, lagRows: 0, alarm: null })
}

describe.skipIf(noPostgres)(`records in Postgres${unless(noPostgres)}`, () => {
  it('are those of the stores here, row by row and byte by byte, each machine under its name', async () => {
    const [one, two] = [await open(), await open()]
    await Promise.all([ask(one, 5), ask(two, 3)])
    await expectSame(one, 5)
    await expectSame(two, 3)
  })

  it('follow what becomes known later', async () => {
    const opened = await open()
    const { requestId } = await opened.router.complete({ messages: [{ role: 'user', content: 'hi' }] })
    await expectSame(opened, 1)
    // By another process of this machine, which copies nothing itself.
    const other = openAuditLog({ stateDir: opened.folder, durability: 'process', onFailure: 'refuse' })
    const label = { at: '2026-01-01T00:00:00.000Z', source: 'human', isCorrect: true } as const
    other.journal.append({ type: 'label', requestId, label })
    await other.close()
    await expect.poll(() => linksHere(opened)).toHaveLength(2)
    await expectSame(opened, 1)
    expect((await rowsThere(opened))[0]).toContain('human')
  })

  it('are taken over from a store that was there before, and by whichever process of the machine is there', async () => {
    const opened = await open()
    await ask(opened, 4)
    await expectSame(opened, 4)
    await opened.closeRouter()
    await query('DELETE FROM spillway.audit WHERE machine = $1', [opened.machine])
    await query(`UPDATE spillway.copy_cursor SET chain_id = 0, mac = '' WHERE machine = $1`, [opened.machine])
    const policy = { audit: { postgres: { url: '${env:DATABASE_URL}', machine: opened.machine } } }
    const paths = { configDir: opened.folder, dataDir: opened.folder, cacheDir: opened.folder, stateDir: opened.folder }
    const router = { env: { KEY: 'k', DATABASE_URL: server.url }, paths }
    const again = [await gatewayOnCloud({ policy, router }), await gatewayOnCloud({ policy, router })]
    for (const { cloud } of again) cloud.otherwise(openAiText('simulated answer'))
    await Promise.all(again.map((one) => ask(one, 5)))
    const both = { ...(again[0] as GatewayOnCloud), folder: opened.folder, machine: opened.machine }
    await expectSame(both, 14)
    for (const { closeRouter } of again) await closeRouter()
  })

  it('keep no preview of what may not leave the machine', async () => {
    const postgres = { url: '${env:DATABASE_URL}', machine: 'box-preview' }
    const policy = {
      audit: { content: 'preview' as const, postgres },
      privacy: { tenants: { clinic: 'local_only' as const } },
    }
    const opened = await gatewayOnCloud({ policy, router: { env: { KEY: 'k', DATABASE_URL: server.url } } })
    opened.cloud.otherwise(openAiText('simulated answer'))
    await opened.router.complete({ messages: [{ role: 'user', content: 'plain words' }] })
    const secret = { messages: [{ role: 'user' as const, content: 'private words' }], metadata: { tenant: 'clinic' } }
    await opened.router.complete(secret).catch(() => undefined)
    const there = () => rowsThere({ ...opened, machine: 'box-preview' })
    await expect.poll(there).toHaveLength(2)
    expect(JSON.stringify(rowsHere({ ...opened, machine: '' }))).toContain('private words')
    expect(JSON.stringify(await there())).toContain('plain words')
    expect(JSON.stringify(await there())).not.toContain('private words')
  })

  it('are not mixed with those of another store that took the same name', async () => {
    const first = await open({ machine: 'twin' })
    await ask(first, 2)
    await expectSame(first, 2)
    const second = await open({ machine: 'twin' })
    await ask(second, 1)
    await expect.poll(() => copyOf(second).problem).toContain('another store writes there under this name')
    expect(copyOf(second).problem).toContain('audit.postgres.machine')
    await expectSame(first, 2)
  })

  it('go on around one that Postgres does not take, and it is counted', async () => {
    const opened = await open()
    await ask(opened, 2)
    // Too long for an index of Postgres, and it cannot be compressed.
    const id = Array.from({ length: 2000 }, () => Math.random().toString(36).slice(2)).join('')
    await opened.router.complete({ id, messages: [{ role: 'user', content: 'hi' }] })
    await ask(opened, 2)
    await expect.poll(() => rowsThere(opened)).toHaveLength(4)
    await expect.poll(() => copyOf(opened)).toMatchObject({ lagRows: 0, refusedRows: 1 })
    expect(copyOf(opened).alarm).toBe('1 records were not taken')
  })

  it('need an address that is set; without it nothing fails, and it is said', async () => {
    const policy = { audit: { postgres: { url: '${env:DATABASE_URL}' } } }
    const opened = await gatewayOnCloud({ policy })
    opened.cloud.otherwise(openAiText('simulated answer'))
    await ask(opened)
    await expect.poll(() => copyOf(opened)).toMatchObject({ state: 'down', place: null, lagRows: 1 })
    expect(copyOf(opened).problem).toContain('DATABASE_URL')
  })
})

describe.skipIf(noPostgres)(`F32: Postgres is down${unless(noPostgres)}`, () => {
  it('at the start: the gateway is there, says so, and copies in order what came meanwhile', async () => {
    await server.stop()
    const opened = await open({ url: server.url.replace('postgres@', 'postgres:hunter2@') })
    await ask(opened, 10)
    await expect.poll(() => copyOf(opened)).toMatchObject({ state: 'down', lagRows: 10 })
    expect(await page(opened, '/readyz')).toMatchObject({
      httpStatus: 200,
      status: 'ready',
      postgres: { state: 'down', problem: expect.stringContaining('ECONNREFUSED'), machine: opened.machine },
    })
    expect(await page(opened, '/healthz')).toMatchObject({ httpStatus: 200, status: 'degraded' })
    await expect.poll(() => logged(opened)).toMatchObject([{ copying: false, problem: expect.any(String) }])
    await server.start()
    await expectSame(opened, 10)
    expect(await page(opened, '/healthz')).toMatchObject({ status: 'ok' })
    await expect.poll(() => logged(opened)).toMatchObject([{ copying: false }, { copying: true, problem: null }])
    const told = JSON.stringify([
      await page(opened, '/readyz'),
      await page(opened, '/healthz'),
      opened.gateway.logLines,
    ])
    expect(told).not.toContain('hunter2')
  })

  it('for a while, by kill -9 in the middle of copying: every row is there once', async () => {
    const opened = await open()
    const asking = ask(opened, 60)
    await expect.poll(() => rowsThere(opened)).not.toHaveLength(0)
    await server.stop('kill')
    await expect.poll(() => copyOf(opened).state).toBe('down')
    await asking
    await ask(opened, 10)
    await server.start()
    await expectSame(opened, 70)
  })

  it('for ever: retention waits for as long as the policy says, then deletes, and says how much was lost', async () => {
    const opened = await open({ postgres: { alarmAfter: '1s', holdFor: '1h' } })
    await ask(opened, 3)
    await expectSame(opened, 3)
    await server.stop()
    await ask(opened, 4)
    await expect.poll(() => copyOf(opened).alarm).toMatch(/^4 rows wait for \d+ s$/)
    expect(await page(opened, '/readyz')).toMatchObject({ status: 'ready', postgres: { alarm: expect.any(String) } })
    const database = openAuditDatabase(auditPaths(opened.folder).databasePath)
    const spans = { recordsMs: 1000, contentMs: null, uncopied: { afterLink: 3, holdForMs: 3_600_000 } }
    const later = Date.now() + 60_000
    for (const _ of applyRetention(database, spans, later));
    // What was copied has gone, the rest is held.
    expect(rowsHere(opened)).toHaveLength(4)
    expect(isRetentionDue(database, spans, later)).toBe(false)
    for (const _ of applyRetention(database, spans, later + 3_600_000));
    database.close()
    expect(rowsHere(opened)).toHaveLength(0)
    await expect
      .poll(() => copyOf(opened))
      .toMatchObject({
        lostRows: 4,
        alarm: expect.stringContaining('4 records were deleted by retention before they were copied'),
      })
    await server.start()
    // The deletion is drained, too; what was lost is not there, and its links say so.
    await expect.poll(() => linksThere(opened)).toEqual(linksHere(opened))
    expect(await rowsThere(opened)).toEqual([])
  })

  it('while somebody orders a deletion: it is kept, and reaches Postgres later', async () => {
    const opened = await open()
    for (const user of ['anna', 'bert', 'anna'])
      await opened.router.complete({ messages: [{ role: 'user', content: 'hi' }], metadata: { user } })
    await expectSame(opened, 3)
    await server.stop()
    const order = { stateDir: opened.folder, filter: { subject: 'anna' }, dryRun: false }
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
    expect(await purgeStore({ ...order, monotonicMs: () => performance.now(), sleep })).toMatchObject({ records: 2 })
    await server.start()
    await expectSame(opened, 1)
    expect(JSON.stringify(await rowsThere(opened))).not.toContain('anna')
  })
})

describe.skipIf(noPostgres)(`F33: Postgres is slow${unless(noPostgres)}`, () => {
  it('requests end while not one row is through, little waits in memory, and nothing is dropped', async () => {
    const opened = await open({ url: server.url.replace(String(server.port), String(proxy.port)) })
    await ask(opened)
    await expectSame(opened, 1)
    proxy.delayMs = Number.POSITIVE_INFINITY
    await ask(opened)
    await expect.poll(() => proxy.waiting).toBeGreaterThan(0)
    const passedBefore = proxy.passed
    await ask(opened, 100)
    // All of them were answered and recorded behind a write that has not ended.
    expect(proxy.passed).toBe(passedBefore)
    await expect.poll(() => rowsHere(opened)).toHaveLength(102)
    expect(await rowsThere(opened)).toHaveLength(1)
    // One statement at a time: what comes later waits in the store.
    expect(proxy.waiting).toBeLessThan(10_000)
    proxy.delayMs = 50
    await expectSame(opened, 102)
  })
})

function logged({ gateway }: GatewayOnCloud): readonly unknown[] {
  return gateway.logLines
    .map((line) => JSON.parse(line) as { readonly dependency?: string })
    .filter(({ dependency }) => dependency === 'postgres')
}
