import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ChainHead, chainKey } from '../../src/stores/audit-chain.ts'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { intent, settle, shadow, stateDir } from './entries.ts'

let path = ''
let written = 0
beforeEach(() => {
  path = join(stateDir(), 'audit.db')
  written = 0
  write('one', ['a', 'b', 'c'])
  write('two', ['d'])
})

function write(writer: string, ids: readonly string[]): void {
  const database = openAuditDatabase(path)
  const entries = ids.flatMap((id) => [intent(id), settle(id)])
  database.apply({ file: `${writer}-${written}`, writer, entries, fromByte: 0, toByte: 1 })
  written += 1
  database.close()
}

function verified(anchors: readonly ChainHead[] = []) {
  const database = openAuditDatabase(path)
  const report = database.verify(anchors)
  database.close()
  return report
}

/** Somebody with the file and any program. */
function tamper(sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

const kinds = () => verified().problems.map(({ kind, subject }) => `${kind} ${subject}`)

describe('the chain of the audit', () => {
  it('holds over writers, restarts and later amendments', () => {
    write('one', ['e'])
    const database = openAuditDatabase(path)
    database.apply({ file: 'late', writer: 'one', entries: [shadow('a')], fromByte: 0, toByte: 1 })
    database.close()
    const { problems, links, records, heads } = verified()
    expect(problems).toEqual([])
    expect([links, records]).toEqual([6, 5])
    expect(heads.map(({ writer, n }) => [writer, n])).toEqual([
      ['one', 5],
      ['two', 1],
    ])
  })

  it('is made with a key that only its owner reads, and leaves open records alone', () => {
    expect(statSync(join(path, '../chain.key')).mode & 0o777).toBe(0o600)
    const database = openAuditDatabase(path)
    database.apply({ file: 'open', writer: 'one', entries: [intent('open')], fromByte: 0, toByte: 1 })
    database.close()
    expect(verified()).toMatchObject({ records: 4, problems: [] })
  })

  it.each([
    [
      'a record that was changed',
      `UPDATE audit SET record = replace(record, '"route":"local"', '"route":"solver"') WHERE request_id = 'b'`,
      ['changed b'],
    ],
    ['a record that is gone', `DELETE FROM audit WHERE request_id = 'b'`, ['missing b']],
    ['a link that is gone', `DELETE FROM chain WHERE request_id = 'b'`, ['link one 3', 'unlinked b']],
    [
      'a record with its links',
      `DELETE FROM audit WHERE request_id = 'b'; DELETE FROM chain WHERE request_id = 'b'`,
      ['link one 3'],
    ],
    ['a digest made to fit', `UPDATE chain SET digest = 'x' WHERE request_id = 'b'`, ['link one 2', 'changed b']],
    [
      'a record that nobody settled',
      `INSERT INTO audit SELECT 'z', received_ms, settled_ms, task, route, reason, outcome, tenant, writer, cost_usd, latency_ms, record FROM audit WHERE request_id = 'b'`,
      ['unlinked z'],
    ],
  ])('shows %s', (_, sql, problems) => {
    tamper(sql)
    expect(kinds()).toEqual(problems)
  })

  it('shows that its end was cut off only against an anchor kept elsewhere', () => {
    const { heads } = verified()
    tamper(`DELETE FROM audit WHERE request_id IN ('c', 'd'); DELETE FROM chain WHERE request_id IN ('c', 'd')`)
    expect(kinds()).toEqual([])
    expect(verified(heads).problems).toEqual([
      { kind: 'anchor', subject: 'one 3' },
      { kind: 'anchor', subject: 'two 1' },
    ])
  })

  it('is worth nothing with another key', () => {
    const file = join(path, '../chain.key')
    const key = readFileSync(file, 'utf8')
    writeFileSync(file, '00'.repeat(32))
    expect(verified().problems).toHaveLength(4)
    writeFileSync(file, key)
    expect(verified().problems).toEqual([])
    writeFileSync(file, 'short')
    expect(() => verified()).toThrow(/of the audit chain cannot be used/)
  })

  it('says of records before it that nothing is known', () => {
    tamper(`DELETE FROM chain; DELETE FROM sqlite_sequence WHERE name = 'chain'; UPDATE audit SET received_ms = 0`)
    write('one', ['new'])
    expect(verified()).toMatchObject({ older: 4, problems: [] })
  })
})

describe('an anchor', () => {
  it('holds against the chain that it was made of, and not against another', () => {
    const { heads } = verified()
    expect(verified(heads).problems).toEqual([])
    const forged = heads.map((head) => ({ ...head, mac: 'ff'.repeat(32) }))
    expect(verified(forged).problems.map(({ kind }) => kind)).toEqual(heads.map(() => 'anchor'))
    expect(verified([{ writer: 'nobody', n: 1, mac: '' }]).problems).toEqual([{ kind: 'anchor', subject: 'nobody 1' }])
  })
})

describe('the key of the chain', () => {
  it('that others made meanwhile is taken, and one that leads nowhere is an error', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-key-'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'chain.key'))
    expect(() => chainKey(join(folder, 'audit.db'))).toThrow(/ENOENT/)
    rmSync(join(folder, 'chain.key'))
    writeFileSync(join(folder, 'nowhere'), 'ab'.repeat(32))
    const real = chainKey(join(folder, 'audit.db'))
    expect(chainKey(join(folder, 'audit.db')).equals(real)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['chain.key', 'nowhere'])
    rmSync(folder, { recursive: true })
  })
})
