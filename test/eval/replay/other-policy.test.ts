import { expect, it } from 'vitest'
import { recordedFate } from '../../../src/eval/replay/replay-record.ts'
import { contextFor, drawnTraffic, replayRecord } from './traffic.ts'

const PAIRS = 60
const REQUESTS = 20

it('comes to what the router itself does when the same requests are made under the other policy', async () => {
  const wrong: string[] = []
  const counts = { decided: 0, unchanged: 0, unknown: 0, assumed: 0, changed: 0 }
  for (let seed = 1; seed <= PAIRS; seed++) {
    const shared = { requests: seed, hasBudget: seed % 3 === 0 }
    const was = await drawnTraffic(seed, REQUESTS, shared)
    const is = await drawnTraffic(1000 + seed, REQUESTS, shared)
    const truly = new Map(is.records.map((record) => [record.requestId, recordedFate(record)]))
    for (const record of was.records) {
      const replayed = await replayRecord(record, contextFor(was.loaded, is.loaded))
      if (replayed.fate === null) counts.unknown += 1
      // Whether a frontier would have answered that nobody asked is an assumption, and here it may be false.
      else if (replayed.calls.some(({ isAssumed }) => isAssumed)) counts.assumed += 1
      else {
        if (replayed.how !== 'regenerated') counts[replayed.how] += 1
        const real = truly.get(record.requestId)
        // Refused for the name of its task before it was recorded.
        if (real === undefined && replayed.fate.error === 'unknown_task') continue
        if (JSON.stringify(recordedFate(record)) !== JSON.stringify(real)) counts.changed += 1
        if (JSON.stringify(real) !== JSON.stringify(replayed.fate))
          wrong.push(
            `${record.requestId} ${record.task} (${replayed.how})\n  old ${JSON.stringify(recordedFate(record))}\n  new ${JSON.stringify(real)}\n  replayed ${JSON.stringify(replayed.fate)}`,
          )
      }
    }
  }
  expect(wrong).toEqual([])
  expect(counts.decided).toBeGreaterThan(400)
  expect(counts.changed).toBeGreaterThan(150)
})
