/** Decisions of other processes over the same state directory, as they settle. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { machineFeed } from '../../src/cli/console/live-feed.ts'
import { auditPaths, openAuditLog } from '../../src/stores/audit-log.ts'
import { followJournals } from '../../src/stores/followed-journals.ts'
import { encodeEntry } from '../../src/stores/journal-format.ts'
import { auditRecord } from '../support/audit-record.ts'

let stateDir: string
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'spillway-live-'))
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const settled = (requestId: string) =>
  ({ type: 'settle', requestId, whole: true, record: auditRecord(requestId) }) as const
/** To this process its own journals are those of somebody else. */
const other = { pid: 0, start: '0' }
const openLog = () => openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })

describe('the live feed', () => {
  it('tells what another process decides from now on, and each once', async () => {
    const log = openLog()
    await log.journal.write([settled('before')])
    const feed = machineFeed({ stateDir, own: other })
    const seen: string[] = []
    const stop = feed.listen(({ requestId }) => seen.push(requestId))
    await log.journal.write([settled('first')])
    await expect.poll(() => seen).toEqual(['first'])
    // What this process decides itself is told at once, and not a second time out of a journal.
    feed.publish(auditRecord('own'))
    expect(seen).toEqual(['first', 'own'])
    const late = openLog()
    await late.journal.write([settled('second')])
    await expect.poll(() => seen).toEqual(['first', 'own', 'second'])
    stop()
    await log.journal.write([settled('unheard')])
    await log.close()
    await late.close()
    expect(seen).toEqual(['first', 'own', 'second'])
  })

  it('leaves out the journals of this process, whose decisions are published', async () => {
    const log = openLog()
    const [mine, all]: [string[], string[]] = [[], []]
    const stops = [
      machineFeed({ stateDir }).listen(({ requestId }) => mine.push(requestId)),
      machineFeed({ stateDir, own: other }).listen(({ requestId }) => all.push(requestId)),
    ]
    await log.journal.write([settled('one')])
    await expect.poll(() => all).toEqual(['one'])
    expect(mine).toEqual([])
    for (const stop of stops) stop()
    await log.close()
  })

  it('listens to nobody before there is an audit, and to everybody from then on', async () => {
    const seen: string[] = []
    const stop = machineFeed({ stateDir, own: other }).listen(({ requestId }) => seen.push(requestId))
    const log = openLog()
    await log.journal.write([settled('first')])
    await expect.poll(() => seen).toEqual(['first'])
    stop()
    stop()
    await log.close()
  })
})

describe('journals that are followed', () => {
  it('are read to their end when they were deleted meanwhile, and a line that is not whole is read later', () => {
    const { directory } = auditPaths(stateDir)
    mkdirSync(directory, { recursive: true })
    const path = join(directory, '7-7-0123abcd-000001.journal')
    const descriptor = openSync(path, 'a')
    const followed = followJournals(directory, () => true)
    const ids = () => followed.read().map(({ requestId }) => requestId)
    try {
      const whole = encodeEntry(settled('first'))
      writeSync(descriptor, whole.subarray(0, 100))
      expect(ids()).toEqual([])
      writeSync(descriptor, whole.subarray(100))
      expect(ids()).toEqual(['first'])
      writeSync(descriptor, encodeEntry(settled('last')))
      rmSync(path)
      expect(ids()).toEqual(['last'])
      expect(ids()).toEqual([])
    } finally {
      followed.close()
      closeSync(descriptor)
    }
  })
})
