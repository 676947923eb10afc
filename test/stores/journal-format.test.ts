import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../src/spec/audit.ts'
import { decodeEntries, encodeEntries, encodeEntry } from '../../src/stores/journal-format.ts'
import { auditRecord } from '../support/audit-record.ts'
import { call, intent, settle } from './entries.ts'

describe('the journal format', () => {
  const entries = ['a', 'b', 'c'].flatMap((id) => [intent(id), call(id), settle(id)])
  const bytes = Buffer.concat(entries.map(encodeEntry))

  it('gives back what was written', () => {
    const none = { skipped: 0, texts: new Map(), corruptAt: [] }
    expect(decodeEntries(bytes)).toEqual({ entries, ...none, bytesRead: bytes.length })
  })

  it('leaves out intents of requests that were settled in the same piece, when only what is needed is asked for', () => {
    const { entries: needed, skipped } = decodeEntries(bytes, 'needed')
    expect(needed).toEqual(['a', 'b', 'c'].flatMap((id) => [call(id), settle(id)]))
    expect(skipped).toBe(3)
    const open = Buffer.concat([intent('a'), call('a'), settle('b')].map(encodeEntry))
    expect(decodeEntries(open, 'needed')).toMatchObject({ entries: [intent('a'), call('a'), settle('b')], skipped: 0 })
  })

  it('leaves out calls that a settlement holds itself, and none that came after it', () => {
    const record = auditRecord('a', { outcome: 'accepted', preview: 'a "record":{} in it', egress: [] })
    const whole: JournalEntry = { type: 'settle', requestId: 'a', whole: true, record }
    const [late, other] = [call('a'), call('b')]
    const piece = Buffer.concat([intent('a'), call('a'), other, whole, late].map(encodeEntry))
    const { entries: needed, skipped, texts } = decodeEntries(piece, 'needed')
    expect(needed).toEqual([other, whole, late])
    expect(skipped).toBe(2)
    expect([...texts.values()]).toEqual([JSON.stringify(record)])
    expect([...texts.keys()]).toEqual([record])
  })

  it('encodes many entries as it does each, however long they are', () => {
    const long = ['x', 'é', '漢', '😀'].map(
      (char, at) =>
        ({
          type: 'intent',
          requestId: `r${at}`,
          record: auditRecord(`r${at}`, { preview: char.repeat(40_000) }),
        }) as const,
    )
    expect(Buffer.from(encodeEntries([...entries, ...long]))).toEqual(
      Buffer.concat([...entries, ...long].map((entry) => encodeEntry(entry))),
    )
    expect(decodeEntries(encodeEntries(long)).entries).toEqual(long)
  })

  it('keeps an intent whose settlement is damaged', () => {
    const damaged = Buffer.concat([intent('a'), settle('a')].map(encodeEntry))
    damaged[damaged.length - 3] = 0x58
    expect(decodeEntries(damaged, 'needed')).toMatchObject({ entries: [intent('a')], skipped: 0 })
  })

  it('gives back any text, line breaks and half characters included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (preview) => {
        const entry: JournalEntry = { type: 'intent', requestId: 'a', record: auditRecord('a', { preview }) }
        const line = encodeEntry(entry)
        expect(line.indexOf(10)).toBe(line.length - 1)
        expect(decodeEntries(line).entries).toEqual([JSON.parse(JSON.stringify(entry))])
      }),
    )
    const half = encodeEntry({ type: 'intent', requestId: 'a', record: auditRecord('a', { preview: 'a\n\ud800b' }) })
    expect(decodeEntries(half).entries[0]).toMatchObject({ record: { preview: 'a\n\ud800b' } })
  })

  it('keeps every whole entry when the file is torn at any byte, and never reads a wrong one', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { entries: read, corruptAt } = decodeEntries(bytes.subarray(0, cut))
      expect(read).toEqual(entries.slice(0, read.length))
      expect(corruptAt).toEqual([])
    }
  })

  it('reports a damaged entry by its offset and reads on after it', () => {
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 2 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ flip
        const { entries: read, corruptAt } = decodeEntries(damaged)
        // A flipped newline, or a newline that was made, damages two lines at most.
        expect(read.length).toBeGreaterThanOrEqual(entries.length - 2)
        expect(corruptAt.length).toBeGreaterThanOrEqual(1)
        for (const entry of read) expect(entries).toContainEqual(entry)
      }),
      { numRuns: 300 },
    )
  })
})
