import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
tasks: { chat: { local: false } }
audit: { postgres: { url: "\${env:DATABASE_URL}", machine: box-7 } }
gateway: { limits: { shared: { url: "\${env:VALKEY_URL}" } } }
`
/** Nobody listens on the discard port of this machine. */
const NOBODY = {
  DATABASE_URL: 'postgres://spillway:hunter2@127.0.0.1:9/records',
  VALKEY_URL: 'redis://:hunter2@127.0.0.1:9',
}

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  const { stateDir } = resolvePaths(box.env, process.platform)
  const copy = {
    variable: 'DATABASE_URL',
    url: NOBODY.DATABASE_URL,
    place: '127.0.0.1:9/records',
    machine: 'box-7',
    holdForMs: 1000,
    alarmAfterMs: 3_600_000,
  }
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse', copy })
  for (const requestId of ['a', 'b', 'c'])
    log.journal.append({ type: 'settle', requestId, record: auditRecord(requestId, { outcome: 'accepted' }) })
  await vi.waitFor(() => expect(log.health().copy).toMatchObject({ state: 'down', lagRows: 3 }), 15_000)
  await log.close()
})
afterAll(() => box.close())

async function checks(env: NodeJS.ProcessEnv): Promise<ReadonlyMap<string, unknown>> {
  const { stdout } = await box.run(['doctor', '--json'], { env })
  const report = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] }
  return new Map(report.checks.map((check) => [check.name, check]))
}

describe('doctor', () => {
  it('says what waits to be copied and where limits are counted, without passwords', async () => {
    const found = await checks(NOBODY)
    expect(found.get('postgres')).toMatchObject({
      state: 'warn',
      why: '127.0.0.1:9/records as box-7: 3 rows wait to be copied. The last try failed: connect ECONNREFUSED 127.0.0.1:9',
    })
    expect(found.get('shared limits')).toMatchObject({ state: 'ok', why: expect.stringContaining('127.0.0.1:9') })
    expect(JSON.stringify([...found])).not.toContain('hunter2')
  })

  it('says which variable is not set', async () => {
    const found = await checks({})
    expect(found.get('postgres')).toMatchObject({ state: 'warn', fix: 'Set DATABASE_URL.' })
    expect(found.get('shared limits')).toMatchObject({ state: 'warn', fix: 'Set VALKEY_URL.' })
  })

  it('says which package is missing, with the command that installs it', async () => {
    const hooks = pathToFileURL(resolve(import.meta.dirname, '../support/without-peers.mjs')).href
    const found = await checks({ ...NOBODY, NODE_OPTIONS: `--import=${hooks}` })
    expect(found.get('postgres')).toMatchObject({
      state: 'fail',
      why: 'audit.postgres of the policy needs the package pg, which is not installed.',
      fix: 'Run `npm install pg@8.23.1` where Spillway is installed.',
    })
    expect(found.get('shared limits')).toMatchObject({ state: 'fail', fix: expect.stringContaining('ioredis@6.0.0') })
  })
})

describe('store', () => {
  it('status tells how far copying is', async () => {
    const { stdout } = await box.run(['store', 'status', '--json'], { env: NOBODY })
    expect(JSON.parse(stdout).postgres).toMatchObject({ place: '127.0.0.1:9/records', machine: 'box-7', lagRows: 3 })
    const { stdout: lines } = await box.run(['store', 'status'], { env: NOBODY })
    expect(lines).toContain('postgres: 127.0.0.1:9/records as box-7, 3 rows wait')
  })

  it('copy fails clearly while nobody answers, and names no password', async () => {
    const { exitCode, stdout, stderr } = await box.run(['store', 'copy'], { env: NOBODY })
    expect(exitCode).toBe(1)
    expect(stderr).toContain(
      'The records of box-7 are not all in 127.0.0.1:9/records: connect ECONNREFUSED 127.0.0.1:9.',
    )
    expect(stdout + stderr).not.toContain('hunter2')
  })

  it('copy needs a place to copy to', async () => {
    const unset = await box.run(['store', 'copy'])
    expect(unset).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DATABASE_URL') })
    writeFileSync(join(box.folder, 'plain.yaml'), 'tasks: { chat: { local: false } }\n')
    const none = await box.run(['store', 'copy', '--policy', 'plain.yaml'])
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('The policy has no audit.postgres') })
  })

  it('purge says that its deletions still have to reach Postgres', async () => {
    const { stdout } = await box.run(['store', 'purge', '--older-than', '1s'], { env: NOBODY })
    // Three settlements, three deletions, and the event that ordered them.
    expect(stdout).toContain('deleted: 3 records')
    expect(stdout).toContain('7 rows, deletions among them, wait to reach Postgres')
  })
})
