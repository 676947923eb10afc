import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { auditPaths, openAuditLog } from '../../src/stores/audit-log.ts'
import { journalFileName, processStart } from '../../src/stores/journal-files.ts'
import { contentSealer } from '../../src/stores/sealed-content.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
tasks: { chat: { local: false } }
audit: { retention: { records: 90d } }
`
const KEY = randomBytes(32).toString('base64')

let box: Sandbox
let stateDir = ''
beforeAll(async () => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  stateDir = resolvePaths(box.env, process.platform).stateDir
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  const sealer = contentSealer({ SPILLWAY_CONTENT_KEY: KEY })
  const at = new Date().toISOString()
  for (const requestId of ['a', 'b', 'c']) {
    const own = { tenant: requestId === 'a' ? 'acme' : 'other', user: requestId, receivedAt: at }
    const record = auditRecord(requestId, { outcome: 'accepted', ...own })
    log.journal.append({ type: 'settle', requestId, record })
    const request = { messages: [{ role: 'user' as const, content: `question of ${requestId}` }] }
    const answer = { text: `answer to ${requestId}`, toolCalls: [], finishReason: 'stop' as const }
    const sealed = sealer.seal({ requestId, tenant: own.tenant }, { request, answer, draft: null })
    log.journal.append({ type: 'content', requestId, tenant: own.tenant, at, sealed: sealed.toString('base64') })
  }
  await log.close()
})
afterAll(() => box.close())

describe('spillway store', () => {
  it('tells what there is and how long it is kept', async () => {
    const { exitCode, stdout } = await box.run(['store', 'status', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      database: { rows: { records: 3, contents: 3 } },
      retention: { recordsMs: 90 * 86_400_000, contentMs: 7 * 86_400_000, content: 'none' },
    })
    expect((await box.run(['store', 'status'])).stdout).toContain('kept: records 90 days, texts 7 days')
  })

  it('backs up, purges and restores', async () => {
    expect((await box.run(['store', 'backup', 'copy.db'])).stdout).toMatch(/^3 records are in .*copy\.db/)
    const again = await box.run(['store', 'backup', 'copy.db', '--json'])
    expect([again.exitCode, JSON.parse(again.stderr).error.code]).toEqual([1, 'in_use'])
    const dry = await box.run(['store', 'purge', '--tenant', 'acme', '--dry-run', '--json'])
    expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, records: 1, contents: 1 })
    const purged = await box.run(['store', 'purge', '--tenant', 'acme', '--subject', 'a', '--json'])
    expect(JSON.parse(purged.stdout)).toMatchObject({ dryRun: false, records: 1, contents: 1 })
    expect((await box.run(['audit', 'verify'])).stdout).toMatch(/^holds: 2 records, .*1 deleted on purpose\n$/)
    const none = await box.run(['store', 'purge', '--older-than', '1d'])
    expect(none.stdout).toMatch(/^deleted: 0 records/)
    const restored = await box.run(['store', 'restore', 'copy.db'])
    expect(restored.stdout).toMatch(/^3 records of .* are in place\. The chain holds\.\nWhat was there is /)
    expect((await box.run(['audit', 'show', '--json'])).stdout).toContain('"total":3')
  })

  it('reads kept texts with the key only, and logs it', async () => {
    const env = { SPILLWAY_CONTENT_KEY: KEY }
    const read = await box.run(['audit', 'content', 'b'], { env })
    expect(read.stdout).toBe('user: question of b\nanswer: answer to b\n')
    const without = await box.run(['audit', 'content', 'b', '--json'])
    expect([without.exitCode, JSON.parse(without.stderr).error.code]).toEqual([2, 'content_key_unusable'])
    const absent = await box.run(['audit', 'content', 'zz'], { env })
    expect(absent.stderr).toContain('There is no kept text of request zz.')
    const events = JSON.parse((await box.run(['audit', 'events', '--json'])).stdout)
    expect(events).toMatchObject([{ kind: 'content_read', what: { requestId: 'b', outcome: 'read' } }])
    expect((await box.run(['audit', 'events'])).stdout).toMatch(/content_read requestId b, outcome read\n$/)
  })

  it('exports what it has to stdout and to a file, the same lines', async () => {
    const { stdout } = await box.run(['audit', 'export'])
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).requestId),
    ).toEqual(['a', 'b', 'c'])
    expect((await box.run(['audit', 'export', '--out', 'all.jsonl'])).stderr).toBe('wrote 3 records to all.jsonl\n')
    expect(readFileSync(join(box.folder, 'all.jsonl'), 'utf8')).toBe(stdout)
  })

  it.each([
    [['store', 'purge'], 2, 'purge needs to know what'],
    [['store', 'purge', '--older-than', 'soon'], 2, '--older-than soon is neither a span nor a date'],
    [['store', 'purge', '--tenant', ''], 2, '--tenant is empty'],
    [['store', 'restore', 'absent.db'], 1, 'there is no such file'],
    [['store', 'restore', 'spillway.yaml'], 1, 'file is not a database'],
    [['store', 'backup', 'no/such/folder/x'], 1, 'cannot be written: ENOENT'],
  ])('says what is wrong with %j', async (args, code, message) => {
    const { exitCode, stderr, stdout } = await box.run(args)
    expect(stderr).toContain(message)
    expect([exitCode, stdout]).toEqual([code, ''])
  })

  it('restores nothing while a process writes', async () => {
    const { directory } = auditPaths(stateDir)
    const file = journalFileName(`${process.pid}-${processStart(process.pid)}-0123abcd`, 0)
    writeFileSync(join(directory, file), '')
    const { exitCode, stderr } = await box.run(['store', 'restore', 'copy.db'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`process ${process.pid} writes to it`)])
    expect(readdirSync(directory)).toContain(file)
  })
})
