import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { auditPaths, openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let stateDir = ''
beforeAll(async () => {
  box = sandbox()
  stateDir = resolvePaths(box.env, process.platform).stateDir
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  for (const requestId of ['a', 'b']) {
    log.journal.append({ type: 'intent', requestId, record: auditRecord(requestId) })
    log.journal.append({ type: 'settle', requestId, record: auditRecord(requestId, { outcome: 'accepted' }) })
  }
  await log.close()
})
afterAll(() => box.close())

describe('spillway audit verify', () => {
  it('holds, and is broken by a change', async () => {
    const { exitCode, stdout } = await box.run(['audit', 'verify', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ holds: true, records: 2, problems: [], anchored: 0 })
    const heads = await box.run(['audit', 'anchor'])
    writeFileSync(join(box.folder, 'heads'), heads.stdout)
    const anchored = await box.run(['audit', 'verify', '--anchor', 'heads'])
    expect(anchored.stdout).toBe('holds: 2 records, 2 links, 1 anchors\n')
    const database = new DatabaseSync(auditPaths(stateDir).databasePath)
    database.exec(`UPDATE audit SET record = replace(record, 'accepted', 'escalated') WHERE request_id = 'b'`)
    database.close()
    const broken = await box.run(['audit', 'verify'])
    expect(broken.exitCode).toBe(1)
    expect(broken.stdout).toBe('changed b\nbroken: 1 problems in 2 records, 2 links, 0 anchors\n')
  })

  it.each([
    [['audit', 'verify', '--anchor', 'absent'], '--anchor absent cannot be read'],
    [['audit', 'verify', '--anchor', 'wrong'], '--anchor wrong holds no heads of a chain'],
  ])('says what is wrong with %j', async (args, message) => {
    writeFileSync(join(box.folder, 'wrong'), '{"n":1}')
    const { exitCode, stderr } = await box.run(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
